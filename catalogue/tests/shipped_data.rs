//! The shipped data: complete, checked, and signed into a catalogue that a node takes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test helper that fails fails the test"
)]

mod common;

use common::{catalogue, data};
use std::collections::BTreeSet;

use licence_catalogue::{KeyRole, Release, State, embedded_files};
use licence_spec::catalogue::{HolderRole, META_AREA, ServiceItem, open};
use licence_spec::identifiers::{CreditCode, DIVISIONS};
use licence_spec::suite::{SeedSigner, Signer as _};
use licence_spec::time::{CivilDate, UnixTime};

#[test]
fn every_file_of_the_folder_is_embedded() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let mut on_disk = vec!["common-fields.toml".to_owned()];
    for folder in ["licence-types", "authorities", "service-items", "service-cases"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            on_disk.push(format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap()));
        }
    }
    let mut embedded: Vec<_> = embedded_files().map(|(path, _)| path.to_owned()).collect();
    on_disk.sort();
    embedded.sort();
    assert_eq!(embedded, on_disk);
}

/// spec/domain.md §12: the types whose codes are confirmed there.
#[test]
fn the_confirmed_types_are_there_under_their_codes() {
    let catalogue = catalogue();
    for (code, name) in [
        ("11100000MB0143028R001", "营业执照"),
        ("11100000MB03271699001", "不动产权证书"),
        ("11100000MB03271699022", "不动产登记证明"),
        ("11100000000013338W011", "安管人员考核合格证书"),
        ("11100000000013338W032", "建筑施工特种作业操作资格证书"),
        ("11100000000013338W001", "二级建造师注册证书"),
        ("11100000000019713D008", "道路运输经营许可证"),
        ("11100000000019713D013", "道路运输证"),
        ("11100000000013127D001", "居民身份证"),
        ("200023401", "住所（经营场所）场地使用证明"),
    ] {
        assert_eq!(catalogue.type_of_code(code).map(|t| t.name.as_str()), Some(name));
    }
    for (code, name) in [
        ("11100000000019713D016", "道路危险货物运输许可证"),
        ("11100000000019713D071", "道路运输从业人员从业资格证"),
        ("11100000000019713D072", "网络预约出租汽车驾驶员证"),
        ("11100000000019713D073", "网络预约出租汽车运输证"),
        ("11100000000019713D074", "网络预约出租汽车经营许可证"),
        ("11100000000019713D075", "巡游出租汽车驾驶员证"),
        ("11100000000019713D079", "放射性物品道路运输许可证"),
        ("1110000000001332XW059", "二级造价工程师注册证书（土木建筑）"),
        ("1110000000001332XW082", "二级造价工程师注册证书（安装）"),
    ] {
        assert_eq!(catalogue.type_of_code(code).map(|t| t.name.as_str()), Some(name));
    }
    assert_eq!(catalogue.content().types.len(), 39);
    assert_eq!(catalogue.type_of_code("200023401").unwrap().vct, "urn:elic:gd:200023401");
    assert!(catalogue.type_of_code("11100000000013127D001").unwrap().is_reference_only());
}

/// The API: an issue request that names these fields must be understood.
#[test]
fn the_business_licence_has_the_fields_of_the_api_example() {
    let catalogue = catalogue();
    let revision = catalogue.type_of_code("11100000MB0143028R001").unwrap().newest().unwrap();
    let names = ["类型", "法定代表人", "注册资本", "成立日期", "住所", "经营范围"];
    for (key, name) in (24..).zip(names) {
        assert_eq!(revision.field_named(name).map(|f| f.key), Some(key));
    }
}

#[test]
fn every_type_that_a_city_may_issue_has_an_authority_in_both_cities() {
    let data = data();
    for licence_type in data.types().iter().filter(|t| !t.is_reference_only()) {
        for (node, area) in [("440100", "440106"), ("440300", "440305")] {
            let issuers =
                data.authorities_of_node(node).filter(|a| a.issues(&licence_type.vct, area)).count();
            assert_eq!(issuers, 1, "{} in {node}", licence_type.name);
        }
    }
    let market = data.authority("11440100X00000027D").unwrap();
    assert!(market.issues("urn:elic:cn:11100000MB0143028R001", "440100"));
    assert!(!market.issues("urn:elic:cn:11100000MB0143028R001", "440305"));
    assert!(!market.issues("urn:elic:gd:200023401", "440100"));
}

