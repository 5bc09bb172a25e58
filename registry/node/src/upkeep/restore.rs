//! Bring a node that was restored from a backup up to what the world has seen of it, before it serves again (Invariant 4 of ARCHITECTURE.md).
//!
//! A backup is older than the node was. Whatever the node signed after it stands in the log that the province mirrors: revocations
//! must not be undone, numbers not be given out twice, and the log must go on where it ended, not fork.
//!
//! # The order of durable steps
//! A crash between two of them leaves what stands in brackets; the mark stays, and the next run goes on.
//! 1. The mark, made with the restored data ([`mark`]) \[nothing else; the node does not start\].
//! 2. Mirrored head and all entries behind the own log, checked against each other in memory \[nothing\].
//! 3. Page by page, in one transaction each: leaves, tiles and head, and the rows that they stand for (`replay`) \[the log ends with a
//!    page, with all its rows\].
//! 4. The own tokens that the mirror holds are held against the rows; the witness is asked what it has seen. Before this nothing is
//!    appended that the mirror does not hold: it could stand where something else stood \[nothing\].
//! 5. Trust files, catalogue and tokens of others from the mirror's bundle, as a running node pulls them \[some of them\].
//! 6. One transaction: lists closed, counters advanced (`numbers`), the stretch that was restored noted, the mark taken away.
//!
//! In scope: what is fetched, when it is believed, what is written. Out of scope: unpacking a backup (`cli::restore`), HTTP (`fetch`).
//! What nobody holds any more, the bytes of credentials and the texts of a legal ground, stays lost: spec/decisions/0042.

mod ahead;
mod numbers;
mod replay;
mod tokens;

use std::ops::Range;

use licence_spec::bundle::Bundle;
use licence_spec::numbers::MAX_BUNDLE;
use licence_spec::status::StatusToken;
use licence_spec::suite::name_digest;
use licence_spec::time::UnixTime;
use licence_store::{DocumentRow, Read, Store, StoreError, transact};

use crate::exchange::ask_witness::{Ask, seen_by_witness};
use crate::exchange::error::ExchangeError;
use crate::exchange::index_record::IndexPage;
use crate::exchange::mirror::Fetch;
use crate::exchange::paths::BUNDLE;
use crate::exchange::pull::{self, PullError};
use crate::node::Node;
use crate::node::commit::{Job, WriteError};
use crate::node::log::LogError;
use crate::node::rng::RngError;
use crate::node::shelf::Kind;
use crate::publication::documents;
use crate::publication::refresh::SharedError;
use crate::upkeep::restore::ahead::Ahead;
use crate::upkeep::restore::replay::Tokens;

/// Kind and name of the mark: the restored log is not caught up yet. Its bytes are the log's size in the backup.
const MARK: (&str, &str) = (Kind::Restore.name(), "pending");
/// Kind of the stretches of the own log that came from a mirror: named by first leaf, version is the end.
const RESTORED: &str = Kind::Restored.name();

/// Fetches the page of index records from this log index on (`GET /v1/index`).
pub type Pages<'a> = &'a mut dyn FnMut(u64) -> Result<IndexPage, ExchangeError>;

/// Another node that holds what this one has lost.
pub struct Mirror<'a> {
    /// Its public files: mirrored log, bundle, catalogue.
    pub fetch: Fetch<'a>,
    /// Its index records of this node's log.
    pub pages: Pages<'a>,
    /// All that cosign this node's log.
    pub witnesses: Vec<Ask<'a>>,
}

/// What was brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caught {
    /// Leaves that the backup had.
    pub from: u64,
    /// Leaves now.
    pub size: u64,
    /// Licences whose bytes are lost.
    pub licences: u64,
    /// Changes of status.
    pub changes: u64,
    /// Time of the last leaf that came back: what was acknowledged after it is lost.
    pub last: UnixTime,
}

