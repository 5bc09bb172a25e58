//! `fsck`: check everything that a node has stored. A node with SQLite must be stopped; in PostgreSQL one moment is looked at.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::data::{Place, print, print_json};
use super::setup::connect;
use licence_node::node::clock::Stopwatch;
use licence_node::node::config::Config;
use licence_node::publication::documents;
use licence_node::upkeep::fsck::fsck;

/// How often progress is told.
const TELL: Duration = Duration::from_secs(2);

/// What to check.
#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    /// 以 JSON 输出 / print JSON
    #[arg(long)]
    json: bool,
}

/// Checks; false if something is wrong.
pub(super) fn run(options: &Options) -> Result<bool> {
    let directory = &options.place.data;
    let file = directory.join(licence_store_sqlite::DATABASE_FILE).is_file();
    let config = Config::load(directory);
    // A check makes nothing: no empty database either.
    anyhow::ensure!(
        file || config.as_ref().is_ok_and(|config| config.store.is_some()),
        "{0} 没有节点数据 / {0} holds no node",
        directory.display()
    );
    let store = connect(directory, &config?)?;
    let store = &*store;
    let evidence = documents::load_evidence(store);
    let trust = evidence.as_ref().ok().and_then(|evidence| evidence.trust_list().cloned());
    let mut watch = Stopwatch::start();
    let mut report = fsck(store, trust.as_deref(), &mut |done, all| {
        if watch.elapsed() >= TELL {
            eprintln!("已检查 checked {done} / {all}");
            watch = Stopwatch::start();
        }
    })?;
    if let Err(error) = evidence {
        report.faults += 1;
        report.findings.push(format!("信任文件或目录 / trust files or catalogue: {error}"));
    }
    let well = report.faults == 0;
    if options.json {
        let mut value = serde_json::to_value(&report)?;
        value["ok"] = json!(well);
        print_json(&value)?;
    } else {
        let verdict = if well { "完好 sound" } else { "有误 DAMAGED" };
        print(&format!(
            "{verdict}：叶 leaves {}，证照 licences {}，状态变更 status changes {}，单独作废的状态位 ended entries {}，状态列表 status tokens {}，信任与目录 documents {}，审计 audit rows {}，错误 faults {}",
            report.leaves,
            report.licences,
            report.status_changes,
            report.ended_indexes,
            report.status_tokens,
            report.documents,
            report.audit_rows,
            report.faults
        ))?;
        report.findings.iter().try_for_each(|finding| print(&format!("  {finding}")))?;
    }
    Ok(well)
}