#[test]
fn authorities_say_that_they_are_synthetic_and_their_codes_pass_both_checks() {
    let data = data();
    for authority in data.authorities() {
        assert!(CreditCode::parse(&authority.code).is_ok(), "{}", authority.code);
        assert!(authority.synthetic && authority.name.contains("示例"), "{}", authority.code);
    }
    for node in ["440000", "440100", "440300"] {
        let signs = |role| data.authorities_of_node(node).filter(|a| a.has(role)).count();
        assert_eq!(
            [signs(KeyRole::Receipt), signs(KeyRole::View), signs(KeyRole::Node)],
            [1, 1, 1],
            "{node}"
        );
    }
    let publishers: Vec<_> = data.authorities().iter().filter(|a| a.has(KeyRole::Catalogue)).collect();
    assert_eq!(publishers.len(), 1);
    assert_eq!(publishers[0].code, "11440000X00000051Q");
}

#[test]
fn service_items_allow_no_more_than_their_materials_permit() {
    let catalogue = catalogue();
    let item = catalogue.service_item("SZ-SP-0101").unwrap();
    assert_eq!(item.purpose.as_deref(), Some("办理食品经营许可新办：核验主体资格和经营场所"));
    assert_eq!(item.materials[1].alternatives.len(), 2);
    assert_eq!(item.materials[1].holder_role, HolderRole::Applicant);
    let gz = catalogue.service_item("GZ-TH-0101").unwrap();
    assert_eq!(gz.accepted("urn:elic:cn:11100000MB0143028R001").unwrap().fields, [0, 2, 3, 5, 7, 29]);
    assert_eq!(gz.accepted("urn:elic:gd:200023401").unwrap().fields, [0, 2, 3, 7, 24]);
    assert!(catalogue.content().service_items.len() >= 3);
}

/// spec/domain.md §15: no unconfirmed type code in a shipped catalogue; every fact names its source.
#[test]
fn every_fact_names_its_source_and_an_unconfirmed_type_has_a_code_that_no_real_type_can_have() {
    for note in data().notes() {
        assert!(!note.source.is_empty(), "{note:?}");
        if let Some(code) = note.what.strip_prefix("code = ") {
            let expected = if code.starts_with("ZD") { State::Provisional } else { State::Sourced };
            assert_eq!(note.state, expected, "{note:?}");
        }
    }
    let catalogue = catalogue();
    let provisional: Vec<_> = catalogue.content().types.iter().filter(|t| t.is_provisional()).collect();
    assert_eq!(provisional.len(), 20);
    for licence_type in provisional {
        assert!(licence_type.vct.starts_with("urn:elic:zd:ZD"), "{}", licence_type.vct);
        assert!(CreditCode::parse(&format!("{:0<18}", licence_type.code())).is_err());
    }
    // What spec/domain.md §12 calls perhaps or inferred must not be printed.
    for (path, bytes) in embedded_files() {
        let text = std::str::from_utf8(bytes).unwrap();
        for unconfirmed in ["13338W009", "13338W050", "13338W087", "13661B006"] {
            assert!(!text.contains(unconfirmed), "{unconfirmed} in {path}");
        }
    }
    let notes = data().notes().iter().filter(|n| n.state == State::Provisional).count();
    assert!(notes > 20, "what is not known must say so: {notes}");
}

/// Issue 3: what a reader of the signed catalogue finds of every type.
#[test]
fn every_type_says_who_defines_and_issues_it_who_holds_it_and_how_long_it_is_valid() {
    use licence_spec::catalogue as c;
    for t in &catalogue().content().types {
        for key in [
            c::META_EN,
            c::META_KIND,
            c::META_DEFINING,
            c::META_DEFINING_LEVEL,
            c::META_ISSUING_LEVEL,
            c::META_HOLDER,
            c::META_HOLDERS,
            c::META_VALIDITY,
            c::META_LEGAL_BASIS,
            c::META_FACE_STATE,
        ] {
            assert!(t.metadata(key).is_some_and(|value| !value.is_empty()), "{key} of {}", t.name);
        }
        let revision = t.newest().unwrap();
        assert_eq!(revision.in_force_from, CivilDate::parse("2026-10-26"), "{}", t.name);
        assert!(revision.fields.iter().all(|f| f.en.as_ref().is_some_and(|en| !en.is_empty())), "{}", t.name);
        assert!(revision.fields.iter().any(|f| f.key >= 24), "{}", t.name);
    }
}

