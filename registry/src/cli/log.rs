//! `log`: the cases of forked logs of other nodes, and how one is closed.

use std::fmt::Write as _;

use anyhow::Result;
use clap::Subcommand;
use licence_spec::time::UnixTime;

use super::data::{Place, print, print_json};
use licence_node::exchange::mirror::fork_cases::{Case, Closed};
use licence_node::operator::Command;
use licence_node::operator::answers::Cases;

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
            let cases: Cases = place.ask(&Command::ListCases)?;
            if json {
                print_json(&serde_json::to_value(&cases)?)?;
            } else {
                print(&table(&cases))?;
            }
            Ok(cases.open.is_empty())
        }
        Verb::CloseCase { place, log, size, officer, reason } => {
            let closed: Closed = place.ask(&Command::CloseCase { log, size, officer, reason })?;
            print(&format!("已结案 closed: {}", closed_line(&closed)))?;
            Ok(true)
        }
    }
}

fn table(cases: &Cases) -> String {
    let mut text = String::new();
    for Case { log, size, opened_at, false_alarm } in &cases.open {
        let kind = if *false_alarm { "误报 false alarm" } else { FORKED };
        // Cannot fail: a String takes everything that is written to it; so below.
        let _never = writeln!(text, "未结 open    {log} {size} · {kind} · {}", UnixTime(*opened_at));
    }
    for case in &cases.closed {
        let _never = writeln!(text, "已结 closed  {}", closed_line(case));
    }
    if text.is_empty() { "没有案件 / there are no cases".to_owned() } else { text }
}

/// The word for a fork.
const FORKED: &str = "分叉 fork";

fn closed_line(case: &Closed) -> String {
    let Closed { log, size, opened_at, officer, reason, .. } = case;
    let kind = if case.false_alarm { "误报 false alarm" } else { FORKED };
    format!("{log} {size} · {kind} · {} · {officer}: {reason}", UnixTime(*opened_at))
}