/// Why the restored node may not serve yet. The mark stays; nothing that is untrue has been written.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The mirror cannot be reached or answers wrongly.
    #[error(
        "镜像不可用，请稍后重试或用 --mirror 换一个 / the mirror is of no use, try again or name another by --mirror: {0}"
    )]
    Fetch(#[from] ExchangeError),
    /// The mirror shows a head that this node's log key has not signed.
    #[error("镜像的签名头不是本节点日志密钥所签 / the mirror's head is not signed by this node's log key")]
    Head,
    /// The mirrored log does not begin with the backup's.
    #[error(
        "镜像的日志不以备份的日志为前缀：备份属于另一历史，勿使用 / the mirrored log does not begin with that of the backup: the backup is of another history, do not use it"
    )]
    Fork,
    /// The entries do not lead from the end of the backup to the signed root.
    #[error(
        "由备份的末尾接上镜像的条目，得不到签名头的根：条目有误，或备份属于另一历史 / from the end of the backup the mirror's entries do not lead to the signed root: they are damaged, or the backup is of another history"
    )]
    Entries,
    /// More leaves than are replayed.
    #[error(
        "备份过旧，其后有 {0} 个叶，请用较新的备份 / the backup is too old, {0} leaves came after it: use a newer one"
    )]
    TooOld(u64),
    /// Leaves that no record explains.
    #[error(
        "镜像没有解释日志叶 {0} 的索引记录，请换一个镜像 / the mirror has no index record that explains leaves {0}: use another mirror"
    )]
    Unexplained(String),
    /// A record that contradicts what is known.
    #[error(
        "叶 {index} 的索引记录不成立（{what}），请换一个镜像 / the index record of leaf {index} cannot be true ({what}): use another mirror"
    )]
    Record {
        /// Leaf.
        index: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A published token shows an end of a licence that the restored rows do not have.
    #[error(
        "镜像持有的状态列表 {uri} 第 {index} 项已失效，恢复后的数据却没有：其变更已丢失 / the mirror's token of {uri} shows entry {index} ended, the restored data do not: that change is lost"
    )]
    Unrevoked {
        /// Name of the list.
        uri: String,
        /// Entry.
        index: u64,
    },
    /// The witness has seen more of the log than any mirror holds.
    #[error(
        "见证方已见 {seen} 个叶，镜像只有 {size} 个：其后的叶已丢失，不得另写 / the witness has seen {seen} leaves, the mirror holds {size}: what came after is lost, and nothing else may take its place"
    )]
    Seen {
        /// Leaves that were cosigned.
        seen: u64,
        /// Leaves that could be restored.
        size: u64,
    },
    /// The witness cannot be reached or refuses.
    #[error(
        "见证方应答有误，可稍后重试；确认其不可用且愿担分叉之险时用 --without-witness / a witness gave no answer: try again, or go on without it by --without-witness: {0}"
    )]
    Witness(ExchangeError),
    /// The own clock stands before something that this node has signed.
    #[error(
        "本机时钟早于本节点签过的时刻 {0}，请先校时 / this machine's clock is behind {0}, when this node signed last: set it first"
    )]
    Clock(UnixTime),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stored log is not sound.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Trust files or catalogue cannot be pulled.
    #[error(transparent)]
    Pull(#[from] PullError),
    /// The new state cannot be taken over.
    #[error(transparent)]
    Shared(#[from] SharedError),
    /// The writer failed.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// No randomness.
    #[error(transparent)]
    Rng(#[from] RngError),
}

/// Marks restored data: nothing is served, signed or published from them before [`catch_up`] or [`go_on_without_mirror`] has ended.
/// A mark that is there stays as it is.
///
/// # Errors
/// [`StoreError`].
pub fn mark(store: &dyn Store, now: UnixTime) -> Result<(), StoreError> {
    transact(store, "mark_restored", |write| {
        if write.document(MARK.0, MARK.1)?.is_some() {
            return Ok(());
        }
        let size = write.log_head()?.map_or(0, |head| head.size);
        write.put_documents(&[row(MARK, 1, size.to_string().as_bytes(), now)]).map(drop)
    })
}

/// The log's size in the backup, if the data were restored and are not caught up yet.
///
/// # Errors
/// [`StoreError`]; [`StoreError::Corrupt`] for a mark that does not read.
pub fn pending(read: &dyn Read) -> Result<Option<u64>, StoreError> {
    let Some(row) = read.document(MARK.0, MARK.1)? else { return Ok(None) };
    let size = String::from_utf8(row.bytes).ok().and_then(|text| text.parse().ok());
    size.map(Some).ok_or_else(|| StoreError::Corrupt("the mark of a restore".to_owned()))
}

/// The stretches of the own log that came from a mirror: bytes of licences and older status tokens may be missing there.
///
/// # Errors
/// As [`pending`].
pub fn stretches(read: &dyn Read) -> Result<Vec<Range<u64>>, StoreError> {
    let size = read.log_head()?.map_or(0, |head| head.size);
    let rows = read.documents(RESTORED)?.into_iter();
    let ended = rows.filter_map(|row| Some(row.name.parse().ok()?..row.version));
    let running = pending(read)?.map(|from| from..size);
    Ok(ended.chain(running).collect())
}

fn row((kind, name): (&str, &str), version: u64, bytes: &[u8], now: UnixTime) -> DocumentRow {
    DocumentRow {
        kind: kind.to_owned(),
        name: name.to_owned(),
        version,
        iat: now.0,
        digest: name_digest(&[bytes]),
        bytes: bytes.to_vec(),
        stored_at: now.0,
    }
}

/// Brings a marked node up to what the mirror holds of it, and takes the mark away.
///
/// # Errors
/// [`RestoreError`]; the mark stays then.
pub fn catch_up(node: &Node, mirror: Mirror<'_>) -> Result<Caught, RestoreError> {
    let Mirror { fetch, pages, witnesses } = mirror;
    mark(&*node.store, node.clock.now())?;
    let from = pending(&*node.store.read()?)?.unwrap_or_default();
    let ahead = ahead::fetch(node, fetch)?;
    let bytes = fetch(BUNDLE, MAX_BUNDLE).map_err(RestoreError::Fetch)?;
    let bundle = Bundle::parse(&bytes).map_err(|fault| ExchangeError::NotOurs(fault.what.to_owned()))?;
    let tokens = tokens::own(node, &bundle);
    check_clock(node, &ahead, &tokens)?;
    replay::replay(node, &ahead, &tokens, pages)?;
    tokens::check(node, &tokens)?;
    // The writer has the old end of the log in memory; a job of nothing makes it read and sign the stored one.
    node.writer.write(Job::new(Vec::new()))?;
    witnesses.into_iter().try_for_each(|ask| check_witness(node, ask))?;
    let last = ahead::last_time(&*node.store.read()?)?;
    documents::refresh(node).map_err(SharedError::from)?;
    pull::take(node, &tokens::others(node, &bundle)?, true, "restore", fetch)?;
    numbers::finish(node, from, last)
}

/// Takes the mark away from a node of which nobody holds a mirror: what came after the backup is lost. Every witness is asked first: what
/// one of them has cosigned beyond the backup is signed for ever, and another leaf in its place would fork the log.
///
/// # Errors
/// [`RestoreError`]; the mark stays then.
pub fn go_on_without_mirror(node: &Node, witnesses: Vec<Ask<'_>>) -> Result<Caught, RestoreError> {
    mark(&*node.store, node.clock.now())?;
    witnesses.into_iter().try_for_each(|ask| check_witness(node, ask))?;
    let from = pending(&*node.store.read()?)?.unwrap_or_default();
    let last = ahead::last_time(&*node.store.read()?)?;
    if node.clock.now() <= last {
        return Err(RestoreError::Clock(last));
    }
    numbers::finish(node, from, last)
}

/// What is signed next must be newer than what was signed last: a status token of the same second would be a fork.
fn check_clock(node: &Node, ahead: &Ahead, tokens: &Tokens) -> Result<(), RestoreError> {
    let stored = ahead::last_time(&*node.store.read()?)?;
    let newest = ahead.iter_times().chain(tokens.values().map(StatusToken::iat)).fold(stored, UnixTime::max);
    if node.clock.now() <= newest { Err(RestoreError::Clock(newest)) } else { Ok(()) }
}

/// The witness must not have seen more than there is. If it has seen less, or as much, the log goes on from what it has seen.
fn check_witness(node: &Node, ask: Ask<'_>) -> Result<(), RestoreError> {
    let size = node.store.read()?.log_head()?.map_or(0, |head| head.size);
    let seen = seen_by_witness(node, ask).map_err(RestoreError::Witness)?;
    if seen > size { Err(RestoreError::Seen { seen, size }) } else { Ok(()) }
}
