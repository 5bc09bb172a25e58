//! `trust propose --compromise`: where a stolen key stops being good, with the tree that the officers sign beside it.
//!
//! The tree comes from the log that this node mirrors or owns. A checkpoint that came by hand counts where nothing is mirrored, and
//! must not contradict what is: whoever stole the key may have the key of the log too.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use licence_spec::log::checkpoint::SignedCheckpoint;
use licence_spec::log::merkle::Hash;
use licence_spec::time::UnixTime;
use licence_spec::trust::{Cut, CutTree, Entry, ListContent, Log};

use crate::cli::data::{Place, print, read};
use licence_node::operator::Command;
use licence_node::operator::answers::LogRoot;
use licence_node::publication::ceremony::change::is_named;
use licence_node::publication::ceremony::diff::cut_words;

/// Keys in wrong hands.
#[derive(Args)]
pub(super) struct CutOptions {
    /// 密钥泄露，可多次，各配一个 --cut / a key is in wrong hands, repeatable, each with a --cut
    #[arg(long, value_name = "KID")]
    compromise: Vec<String>,
    /// 自此日志序号起不可信 / first log index that is no longer trusted
    #[arg(long, value_name = "INDEX")]
    cut: Vec<u64>,
    /// 该序号所在日志的名称，机关有多个日志时须写明 / name of the log of that index; needed if the authority has several
    #[arg(long, value_name = "ORIGIN")]
    log: Vec<String>,
    /// 本节点没有该日志的镜像时：叶数等于 --cut 的签名检查点文件，可多次 / where this node mirrors nothing: a signed checkpoint of as many leaves as --cut says, repeatable
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// 无从得知当时的树根：此前的证照须有当时的见证签名 / the root of that time is not known: older licences then need a cosignature of that time
    #[arg(long, conflicts_with = "checkpoint")]
    without_tree: bool,
}

/// The cuts that are proposed, each with the key's name.
pub(super) fn cuts(
    options: &CutOptions,
    place: &Place,
    held: Option<&ListContent>,
    now: UnixTime,
) -> Result<Vec<(String, Cut)>> {
    if options.compromise.len() != options.cut.len() {
        bail!("每个 --compromise 须配一个 --cut / each --compromise needs one --cut");
    }
    let entries = held.map(|held| held.entries.as_slice()).unwrap_or_default();
    let one = |(name, index): (&String, &u64)| {
        let entry = entries.iter().find(|entry| entry.keys.iter().any(|key| is_named(&key.key, name)));
        let tree = match entry {
            // That no key has this name is said where the list is made.
            Some(entry) if !options.without_tree => Some(tree(options, place, entry, *index, now)?),
            _ => None,
        };
        let cut = Cut { index: *index, tree };
        print(&format!("{name}: {}", cut_words(&cut)))?;
        Ok((name.clone(), cut))
    };
    options.compromise.iter().zip(&options.cut).map(one).collect()
}

fn tree(options: &CutOptions, place: &Place, entry: &Entry, size: u64, now: UnixTime) -> Result<CutTree> {
    let log = log(&options.log, entry, now)?;
    let origin = log.key.name();
    let LogRoot { root, held } = place.ask(&Command::LogRoot { log: origin.to_owned(), size })?;
    let own = root.as_deref().map(root_from_hex).transpose()?;
    let root = match (own, offered(&options.checkpoint, log, size)?) {
        (Some(own), Some(offered)) if own != offered => bail!(
            "检查点与本节点的镜像不符：日志 {origin} 可能已分叉，请先查明 / the checkpoint is not in this node's mirror of {origin}, which may have forked: find out first"
        ),
        (Some(own), _) => own,
        (None, Some(offered)) if held == 0 => offered,
        (None, _) if held > 0 => bail!(
            "本节点只有日志 {origin} 的 {held} 个条目，少于 --cut {size}，无从核对 / this node holds {held} leaves of {origin}, fewer than --cut {size}: nothing to compare with"
        ),
        (None, _) => bail!(
            "本节点没有日志 {origin} 的镜像：请以 --checkpoint 给出叶数为 {size} 的签名检查点，或以 --without-tree 声明无从得知 / this node does not mirror {origin}: give its signed checkpoint of {size} leaves with --checkpoint, or say --without-tree"
        ),
    };
    Ok(CutTree { origin: origin.to_owned(), root })
}

/// The log that a cut is in: the named one of the entry, else the only one in use.
fn log<'a>(named: &[String], entry: &'a Entry, now: UnixTime) -> Result<&'a Log> {
    if let Some(log) = entry.logs.iter().find(|log| named.iter().any(|name| name == log.key.name())) {
        return Ok(log);
    }
    let mut in_use = entry.logs.iter().filter(|log| log.has_time(now));
    match (in_use.next(), in_use.next()) {
        (Some(only), None) => Ok(only),
        _ => bail!(
            "机关 {0} 有多个日志或没有在用的日志，请以 --log 写明 / authority {0} has several logs, or none in use: name one with --log",
            entry.id
        ),
    }
}

/// The root in a checkpoint file of this log and size, if one was given.
fn offered(files: &[PathBuf], log: &Log, size: u64) -> Result<Option<Hash>> {
    for path in files {
        let bytes = read(path)?;
        let named = || format!("{}", path.display());
        let parsed = SignedCheckpoint::parse(&bytes).with_context(named)?;
        if parsed.origin() == log.key.name() && parsed.head().size == size {
            return signed(&bytes, log, path).map(Some);
        }
    }
    Ok(None)
}

fn signed(bytes: &[u8], log: &Log, path: &Path) -> Result<Hash> {
    let checkpoint =
        SignedCheckpoint::open(bytes, &log.key).with_context(|| format!("{}", path.display()))?;
    Ok(checkpoint.head().root)
}

fn root_from_hex(text: &str) -> Result<Hash> {
    let bytes = hex::decode(text).context("root")?;
    Hash::try_from(bytes).map_err(|_| anyhow::anyhow!("root"))
}
