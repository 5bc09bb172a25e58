//! `log`: the cases of forked logs of other nodes, and how one is closed.

use std::fmt::Write as _;

use anyhow::Result;
use clap::Subcommand;
use licence_spec::time::UnixTime;
use serde_json::Value;

use super::data::{Place, print, print_json};
use licence_node::operator::Command;

/// What to do with the cases.
#[derive(Subcommand)]
pub(super) enum Verb {
    /// 分叉案件：未结与已结 / cases of forks, open and closed
    Cases {
        #[command(flatten)]
        place: Place,
        /// 以 JSON 输出，含证据 / print JSON, with the evidence
        #[arg(long)]
        json: bool,
    },
    /// 结案并留存记录；误报亦同 / close a case and keep a record, also of a false alarm
    CloseCase {
        #[command(flatten)]
        place: Place,
        /// 日志名称，如 gz.elic.example/log / name of the log
        log: String,
        /// 案件所示条数 / leaves of the offered head, as `log cases` shows them
        size: u64,
        /// 经办人 / who closes it
        #[arg(long, value_name = "NAME")]
        officer: String,
        /// 理由 / why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// Does what the verb says; false if a case is open.
pub(super) fn run(verb: Verb) -> Result<bool> {
    match verb {
        Verb::Cases { place, json } => {
            let cases = place.ask(&Command::ListCases)?;
            if json {
                print_json(&cases)?;
            } else {
                print(&table(&cases))?;
            }
            Ok(cases["open"].as_array().is_none_or(Vec::is_empty))
        }
        Verb::CloseCase { place, log, size, officer, reason } => {
            let closed = place.ask(&Command::CloseCase { log, size, officer, reason })?;
            print(&format!("已结案 closed: {}", line(&closed)))?;
            Ok(true)
        }
    }
}

fn table(cases: &Value) -> String {
    let mut text = String::new();
    for (word, list) in [("未结 open  ", &cases["open"]), ("已结 closed", &cases["closed"])] {
        for case in list.as_array().into_iter().flatten() {
            // Cannot fail: a String takes everything that is written to it.
            let _never = writeln!(text, "{word}  {}", line(case));
        }
    }
    if text.is_empty() { "没有案件 / there are no cases".to_owned() } else { text }
}

fn line(case: &Value) -> String {
    let kind = if case["false_alarm"] == true { "误报 false alarm" } else { "分叉 fork" };
    let opened = UnixTime(case["opened_at"].as_i64().unwrap_or_default());
    let closed = case["officer"].as_str().map_or_else(String::new, |officer| {
        format!(" · {officer}: {}", case["reason"].as_str().unwrap_or_default())
    });
    format!("{} {} · {kind} · {opened}{closed}", case["log"].as_str().unwrap_or_default(), case["size"])
}
