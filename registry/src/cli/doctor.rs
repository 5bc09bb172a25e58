//! `doctor`: what is wrong with a node, running or not, and what to do. Cause and remedy on one line each.

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::data::{Place, print, print_json};
use licence_node::node::config::Config;
use licence_node::operator::Command;
use licence_node::upkeep::doctor::{Diagnosis, State};

/// Which node.
#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    /// 以 JSON 输出 / print JSON
    #[arg(long)]
    json: bool,
}

/// Looks; false if something is wrong.
pub(super) fn run(options: &Options) -> Result<bool> {
    let found = examine(&options.place).unwrap_or_else(|error| {
        // A node that cannot even be opened says why, and that is the diagnosis.
        let (about, remedy) = ("node".into(), "".into());
        vec![Diagnosis { about, state: State::Wrong, cause: format!("{error:#}"), remedy }]
    });
    let is_well = found.iter().all(|one| one.state != State::Wrong);
    if options.json {
        print_json(&json!({"ok": is_well, "findings": found}))?;
    } else {
        found.iter().try_for_each(|one| print(&line(one)))?;
    }
    Ok(is_well)
}

fn examine(place: &Place) -> Result<Vec<Diagnosis>> {
    let config = Config::load(&place.data)?;
    config.passphrase(&place.data)?;
    let mut found: Vec<Diagnosis> = place.ask(&Command::Diagnose)?;
    found.extend(config.addresses_in_clear.iter().map(|host| in_clear(host)));
    Ok(found)
}

/// A host that is asked in the clear is told for as long as it is.
fn in_clear(host: &str) -> Diagnosis {
    Diagnosis {
        about: "addresses".into(),
        state: State::Soon,
        cause: format!("{host} is asked in the clear across a network (addresses_in_clear)"),
        remedy: "改用 https:// 地址，或确认该网络已加密 / give it an https:// address, or make sure that the network itself is encrypted".into(),
    }
}

fn line(one: &Diagnosis) -> String {
    let state = match one.state {
        State::Well => "正常 well ",
        State::Soon => "注意 soon ",
        State::Wrong => "有误 WRONG",
    };
    let remedy =
        if one.remedy.is_empty() { String::new() } else { format!("\n            → {}", one.remedy) };
    format!("{state}  {:<9}  {}{remedy}", one.about, one.cause)
}
