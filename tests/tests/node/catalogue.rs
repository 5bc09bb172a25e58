//! The catalogue from the operator's side: every type through HTTP, two officers, versions that cities catch up with,
//! spreadsheets that are wrong, production.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::path::Path;

use licence_catalogue::samples::requests;
use licence_catalogue::{CatalogueData, embedded};
use licence_spec::time::CivilDate;
use rust_xlsxwriter::{Format, Formula, Workbook, Worksheet};
use serde_json::{Value, json};

use crate::harness::{Place, licence, refused, run, succeed, until};

fn today() -> CivilDate {
    // The demo's licences are issued today by the node's clock; a sample must not lie in its future.
    licence_node::node::clock::Clock::system().now().civil_date()
}

/// Issue 3: generated request → issued → verified → fields equal, for all types, through HTTP.
#[test]
fn every_type_that_is_issued_round_trips_through_http() {
    let place = Place::new();
    let province = place.province();
    let city = place.city(&province);
    let data = embedded().expect("the shipped data");
    let tokens = [&province, &city].map(|node| node.token("types", "*", "*", "*"));
    let mut issued = BTreeSet::new();
    for kind in data.types().iter().filter(|kind| !kind.is_reference_only()) {
        let Some(samples) = requests(&data, kind.code(), 7, today()) else { continue };
        let node_of = |issuer: &str| data.authority(issuer).map(|authority| authority.node.as_str());
        let found = samples.take(2_000).find_map(|sample| match node_of(&sample.issuer) {
            Some("440000") => Some((&province, &tokens[0], sample)),
            Some("440100") => Some((&city, &tokens[1], sample)),
            _ => None,
        });
        let Some((node, token, sample)) = found else { continue };
        let request = serde_json::to_value(&sample).expect("JSON");
        let answer = node.post(token, "/v1/licences", &request).with(201);
        // The status list of an authority of the province is known to the province.
        let asked = json!({"credential": answer["credential"], "receipt": false});
        let verdict = &node.post(token, "/v1/verifications", &asked).with(200)["verdict"];
        assert_eq!(verdict["outcome"], "ACCEPT", "{}: {}", kind.name, verdict["checks"]);
        fields_are_equal(&data, kind.code(), &request, &verdict["licence"]["fields"]);
        issued.insert(kind.code().to_owned());
    }
    let wanted: BTreeSet<String> = data
        .types()
        .iter()
        .filter(|kind| !kind.is_reference_only())
        .map(|kind| kind.code().to_owned())
        .collect();
    assert_eq!(issued, wanted, "a type that no authority of the two nodes issues");
}

fn fields_are_equal(data: &CatalogueData, code: &str, request: &Value, fields: &Value) {
    let kind = data.types().iter().find(|kind| kind.code() == code).expect("the type");
    let revision = kind.newest().expect("a revision");
    assert_eq!(fields["2"], request["number"]);
    assert_eq!(fields["7"], request["area_code"]);
    let holders = request["holders"].as_array().expect("holders");
    let names: Vec<&Value> = holders.iter().map(|holder| &holder["name"]).collect();
    assert_eq!(fields["3"], json!(names));
    for (name, value) in request["fields"].as_object().expect("fields") {
        let field = revision.field_named(name).expect("a field of the type");
        assert_eq!(&fields[field.key.to_string()], value, "{}: {name}", kind.name);
    }
    let face =
        fields.as_object().expect("fields").keys().filter(|key| key.parse::<u8>().is_ok_and(|key| key >= 24));
    assert_eq!(
        face.count(),
        request["fields"].as_object().expect("fields").len(),
        "nothing more than was asked for"
    );
}

#[test]
fn the_schema_of_a_request_is_served_for_every_type() {
    let place = Place::new();
    let province = place.province();
    province.until_ready();
    for kind in embedded().expect("the shipped data").types() {
        let path = format!("/v1/catalogue/licence-types/{}/schema", kind.code());
        let answer = province.call("GET", &path, &[], None);
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/schema+json"));
        assert_eq!(answer.json(), licence_catalogue::schema::issue_request(kind), "{}", kind.name);
    }
    assert_eq!(province.get("/v1/catalogue/licence-types/NONE/schema").0, 404);
}

