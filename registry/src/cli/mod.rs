//! The command line: one verb a file. Arguments are read here, errors become one line and an exit code here.

mod audit;
mod backup;
mod catalogue;
mod client;
mod config;
mod data;
mod doctor;
mod enrol;
mod fsck;
mod index;
mod init;
mod issue;
mod key;
mod log;
mod migrate;
mod restore;
mod serve;
mod setup;
mod status;
mod store;
mod trust;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use licence_node::operator::Refusal;

/// 电子证照登记节点 / a node of the electronic-licence registry.
#[derive(Parser)]
#[command(
    name = "licence-registry",
    version,
    after_help = "退出码 / exit codes: 0 成功 done · 1 检查未通过 a check failed · 64 用法错误 usage · 74 输入输出错误 input or output"
)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// 演示：启动一省两市节点并走完全部场景 / start one province and two cities and play all scenarios
    Demo(licence_demo::Options),
    /// 新建节点：配置、密钥、数据库 / make a node: configuration, keys, database
    Init(init::Options),
    /// 运行节点 / run the node of a data directory
    Serve(serve::Options),
    /// 签发一份证照 / issue a licence
    Issue(issue::Options),
    /// 密钥：列出、导出公钥、补齐 / keys: list, export public keys, make what is missing
    #[command(subcommand)]
    Key(key::Verb),
    /// 入网：申请、显示、核对 / enrolment: request, show, approve
    #[command(subcommand)]
    Enrol(enrol::Verb),
    /// 信任列表：信任根、提案、签署、发布、比较、说明 / trust list: root, proposing, signing, publishing, comparing, explaining
    #[command(subcommand)]
    Trust(trust::Verb),
    /// 目录：检查、显示、比较、复核、发布、导入导出 / catalogue: check, show, compare, approve, publish, import, export
    #[command(subcommand)]
    Catalogue(catalogue::Verb),
    /// 客户端令牌：新增、列出、吊销 / client tokens: add, list, revoke
    #[command(subcommand)]
    Client(client::Verb),
    /// 审计：列出、核对、导出 / audit: listing, checking, exporting
    #[command(subcommand)]
    Audit(audit::Verb),
    /// 归集索引（省）：对账、拒收、重新归集 / gathered index (province): reconcile, rejects, gather again
    #[command(subcommand)]
    Index(index::Verb),
    /// 状态列表：作废未经系统签发的证照 / status lists: void a licence that was signed beside the system
    #[command(subcommand)]
    Status(status::Verb),
    /// 他方日志：分叉案件、结案 / logs of other nodes: cases of forks, closing one
    #[command(subcommand)]
    Log(log::Verb),
    /// 配置：检查、示例、模式 / configuration: check, example, schema
    #[command(subcommand)]
    Config(config::Verb),
    /// 输出 OpenAPI 3.1 描述 / print the description of the API
    Openapi,
    /// 输出 API 问题文档一览 / print the kinds of problems and what a client does about each
    Problems,
    /// 输出指标与告警一览 / print the metrics and when an operator is called
    Metrics,
    /// 诊断：时钟、信任、目录、状态、存储，原因与处理办法 / what is wrong with a node, and what to do
    Doctor(doctor::Options),
    /// 将数据库升至本程序的版本 / bring the database to the schema of this program
    Migrate(migrate::Options),
    /// 数据库：复制到 PostgreSQL / database: copy to PostgreSQL
    #[command(subcommand)]
    Store(store::Verb),
    /// 备份：数据库、配置与密钥，加密，节点可同时运行 / back up database, configuration and keys, encrypted, beside a running node
    Backup(backup::Options),
    /// 恢复备份：解开到新目录，再由镜像补齐备份之后的日志 / restore a backup into a new directory, then catch up from the mirror
    Restore(restore::Options),
    /// 校验全部存储数据 / check all that is stored: log, licences, status, documents
    Fsck(fsck::Options),
}

/// Runs the command line of this process. 0 well, 1 a scenario or check failed, 64 usage, 74 input or output.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { 64 } else { 0 };
            // If the terminal is gone, there is nobody left to tell.
            drop(error.print());
            return ExitCode::from(code);
        }
    };
    match perform(arguments.verb) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("licence-registry: {error:#}");
            let usage = error.downcast_ref::<Refusal>().is_some_and(|refusal| refusal.usage);
            ExitCode::from(if usage { 64 } else { 74 })
        }
    }
}

/// Does what a verb asks; false if a check failed.
fn perform(verb: Verb) -> anyhow::Result<bool> {
    let done = |()| true;
    match verb {
        Verb::Demo(options) => licence_demo::run(&options, &setup::open_store),
        Verb::Doctor(options) => doctor::run(&options),
        Verb::Fsck(options) => fsck::run(&options),
        Verb::Catalogue(verb) => catalogue::run(verb),
        Verb::Audit(verb) => audit::run(verb),
        Verb::Index(verb) => index::run(verb),
        Verb::Log(verb) => log::run(verb),
        Verb::Init(options) => init::run(&options).map(done),
        Verb::Serve(options) => serve::run(&options).map(done),
        Verb::Issue(options) => issue::run(&options).map(done),
        Verb::Key(verb) => key::run(verb).map(done),
        Verb::Enrol(verb) => enrol::run(verb).map(done),
        Verb::Trust(verb) => trust::run(verb).map(done),
        Verb::Client(verb) => client::run(verb).map(done),
        Verb::Status(verb) => status::run(verb).map(done),
        Verb::Config(verb) => config::run(verb).map(done),
        Verb::Backup(options) => backup::run(&options).map(done),
        Verb::Restore(options) => restore::run(&options).map(done),
        Verb::Migrate(options) => migrate::run(&options).map(done),
        Verb::Store(verb) => store::run(verb).map(done),
        Verb::Openapi => data::print_json(&licence_web::openapi()).map(done),
        Verb::Problems => data::print(&licence_web::problems_page()).map(done),
        Verb::Metrics => data::print(&licence_node::metrics::table::page()).map(done),
    }
}
