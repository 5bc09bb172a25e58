//! `trust officer`, `trust sign` and `trust publish`: each officer signs on his own machine, the province puts it together.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use licence_spec::trust::{Proposal, Proposed};

use super::OfficersOptions;
use crate::cli::data::{Place, print, print_json, read};
use licence_node::node::encoding::{base64url, digest_text};
use licence_node::node::files::private_folder;
use licence_node::node::files::write_new;
use licence_node::node::keys::Usage;
use licence_node::node::rng::Rng;
use licence_node::operator::Command;
use licence_node::publication::ceremony::OfficerKeys;

/// Whose keys are made.
#[derive(Args)]
pub(in crate::cli) struct OfficerOptions {
    #[command(flatten)]
    officers: OfficersOptions,
    /// 签署人名称，如 officer-2 / name of the officer, such as officer-2
    #[arg(long = "officer", value_name = "NAME")]
    name: String,
}

/// What is signed, and by whom.
#[derive(Args)]
pub(in crate::cli) struct SignOptions {
    /// 提案文件 / the proposal
    proposal: PathBuf,
    #[command(flatten)]
    officers: OfficersOptions,
    /// 签署人名称 / name of the officer
    #[arg(long = "officer", value_name = "NAME")]
    name: String,
    /// 签名文件，新文件 / the signature, a new file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// What is published.
#[derive(Args)]
pub(in crate::cli) struct PublishOptions {
    #[command(flatten)]
    place: Place,
    /// 提案文件：一份信任根、一份列表，或两者 / a proposal: one root, one list, or both
    #[arg(long = "proposal", value_name = "FILE", required = true)]
    proposals: Vec<PathBuf>,
    /// 签名文件，可多次 / a signature file, repeatable
    #[arg(long = "signature", value_name = "FILE", required = true)]
    signatures: Vec<PathBuf>,
}

pub(super) fn officer(options: &OfficerOptions) -> Result<()> {
    let folder = &options.officers.folder;
    let keys = folder.join("keys");
    private_folder(&keys).with_context(|| format!("{}", keys.display()))?;
    let made = OfficerKeys::create(&options.name, &keys, &options.officers.passphrase()?, &Rng::system())?;
    let file = folder.join(format!("{}.toml", options.name));
    write_new(&file, made.to_toml().as_bytes())?;
    print(&format!(
        "公钥文件，交省节点 public keys, for the province: {}\n信任根密钥指纹 thumbprint of the root key: {}",
        file.display(),
        hex::encode(made.root.thumbprint())
    ))
}

pub(super) fn sign(options: &SignOptions) -> Result<()> {
    let proposal = Proposal::open(&read(&options.proposal)?).map_err(|fault| {
        anyhow::anyhow!("不是信任根或列表的提案 / is no proposal of a root or list: {fault}")
    })?;
    proposal.proposed().check_names()?;
    let (what, usage) = match proposal.proposed() {
        Proposed::Root(_) => ("信任根 root", Usage::Root),
        Proposed::List(_) => ("列表 list", Usage::List),
    };
    let key = options.officers.signer(&options.name, usage)?;
    write_new(&options.out, &proposal.sign(&*key)?)?;
    print(&format!(
        "{} 已签署 signed: {what} 第 {2} 版 version {2}  kid {1}\n{3}",
        options.name,
        hex::encode(key.public_key().kid()),
        proposal.version(),
        digest_text(&proposal.digest())
    ))
}

pub(super) fn publish(options: &PublishOptions) -> Result<()> {
    let all = |paths: &[PathBuf]| {
        paths.iter().map(|path| Ok(base64url(&read(path)?))).collect::<Result<Vec<String>>>()
    };
    let (proposals, signatures) = (all(&options.proposals)?, all(&options.signatures)?);
    print_json(&options.place.ask(&Command::PublishTrust { proposals, signatures })?)
}
