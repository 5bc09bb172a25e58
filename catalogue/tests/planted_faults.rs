//! Planted faults: each is found, under its rule and in its place, and nothing is loaded.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test helper that fails fails the test"
)]

mod common;

use common::{NOW, catalogue, signed};
use licence_catalogue::{CatalogueData, Finding, Release, embedded_files};
use serde::Deserialize;

const BUSINESS: &str = "licence-types/business-licence.toml";
const PREMISES: &str = "licence-types/premises-use-proof.toml";
const COMMON: &str = "common-fields.toml";

/// One fixture of `tests/planted/`: a fault put into one shipped file, and how it must be found.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    /// The rule under which it is found.
    rule: String,
    /// The file that is changed, and in which it is found.
    file: String,
    /// Text that is replaced once ...
    replace: Option<String>,
    /// ... by this one.
    with: Option<String>,
    /// Or text that is put at the end.
    append: Option<String>,
    /// The line of the finding; the changed line if it is not given.
    line: Option<usize>,
}

fn fixtures() -> Vec<(String, Fixture)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/planted");
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let fixture = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, fixture)
    };
    let mut fixtures: Vec<_> = std::fs::read_dir(folder).unwrap().map(read).collect();
    fixtures.sort_by(|(a, _), (b, _)| a.cmp(b));
    fixtures
}

impl Fixture {
    /// Puts the fault into the text; the line, from 1, that was changed.
    fn plant(&self, text: &mut String) -> usize {
        if let Some(append) = &self.append {
            text.push_str(append);
            return text.lines().count();
        }
        let (from, to) = (self.replace.as_ref().unwrap(), self.with.as_ref().unwrap());
        let at = text.find(from).unwrap_or_else(|| panic!("{from} is not in {}", self.file));
        let line = text[..at].matches('\n').count() + 1;
        text.replace_range(at..at + from.len(), to);
        line
    }
}

fn files() -> Vec<(&'static str, String)> {
    embedded_files().map(|(path, bytes)| (path, String::from_utf8(bytes.to_vec()).unwrap())).collect()
}

fn load(files: &[(&str, String)]) -> Vec<Finding> {
    let files = files.iter().map(|(path, text)| (*path, text.as_bytes()));
    match CatalogueData::load(files) {
        Ok(data) => data.slips().to_vec(),
        Err(findings) => findings.0,
    }
}

#[test]
fn every_planted_fault_is_found_under_its_rule_in_its_file_and_at_its_line() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 25, "{}", fixtures.len());
    let mut missed = Vec::new();
    for (name, fixture) in &fixtures {
        let mut files = files();
        let text = &mut files.iter_mut().find(|(path, _)| *path == fixture.file).unwrap().1;
        let planted = fixture.plant(text);
        let line = Some(fixture.line.unwrap_or(planted));
        let findings = load(&files);
        let right = |f: &&Finding| f.rule == fixture.rule && f.file == fixture.file && f.line == line;
        match findings.iter().find(right) {
            Some(found) => assert!(!found.message.is_empty() && !found.hint.is_empty(), "{name}"),
            None => missed.push(format!("{name}, at line {line:?}: {findings:#?}")),
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
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
        finding.ends_with(
            ": length: 最大长度不可用，文字项须为 1 至 4096 / key 29 has no usable max (text takes 1 to 4096 characters)"
        ),
        "{finding}"
    );
    let json = serde_json::to_value(&load(&files)[0]).unwrap();
    assert_eq!(json["zh"], "最大长度不可用，文字项须为 1 至 4096");
}

/// What the bytes of a file hide behind escapes is found in the text that they make.
#[test]
fn a_character_written_as_an_escape_is_found_too() {
    for (escape, rule) in [("\\u200b", "text-rule"), ("\\ue000", "text-rule"), ("\\u3000", "blanks")] {
        let mut files = files();
        let item = files.iter_mut().find(|(path, _)| *path == "service-items/gz-th-0101.toml").unwrap();
        item.1 = item.1.replacen("purpose = \"", &format!("purpose = \"{escape}"), 1);
        let found = load(&files);
        assert_eq!(found.iter().map(|finding| finding.rule).collect::<Vec<_>>(), [rule], "{escape}");
    }
}

