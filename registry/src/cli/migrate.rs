//! `migrate`: bring the database of a node to the schema of this program, before it serves.
//!
//! Opening a database does that anyway; this tells what was done. Migrations only expand, so on PostgreSQL processes of the older
//! program may run on until they are replaced.

use anyhow::Result;
use clap::Args;

use super::data::{Place, print};
use super::setup::connect;
use licence_node::node::config::Config;

/// Which node.
#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let directory = &options.place.data;
    let schema = connect(directory, &Config::load(directory)?)?.migrated();
    let (from, to) = (schema.from, schema.to);
    print(&match from == to {
        true => format!("数据库已是版本 {to} / the schema has version {to} already"),
        false => format!("数据库由版本 {from} 升至 {to} / schema migrated from version {from} to {to}"),
    })
}
