//! `trust`: what the province signs and every node follows.
//!
//! In scope: a rehearsal in which the officers' keys lie in one folder (`officers`, `root`, `list`), pinning the first root, a
//! view; in the modules below, files that travel by hand between officers' machines. Out of scope: `enrol`, which makes and
//! approves the requests that a proposed list takes up.

mod compare;
mod cuts;
mod explain;
pub(super) mod held;
mod propose;
mod sign;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use licence_catalogue::{Authority, CatalogueData};
use licence_spec::log::cosignature::WitnessKey;
use licence_spec::suite::Signer;
use licence_spec::trust::{Entry, TrustFiles};
use zeroize::Zeroizing;

pub(super) use explain::region_words;

use super::data::{Place, print, print_json, read};
use licence_node::node::clock::Clock;
use licence_node::node::config::{Config, read_passphrase};
use licence_node::node::encoding::{base64url, from_base64url};
use licence_node::node::files::write_new;
use licence_node::node::keys::{Keyring, Usage};
use licence_node::node::rng::Rng;
use licence_node::operator::answers::{ClearedToken, HeldTrustFiles, ShownFile, ShownKey, ShownTrust};
use licence_node::operator::{Command, Refusal};
use licence_node::publication::catalogue_data;
use licence_node::publication::ceremony::rehearsal::appoint;
use licence_node::publication::ceremony::{NodeKeys, Officers, public_key_of, succeed};

/// What to do with the trust list.
#[derive(Subcommand)]
pub(super) enum Verb {
    /// 生成三名签署人的密钥 / make the keys of three officers
    Officers(OfficersOptions),
    /// 生成一名签署人的密钥与公钥文件 / make the keys of one officer, and the file of his public keys
    Officer(sign::OfficerOptions),
    /// 省：信任根。演练为一步完成；正式为 root propose / province: the root. In a rehearsal all at once; otherwise root propose
    Root(RootOptions),
    /// 省：两名签署人签署新列表并发布 / province: two officers sign a new list; it is published
    List(ListOptions),
    /// 省：提出下一版列表，供签署 / province: propose the next list, for signing
    Propose(propose::Options),
    /// 比较列表或信任根，并统计结论会改变的证照 / compare lists or roots, and count the verdicts that would change
    Diff(compare::Options),
    /// 一名签署人签署一份提案 / one officer signs one proposal
    Sign(sign::SignOptions),
    /// 省：汇集签名，核对人数，发布 / province: put the signatures together, check the threshold, publish
    Publish(sign::PublishOptions),
    /// 说明某密钥或机关是否被采信及原因 / why a key or an authority is accepted or not
    Explain(explain::Options),
    /// 市：钉定省的第一份信任根，仅此一次须人工核对 / city: pin the province's first root, after comparing its digest
    Pin {
        #[command(flatten)]
        place: Place,
        /// 信任根文件 / the root file
        root: PathBuf,
    },
    /// 清除旧版本误存的、无权发布者签发的状态列表，留存记录 / clear stored status tokens whose signers may not speak for their lists, as older versions took them; a record stays
    Repair {
        #[command(flatten)]
        place: Place,
    },
    /// 导出信任文件 / export the trust files into a new folder
    Export {
        #[command(flatten)]
        place: Place,
        /// 新文件夹 / the new folder
        folder: PathBuf,
    },
    /// 查看信任列表 / what the trust list says
    Show {
        #[command(flatten)]
        place: Place,
        /// 以 JSON 输出 / print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Where the officers' keys are.
#[derive(Args)]
pub(super) struct OfficersOptions {
    /// 签署人密钥文件夹 / folder of the officers' keys
    #[arg(long = "officers", value_name = "DIR")]
    pub(super) folder: PathBuf,
    /// 口令文件，权限 600 / file with their passphrase, mode 600
    #[arg(long, value_name = "FILE")]
    pub(super) passphrase_file: PathBuf,
}

/// A root: proposed, or, without a subcommand, all at once.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct RootOptions {
    #[command(subcommand)]
    verb: Option<RootVerb>,
    #[command(flatten)]
    place: Place,
    /// 演练：签署人密钥文件夹 / rehearsal: folder of the officers' keys
    #[arg(long = "officers", value_name = "DIR", requires = "passphrase_file")]
    folder: Option<PathBuf>,
    /// 演练：口令文件，权限 600 / rehearsal: file with their passphrase, mode 600
    #[arg(long, value_name = "FILE", requires = "folder")]
    passphrase_file: Option<PathBuf>,
    /// 演练：信任体系名称，永不更改 / rehearsal: name of the trust scheme; never changes
    #[arg(long, default_value = "elicence.gd")]
    name: String,
}

#[derive(Subcommand)]
enum RootVerb {
    /// 提出首份或下一份信任根，供签署 / propose root 1 or the next root, for signing
    Propose(propose::RootOptions),
}

/// A new list.
#[derive(Args)]
pub(super) struct ListOptions {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    officers: OfficersOptions,
    /// 各节点 `key export` 的文件，可多次 / file of a node's `key export`, repeatable
    #[arg(long = "node", value_name = "FILE", required = true)]
    nodes: Vec<PathBuf>,
}

pub(super) fn run(verb: Verb) -> Result<()> {
    match verb {
        Verb::Officers(options) => {
            appoint(&options.folder, &options.passphrase()?, &Rng::system())?;
            print(&format!("签署人密钥 keys of three officers: {}", options.folder.display()))
        }
        Verb::Officer(options) => sign::officer(&options),
        Verb::Root(RootOptions { verb: Some(RootVerb::Propose(options)), .. }) => propose::root(&options),
        Verb::Root(options) => root(options),
        Verb::Propose(options) => propose::list(&options),
        Verb::Diff(options) => compare::run(&options),
        Verb::Sign(options) => sign::sign(&options),
        Verb::Publish(options) => sign::publish(&options),
        Verb::Explain(options) => explain::run(&options),
        Verb::List(options) => list(&options),
        Verb::Pin { place, root } => pin(&place, &read(&root)?),
        Verb::Repair { place } => repair(&place),
        Verb::Export { place, folder } => export(&place, &folder),
        Verb::Show { place, json } => {
            let trust: ShownTrust = place.ask(&Command::ShowTrust)?;
            if json { print_json(&serde_json::to_value(&trust)?) } else { print(&table(&trust)) }
        }
    }
}

impl OfficersOptions {
    fn passphrase(&self) -> Result<Zeroizing<String>> {
        Ok(read_passphrase(&self.passphrase_file)?)
    }