/// A folder of the data in which one purpose text differs, configured at the province.
fn changed_data(place: &Place, words: &str) {
    let (sheets, folder) = (place.path(&format!("{words}.xlsx")), place.path("province/catalogue"));
    if !Path::new(&folder).exists() {
        succeed(&["catalogue", "export", "--out", &sheets]);
        succeed(&["catalogue", "import", &sheets, "--out", &folder]);
        let config = place.path("province/config.toml");
        let text = std::fs::read_to_string(&config).expect("the configuration");
        std::fs::write(
            &config,
            text.replace("[catalogue.officers]", "[catalogue]\nfolder = \"catalogue\"\n[catalogue.officers]"),
        )
        .expect("written");
    }
    let path = format!("{folder}/service-items/gz-th-0101.toml");
    let text = std::fs::read_to_string(&path).expect("the item");
    let purpose = text.lines().find(|line| line.starts_with("purpose")).expect("a purpose").to_owned();
    std::fs::write(&path, text.replace(&purpose, &format!("purpose = \"{words}\""))).expect("written");
}

#[test]
fn a_version_needs_two_officers_and_a_city_that_missed_one_catches_up() {
    let place = Place::new();
    let province = place.province();
    let city = place.city(&province);
    assert!(city.get("/v1/catalogue/service-items").1.contains("\"version\":1"));
    city.stop();
    changed_data(&place, "用途二");
    let (data, officers, secret) = (place.path("province"), place.path("officers"), place.path("secret"));
    let proposal = place.path("proposal");
    let proposed = succeed(&["catalogue", "propose", "--data", &data, "--out", &proposal]);
    assert!(proposed.contains("GZ-TH-0101") && proposed.contains("version 2"), "{proposed}");
    let approve = |officer: &str| {
        let out = place.path(&format!("approval-{officer}"));
        let words = ["catalogue", "approve", &proposal, "--officer", officer, "--out", &out];
        succeed(&[words.as_slice(), &["--officers", &officers, "--passphrase-file", &secret]].concat());
        out
    };
    let (one, two) = (approve("officer-1"), approve("officer-3"));
    let published = |approvals: &[&str]| {
        let words = ["catalogue", "publish", "--data", &data, "--proposal", &proposal];
        let approvals = approvals.iter().flat_map(|path| ["--approval", *path]);
        run(words.into_iter().chain(approvals))
    };
    for too_few in [vec![one.as_str()], vec![&one, &one], vec![&one, &secret]] {
        let output = published(&too_few);
        assert_eq!(output.status.code(), Some(74), "{output:?}");
        assert!(
            province.get("/v1/catalogue/service-items").1.contains("\"version\":1"),
            "nothing was published"
        );
    }
    assert!(published(&[&one, &two]).status.success());
    assert!(province.get("/v1/catalogue/service-items/GZ-TH-0101").1.contains("用途二"));
    let again = published(&[&one, &two]);
    let text = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(
        again.status.code() == Some(74) && text.contains("not the next one"),
        "the same version twice: {text}"
    );
    // A third version while the city is away: it takes both, in order.
    changed_data(&place, "用途三");
    let diff = succeed(&[
        "catalogue",
        "diff",
        "published",
        &place.path("province/catalogue"),
        "--data",
        &data,
        "--json",
    ]);
    let diff: Value = serde_json::from_str(&diff).expect("JSON");
    assert_eq!(diff["touched_service_items"], json!(["GZ-TH-0101"]), "{diff}");
    succeed(&[
        "catalogue",
        "publish",
        "--data",
        &data,
        "--officers",
        &officers,
        "--passphrase-file",
        &secret,
    ]);
    let city = place.city(&province);
    until("version 3", || city.get("/v1/catalogue/service-items").1.contains("\"version\":3"));
    assert!(city.get("/v1/catalogue/service-items/GZ-TH-0101").1.contains("用途三"));
    let token = city.token("desk", "*", "*", "*");
    city.post(&token, "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    assert!(
        province.get("/v1/catalogue?version=2").0 == 200 && province.get("/v1/catalogue?version=9").0 == 404
    );
}

