//! `catalogue propose`, `approve` and `publish`: a version that two officers have approved (spec/decisions/0032).

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use licence_catalogue::Release;
use licence_catalogue::approval::Proposal;
use licence_catalogue::diff::diff;
use licence_spec::time::UnixTime;

use super::compare::{published, words};
use crate::cli::data::{Place, print, print_json, read};
use crate::cli::trust::OfficersOptions;
use licence_node::node::clock::Clock;
use licence_node::node::config::Config;
use licence_node::node::encoding::{base64url, digest_text};
use licence_node::node::files::write_new;
use licence_node::node::keys::Usage;
use licence_node::operator::Command;
use licence_node::publication::catalogue_data;

/// What to propose.
#[derive(Args)]
pub(in crate::cli) struct ProposeOptions {
    #[command(flatten)]
    place: Place,
    /// 提案文件 / the proposal, a new file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// What to approve.
#[derive(Args)]
pub(in crate::cli) struct ApproveOptions {
    /// 提案文件 / the proposal
    proposal: PathBuf,
    #[command(flatten)]
    officers: OfficersOptions,
    /// 复核人员 / name of the officer
    #[arg(long, value_name = "NAME")]
    officer: String,
    /// 复核文件 / the approval, a new file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// What to publish.
#[derive(Args)]
pub(in crate::cli) struct PublishOptions {
    #[command(flatten)]
    place: Place,
    /// 提案文件 / the proposal
    #[arg(long, value_name = "FILE", requires = "approvals")]
    proposal: Option<PathBuf>,
    /// 复核文件，至少两份 / an approval; two at least
    #[arg(long = "approval", value_name = "FILE")]
    approvals: Vec<PathBuf>,
    /// 一步完成：签署人密钥文件夹 / all in one step: folder of the officers' keys
    #[arg(long, value_name = "DIR", conflicts_with = "proposal", requires = "passphrase_file")]
    officers: Option<PathBuf>,
    /// 其口令文件 / file with their passphrase
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// The version after the one in force at the node; `None` if it would say nothing new.
fn next(place: &Place) -> Result<Option<Proposal>> {
    let data = catalogue_data::of_node(&place.data, &Config::load(&place.data)?)?;
    let held = published(place)?;
    let now = Clock::system().now();
    let release = Release::after(held.as_ref(), now, now);
    let content = data.compile(&release);
    if let Some(held) = &held {
        let findings = data.check_successor(held, &release);
        if let [first, ..] = findings.as_slice() {
            bail!("目录不能接续已发布版本 / the data cannot follow the published version: {first}");
        }
        if held.content().types == content.types && held.content().service_items == content.service_items {
            return Ok(None);
        }
        print(&words(&diff(held.content(), &content), None))?;
    }
    Ok(Some(Proposal::new(&content)?))
}

pub(super) fn propose(options: &ProposeOptions) -> Result<()> {
    let Some(proposal) = next(&options.place)? else {
        return print("与已发布版本相同，无需提案 / the same as published: there is nothing to propose");
    };
    write_new(&options.out, proposal.payload())?;
    let version = proposal.content().version;
    print(&format!("提案 proposal: 第 {version} 版 version {version}  {}", digest_text(&proposal.digest())))
}

pub(super) fn approve(options: &ApproveOptions) -> Result<()> {
    let proposal = Proposal::open(&read(&options.proposal)?)?;
    let approval = approval(&proposal, &options.officers, &options.officer, Clock::system().now())?;
    write_new(&options.out, &approval)?;
    print(&format!("{} 已复核 approved  {}", options.officer, digest_text(&proposal.digest())))
}

fn approval(
    proposal: &Proposal,
    officers: &OfficersOptions,
    officer: &str,
    now: UnixTime,
) -> Result<Vec<u8>> {
    let key = officers.signer(officer, Usage::Approval)?;
    Ok(proposal.approve(now, &*key)?)
}

pub(super) fn publish(options: &PublishOptions) -> Result<()> {
    let (proposal, approvals) = match (&options.proposal, &options.officers, &options.passphrase_file) {
        (Some(proposal), None, _) => {
            let approvals = options.approvals.iter().map(|path| read(path)).collect::<Result<Vec<_>>>()?;
            (read(proposal)?, approvals)
        }
        (None, Some(folder), Some(passphrase_file)) => {
            let officers =
                OfficersOptions { folder: folder.clone(), passphrase_file: passphrase_file.clone() };
            let Some(proposal) = next(&options.place)? else {
                return print("与已发布版本相同 / the same as published");
            };
            let now = Clock::system().now();
            let by = |officer| approval(&proposal, &officers, officer, now);
            (proposal.payload().to_vec(), vec![by("officer-1")?, by("officer-2")?])
        }
        _ => bail!(
            "须给出 --proposal 与 --approval，或 --officers / give --proposal and --approval, or --officers"
        ),
    };
    let approvals = approvals.iter().map(|approval| base64url(approval)).collect();
    print_json(&options.place.ask(&Command::PublishCatalogue { proposal: base64url(&proposal), approvals })?)
}