/// Two cities, an area without a code of its own and a district: who issues what is told for each of them.
#[test]
fn the_province_its_21_cities_and_the_four_areas_have_their_authorities() {
    let cities: Vec<&str> = DIVISIONS
        .iter()
        .filter(|d| d.code.ends_with("00") && d.code != "440000" && d.until_year.is_none())
        .map(|d| d.code)
        .collect();
    assert_eq!(cities.len(), 21);
    let areas = ["440115", "440300-qianhai", "440400-hengqin", "440606"];
    let nodes: BTreeSet<&str> = data().authorities().iter().map(|a| a.node.as_str()).collect();
    let expected: BTreeSet<&str> = cities.iter().chain(&areas).chain(&["440000"]).copied().collect();
    assert_eq!(nodes, expected);
    for city in cities {
        for t in data().types().iter().filter(|t| !t.is_reference_only()) {
            let issuers = data().authorities_of_node(city).filter(|a| a.vcts.contains(&t.vct)).count();
            assert_eq!(issuers, 1, "{} in {city}", t.name);
        }
    }
    let hosts: BTreeSet<_> = data().authorities().iter().map(|a| (&a.node, &a.host)).collect();
    assert_eq!(hosts.len(), 26, "one host a node");
    let fits = |host: &str| host.ends_with(".elic.example");
    assert!(data().authorities().iter().all(|a| fits(&a.host)));
    let qianhai = data().authorities_of_node("440300-qianhai").next().unwrap();
    assert_eq!(qianhai.regions, ["440305", "440306"]);
}

/// GB 11714 inside, GB 32100 outside, and the 目录实施码 that is made of them.
#[test]
fn an_authority_gives_its_implementation_code_for_a_type_of_the_province() {
    let premises = data().types().iter().find(|t| t.code() == "200023401").unwrap();
    let office = data().authority("11440106X0000110X3").unwrap();
    let code = office.implementation_code(premises, "440106").unwrap();
    assert_eq!(code.as_str(), "200023401X0000110X440106");
    let business = data().types().iter().find(|t| t.code() == "11100000MB0143028R001").unwrap();
    assert_eq!(office.implementation_code(business, "440106"), None);
}

#[test]
fn the_service_catalogue_has_thirty_items_and_more_over_three_areas_each_with_worked_cases() {
    let content = catalogue().content().clone();
    assert!(content.service_items.len() >= 30, "{}", content.service_items.len());
    for area in ["民生服务", "投资审批", "工商登记"] {
        let of_area = |item: &&ServiceItem| item.metadata(META_AREA) == Some(area);
        assert!(content.service_items.iter().filter(of_area).count() >= 10, "{area}");
    }
    for item in &content.service_items {
        let cases = data().cases().iter().filter(|case| case.service_item == item.code).count();
        assert!(cases >= 3, "{} has {cases} worked cases", item.code);
        assert!(item.method.is_some() && item.in_force.0.is_some(), "{}", item.code);
    }
    let all = || content.service_items.iter().flat_map(|item| &item.materials);
    let comparisons: BTreeSet<u8> =
        all().flat_map(|m| &m.constraints).map(|c| c.comparison.number()).collect();
    assert_eq!(comparisons.len(), 6, "every comparison is used");
    let roles: BTreeSet<_> = all().map(|m| m.holder_role).collect();
    assert_eq!(roles.len(), 6, "every role is used");
    let methods: BTreeSet<_> = content.service_items.iter().map(|item| item.method).collect();
    assert_eq!(methods.len(), 3, "every method is used");
}