#[test]
fn a_node_in_production_issues_nothing_that_is_provisional_or_synthetic() {
    let place = Place::new();
    let province = place.province();
    let config = place.path("city/config.toml");
    let text = std::fs::read_to_string(&config).expect("the configuration");
    assert!(text.contains("production = false"));
    std::fs::write(&config, text.replace("production = false", "production = true")).expect("written");
    let city = place.city(&province);
    let token = city.token("desk", "*", "*", "*");
    let answer = city.post(&token, "/v1/licences", &licence("示例〔2026〕1号"));
    assert!(answer.with(403)["detail"].as_str().is_some_and(|text| text.contains("synthetic")));
    let data = embedded().expect("the shipped data");
    let provisional = data.types().iter().find(|kind| {
        kind.is_provisional()
            && data.authorities_of_node("440100").any(|authority| authority.vcts.contains(&kind.vct))
    });
    let kind = provisional.expect("a provisional type of the city");
    let own = |issuer: &str| data.authority(issuer).is_some_and(|authority| authority.node == "440100");
    let sample =
        requests(&data, kind.code(), 1, today()).expect("issuers").take(2_000).find(|one| own(&one.issuer));
    let answer = city.post(&token, "/v1/licences", &serde_json::to_value(sample).expect("JSON"));
    assert_eq!(answer.with(422)["code"], "fields");
    // A trust list of synthetic authorities is refused as well.
    let config = place.path("province/config.toml");
    let text = std::fs::read_to_string(&config).expect("the configuration");
    std::fs::write(&config, text.replace("production = false", "production = true")).expect("written");
    let (officers, secret) = (place.path("officers"), place.path("secret"));
    let (code, text) = refused(&[
        "trust",
        "list",
        "--data",
        &place.path("province"),
        "--officers",
        &officers,
        "--passphrase-file",
        &secret,
        "--node",
        &place.path("city.json"),
    ]);
    assert!(code == 74 && text.contains("synthetic"), "{text}");
}

/// The shipped data as a workbook, in which one thing is changed.
fn workbook(place: &Place, name: &str, change: impl Fn(&str, &mut Worksheet)) -> String {
    let csv = place.path("csv");
    if !Path::new(&csv).exists() {
        succeed(&["catalogue", "export", "--out", &csv]);
    }
    let mut workbook = Workbook::new();
    let mut files: Vec<_> =
        std::fs::read_dir(&csv).expect("sheets").map(|entry| entry.expect("a name").path()).collect();
    files.sort();
    for file in files {
        let own = file.file_stem().and_then(|stem| stem.to_str()).expect("UTF-8").to_owned();
        let sheet = workbook.add_worksheet().set_name(&own).expect("a sheet");
        let bytes = std::fs::read(&file).expect("a file");
        let read = licence_catalogue::table::Sheet::from_csv(&own, &bytes).expect("CSV");
        for (row, cells) in (0u32..).zip(&read.rows) {
            for (column, cell) in (0u16..).zip(cells) {
                if let licence_catalogue::table::Cell::Text(text) = cell {
                    sheet.write_string(row, column, text).expect("a cell");
                }
            }
        }
        change(&own, sheet);
    }
    let path = place.path(name);
    workbook.save(&path).expect("a file");
    path
}

