//! The sheet 依据: how well a fact is known and from where; and the words of sheets and files for one another.

use std::collections::BTreeMap;

use super::CellFinding;
use super::rows::Row;
use super::toml_text::quoted;

/// What a fact without a row of its own says of its source.
const DEFAULT_SOURCE: &str = "imported; no row in the sheet 依据";

const STATE_WORDS: [(&str, &str); 3] = [("有出处", "sourced"), ("推断", "inferred"), ("暂定", "provisional")];
const KIND_WORDS: [(&str, &str); 7] = [
    ("文字", "text"),
    ("日期", "date"),
    ("整数", "uint"),
    ("是非", "bool"),
    ("文字列表", "list"),
    ("摘要", "digest"),
    ("文字表格", "table"),
];
const ROLE_WORDS: [(&str, &str); 6] = [
    ("申请人", "applicant"),
    ("法定代表人", "legal_representative"),
    ("配偶", "spouse"),
    ("代理人", "agent"),
    ("从业人员", "staff"),
    ("利害关系人", "other_party"),
];
pub(super) const COMPARISON_WORDS: [(&str, &str); 6] = [
    ("属于", "one_of"),
    ("包含", "contains"),
    ("不小于", "at_least"),
    ("不大于", "at_most"),
    ("不早于", "not_before"),
    ("不晚于", "not_after"),
];

fn to_file(words: &[(&'static str, &'static str)], word: &str) -> &'static str {
    words.iter().find(|(zh, _)| *zh == word).map_or("", |(_, file)| file)
}

pub(super) fn state(word: &str) -> &'static str {
    to_file(&STATE_WORDS, word)
}

pub(super) fn kind(word: &str) -> &'static str {
    to_file(&KIND_WORDS, word)
}

pub(super) fn role(word: &str) -> &'static str {
    to_file(&ROLE_WORDS, word)
}

/// The word of the sheet for a word of the files, of states, kinds, roles and comparisons.
pub(super) fn zh(file: &str) -> &'static str {
    let all = STATE_WORDS.iter().chain(&KIND_WORDS).chain(&ROLE_WORDS).chain(&COMPARISON_WORDS);
    all.clone().find(|(_, own)| *own == file).map_or("", |(zh, _)| zh)
}

/// State and source of facts, by file and item.
#[derive(Default)]
pub(super) struct Facts<'a>(BTreeMap<(&'a str, &'a str), &'a Row>);

impl<'a> Facts<'a> {
    /// The facts of the sheet; `known` says whether an item of a file exists at all.
    pub(super) fn read(
        rows: &[&'a Row],
        known: impl Fn(&str, &str) -> bool,
        findings: &mut Vec<CellFinding>,
    ) -> Facts<'a> {
        let mut facts = Facts::default();
        for &row in rows {
            let (file, item) = (row.text("文件"), row.text("项目"));
            if !known(file, item) {
                let message = format!("{file} has no item {item}");
                let hint =
                    "an item is the title of a column of 证照类型 or 事项, or 最长有效天数 and the number";
                findings.push(row.place("项目").finding("unknown-item", message, hint));
            }
            if facts.0.insert((file, item), row).is_some() {
                findings.push(row.place("项目").finding(
                    "duplicate-row",
                    "the item stands twice",
                    "delete one row",
                ));
            }
        }
        facts
    }

    /// `key = { value = …, state = …, source = … }` with a value that is already TOML.
    pub(super) fn line(&self, file: &str, item: &str, key: &str, value: &str) -> String {
        let row = self.0.get(&(file, item));
        let state = row.map_or("provisional", |row| state(row.text("依据状态")));
        let source = row.map_or(DEFAULT_SOURCE, |row| row.text("来源"));
        format!("{key} = {{ value = {value}, state = {}, source = {} }}", quoted(state), quoted(source))
    }
}