/// A later revision and a later item wait for a version that is in force with them; an ended item is gone.
#[test]
fn a_version_holds_what_is_in_force_with_it() {
    let mut data: Vec<(String, String)> =
        embedded_files().map(|(p, b)| (p.to_owned(), String::from_utf8(b.to_vec()).unwrap())).collect();
    let premises = "licence-types/premises-use-proof.toml";
    let text = &mut data.iter_mut().find(|(path, _)| path == premises).unwrap().1;
    let second = text.split_once("[[revisions]]").unwrap().1.replace("number = 1", "number = 2");
    *text += &format!("\n[[revisions]]{}", second.replace("2026-10-26", "2027-06-01"));
    let ended = data.iter().find(|(path, _)| path == "service-items/yf-cy-0712.toml").unwrap().1.clone();
    let later = ended.replace("2026-10-26", "2028-01-01").replace("until = \"2027-12-31\"\n", "");
    // Its worked case asks on a day on which the later item is in force.
    data.retain(|(path, _)| path != "service-cases/yf-cy-0712.toml");
    data.push(("service-items/yf-cy-0712-2028.toml".into(), later.replace("2024-01-01", "2026-01-01")));
    let files = data.iter().map(|(path, text)| (path.as_str(), text.as_bytes()));
    let data = licence_catalogue::CatalogueData::load(files).unwrap();
    let on = |day: &str| {
        let in_force_from = CivilDate::parse(day).unwrap().begins();
        let content =
            data.compile(&Release { version: 1, issued_at: in_force_from, in_force_from, previous: None });
        let revisions = content.type_of_code("200023401").unwrap().revisions.len();
        (revisions, content.service_item("YF-CY-0712").unwrap().in_force.0.unwrap().to_string())
    };
    assert_eq!(on("2027-05-31"), (1, "2026-10-26".to_owned()));
    assert_eq!(on("2027-06-01"), (2, "2026-10-26".to_owned()));
    assert_eq!(on("2027-12-31"), (2, "2026-10-26".to_owned()));
    assert_eq!(on("2028-01-01"), (2, "2028-01-01".to_owned()));
}

#[test]
fn the_next_version_chains_to_the_first_and_a_changed_revision_is_not_signed() {
    let (data, first, signer) = (data(), catalogue(), SeedSigner::from_seed(&[9; 32]).unwrap());
    let at = UnixTime(1_795_428_000);
    let bytes = data.publish(Some(&first), at, at, &signer).unwrap();
    let second = open(&bytes, &common::Trusting(*signer.public_key()), at).unwrap();
    assert_eq!((second.version(), second.content().previous), (2, Some(*first.digest())));
    let mut files: Vec<_> =
        embedded_files().map(|(p, b)| (p, String::from_utf8(b.to_vec()).unwrap())).collect();
    for (path, text) in &mut files {
        if *path == "licence-types/business-licence.toml" {
            *text = text.replace("max = 1200", "max = 1199");
        }
    }
    let shrunk =
        licence_catalogue::CatalogueData::load(files.iter().map(|(p, t)| (*p, t.as_bytes()))).unwrap();
    let error = shrunk.publish(Some(&first), at, at, &signer).unwrap_err();
    assert!(error.to_string().contains("published revision"), "{error}");
}

#[test]
fn scopes_of_the_trust_list_follow_the_authority() {
    use licence_spec::trust::Names;
    let data = data();
    let market = data.authority("11440100X00000027D").unwrap();
    let (from, to) = (UnixTime(0), UnixTime(1));
    let licence = market.scope(KeyRole::Licence, from, to);
    assert!(
        licence.has_type("urn:elic:cn:11100000MB0143028R001") && !licence.has_type("urn:elic:gd:200023401")
    );
    assert!(licence.has_region("440106") && !licence.has_region("440305"));
    assert_eq!(market.scope(KeyRole::Status, from, to).types, Names::All);
    let node = data.authority("11440100X00001046K").unwrap().scope(KeyRole::View, from, to);
    assert!(node.has_type("urn:elic:gd:200023401") && !node.has_region("440305"));
}

/// A city that goes into production sees what it still has to replace.
#[test]
fn everything_invented_is_told_with_its_place_before_production() {
    let findings = data().production_findings();
    let count = |rule: &str| findings.iter().filter(|f| f.rule == rule).count();
    assert_eq!(count("provisional-type"), 20);
    assert_eq!(count("synthetic-authority"), data().authorities().len());
    assert_eq!(count("synthetic-item"), data().service_items().len());
    assert!(findings.iter().all(|f| f.line.is_some() && !f.hint.is_empty()));
    let marriage = findings.iter().find(|f| f.file == "licence-types/marriage-certificate.toml").unwrap();
    assert_eq!((marriage.rule, marriage.line), ("provisional-type", Some(4)));
}
