//! Planted faults: each is found, under its rule and in its place, and nothing is loaded.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test helper that fails fails the test"
)]

use licence_catalogue::{CatalogueData, embedded_files};

const BUSINESS: &str = "licence-types/business-licence.toml";
const PREMISES: &str = "licence-types/premises-use-proof.toml";
const CITY: &str = "authorities/440100.toml";
const ITEM: &str = "service-items/gz-th-0101.toml";
const COMMON: &str = "common-fields.toml";

/// (rule, file, text to replace once, replacement)
const FAULTS: &[(&str, &str, &str, &str)] = &[
    ("toml", BUSINESS, "en = \"Business licence\"", "en = \"Business licence\"\nunknown_key = 1"),
    ("toml", BUSINESS, "number = 1", "number = 1\nnumber = 1"),
    ("toml", BUSINESS, "kind = \"date\"", "kind = \"datum\""),
    ("toml", ITEM, "holder_role = \"applicant\"", "holder_role = \"neighbour\""),
    ("toml", CITY, "roles = [\"view\"", "roles = [\"views\""),
    ("text-rule", BUSINESS, "# 营业执照", "# cafe\u{301}"),
    ("type-code", BUSINESS, "\"11100000MB0143028R001\"", "\"11100000MB0143028S001\""),
    ("code-unconfirmed", BUSINESS, "R001\", state = \"sourced\"", "R001\", state = \"provisional\""),
    (
        "duplicate-type",
        PREMISES,
        "code = { value = \"200023401\"",
        "code = { value = \"11100000MB0143028R001\"",
    ),
    ("kind", BUSINESS, "证件执照", "证件"),
    ("defining-code", BUSINESS, "\"11100000MB0143028R\"", "\"11100000MB0143029R\""),
    (
        "provincial-code",
        PREMISES,
        "provincial_code = { value = \"200023401\"",
        "provincial_code = { value = \"20002340\"",
    ),
    ("source-missing", BUSINESS, "source = \"DOMAIN.md §12 (P13)\"", "source = \"\""),
    ("revision-gap", BUSINESS, "number = 1", "number = 2"),
    ("revision-date", BUSINESS, "2026-10-26", "2026-02-30"),
    ("common-unknown", BUSINESS, "common = 1", "common = 2"),
    ("life", BUSINESS, "value = 3650", "value = 0"),
    ("reserved-key", BUSINESS, "key = 24", "key = 23"),
    ("duplicate-key", BUSINESS, "key = 25", "key = 24"),
    ("duplicate-name", BUSINESS, "name = \"注册资本\"", "name = \"住所\""),
    ("duplicate-name", BUSINESS, "name = \"注册资本\"", "name = \"持证主体\""),
    ("name-missing", BUSINESS, "name = \"注册资本\"", "name = \"\""),
    ("length", BUSINESS, "max = 1200", "max = 0"),
    ("length", BUSINESS, "max = 1200", "max = 4097"),
    (
        "common-kind",
        COMMON,
        "name = \"属地编码\", en = \"Area code\", kind = \"text\"",
        "name = \"属地编码\", en = \"Area code\", kind = \"uint\"",
    ),
    ("reserved-key", COMMON, "key = 13", "key = 14"),
    ("common-missing", COMMON, "key = 8", "key = 10"),
    ("authority-code", CITY, "11440100X00000027D", "11440100X00000027E"),
    ("authority-code", CITY, "11440100X00000027D", "11440100X00000028D"),
    ("duplicate-authority", CITY, "11440100X000010111", "11440100X00000027D"),
    ("synthetic-name", CITY, "广州市示例市场监督管理局", "广州市市场监督管理局"),
    ("roles", CITY, "roles = [\"licence\", \"status\"]", "roles = [\"licence\"]"),
    ("roles", CITY, "issues = [\"11100000MB0143028R001\"]", "issues = []"),
    ("unknown-type", CITY, "issues = [\"11100000MB0143028R001\"]", "issues = [\"11100000MB0143028R002\"]"),
    ("reference-only", CITY, "issues = [\"11100000MB0143028R001\"]", "issues = [\"11100000000013127D001\"]"),
    ("region", CITY, "regions = [\"4401\"]", "regions = [\"广州\"]"),
    ("node", CITY, "node = \"440100\"", "node = \"guangzhou\""),
    ("host", CITY, "gz.elic.example", "https://gz.elic.example"),
    ("publisher", CITY, "roles = [\"view\", \"receipt\", \"node\"]", "roles = [\"catalogue\"]"),
    ("overlapping-dates", ITEM, "code = \"GZ-TH-0101\"", "code = \"GZ-JT-0401\""),
    ("item-code", ITEM, "code = \"GZ-TH-0101\"", "code = \"\""),
    ("area", ITEM, "工商登记", "工商"),
    ("method", ITEM, "method = \"核验\"", "method = \"免交\""),
    ("purpose", ITEM, "办理食品经营许可新办：核验主体资格和经营场所", ""),
    ("view-life", ITEM, "view_life_s = 1800", "view_life_s = 86401"),
    ("region", ITEM, "regions = [\"4401\"]", "regions = [\"4\"]"),
    ("unknown-type", ITEM, "type = \"200023401\"", "type = \"200023402\""),
    ("unknown-field", ITEM, "\"经营范围\"]", "\"经营范畴\"]"),
    ("duplicate-field", ITEM, "\"经营范围\"]", "\"证照编号\"]"),
    (
        "required-not-permitted",
        ITEM,
        "required = [\"证照编号\", \"持证主体\", \"场地地址\"]",
        "required = [\"面积\"]",
    ),
    ("sensitive-without-reason", ITEM, "\"经营范围\"]", "\"经营范围\", \"法定代表人\"]"),
    ("reason-without-field", ITEM, "reasons = { \"场地地址\"", "reasons = { \"面积\" = \"x\", \"场地地址\""),
    ("duplicate-material", ITEM, "code = \"M02\"", "code = \"M01\""),
    ("material", ITEM, "regions = [\"44\"]", "regions = []"),
];

