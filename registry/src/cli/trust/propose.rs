//! `trust propose` and `trust root propose`: the next list or root, unsigned, for the officers.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use licence_spec::enrolment::Enrolment;
use licence_spec::time::UnixTime;
use licence_spec::trust::Proposal;

use super::cuts::{CutOptions, cuts};
use super::held::{pinned, trust_files};
use super::over;
use crate::cli::data::{Place, print, read};
use crate::cli::enrol::requests_in;
use licence_node::node::clock::Clock;
use licence_node::node::config::Config;
use licence_node::node::encoding::digest_text;
use licence_node::node::files::write_new;
use licence_node::operator::Command;
use licence_node::publication::catalogue_data;
use licence_node::publication::ceremony::change::{Changes, first_root, next_list, next_root};
use licence_node::publication::ceremony::enrol::{Against, listed};
use licence_node::publication::ceremony::{NodeKeys, OfficerKeys, public_key_of};

/// What the next list says.
#[derive(Args)]
pub(in crate::cli) struct Options {
    #[command(flatten)]
    place: Place,
    /// 提案文件，新文件 / the proposal, a new file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// 入网申请，可多次 / an enrolment request, repeatable
    #[arg(long = "enrol", value_name = "FILE")]
    enrol: Vec<PathBuf>,
    /// enrol approve 的文件夹 / folder of enrol approve: every request in it
    #[arg(long = "proposal", value_name = "DIR")]
    folder: Option<PathBuf>,
    /// 停用密钥，可多次 / a key goes out of use, repeatable
    #[arg(long, value_name = "KID")]
    retire: Vec<String>,
    #[command(flatten)]
    stolen: CutOptions,
    /// 移除机关，可多次 / an authority leaves, repeatable
    #[arg(long, value_name = "AUTHORITY")]
    remove: Vec<String>,
    /// 承继：旧机关=新机关，可多次 / who took whose place, repeatable
    #[arg(long = "successor", value_name = "OLD=NEW", value_parser = pair)]
    successors: Vec<(String, String)>,
    /// 新的见证策略（C2SP tlog-policy，无 log 行） / file with the new witness policy: C2SP tlog-policy without log lines
    #[arg(long, value_name = "FILE")]
    witness_policy: Option<PathBuf>,
    /// 停用或泄露的生效时间；缺省为现在 / since when keys are retired or compromised; absent: now
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<UnixTime>,
}

/// What the next root says.
#[derive(Args)]
pub(in crate::cli) struct RootOptions {
    #[command(flatten)]
    place: Place,
    /// 提案文件，新文件 / the proposal, a new file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// 首份信任根的签署人公钥文件，至少两份 / root 1: public key file of an officer; two at least
    #[arg(long = "officer", value_name = "KEYFILE", conflicts_with_all = ["replaced", "current"])]
    officers: Vec<PathBuf>,
    /// 首份信任根须几人签署 / root 1: how many officers must sign
    #[arg(long, default_value_t = 2, conflicts_with_all = ["replaced", "current"])]
    threshold: usize,
    /// 首份信任根的体系名称，永不更改 / root 1: name of the trust scheme; never changes
    #[arg(long, default_value = "elicence.gd", conflicts_with_all = ["replaced", "current"])]
    name: String,
    /// 更换签署人：名称=新公钥文件，可多次 / an officer is replaced: name and new key file, repeatable
    #[arg(long = "replace", value_name = "OFFICER=KEYFILE", value_parser = pair, requires = "current")]
    replaced: Vec<(String, String)>,
    /// 现任签署人公钥文件所在文件夹 / folder of the public key files of the officers in office
    #[arg(long, value_name = "DIR")]
    current: Option<PathBuf>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned()));
    pair.ok_or_else(|| "应为 旧=新 / must be OLD=NEW".to_owned())
}

fn time(text: &str) -> Result<UnixTime, String> {
    UnixTime::parse_rfc3339(text)
        .ok_or_else(|| "应为 RFC 3339 时间 / must be a time such as 2026-11-26T00:00:00Z".to_owned())
}

