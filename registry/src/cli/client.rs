//! `client`: the tokens of approval systems and departments. A token is shown once and kept nowhere.

use std::fmt::Write as _;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::data::{Place, print, print_json};
use licence_node::access::clients::NewClient;
use licence_node::operator::Command;
use licence_node::operator::answers::ListedClient;

/// What to do with clients.
#[derive(Subcommand)]
pub(super) enum Verb {
    /// 新增客户端并显示其令牌（仅此一次） / make a client and show its token, this once
    Add(AddOptions),
    /// 列出客户端 / list the clients
    List {
        #[command(flatten)]
        place: Place,
        /// 以 JSON 输出 / print JSON
        #[arg(long)]
        json: bool,
    },
    /// 立即吊销令牌 / revoke a token, at once
    Revoke {
        #[command(flatten)]
        place: Place,
        /// 客户端标识 / id of the client
        id: String,
    },
}

/// A new client.
#[derive(Args)]
pub(super) struct AddOptions {
    #[command(flatten)]
    place: Place,
    /// 客户端标识，写入回执 / id, which stands in receipts: letters, digits, - _ .
    id: String,
    /// 名称 / what people call it
    #[arg(long)]
    name: String,
    /// 机关代码，可多次；`*` 为全部 / code of an authority, repeatable; `*` for all
    #[arg(long = "authority", required = true, value_name = "CODE")]
    authorities: Vec<String>,
    /// 证照类型代码，可多次；`*` 为全部 / code of a licence type, repeatable; `*` for all
    #[arg(long = "type", required = true, value_name = "CODE")]
    types: Vec<String>,
    /// 调用，可多次：issue read change_status verify check receipts，或 `*` / call, repeatable, or `*` for all
    #[arg(long = "call", required = true, value_name = "CALL")]
    calls: Vec<String>,
    /// 有效天数 / life of the token in days
    #[arg(long, default_value_t = 365)]
    days: i64,
}

pub(super) fn run(verb: Verb) -> Result<()> {
    match verb {
        Verb::Add(AddOptions { place, id, name, authorities, types, calls, days }) => {
            let new = NewClient { id, name, authorities, types, calls, days };
            print_json(&place.ask(&Command::AddClient(new))?)
        }
        Verb::List { place, json } => {
            let clients: Vec<ListedClient> = place.ask(&Command::ListClients)?;
            if json { print_json(&serde_json::to_value(&clients)?) } else { print(&table(&clients)) }
        }
        Verb::Revoke { place, id } => print_json(&place.ask(&Command::RevokeClient { id })?),
    }
}

fn table(clients: &[ListedClient]) -> String {
    let mut text = String::new();
    for client in clients {
        let state = match &client.revoked_at {
            Some(time) => format!("已吊销 revoked {time}"),
            None => format!("至 until {}", client.expires_at),
        };
        // Cannot fail: a String takes everything that is written to it.
        let _never = writeln!(
            text,
            "{}  {}  {state}\n    机关 authorities {}  类型 types {}  调用 calls {}",
            client.id,
            client.name,
            client.authorities.join(","),
            client.types.join(","),
            client.calls.join(",")
        );
    }
    if text.is_empty() { "没有客户端 / there are no clients".to_owned() } else { text }
}
