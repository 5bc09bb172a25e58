//! What changes between two lists, or two roots, in words that officers can follow before they sign.
//!
//! In scope: authorities, types, regions and keys that may issue, before and after; the keys of a root's roles. Out of scope:
//! which verdicts change (`operator`, which has the licences).

use std::collections::BTreeSet;

use licence_spec::suite::PublicKey;
use licence_spec::trust::{
    Cut, Entry, Key, KeyState, ListContent, Names, Proposed, Role, RoleKeys, RootContent, Scope,
};
use serde::Serialize;

/// Whether something came, went or stayed otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is there before and after.
    Changed,
}

/// What became of one authority, or of one role of a root.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// Whether it came, went or changed.
    pub fate: Fate,
    /// Code of the authority, or the role.
    pub id: String,
    /// Its name.
    pub name: String,
    /// One line each, Chinese and English.
    pub lines: Vec<String>,
}

/// What may issue now and what may issue then: authorities, types and regions of active licence keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Live {
    /// Codes of authorities.
    pub authorities: BTreeSet<String>,
    /// Types, as vct; `*` for all.
    pub types: BTreeSet<String>,
    /// Regions; `*` for all.
    pub regions: BTreeSet<String>,
    /// Keys of every role that are active, thumbprints in hex.
    pub keys: BTreeSet<String>,
}

/// All changes.
#[derive(Clone, Debug, Serialize)]
pub struct Diff {
    /// `list` or `root`.
    pub kind: &'static str,
    /// Version before.
    pub from: u64,
    /// Version after.
    pub to: u64,
    /// What may issue after and did not before; empty for roots.
    pub gained: Live,
    /// What may issue no more.
    pub lost: Live,
    /// Authority by authority, or role by role.
    pub changes: Vec<Change>,
}

/// The changes between two trust files of one kind; `None` if one is a root and the other a list.
#[must_use]
pub fn diff(before: &Proposed, after: &Proposed) -> Option<Diff> {
    match (before, after) {
        (Proposed::List(before), Proposed::List(after)) => Some(of_lists(before, after)),
        (Proposed::Root(before), Proposed::Root(after)) => Some(of_roots(before, after)),
        _ => None,
    }
}

fn of_lists(before: &ListContent, after: &ListContent) -> Diff {
    let (old, new) = (live(before), live(after));
    let ids: BTreeSet<&str> =
        before.entries.iter().chain(&after.entries).map(|entry| entry.id.as_str()).collect();
    let mut changes: Vec<Change> =
        ids.into_iter().filter_map(|id| of_entries(entry(before, id), entry(after, id))).collect();
    if before.witness_policy != after.witness_policy {
        let lines =
            vec![format!("{} → {}", one_line(&before.witness_policy), one_line(&after.witness_policy))];
        let name = "见证策略 witness policy".to_owned();
        changes.push(Change { fate: Fate::Changed, id: "policy".to_owned(), name, lines });
    }
    Diff {
        kind: "list",
        from: before.version,
        to: after.version,
        gained: minus(&new, &old),
        lost: minus(&old, &new),
        changes,
    }
}

fn entry<'a>(list: &'a ListContent, id: &str) -> Option<&'a Entry> {
    list.entries.iter().find(|entry| entry.id == id)
}

/// A text of a file that nobody has signed yet, on one line: it must not look like a line of ours.
fn one_line(text: &str) -> String {
    text.trim_end().replace('\n', "; ")
}

fn minus(a: &Live, b: &Live) -> Live {
    let less = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect();
    Live {
        authorities: less(&a.authorities, &b.authorities),
        types: less(&a.types, &b.types),
        regions: less(&a.regions, &b.regions),
        keys: less(&a.keys, &b.keys),
    }
}

fn live(list: &ListContent) -> Live {
    let mut live = Live::default();
    for entry in &list.entries {
        for key in entry.keys.iter().filter(|key| key.state == KeyState::Active) {
            live.keys.insert(hex::encode(key.key.thumbprint()));
            for scope in key.scopes.iter().filter(|scope| scope.role == Role::Licence) {
                live.authorities.insert(one_line(&entry.id));
                live.types.extend(names(&scope.types));
                live.regions.extend(names(&scope.regions));
            }
        }
    }
    live
}

/// The names of a scope; `*` for all.
#[must_use]
pub fn names(names: &Names) -> Vec<String> {
    match names {
        Names::All => vec!["*".to_owned()],
        Names::Some(names) => names.clone(),
    }
}

fn of_entries(before: Option<&Entry>, after: Option<&Entry>) -> Option<Change> {
    let (fate, entry) = match (before, after) {
        (Some(_), Some(after)) => (Fate::Changed, after),
        (None, Some(after)) => (Fate::Added, after),
        (Some(before), None) => (Fate::Removed, before),
        (None, None) => return None,
    };
    let lines = match (before, after) {
        (Some(before), Some(after)) => entry_lines(before, after),
        _ => entry.keys.iter().map(|key| format!("密钥 key {}", key_words(key))).collect(),
    };
    let unchanged = fate == Fate::Changed && lines.is_empty();
    (!unchanged).then(|| Change { fate, id: one_line(&entry.id), name: one_line(&entry.name), lines })
}