/// Issue 3, bad input: each gets a finding with place, rule and hint, and nothing is taken over.
#[test]
fn a_spreadsheet_with_one_fault_changes_nothing_and_names_the_cell() {
    let place = Place::new();
    let out = place.path("imported");
    type Change = fn(&str, &mut Worksheet);
    let faults: &[(&str, &str, Change)] = &[
        ("merged-cells", "证照类型", |name, sheet| {
            if name == "证照类型" {
                sheet.merge_range(1, 3, 2, 3, "合并", &Format::new()).expect("merged");
            }
        }),
        ("formula", "证照类型", |name, sheet| {
            if name == "证照类型" {
                sheet.write_formula(1, 3, Formula::new("=1+1").set_result("2")).expect("a formula");
            }
        }),
        ("hidden-sheet", "依据", |name, sheet| {
            if name == "依据" {
                sheet.set_hidden(true);
            }
        }),
        ("date-number", "版次", |name, sheet| {
            if name == "版次" {
                let format = Format::new().set_num_format("yyyy-mm-dd");
                sheet.write_number_with_format(1, 3, 46_000.0, &format).expect("a date");
            }
        }),
        ("full-width", "版次", |name, sheet| {
            if name == "版次" {
                sheet.write_string(1, 1, "１").expect("a cell");
            }
        }),
        ("blanks", "证照类型", |name, sheet| {
            if name == "证照类型" {
                sheet.write_string(1, 3, "营业执照 ").expect("a cell");
            }
        }),
        ("hidden-row", "机关", |name, sheet| {
            if name == "机关" {
                sheet.set_row_hidden(4).expect("a row");
            }
        }),
        ("hidden-row", "事项", |name, sheet| {
            if name == "事项" {
                sheet.set_row_height(4, 0).expect("a row");
            }
        }),
        ("hidden-column", "材料", |name, sheet| {
            if name == "材料" {
                sheet.set_column_hidden(6).expect("a column");
            }
        }),
        ("filter", "机关", |name, sheet| {
            if name == "机关" {
                sheet.autofilter(0, 0, 20, 14).expect("a filter");
            }
        }),
        ("too-many-rows", "依据", |name, sheet| {
            if name == "依据" {
                sheet.write_string(1_000_000, 0, "x").expect("a cell");
            }
        }),
        ("unknown-sheet", "别的", |name, sheet| {
            if name == "依据" {
                sheet.set_name("别的").expect("a name");
            }
        }),
    ];
    for (rule, sheet, change) in faults {
        let path = workbook(&place, &format!("{rule}.xlsx"), change);
        let output = run(["catalogue", "import", &path, "--out", &out, "--json"]);
        let report: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{rule}: {output:?}"));
        assert_eq!(output.status.code(), Some(1), "{rule}: {report}");
        let findings = report["findings"].as_array().expect("findings");
        let found = findings.iter().find(|finding| finding["rule"] == *rule && finding["sheet"] == *sheet);
        let found = found.unwrap_or_else(|| panic!("{rule} in {sheet}: {findings:?}"));
        assert!(found["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{found}");
        assert!(found["zh"].as_str().is_some_and(|words| !words.is_ascii()), "{found}");
        if !rule.ends_with("-sheet") && !["too-many-rows", "filter"].contains(rule) {
            assert!(found["row"].is_u64() && found["column"].is_string(), "{found}");
        }
        assert!(!Path::new(&out).exists(), "{rule}: something was taken over");
    }
    // Rows and columns behind the content may be hidden: they hide nothing.
    let good = workbook(&place, "good.xlsx", |_, sheet| {
        sheet.set_row_hidden(60_000).expect("a row");
        sheet.set_column_hidden(40).expect("a column");
        sheet.write_string(0, 0, "文件").expect("a cell");
    });
    succeed(&["catalogue", "import", &good, "--dry-run"]);
    assert!(!Path::new(&out).exists(), "a dry run writes nothing");
    succeed(&["catalogue", "import", &good, "--out", &out]);
    succeed(&["catalogue", "check", "--folder", &out]);
    let (code, text) = refused(&["catalogue", "import", &good, "--out", &out]);
    assert!(code == 74 && text.contains("exists already"), "{text}");
}

/// What `export` wrote is imported as it is, and a city hands in one sheet, or its own rows and no others.
#[test]
fn a_folder_one_sheet_and_the_rows_of_one_city_are_imported() {
    let place = Place::new();
    let (csv, out) = (place.path("csv"), place.path("imported"));
    succeed(&["catalogue", "export", "--out", &csv]);
    succeed(&["catalogue", "import", &csv, "--out", &out]);
    let same = |folder: &str| {
        let difference = succeed(&["catalogue", "diff", "shipped", folder]);
        assert!(difference.contains("没有") || difference.contains("no change"), "{difference}");
    };
    same(&out);
    let authorities = format!("{csv}/机关.csv");
    succeed(&["catalogue", "import", &authorities, "--dry-run"]);
    let materials = run(["catalogue", "import", &format!("{csv}/材料.csv"), "--dry-run", "--json"]);
    let report: Value = serde_json::from_slice(&materials.stdout).expect("JSON");
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(1), "{report}");
    // 佛山 alone: the others' authorities stay.
    let text = std::fs::read_to_string(&authorities).expect("a sheet");
    let own: Vec<&str> = text
        .lines()
        .enumerate()
        .filter(|(at, line)| *at == 0 || line.contains(",440600,"))
        .map(|(_, line)| line)
        .collect();
    std::fs::create_dir(place.path("own")).expect("a folder");
    let sheet = place.path("own/机关.csv");
    std::fs::write(&sheet, own.join("\n")).expect("written");
    let (mine, foreign) = (place.path("mine"), place.path("foreign"));
    succeed(&["catalogue", "import", &sheet, "--node", "440600", "--beside", &out, "--out", &mine]);
    same(&mine);
    let nodes = |folder: &str| std::fs::read_dir(format!("{folder}/authorities")).expect("a folder").count();
    assert_eq!(nodes(&mine), nodes(&out), "the authorities of all other nodes are kept");
    let others = run(["catalogue", "import", &authorities, "--node", "440600", "--out", &foreign, "--json"]);
    assert_eq!(others.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&others.stdout).expect("JSON");
    let findings = report["findings"].as_array().expect("findings");
    assert!(findings.iter().all(|finding| finding["rule"] == "not-own"), "{report}");
    assert!(!Path::new(&foreign).exists());
}

