//! `index`: what a province has gathered of the cities' licences, day by day, what it rejected, and to have a log told again.

use std::fmt::Write as _;

use anyhow::Result;
use clap::Subcommand;
use serde_json::Value;

use super::data::{Place, print, print_json};
use licence_node::operator::Command;

/// What to do with the index.
#[derive(Subcommand)]
pub(super) enum Verb {
    /// 对账：每市每日的日志条数、入库数、拒收数 / reconcile: leaves of the log, rows kept and rejects, each day of each city
    Counts {
        #[command(flatten)]
        place: Place,
        /// 只看此日志，如 gz.elic.example/log / only this log
        #[arg(long, value_name = "LOG")]
        log: Option<String>,
        /// 以 JSON 输出 / print JSON
        #[arg(long)]
        json: bool,
    },
    /// 拒收的记录及原因 / rejected records, and why
    Rejects {
        #[command(flatten)]
        place: Place,
        /// 日志名称 / name of the log
        log: String,
        /// 起始日志序号；每次最多 1,000 条 / from this log index on, at most 1,000
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// 以 JSON 输出 / print JSON
        #[arg(long)]
        json: bool,
    },
    /// 清除此日志的索引并从头重新归集 / forget the index of a log, and have it told again from its first leaf
    Again {
        #[command(flatten)]
        place: Place,
        /// 日志名称 / name of the log
        log: String,
    },
}

/// Does what the verb says; false if counts do not add up.
pub(super) fn run(verb: Verb) -> Result<bool> {
    match verb {
        Verb::Counts { place, log, json } => {
            let logs = place.ask(&Command::CountIndex { log })?;
            if json {
                print_json(&logs)?
            } else {
                print(&counts(&logs))?
            }
            let mut days = list(&logs).flat_map(|log| list(&log["days"]));
            Ok(days.all(|day| day["ok"] == true))
        }
        Verb::Rejects { place, log, from, json } => {
            let rows = place.ask(&Command::ListRejects { log, from })?;
            if json {
                print_json(&rows)?
            } else {
                print(&rejects(&rows))?
            }
            Ok(true)
        }
        Verb::Again { place, log } => {
            print_json(&place.ask(&Command::GatherAgain { log })?)?;
            Ok(true)
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn kind(row: &Value) -> &'static str {
    if row["kind"] == "licence" { "签发 licence" } else { "状态变更 status change" }
}

fn counts(logs: &Value) -> String {
    let mut text = String::new();
    for log in list(logs) {
        // Cannot fail, here and below: a String takes everything that is written to it.
        let _never = writeln!(
            text,
            "{}  已归集 told {} / 镜像 mirrored {}",
            word(&log["log"]),
            log["told"],
            log["mirrored"]
        );
        for day in list(&log["days"]) {
            let mark = if day["ok"] == true { "" } else { "  不符 DOES NOT ADD UP" };
            let _never = writeln!(
                text,
                "  {}  {}  日志 logged {}  入库 kept {}  拒收 rejected {}{mark}",
                word(&day["day"]),
                kind(day),
                day["logged"],
                day["kept"],
                day["rejected"]
            );
        }
    }
    if text.is_empty() { "尚未归集任何日志 / no log has been gathered yet".to_owned() } else { text }
}

fn rejects(rows: &Value) -> String {
    let mut text = String::new();
    for row in list(rows) {
        let _never = writeln!(
            text,
            "{:>10}  {}  {}  {}",
            row["log_index"].to_string(),
            word(&row["day"]),
            kind(row),
            reason(word(&row["reason"]))
        );
    }
    if text.is_empty() { "没有拒收的记录 / there are no rejects".to_owned() } else { text }
}

fn reason(word: &str) -> &str {
    match word {
        "missing" => "日志有此条目而未报送 / the log has it, nothing was told",
        "differs" => "报送内容与日志不符 / what was told is not what the log says",
        "not_in_log" => "日志中无此签发或变更 / the log has no licence and no change there",
        "unreadable" => "记录过长或无法读取 / a part of the record is too long or does not read",
        other => other,
    }
}
