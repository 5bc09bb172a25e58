//! Broken input of every kind: an answer comes, never a panic, and what is refused says where.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test helper that fails fails the test"
)]

use licence_catalogue::table::{Cell, MAX_FINDINGS, Sheet, export, import, template};
use licence_catalogue::{CatalogueData, embedded_files};
use licence_spec::catalogue::META_VALIDITY;

/// SplitMix64: the same mutations in every run; a failing one is repeated by its number.
struct Rng(u64);

impl Rng {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % end as u64).unwrap()
    }
}

/// A small catalogue: two types, one authority file, one item and its cases.
fn small() -> Vec<(&'static str, Vec<u8>)> {
    let wanted = [
        "common-fields.toml",
        "licence-types/business-licence.toml",
        "licence-types/premises-use-proof.toml",
        "licence-types/real-estate-title.toml",
        "licence-types/resident-identity-card.toml",
        "service-items/gz-sc-0701.toml",
        "service-cases/gz-sc-0701.toml",
    ];
    let authorities = br#"
node = "440100"
host = "gz.elic.example"
[[authorities]]
code = "11440100X00000027D"
synthetic = true
name = "example"
en = "x"
roles = ["licence", "status"]
regions = ["4401"]
issues = ["11100000MB0143028R001"]
state = "provisional"
source = "x"
"#;
    let text = std::str::from_utf8(authorities).unwrap().replace("\"example\"", "\"示例\"");
    let mut files: Vec<_> =
        embedded_files().filter(|(path, _)| wanted.contains(path)).map(|(p, b)| (p, b.to_vec())).collect();
    files.push(("authorities/440100.toml", text.into_bytes()));
    files
}

fn load(files: &[(&str, Vec<u8>)]) -> Result<CatalogueData, licence_catalogue::Findings> {
    CatalogueData::load(files.iter().map(|(path, bytes)| (*path, bytes.as_slice())))
}

#[test]
fn a_file_with_any_byte_changed_cut_or_doubled_gets_an_answer() {
    let good = small();
    assert!(load(&good).is_ok(), "{}", load(&good).unwrap_err());
    let mut refused = 0;
    for round in 0..1_500 {
        let mut rng = Rng(round);
        let mut files = good.clone();
        let at = rng.below(files.len());
        let bytes = &mut files[at].1;
        let place = rng.below(bytes.len());
        match rng.below(4) {
            0 => bytes[place] = u8::try_from(rng.below(256)).unwrap(),
            1 => bytes.truncate(place),
            2 => drop(bytes.remove(place)),
            _ => {
                let end = (place + 1 + rng.below(60)).min(bytes.len());
                let part = bytes[place..end].to_vec();
                bytes.splice(place..place, part);
            }
        }
        if let Err(findings) = load(&files) {
            refused += 1;
            assert!(!findings.0.is_empty() && findings.0.iter().all(|f| !f.rule.is_empty()), "round {round}");
        }
    }
    assert!(refused > 600, "{refused}");
}

#[test]
fn a_sheet_with_any_cell_changed_moved_or_gone_gets_an_answer() {
    let files = small();
    let sheets = export(files.iter().map(|(path, bytes)| (*path, bytes.as_slice()))).unwrap();
    let common = files.iter().find(|(path, _)| *path == "common-fields.toml").unwrap();
    let beside = [(common.0, common.1.as_slice())];
    assert!(import(&sheets, &beside).is_ok());
    let mut refused = 0;
    for round in 0..1_500 {
        let mut rng = Rng(1_000_000 + round);
        let mut sheets: Vec<Sheet> = sheets.clone();
        let at = rng.below(sheets.len());
        let sheet = &mut sheets[at];
        let row = rng.below(sheet.rows.len());
        let width = sheet.rows[row].len().max(1);
        let column = rng.below(width);
        let odd = [
            Cell::Empty,
            Cell::Text(String::new()),
            Cell::Text("、".into()),
            Cell::Text("\"]\n[[x]]\n\\".into()),
            Cell::Text("𬭎".repeat(1 + rng.below(300))),
            Cell::Text("９９".into()),
            Cell::Number(f64::NAN),
            Cell::Number(f64::INFINITY),
            Cell::Number(-1.0e300),
            Cell::Number(9.1e15),
            Cell::Bool(false),
            Cell::Formula,
            Cell::Error,
        ];
        match rng.below(6) {
            0 => drop(sheet.rows.remove(row)),
            1 => sheet.rows.swap(0, row),
            2 => sheet.rows[row].truncate(column),
            3 => {
                let copy = sheet.rows[row].clone();
                sheet.rows.push(copy);
            }
            _ => {
                if let Some(cell) = sheet.rows[row].get_mut(column) {
                    *cell = odd[rng.below(odd.len())].clone();
                }
            }
        }
        if let Err(findings) = import(&sheets, &beside) {
            refused += 1;
            assert!(!findings.is_empty() && findings.len() <= MAX_FINDINGS, "round {round}");
        }
    }
    assert!(refused > 900, "{refused}");
}

/// A cell cannot write TOML: what looks like it stays a text.
#[test]
fn a_cell_that_looks_like_toml_stays_a_text() {
    let files = small();
    let mut sheets = export(files.iter().map(|(path, bytes)| (*path, bytes.as_slice()))).unwrap();
    let common = files.iter().find(|(path, _)| *path == "common-fields.toml").unwrap();
    let name = "a\"\n[[authorities]]\nissues = [\"*\"] # \\";
    let types = sheets.iter_mut().find(|sheet| sheet.name == "证照类型").unwrap();
    let validity = template().iter().find(|sheet| sheet.name == "证照类型").unwrap().rows[0]
        .iter()
        .position(|cell| *cell == Cell::Text("有效期规则".into()))
        .unwrap();
    types.rows[1][validity] = Cell::Text(name.into());
    let imported = import(&sheets, &[(common.0, common.1.as_slice())]).unwrap();
    assert!(imported.data.types().iter().any(|t| t.metadata(META_VALIDITY) == Some(name)));
    assert_eq!(imported.data.authorities().len(), 1);
}
