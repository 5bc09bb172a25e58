//! `index`: what a province has gathered of the cities' licences, day by day, what it rejected, and to have a log told again.

use std::fmt::Write as _;

use anyhow::Result;
use clap::Subcommand;

use super::data::{Place, print, print_json};
use licence_node::operator::Command;
use licence_node::operator::answers::{GatheredDay, GatheredLog, RejectedRecord};

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
            let logs: Vec<GatheredLog> = place.ask(&Command::CountIndex { log })?;
            if json {
                print_json(&serde_json::to_value(&logs)?)?
            } else {
                print(&counts(&logs))?
            }
            Ok(logs.iter().flat_map(|log| &log.days).all(|day| day.ok))
        }
        Verb::Rejects { place, log, from, json } => {
            let rows: Vec<RejectedRecord> = place.ask(&Command::ListRejects { log, from })?;
            if json {
                print_json(&serde_json::to_value(&rows)?)?
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

fn kind(kind: &str) -> &'static str {
    if kind == "licence" { "签发 licence" } else { "状态变更 status change" }
}

fn counts(logs: &[GatheredLog]) -> String {
    let mut text = String::new();
    for log in logs {
        let GatheredLog { log, told, mirrored, days } = log;
        // Cannot fail, here and below: a String takes everything that is written to it.
        let _never = writeln!(text, "{log}  已归集 told {told} / 镜像 mirrored {mirrored}");
        for GatheredDay { day, kind: of, logged, kept, rejected, ok } in days {
            let mark = if *ok { "" } else { "  不符 DOES NOT ADD UP" };
            let _never = writeln!(
                text,
                "  {day}  {}  日志 logged {logged}  入库 kept {kept}  拒收 rejected {rejected}{mark}",
                kind(of)
            );
        }
    }
    if text.is_empty() { "尚未归集任何日志 / no log has been gathered yet".to_owned() } else { text }
}

fn rejects(rows: &[RejectedRecord]) -> String {
    let mut text = String::new();
    for row in rows {
        let _never = writeln!(
            text,
            "{:>10}  {}  {}  {}",
            row.log_index,
            row.day,
            kind(&row.kind),
            reason(&row.reason)
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
