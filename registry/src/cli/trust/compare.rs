//! `trust diff`: what changes between two lists or roots, and which verdicts would.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use licence_spec::trust::Proposed;
use serde_json::json;

use super::held::{PUBLISHED, proposed};
use crate::cli::data::{Place, print, print_json};
use licence_node::node::encoding::base64url;
use licence_node::operator::Command;
use licence_node::operator::answers::{VerdictChanges, VerdictCounts};
use licence_node::publication::ceremony::diff::{Change, Diff, Fate, diff};

/// What to compare.
#[derive(Args)]
pub(in crate::cli) struct Options {
    /// 较早：信任文件、提案、签名文件或 published / the earlier: trust file, proposal, signature file, or `published`
    before: String,
    /// 较晚，同上 / the later one, as before
    after: String,
    /// 节点数据目录：统计结论会改变的有效证照；published 亦取自此 / data directory of a node, whose licences in force are counted and whose
    /// list is `published`
    #[arg(long, value_name = "DIR", env = "LICENCE_REGISTRY_DATA")]
    data: Option<PathBuf>,
    /// 以 JSON 输出 / print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let place = options.data.as_ref().map(|data| Place { data: data.clone() });
    let (before, after) = both(&options.before, &options.after, place.as_ref())?;
    let found = diff(&before, &after)
        .context("一份是信任根，一份是列表，不能比较 / one is a root and the other a list")?;
    let verdicts = match (&before, &after, &place) {
        (Proposed::List(before), Proposed::List(after), Some(place)) => {
            let (before, after) = (base64url(&before.to_payload()), base64url(&after.to_payload()));
            Some(place.ask::<VerdictCounts>(&Command::CountVerdicts { before, after })?)
        }
        _ => None,
    };
    if options.json {
        let mut value = serde_json::to_value(&found)?;
        value["verdicts"] = json!(verdicts);
        return print_json(&value);
    }
    print(&words(&found, verdicts.as_ref()))
}

/// Both sides; `published` is the list or the root in force, as the other side is.
fn both(before: &str, after: &str, place: Option<&Place>) -> Result<(Proposed, Proposed)> {
    if before == PUBLISHED {
        let after = proposed(after, place, None)?;
        return Ok((proposed(before, place, Some(&after))?, after));
    }
    let before = proposed(before, place, None)?;
    let after = proposed(after, place, Some(&before))?;
    Ok((before, after))
}

fn words(diff: &Diff, verdicts: Option<&VerdictCounts>) -> String {
    let mut text = format!("第 {0} 版 → 第 {1} 版 / version {0} → {1}\n", diff.from, diff.to);
    if diff.changes.is_empty() {
        text.push_str("内容没有变化 / nothing changed in what it says\n");
    }
    for (word, live) in [("可签发 may issue", &diff.gained), ("不再签发 may issue no more", &diff.lost)]
    {
        for (what, names) in [
            ("机关 authorities", &live.authorities),
            ("类型 types", &live.types),
            ("区域 regions", &live.regions),
        ] {
            if !names.is_empty() {
                // Cannot fail: a String takes everything that is written to it; so below.
                let _never = writeln!(text, "{word}  {what}: {}", joined(names));
            }
        }
        if !live.keys.is_empty() {
            let sign = if word.starts_with("可") {
                "启用密钥 keys that begin"
            } else {
                "失效密钥 keys that end"
            };
            let _never = writeln!(text, "{sign}: {}", live.keys.len());
        }
    }
    diff.changes.iter().for_each(|change| one(&mut text, change));
    if let Some(verdicts) = verdicts {
        counted(&mut text, verdicts);
    }
    text
}

fn joined(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn one(text: &mut String, change: &Change) {
    let fate = match change.fate {
        Fate::Added => "新增 added",
        Fate::Removed => "移除 removed",
        Fate::Changed => "变更 changed",
    };
    let _never = writeln!(text, "{fate}  {}  {}", change.id, change.name);
    for line in &change.lines {
        let _never = writeln!(text, "    {line}");
    }
}

fn counted(text: &mut String, verdicts: &VerdictCounts) {
    let VerdictCounts { live, changed, authorities } = verdicts;
    let _never = writeln!(
        text,
        "本节点有效证照 licences in force here: {live}，结论改变 verdicts that change: {changed}"
    );
    for (authority, VerdictChanges { live, changes }) in authorities {
        for (change, licences) in changes {
            let _never = writeln!(text, "    {authority}  {change}: {licences} / {live}");
        }
    }
}
