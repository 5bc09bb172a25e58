//! `doctor`: what is wrong with a node, running or not, and what to do. Cause and remedy on one line each.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::data::{Place, print, print_json};
use licence_node::node::config::Config;
use licence_node::operator::Command;

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
    let found = match examine(&options.place) {
        Ok(found) => found,
        // A node that cannot even be opened says why, and that is the diagnosis.
        Err(error) => {
            json!([{"about": "node", "state": "wrong", "cause": format!("{error:#}"), "remedy": ""}])
        }
    };
    let rows = found.as_array().cloned().unwrap_or_default();
    let is_well = rows.iter().all(|row| row["state"] != "wrong");
    if options.json {
        print_json(&json!({"ok": is_well, "findings": rows}))?;
    } else {
        rows.iter().try_for_each(|row| print(&line(row)))?;
    }
    Ok(is_well)
}

fn examine(place: &Place) -> Result<Value> {
    let config = Config::load(&place.data)?;
    config.passphrase(&place.data)?;
    let mut found = place.ask(&Command::Diagnose)?;
    if let Some(rows) = found.as_array_mut() {
        rows.extend(config.addresses_in_clear.iter().map(|host| in_clear(host)));
    }
    Ok(found)
}

/// A host that is asked in the clear is told for as long as it is.
fn in_clear(host: &str) -> Value {
    json!({"about": "addresses", "state": "soon", "cause": format!("{host} is asked in the clear across a network (addresses_in_clear)"),
        "remedy": "改用 https:// 地址，或确认该网络已加密 / give it an https:// address, or make sure that the network itself is encrypted"})
}

fn line(row: &Value) -> String {
    let word = |name: &str| row[name].as_str().unwrap_or_default();
    let state = match word("state") {
        "well" => "正常 well ",
        "soon" => "注意 soon ",
        _ => "有误 WRONG",
    };
    let remedy = if word("remedy").is_empty() {
        String::new()
    } else {
        format!("\n            → {}", word("remedy"))
    };
    format!("{state}  {:<9}  {}{remedy}", word("about"), word("cause"))
}