#[test]
fn a_workbook_with_a_macro_a_bomb_or_no_workbook_at_all_is_refused() {
    let place = Place::new();
    let good = workbook(&place, "good.xlsx", |_, _| {});
    let out = place.path("imported");
    let import = |name: &str| refused(&["catalogue", "import", &place.path(name), "--out", &out]);
    add_part(&good, &place.path("macro.xlsx"), "xl/vbaProject.bin", 10);
    let (code, text) = import("macro.xlsx");
    assert!(code == 74 && text.contains("macro"), "{text}");
    // 400 MiB of zeros in a few hundred KiB.
    add_part(&good, &place.path("bomb.xlsx"), "xl/media/zeros.bin", 400 << 20);
    let (code, text) = import("bomb.xlsx");
    assert!(code == 74 && text.contains("unpacks to more"), "{text}");
    std::fs::write(place.path("text.xlsx"), b"not a workbook").expect("written");
    assert_eq!(import("text.xlsx").0, 74);
    std::fs::write(place.path("a.xlsm"), b"").expect("written");
    assert_eq!(import("a.xlsm").0, 74);
    assert!(!Path::new(&out).exists());
}

fn add_part(from: &str, to: &str, name: &str, zeros: usize) {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(from).expect("a file")).expect("a workbook");
    let mut writer = zip::ZipWriter::new(std::fs::File::create(to).expect("a file"));
    let options = zip::write::SimpleFileOptions::default();
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).expect("a part");
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).expect("a part");
        let own = part.name().expect("a name").into_owned();
        writer.start_file(own, options).expect("a part");
        writer.write_all(&bytes).expect("a part");
    }
    writer.start_file(name.to_owned(), options).expect("a part");
    let block = vec![0; 1 << 20];
    for _ in 0..zeros.div_ceil(block.len()) {
        writer.write_all(&block[..block.len().min(zeros)]).expect("zeros");
    }
    writer.finish().expect("written");
}
