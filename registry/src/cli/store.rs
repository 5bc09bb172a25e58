//! `store copy`: from the SQLite file of a node that has outgrown it into an empty PostgreSQL database.
//!
//! Order: the node is stopped → all is copied and compared, row by row → the operator changes the configuration and moves the file
//! away. The file is only read; a copy that was cut off is never served (`setup::connect`).

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use licence_store::copy;
use licence_store_postgres::PostgresStore;

use super::data::{Place, print};
use super::setup::connect;
use licence_node::node::config::{Config, Database, FILE};
use licence_node::operator::Refusal;

/// What to do with the database.
#[derive(Subcommand)]
pub(super) enum Verb {
    /// 将已停止节点的 SQLite 数据复制到空的 PostgreSQL 库，并逐行核对 / copy a stopped node's SQLite data into an empty PostgreSQL database, and compare row by row
    Copy(CopyOptions),
}

/// From where to where.
#[derive(Args)]
pub(super) struct CopyOptions {
    #[command(flatten)]
    place: Place,
    /// 目标库，不含口令 / the target, without a password: postgres://USER@HOST/DATABASE?sslmode=require
    #[arg(long, value_name = "URL")]
    to: String,
    /// 目标库口令文件，权限 600 / file with the password of the target, mode 600
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

pub(super) fn run(verb: Verb) -> Result<()> {
    let Verb::Copy(options) = verb;
    let directory = &options.place.data;
    let config = Config::load(directory)?;
    if config.store.is_some() {
        bail!("数据已在 PostgreSQL 中，请用 pg_dump / the data is in PostgreSQL already: use pg_dump");
    }
    let to = Database::new(&options.to, options.password_file.clone())
        .map_err(|what| Refusal { text: format!("--to {what}"), usage: true })?;
    if !directory.join(licence_store_sqlite::DATABASE_FILE).is_file() {
        bail!("{0} 没有节点数据 / {0} holds no node", directory.display());
    }
    let source = connect(directory, &config)?;
    // A password file of the command line is looked for where the operator stands, not in the data directory.
    let target = PostgresStore::open(&to.connection(&PathBuf::new())?)?;
    let copied = copy(&*source, &target, &mut |what, rows| match what {
        "compare" => eprintln!("正在核对 comparing"),
        _ => eprintln!("已复制 copied {what} {rows}"),
    })?;
    // The configuration looks for a relative file in the data directory.
    let password_file = options.password_file.as_deref().map(std::fs::canonicalize).transpose()?;
    print(&format!(
        "已复制并核对一致 copied, and equal row by row：叶 leaves {}，证照 licences {}，状态变更 status changes {}，单独作废的状态位 ended entries {}，状态列表 status tokens \
         {}，信任与目录等 documents {}，客户端 clients {}，回执 receipts {}，\
         归集索引 index {}\n\
         下一步 next: 在 {file} 中写入 / write into {file}:\n\n[store]\nurl = {url}\n{password}\n\
         再移走 {old}，勿再用它运行 / then move {old} away, and never serve from it again: that would fork the log",
        copied.leaves,
        copied.licences,
        copied.status_changes,
        copied.ended_indexes,
        copied.status_tokens,
        copied.documents,
        copied.clients,
        copied.receipts,
        copied.index,
        file = directory.join(FILE).display(),
        url = toml::Value::String(to.url().to_owned()),
        password = match &password_file {
            Some(path) => format!("password_file = {}\n", toml::Value::String(path.display().to_string())),
            None => String::new(),
        },
        old = directory.join(licence_store_sqlite::DATABASE_FILE).display(),
    ))
}