pub(super) fn list(options: &Options) -> Result<()> {
    let (config, now) = (Config::load(&options.place.data)?, Clock::system().now());
    let data = catalogue_data::of_node(&options.place.data, &config)?;
    let files = pinned(&options.place)?;
    let held = files.list().map(|list| list.content());
    let root = files.root().content();
    let against = Against { data: &data, root, production: config.production, now };
    let mut requests = options.enrol.clone();
    requests.extend(options.folder.as_deref().map(requests_in).transpose()?.unwrap_or_default());
    let mut all = listed(held).to_vec();
    let before = all.len();
    for path in &requests {
        let named = || format!("{}", path.display());
        let request = Enrolment::open(&read(path)?).with_context(named)?;
        let new = against.entries(&request, &all).with_context(named)?;
        against.over(request.region().as_str()).try_for_each(|authority| print(&over(authority)))?;
        all.extend(new);
    }
    let changes = Changes {
        retire: options.retire.clone(),
        compromise: cuts(&options.stolen, &options.place, held, now)?,
        remove: options.remove.clone(),
        successors: options.successors.clone(),
        witness_policy: options.witness_policy.as_deref().map(policy).transpose()?,
    };
    let proposal = next_list(held, all.split_off(before), &changes, options.at.unwrap_or(now), now)?;
    write_proposal(&options.out, &proposal, "列表 list")
}

/// The text of a witness policy; that it is one is checked with the rest of the proposal.
fn policy(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?).with_context(|| format!("{}", path.display()))
}

pub(super) fn root(options: &RootOptions) -> Result<()> {
    let keys: NodeKeys = options.place.ask(&Command::NodeKeys)?;
    let timestamp = keys.timestamp.as_deref().and_then(public_key_of);
    let timestamp =
        timestamp.context("本节点没有时间戳密钥，不是省节点 / no timestamp key: not the province's node")?;
    let now = Clock::system().now();
    let held = trust_files(&options.place)?;
    let proposal = match &held {
        None => {
            let officers = options.officers.iter().map(|path| officer(path)).collect::<Result<Vec<_>>>()?;
            first_root(&options.name, &officers, options.threshold, timestamp, now)?
        }
        Some(_) if !options.officers.is_empty() => {
            bail!("已有信任根，请用 --replace / a root is pinned already: use --replace")
        }
        Some(files) => next_root(files.root().content(), &replaced(options)?, timestamp, now)?,
    };
    write_proposal(&options.out, &proposal, "信任根 root")
}

fn replaced(options: &RootOptions) -> Result<Vec<(OfficerKeys, OfficerKeys)>> {
    let Some(folder) = &options.current else { return Ok(Vec::new()) };
    let one = |(name, path): &(String, String)| {
        let (old, new) = (officer(&folder.join(format!("{name}.toml")))?, officer(Path::new(path))?);
        print(&format!(
            "目录复核公钥请同时更换：config.toml [catalogue.officers] {name} / change the catalogue's officer too: {name} = {:?}",
            licence_node::node::encoding::base64url(new.approval.bytes())
        ))?;
        Ok((old, new))
    };
    options.replaced.iter().map(one).collect()
}

fn officer(path: &Path) -> Result<OfficerKeys> {
    let named = || format!("{}", path.display());
    let text = String::from_utf8(read(path)?).with_context(named)?;
    OfficerKeys::from_toml(&text).with_context(named)
}

fn write_proposal(out: &Path, proposal: &Proposal, what: &str) -> Result<()> {
    write_new(out, proposal.payload())?;
    print(&format!(
        "提案 proposal: {what} 第 {0} 版 version {0}\n{1}\n\
         请各签署人用 trust diff 核对，读出摘要，再用 trust sign 签署 / officers compare with trust diff, read the digest to each other, and \
         sign with trust sign",
        proposal.version(),
        digest_text(&proposal.digest())
    ))
}
