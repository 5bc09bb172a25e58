//! `key`: the keys of a node. Private halves never leave their encrypted files.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;

use super::data::{Place, print, print_json};
use super::setup::make_missing_keys;
use licence_node::node::config::Config;
use licence_node::node::files::write_new;
use licence_node::operator::Command;
use licence_node::publication::ceremony::{NodeKeys, public_key_of};
use licence_node::upkeep::set_up::authorities;

/// What to do with keys.
#[derive(Subcommand)]
pub(super) enum Verb {
    /// 列出本节点的公钥 / list the public keys of the node
    List(Place),
    /// 导出公钥，交省节点列入信任列表 / export the public keys, for the province's trust list
    Export {
        #[command(flatten)]
        place: Place,
        /// 写入新文件；缺省为标准输出 / write this new file instead of standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// 为目录中新增的机关补齐密钥（节点须停止） / make the keys that new authorities need; the node must be stopped
    Make(Place),
}

pub(super) fn run(verb: Verb) -> Result<()> {
    match verb {
        Verb::List(place) => print(&table(&node_keys(&place)?)),
        Verb::Export { place, out } => {
            let keys = serde_json::to_value(node_keys(&place)?)?;
            match out {
                None => print_json(&keys),
                Some(path) => write_new(&path, &serde_json::to_vec_pretty(&keys)?),
            }
        }
        Verb::Make(place) => {
            let config = Config::load(&place.data)?;
            let made = make_missing_keys(&place.data, &config, &authorities(&place.data, &config)?)?;
            print(&format!("新建密钥 keys made: {made}"))
        }
    }
}

fn node_keys(place: &Place) -> Result<NodeKeys> {
    place.ask(&Command::NodeKeys)
}

fn table(keys: &NodeKeys) -> String {
    let mut text = format!("日志 log        {}\n", keys.log);
    let mut row = |authority: &str, usage: &str, key: &str| {
        let kid = public_key_of(key).map_or_else(String::new, |key| hex::encode(key.kid()));
        // Cannot fail: a String takes everything that is written to it.
        let _never = writeln!(text, "{authority}  {usage:<10} kid {kid}  {key}");
    };
    for (authority, own) in &keys.authorities {
        own.iter().for_each(|(usage, key)| row(authority, usage, key));
    }
    if let Some(key) = &keys.timestamp {
        row("时间戳 timestamp  ", "timestamp", key);
    }
    text
}