fn entry_lines(before: &Entry, after: &Entry) -> Vec<String> {
    let mut lines = Vec::new();
    let mut text = |what: &str, before: String, after: String| {
        if before != after {
            lines.push(format!("{what}: {before} → {after}"));
        }
    };
    text("名称 name", one_line(&before.name), one_line(&after.name));
    text("主机 hosts", before.hosts.join(", "), after.hosts.join(", "));
    let logs = |entry: &Entry| {
        let one = |log: &licence_spec::trust::Log| match log.until {
            None => log.vkey.clone(),
            Some(until) => format!("{} (至 until {until})", log.vkey),
        };
        entry.logs.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    text("日志 logs", logs(before), logs(after));
    let successor = |entry: &Entry| entry.successor.as_deref().map_or_else(|| "—".to_owned(), one_line);
    text("承继机关 successor", successor(before), successor(after));
    let find = |entry: &'_ Entry, key: &PublicKey| entry.keys.iter().position(|held| held.key == *key);
    for key in &before.keys {
        match find(after, &key.key).and_then(|at| after.keys.get(at)) {
            None => lines.push(format!("移除密钥 key removed: {}", key_words(key))),
            Some(next) if key_words(next) != key_words(key) => {
                lines.push(format!("密钥 key {} → {}", key_words(key), key_words(next)));
            }
            Some(next) if next.scopes != key.scopes => {
                lines.push(format!("许可期限 period of key {}", key_words(next)));
            }
            Some(_) => {}
        }
    }
    for key in after.keys.iter().filter(|key| find(before, &key.key).is_none()) {
        lines.push(format!("新密钥 key added: {}", key_words(key)));
    }
    lines
}

/// Kid, state and what a key may sign.
fn key_words(key: &Key) -> String {
    let scopes: Vec<String> = key.scopes.iter().map(scope_words).collect();
    format!("{} {} {}", hex::encode(key.key.kid()), state_words(key), scopes.join("; "))
}

/// A state in words.
#[must_use]
pub fn state_words(key: &Key) -> String {
    let since = key.since;
    match &key.state {
        KeyState::Active => format!("有效 active 自 since {since}"),
        KeyState::Retired => format!("停用 retired 自 since {since}"),
        KeyState::Compromised(cut) => format!("已泄露 compromised 自 since {since}，{}", cut_words(cut)),
    }
}

/// A cut in words: log, index and root are what officers compare before they sign.
#[must_use]
pub fn cut_words(cut: &Cut) -> String {
    let index = cut.index;
    match &cut.tree {
        Some(tree) => format!(
            "日志 {0} 序号 {index} 起不可信，该处树根 {1} / not trusted from index {index} of log {0} on, whose root there is {1}",
            tree.origin,
            hex::encode(tree.root)
        ),
        None => format!(
            "日志序号 {index} 起不可信，未写明树根，此前的证照须有当时的见证签名 / not trusted from log index {index} on; no root is named, so older licences need a cosignature of that time"
        ),
    }
}

/// The word of a role, Chinese and English.
#[must_use]
pub const fn role_words(role: Role) -> &'static str {
    match role {
        Role::Licence => "签发证照 licence",
        Role::Status => "状态 status",
        Role::Catalogue => "目录 catalogue",
        Role::View => "加注件 view",
        Role::Receipt => "核验回执 receipt",
        Role::Node => "节点间请求 node",
    }
}

fn scope_words(scope: &Scope) -> String {
    if !scope.role.is_scoped() {
        return role_words(scope.role).to_owned();
    }
    let list = |of: &Names| names(of).join(",");
    format!("{} [{}] [{}]", role_words(scope.role), list(&scope.types), list(&scope.regions))
}

fn of_roots(before: &RootContent, after: &RootContent) -> Diff {
    let roles = [
        ("root", "信任根签署人 officers of the root", &before.root, &after.root),
        ("list", "列表签署人 officers of the list", &before.list, &after.list),
        ("timestamp", "时间戳 timestamp", &before.timestamp, &after.timestamp),
    ];
    let changes = roles.into_iter().filter_map(|(id, name, before, after)| {
        let lines = role_lines(before, after);
        let (id, name) = (id.to_owned(), name.to_owned());
        (!lines.is_empty()).then_some(Change { fate: Fate::Changed, id, name, lines })
    });
    let changes = changes.collect();
    let (gained, lost) = (Live::default(), Live::default());
    Diff { kind: "root", from: before.version, to: after.version, gained, lost, changes }
}

fn role_lines(before: &RoleKeys, after: &RoleKeys) -> Vec<String> {
    let mut lines = Vec::new();
    if before.threshold != after.threshold {
        lines.push(format!("门槛 threshold: {} → {}", before.threshold, after.threshold));
    }
    for (word, these, those) in [("移除 removed", before, after), ("新增 added", after, before)] {
        for key in these.keys.iter().filter(|key| !those.keys.contains(key)) {
            lines.push(format!("{word}: {}", hex::encode(key.thumbprint())));
        }
    }
    lines
}