    /// The key of one officer; the folder may hold his alone.
    pub(super) fn signer(&self, officer: &str, usage: Usage) -> Result<Arc<dyn Signer>> {
        let keys = Keyring::load(&self.folder.join("keys"), &self.passphrase()?)?;
        let key = keys.signer(officer, usage);
        key.with_context(|| {
            format!("此处没有签署人 {officer} 的密钥 / there is no key of officer {officer} here")
        })
    }

    pub(super) fn load(&self, name: &str) -> Result<Officers> {
        Ok(Officers::load(&self.folder.join("keys"), &self.passphrase()?, name)?)
    }
}

fn pin(place: &Place, root: &[u8]) -> Result<()> {
    let _empty: serde_json::Value = place.ask(&Command::PinRoot { root: base64url(root) })?;
    let digest = hex::encode(licence_spec::suite::name_digest(&[root]));
    print(&format!("已钉定信任根，摘要 root pinned, sha-256 {digest}"))
}

fn repair(place: &Place) -> Result<()> {
    let cleared: Vec<ClearedToken> = place.ask(&Command::ClearStrangers)?;
    for ClearedToken { uri, fault } in &cleared {
        print(&format!("{uri}\n    {fault}"))?;
    }
    print(&format!("已清除 cleared: {}，记录留存于数据库 the records stay in the database", cleared.len()))
}

fn root(options: RootOptions) -> Result<()> {
    let (Some(folder), Some(passphrase_file)) = (options.folder, options.passphrase_file) else {
        let text = "须给出 --officers 与 --passphrase-file，或 propose / give --officers and --passphrase-file, or propose";
        return Err(Refusal { text: text.to_owned(), usage: true }.into());
    };
    let officers = OfficersOptions { folder, passphrase_file };
    let keys: NodeKeys = options.place.ask(&Command::NodeKeys)?;
    let timestamp = keys.timestamp.as_deref().and_then(public_key_of);
    let timestamp =
        timestamp.context("本节点没有时间戳密钥，不是省节点 / no timestamp key: not the province's node")?;
    let root = officers.load(&options.name)?.root(&timestamp, Clock::system().now())?;
    pin(&options.place, &root)
}

fn list(options: &ListOptions) -> Result<()> {
    let trust: ShownTrust = options.place.ask(&Command::ShowTrust)?;
    let name = trust.name.context("先执行 trust root / run trust root first")?;
    let version = trust.list.map_or(0, |list| list.version) + 1;
    let config = Config::load(&options.place.data)?;
    let data = catalogue_data::of_node(&options.place.data, &config)?;
    let now = Clock::system().now();
    let (mut entries, mut witnesses) = (Vec::new(), Vec::new());
    for path in &options.nodes {
        let keys = serde_json::from_slice(&read(path)?);
        let keys: NodeKeys =
            keys.with_context(|| format!("{} 不是 key export 的文件 / is no key export", path.display()))?;
        entries.extend(entries_of(&data, &keys, now)?);
        if let Some(vkey) = &keys.witness {
            let key = WitnessKey::parse(vkey).ok();
            witnesses
                .push(key.with_context(|| format!("{}: 见证公钥有误 / wrong witness key", path.display()))?);
        }
    }
    let entries = succeed(&held_entries(&options.place)?, entries, now);
    let synthetic = |entry: &&Entry| data.authority(&entry.id).is_some_and(|authority| authority.synthetic);
    if let Some(entry) = entries.iter().find(synthetic).filter(|_| config.production) {
        bail!(
            "正式运行的信任列表不得含合成机关 {0} / a trust list in production must not name the synthetic authority {0}",
            entry.id
        );
    }
    let list = options.officers.load(&name)?.list(version, now, entries, &witnesses)?;
    print_json(&options.place.ask(&Command::PublishList { version, list: base64url(&list) })?)
}

/// The entries of a node's authorities, as the catalogue's data has them.
fn entries_of(
    data: &CatalogueData,
    keys: &NodeKeys,
    now: licence_spec::time::UnixTime,
) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for authority in data.authorities_of_node(&keys.region) {
        if authority.is_over(now) {
            eprintln!("{}", over(authority));
            continue;
        }
        entries.push(keys.entry(authority, now)?);
    }
    if entries.is_empty() {
        bail!("目录中没有节点 {0} 的机关 / the catalogue names no authority of node {0}", keys.region);
    }
    Ok(entries)
}

