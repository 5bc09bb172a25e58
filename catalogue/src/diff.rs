//! What changed between two versions: in words for people, as data for programs, and whom it touches.
//!
//! In scope: types, revisions, fields, service items and materials of two contents. Out of scope: whether the second may
//! follow the first ([`CatalogueData::check_successor`](crate::CatalogueData::check_successor)), and how many live
//! licences a touched type has, which the node counts.

mod items;
mod types;

use std::collections::BTreeSet;
use std::fmt;

use licence_spec::catalogue::Content;
use serde::Serialize;

use crate::fit::Text;

/// What a change does to the daily work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Only words that people read.
    Words,
    /// New licences are issued by other rules. Licences that are out keep their revision and their verdicts.
    Issue,
    /// A service item takes, asks for or shows something else: fits and views change, of licences that are out, too.
    Use,
}

/// One change of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What changed, as a path: `name`, `revisions/2/fields/29`, `materials/M01/regions`.
    pub path: String,
    /// Before; absent if it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// After; absent if it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// What it does.
    pub effect: Effect,
    /// Words in both languages, without the path's owner.
    pub text: Text,
}

/// What happened to a type or service item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is there in both and differs.
    Changed,
}

/// A type or a service item that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// vct of a type, code of a service item.
    pub id: String,
    /// Its name; of the later version, if it is in it.
    pub name: String,
    /// What happened to it.
    pub fate: Fate,
    /// In detail; empty for what is new or gone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// For a type the codes of the service items that accept it, for a service item the vcts that it accepts: in either
    /// version, ascending.
    pub touches: Vec<String>,
}

/// The difference of two contents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// Version of the earlier content.
    pub from: u64,
    /// Version of the later one.
    pub to: u64,
    /// Types that differ, ascending by vct.
    pub types: Vec<Entry>,
    /// Service items that differ, ascending by code.
    pub service_items: Vec<Entry>,
    /// vcts whose licences, live or to come, are concerned by any change that is more than words, ascending.
    pub touched_types: BTreeSet<String>,
    /// Codes of service items concerned by any change that is more than words, ascending.
    pub touched_service_items: BTreeSet<String>,
}

/// Says what changed from `before` to `after`.
#[must_use]
pub fn diff(before: &Content, after: &Content) -> Diff {
    let types = types::entries(before, after);
    let service_items = items::entries(before, after);
    let matters = |entry: &&Entry| {
        entry.fate != Fate::Changed || entry.changes.iter().any(|change| change.effect != Effect::Words)
    };
    let own =
        |entries: &[Entry]| entries.iter().filter(matters).map(|e| e.id.clone()).collect::<BTreeSet<_>>();
    let others = |entries: &[Entry]| {
        entries.iter().filter(matters).flat_map(|entry| entry.touches.clone()).collect::<BTreeSet<_>>()
    };
    Diff {
        from: before.version,
        to: after.version,
        touched_types: &own(&types) | &others(&service_items),
        touched_service_items: &own(&service_items) | &others(&types),
        types,
        service_items,
    }
}

impl Diff {
    /// Whether nothing differs but the version itself.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.types.is_empty() && self.service_items.is_empty()
    }
}

impl fmt::Display for Diff {
    /// Chinese with English beside, one change a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "目录第 {} 版 → 第 {} 版 / catalogue version {} → {}",
            self.from, self.to, self.from, self.to
        )?;
        if self.is_empty() {
            writeln!(f, "内容无变化 / no change of content")?;
        }
        section(f, "证照类型 / licence type", &self.types)?;
        section(f, "事项 / service item", &self.service_items)?;
        list(f, "涉及的证照类型 / licence types touched", &self.touched_types)?;
        list(f, "涉及的事项 / service items touched", &self.touched_service_items)
    }
}

fn section(f: &mut fmt::Formatter<'_>, what: &str, entries: &[Entry]) -> fmt::Result {
    for entry in entries {
        let fate = match entry.fate {
            Fate::Added => "新增 / added",
            Fate::Removed => "删除 / removed",
            Fate::Changed => "变更 / changed",
        };
        writeln!(f, "{what} {}（{}）{fate}", entry.name, entry.id)?;
        for change in &entry.changes {
            let mark = match change.effect {
                Effect::Words => "文字 / words",
                Effect::Issue => "影响签发 / issue",
                Effect::Use => "影响用证 / use",
            };
            writeln!(f, "  [{mark}] {} / {}", change.text.zh, change.text.en)?;
        }
    }
    Ok(())
}

fn list(f: &mut fmt::Formatter<'_>, what: &str, ids: &BTreeSet<String>) -> fmt::Result {
    if ids.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    writeln!(f, "{what}: {}", ids.join(" "))
}

/// Collects the changes of one entry.
#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    /// Notes a change if the two sides differ; `zh` and `en` name the thing.
    fn compare(
        &mut self,
        path: impl Into<String>,
        (zh, en): (&str, &str),
        effect: Effect,
        before: Option<String>,
        after: Option<String>,
    ) {
        if before == after {
            return;
        }
        let text = match (&before, &after) {
            (None, Some(new)) => Text { zh: format!("新增{zh}：{new}"), en: format!("{en} added: {new}") },
            (Some(old), None) => {
                Text { zh: format!("删除{zh}：{old}"), en: format!("{en} removed: {old}") }
            }
            _ => {
                let (old, new) =
                    (before.as_deref().unwrap_or_default(), after.as_deref().unwrap_or_default());
                Text {
                    zh: format!("{zh}由“{old}”改为“{new}”"),
                    en: format!("{en} changed from {old} to {new}"),
                }
            }
        };
        self.0.push(Change { path: path.into(), before, after, effect, text });
    }

    /// Compares two lists of pairs by key; `effect` tells what a change of this key does.
    fn compare_pairs(
        &mut self,
        path: &str,
        (zh, en): (&str, &str),
        effect: impl Fn(&str) -> Effect,
        before: &[(String, String)],
        after: &[(String, String)],
    ) {
        let keys: BTreeSet<&String> = before.iter().chain(after).map(|(key, _)| key).collect();
        let value = |pairs: &[(String, String)], key| {
            pairs.iter().find(|(own, _)| own == key).map(|(_, value)| value.clone())
        };
        for key in keys {
            let names = (format!("{zh}“{key}”"), format!("{en} {key}"));
            self.compare(
                format!("{path}/{key}"),
                (&names.0, &names.1),
                effect(key),
                value(before, key),
                value(after, key),
            );
        }
    }
}

/// Pairs up two lists, both ascending by `key`: what is in the first, in the second, or in both.
fn pairs<'a, T, K: Ord>(
    before: &'a [T],
    after: &'a [T],
    key: impl Fn(&'a T) -> K,
) -> Vec<(Option<&'a T>, Option<&'a T>)> {
    let keys: BTreeSet<K> = before.iter().chain(after).map(&key).collect();
    let find = |list: &'a [T], wanted: &K| list.iter().find(|item| key(item) == *wanted);
    keys.iter().map(|wanted| (find(before, wanted), find(after, wanted))).collect()
}
