//! `catalogue`: check, show, compare and publish it, and take it from spreadsheets and back.

mod compare;
mod release;
mod sheets;
mod show;
mod unseen;
mod workbook;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use licence_node::publication::catalogue_data;

/// What to do with the catalogue.
#[derive(Subcommand)]
pub(super) enum Verb {
    /// 检查目录数据：文件、行、规则、提示 / check the data: file, line, rule and hint of each finding
    Check(CheckOptions),
    /// 显示证照类型、机关、事项 / show licence types, authorities and service items
    Show(SourceOptions),
    /// 比较两个版本 / compare two versions: signed files, proposals, folders, or `published` and `shipped`
    Diff(compare::Options),
    /// 提出下一版本供复核 / propose the next version, for approval
    Propose(release::ProposeOptions),
    /// 复核人员复核一份提案 / an officer approves a proposal
    Approve(release::ApproveOptions),
    /// 签署并发布已有两人复核的提案 / sign and publish a proposal that two officers have approved
    Publish(release::PublishOptions),
    /// 从电子表格导入为数据文件夹 / take the data from a spreadsheet into a new folder
    Import(sheets::ImportOptions),
    /// 导出为电子表格 / write the data as a spreadsheet
    Export(sheets::ExportOptions),
    /// 输出空白表格模板 / write the empty template
    Template(sheets::TemplateOptions),
}

/// Where the data come from.
#[derive(Args)]
pub(super) struct SourceOptions {
    /// 目录数据文件夹；缺省为程序自带 / folder of the data; absent: that of the program
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// What to check.
#[derive(Args)]
pub(super) struct CheckOptions {
    #[command(flatten)]
    source: SourceOptions,
    /// 节点数据目录：检查能否接续其已发布目录 / data directory of a node whose published catalogue the data must be able to follow
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// 以 JSON 输出 / print JSON
    #[arg(long)]
    json: bool,
}

/// Does what is asked; false if a check found something.
pub(super) fn run(verb: Verb) -> Result<bool> {
    let done = |()| true;
    match verb {
        Verb::Check(options) => show::check(&options),
        Verb::Import(options) => sheets::import(&options),
        Verb::Show(options) => show::show(&catalogue_data::data(options.folder.as_deref())?).map(done),
        Verb::Diff(options) => compare::run(&options).map(done),
        Verb::Propose(options) => release::propose(&options).map(done),
        Verb::Approve(options) => release::approve(&options).map(done),
        Verb::Publish(options) => release::publish(&options).map(done),
        Verb::Export(options) => sheets::export(&options).map(done),
        Verb::Template(options) => sheets::template(&options).map(done),
    }
}