/// That an authority is left out because its permission is over.
pub(super) fn over(authority: &Authority) -> String {
    format!(
        "未列入：机关 {0} {1} 已停用 / left out: the permission of authority {0} is over",
        authority.code, authority.name
    )
}

/// The entries of the list in force; none before the first list.
fn held_entries(place: &Place) -> Result<Vec<Entry>> {
    let held = held::trust_files(place)?;
    let list = held.as_ref().and_then(TrustFiles::list);
    Ok(list.map(|list| list.content().entries.clone()).unwrap_or_default())
}

fn export(place: &Place, folder: &Path) -> Result<()> {
    let files: HeldTrustFiles = place.ask(&Command::TrustFiles)?;
    std::fs::create_dir(folder).with_context(|| format!("{}", folder.display()))?;
    let roots =
        files.roots.iter().enumerate().map(|(at, file)| (format!("root_{}.cbor", at + 1), Some(file)));
    let named = roots.chain([
        ("list.cbor".to_owned(), files.list.as_ref()),
        ("timestamp.cbor".to_owned(), files.timestamp.as_ref()),
    ]);
    for (name, file) in named {
        if let Some(bytes) = file.and_then(|text| from_base64url(text)) {
            write_new(&folder.join(&name), &bytes)?;
            print(&format!("{}", folder.join(name).display()))?;
        }
    }
    Ok(())
}

fn table(trust: &ShownTrust) -> String {
    let Some(name) = &trust.name else {
        return "没有信任根：先执行 trust root（省）或 trust pin（市） / no trust root: run trust root or trust pin".to_owned();
    };
    let fresh = if trust.fresh { "有效 fresh" } else { "过期或缺失 stale or missing" };
    let mut text = format!("{name}  {fresh}\n");
    let files =
        [("信任根 root", &trust.root), ("列表 list", &trust.list), ("时间戳 timestamp", &trust.timestamp)];
    for (word, file) in files {
        if let Some(ShownFile { version, expires_at }) = file {
            // Cannot fail: a String takes everything that is written to it; so below.
            let _never = writeln!(text, "{word}  {version}  至 until {expires_at}");
        }
    }
    for authority in &trust.authorities {
        let _never = writeln!(text, "{}  {}", authority.code, authority.name);
        for ShownKey { kid, roles, state, since } in &authority.keys {
            let state = match state.as_str() {
                "active" => "有效 active",
                "retired" => "停用 retired",
                _ => "已泄露 compromised",
            };
            let _never = writeln!(text, "    kid {kid}  {roles}  {state}  自 since {since}");
        }
    }
    text
}