fn files() -> Vec<(&'static str, String)> {
    embedded_files().map(|(path, bytes)| (path, String::from_utf8(bytes.to_vec()).unwrap())).collect()
}

fn load(files: &[(&str, String)]) -> Vec<licence_catalogue::Finding> {
    let files = files.iter().map(|(path, text)| (*path, text.as_bytes()));
    CatalogueData::load(files).err().map(|findings| findings.0).unwrap_or_default()
}

#[test]
fn every_planted_fault_is_found_under_its_rule_and_in_its_file() {
    for (rule, file, from, to) in FAULTS {
        let mut files = files();
        let text = &mut files.iter_mut().find(|(path, _)| path == file).unwrap().1;
        assert!(text.contains(from), "{rule}: {from} is not in {file}");
        let line = text[..text.find(from).unwrap()].lines().count().max(1);
        *text = text.replacen(from, to, 1);
        let findings = load(&files);
        let found = findings.iter().find(|f| f.rule == *rule && f.file == *file);
        let found = found.unwrap_or_else(|| panic!("{rule} not found in {file}: {findings:#?}"));
        assert!(!found.message.is_empty() && !found.hint.is_empty());
        // Most faults sit on the line that was changed; faults of a whole entry are told at its code or first key.
        assert!(
            found.line.is_some_and(|found| found.abs_diff(line) <= 20),
            "{rule}: {found} near line {line}"
        );
    }
    assert_eq!(load(&files()), []);
}

#[test]
fn files_that_cannot_be_read_are_found() {
    let with = |path: &'static str, bytes: Vec<u8>| {
        let mut files: Vec<(&str, &[u8])> = embedded_files().collect();
        files.push((path, &bytes));
        CatalogueData::load(files).map(drop).unwrap_err().0.remove(0).rule
    };
    assert_eq!(with("licence-types/bom.toml", b"\xef\xbb\xbfcode = 1".to_vec()), "byte-order-mark");
    assert_eq!(with("licence-types/latin.toml", b"code = \"\xe9\"".to_vec()), "not-utf8");
    assert_eq!(with("licence-types/large.toml", vec![b'#'; 262_145]), "file-too-large");
    assert_eq!(with("licence-types/empty.toml", Vec::new()), "toml");
    assert_eq!(with("other/x.toml", Vec::new()), "unknown-file");
    let without = embedded_files().filter(|(path, _)| *path != COMMON);
    assert_eq!(CatalogueData::load(without).unwrap_err().0[0].rule, "file-missing");
}

#[test]
fn a_second_revision_may_add_and_retire_fields_but_not_reuse_a_key() {
    let second = |field: &str| {
        let mut files = files();
        let text = &mut files.iter_mut().find(|(path, _)| *path == PREMISES).unwrap().1;
        text.push_str(&format!(
            "\n[[revisions]]\nnumber = 2\ncommon = 1\nin_force = \"2027-01-01\"\n\
             longest_life_days = {{ value = 3650, state = \"provisional\", source = \"test\" }}\nfields = [\n{field}]\n"
        ));
        load(&files)
    };
    let entry = |key: u8, name: &str| {
        format!(
            "{{ key = {key}, name = \"{name}\", en = \"x\", kind = \"text\", max = 200, \
             flags = [\"required\", \"sensitive\"], state = \"provisional\", source = \"test\" }},\n"
        )
    };
    assert_eq!(second(&entry(24, "场地地址")), []);
    assert_eq!(second(&(entry(24, "场地地址") + &entry(28, "备注"))), []);
    let reused = second(&entry(24, "备注"));
    assert!(reused.iter().any(|f| f.rule == "key-reused"), "{reused:?}");
}

#[test]
fn findings_print_file_line_rule_and_hint() {
    let mut files = files();
    let text = &mut files.iter_mut().find(|(path, _)| *path == BUSINESS).unwrap().1;
    *text = text.replace("max = 1200", "max = 0");
    let finding = load(&files).remove(0).to_string();
    assert!(finding.starts_with("licence-types/business-licence.toml:2"), "{finding}");
    assert!(
        finding.contains(": length: key 29 has no usable max (text takes 1 to 4096 characters)"),
        "{finding}"
    );
}
