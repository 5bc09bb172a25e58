//! `catalogue diff`: what changed between two versions, and which live licences it touches.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use licence_catalogue::Release;
use licence_catalogue::approval::Proposal;
use licence_catalogue::diff::{Diff, Entry, Fate, diff};
use licence_spec::catalogue::{self, Catalogue, Content};
use licence_spec::cose::Sign1;
use licence_spec::numbers::{MAX_CATALOGUE, TYP_CATALOGUE};
use serde_json::{Value, json};

use crate::cli::data::{Place, print, print_json, read};
use crate::cli::trust::held::pinned;
use licence_node::node::clock::Clock;
use licence_node::node::encoding::from_base64url;
use licence_node::operator::Command;
use licence_node::publication::catalogue_data;

/// What to compare.
#[derive(Args)]
pub(in crate::cli) struct Options {
    /// 较早版本：签名文件、提案、文件夹、published 或 shipped / the earlier: signed file, proposal, folder, `published` or `shipped`
    before: String,
    /// 较晚版本，同上 / the later one, as before
    after: String,
    /// 节点数据目录：统计受影响的有效证照；published 亦取自此 / data directory of a node, whose live licences are counted and whose
    /// catalogue is `published`
    #[arg(long, value_name = "DIR", env = "LICENCE_REGISTRY_DATA")]
    data: Option<PathBuf>,
    /// 以 JSON 输出 / print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let place = options.data.as_ref().map(|data| Place { data: data.clone() });
    let before = content(&options.before, place.as_ref(), None)?;
    let after = content(&options.after, place.as_ref(), Some(&before))?;
    let diff = diff(&before, &after);
    let live = place.map(|place| place.ask(&Command::CountLicences)).transpose()?;
    let touched = live.map(|live| touched(&diff, &live));
    if options.json {
        let mut value = serde_json::to_value(&diff)?;
        value["live_licences"] = json!(touched);
        return print_json(&value);
    }
    print(&words(&diff, touched.as_ref()))
}

/// What a signed file or a proposal says; a file that is only compared need not be trusted.
fn content_of_file(bytes: &[u8]) -> Result<Content> {
    if let Ok(proposal) = Proposal::open(bytes) {
        return Ok(proposal.content().clone());
    }
    let object = Sign1::parse_typed(bytes, MAX_CATALOGUE, TYP_CATALOGUE);
    let content = object.and_then(|object| Content::from_payload(object.payload()));
    content.map_err(|fault| anyhow::anyhow!("不是目录 / is no catalogue: {fault}"))
}

fn content(word: &str, place: Option<&Place>, before: Option<&Content>) -> Result<Content> {
    let now = Clock::system().now();
    let compiled = |folder: Option<&Path>| {
        let version = before.map_or(1, |before| before.version + 1);
        let release = Release { version, issued_at: now, in_force_from: now, previous: None };
        Ok::<_, anyhow::Error>(catalogue_data::data(folder)?.compile(&release))
    };
    match word {
        "shipped" => compiled(None),
        "published" => {
            let place = place.context("published 需要 --data / `published` needs --data")?;
            Ok(published(place)?.context("节点尚无目录 / the node has no catalogue yet")?.content().clone())
        }
        path if Path::new(path).is_dir() => compiled(Some(Path::new(path))),
        path => content_of_file(&read(Path::new(path))?).with_context(|| path.to_owned()),
    }
}

/// The catalogue in force at a node.
pub(super) fn published(place: &Place) -> Result<Option<Catalogue>> {
    let signed: Option<String> = place.ask(&Command::Catalogue)?;
    let Some(signed) = signed.as_deref().and_then(from_base64url) else { return Ok(None) };
    let files = pinned(place)?;
    let list = files.list().context("节点没有信任列表 / the node has no trust list")?;
    Ok(Some(catalogue::open(&signed, &**list, Clock::system().now())?))
}

/// Live licences of the touched types.
fn touched(diff: &Diff, live: &Value) -> Value {
    let counts =
        diff.touched_types.iter().map(|vct| (vct.clone(), live.get(vct).cloned().unwrap_or(json!(0))));
    counts.collect::<serde_json::Map<_, _>>().into()
}

pub(super) fn words(diff: &Diff, live: Option<&Value>) -> String {
    if diff.is_empty() {
        return "没有变化 / nothing changed".to_owned();
    }
    let mut text = format!("第 {0} 版 → 第 {1} 版 / version {0} → {1}\n", diff.from, diff.to);
    for entry in diff.types.iter().chain(&diff.service_items) {
        one(&mut text, entry);
    }
    let list =
        |names: &mut dyn Iterator<Item = &String>| names.map(String::as_str).collect::<Vec<_>>().join(", ");
    // Cannot fail: a String takes everything that is written to it; so below.
    let _never = writeln!(text, "涉及类型 touched types: {}", list(&mut diff.touched_types.iter()));
    let _never =
        writeln!(text, "涉及事项 touched service items: {}", list(&mut diff.touched_service_items.iter()));
    for (vct, count) in live.and_then(Value::as_object).into_iter().flatten() {
        let _never = writeln!(text, "有效证照 live licences  {vct}  {count}");
    }
    text
}

fn one(text: &mut String, entry: &Entry) {
    let fate = match entry.fate {
        Fate::Added => "新增 added",
        Fate::Removed => "取消 removed",
        Fate::Changed => "变更 changed",
    };
    let _never = writeln!(text, "{fate}  {}  {}", entry.id, entry.name);
    for change in &entry.changes {
        let _never = writeln!(text, "    {}: {} / {}", change.path, change.text.zh, change.text.en);
    }
}