/// Every rule that the sources name has its Chinese words, and spec/catalogue.md lists every rule that has words.
#[test]
fn every_rule_has_words_and_its_place_in_the_document() {
    let document = include_str!("../../spec/catalogue.md");
    let rules: Vec<&str> = licence_catalogue::finding_rules().collect();
    for rule in &rules {
        assert!(document.contains(&format!("`{rule}`")), "{rule} is not listed");
        assert!(!licence_catalogue::finding_zh(rule).is_ascii(), "{rule}");
    }
    for (name, fixture) in fixtures() {
        assert!(rules.contains(&fixture.rule.as_str()), "{name}: {} has no words", fixture.rule);
    }
}

/// Issue 3: a catalogue that skips a version, changes a published revision or shrinks a field.
#[test]
fn what_may_not_follow_the_published_version_is_found_at_its_place() {
    let held = catalogue();
    let good = Release::after(Some(&held), NOW, NOW);
    let found = |files: &[(&str, String)], release: &Release| {
        let data = CatalogueData::load(files.iter().map(|(path, text)| (*path, text.as_bytes()))).unwrap();
        let told = |f: Finding| {
            assert!(!f.message.is_empty() && !f.hint.is_empty());
            (f.rule, f.file, f.line)
        };
        data.check_successor(&held, release).into_iter().map(told).collect::<Vec<_>>()
    };
    let shipped = files();
    assert_eq!(found(&shipped, &good), []);
    let release = |rule| vec![(rule, "release".to_owned(), None)];
    let skipped = Release { version: good.version + 1, ..good };
    assert_eq!(found(&shipped, &skipped), release("version-skipped"));
    assert_eq!(found(&shipped, &Release { version: 1, ..good }), release("version-skipped"));
    assert_eq!(found(&shipped, &Release { previous: Some([7; 32]), ..good }), release("previous-digest"));
    assert_eq!(found(&shipped, &Release { issued_at: NOW.plus(-1), ..good }), release("release-time"));
    let changed = |from: &str, to: &str| {
        let mut files = files();
        let text = &mut files.iter_mut().find(|(path, _)| *path == BUSINESS).unwrap().1;
        assert!(text.contains(from), "{from}");
        *text = text.replacen(from, to, 1);
        found(&files, &good)
    };
    let at = |rule, line| vec![(rule, BUSINESS.to_owned(), Some(line))];
    assert_eq!(changed("max = 1200", "max = 1199"), at("field-shrunk", 27));
    assert_eq!(changed("max = 1200", "max = 1201"), at("revision-changed", 27));
    assert_eq!(
        changed("flags = [\"required\", \"sensitive\", \"face\"]", "flags = [\"required\"]"),
        at("revision-changed", 23)
    );
    assert_eq!(changed("value = 3650", "value = 3649"), at("revision-changed", 17));
    let mut without = files();
    without.retain(|(path, _)| *path != "licence-types/road-transport-radioactive.toml");
    for (path, text) in &mut without {
        if path.starts_with("authorities/") {
            *text = text.replace(", \"11100000000019713D079\"", "");
        }
    }
    assert_eq!(found(&without, &good), [("type-gone", "licence-types".to_owned(), None)]);
    let mut second = files();
    let text = &mut second.iter_mut().find(|(path, _)| *path == PREMISES).unwrap().1;
    let revision = text.split_once("[[revisions]]").unwrap().1.replace("number = 1", "number = 2");
    *text += &format!("\n[[revisions]]{}", revision.replace("2026-10-26", "2026-10-27"));
    let data = CatalogueData::load(second.iter().map(|(path, text)| (*path, text.as_bytes()))).unwrap();
    let held = signed(&data);
    let gone = common::data().check_successor(&held, &Release::after(Some(&held), NOW, NOW));
    assert_eq!((gone[0].rule, gone[0].file.as_str(), gone[0].line), ("revision-gone", PREMISES, Some(3)));
}

/// spec/catalogue.md §7 lists every rule, so that an operator can look it up.
#[test]
fn the_document_lists_every_rule_that_a_fixture_breaks() {
    let document = include_str!("../../spec/catalogue.md");
    for (name, fixture) in fixtures() {
        assert!(document.contains(&format!("`{}`", fixture.rule)), "{name}: {} is not listed", fixture.rule);
    }
}
