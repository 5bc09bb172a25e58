//! Follow the log of another node: its entries, its signed head, and nothing that goes back.
//!
//! Order: signed head fetched → compared with the one held → entries fetched and kept, chunk by chunk, with the right edge of
//! the tree that they make → root of that edge compared with the signed one → head stored. Until the last step the entries are
//! progress that nobody is served; a run that was cut off goes on where it stopped.
//! In scope: one log. Out of scope: where the bytes come from (`fetch`), when (`jobs`), cosigning (`trips::witness`), what is done about
//! a fork (`trips::fork_cases`).
//!
//! A smaller head that lies in the mirrored tree is old: counted, warned of, and of no consequence, since any cache can show one. A fork
//! is two roots for one size, a smaller head that does not lie in the mirrored tree, or a larger one whose tree, by a proof that leads to
//! its own signed root, does not begin with the mirrored one (spec/log.md §10). Its two heads are kept, and nothing of it is followed.
//! A log may claim any size: what is taken of it is bounded by [`Growth`], by the profile of its entries, and by the room on the disk.

pub mod fork_cases;
pub mod state;
pub mod tree;

use licence_spec::log::checkpoint::SignedCheckpoint;
use licence_spec::log::entry::{Entry, MAX_ENTRY_BYTES};
use licence_spec::log::merkle::{TreeHead, leaf_hash, verify_consistency};
use licence_spec::log::note::LogKey;
use licence_spec::log::tile::{Bundle, TILE_BYTES, TileError, TilePath, append_entry};
use licence_spec::log::tiled_tree::{TileEdge, TiledTree};
use licence_spec::numbers::MAX_CHECKPOINT;
use licence_spec::suite::name_digest;
use licence_store::{DocumentRow, Read, StoreError, Write, transact};

use self::fork_cases::keep_fork;
use self::state::{Growth, KEPT_FREE};
use self::tree::TILES;
use crate::exchange::error::ExchangeError;
use crate::exchange::paths::{CHECKPOINT, LOG};
use crate::node::Node;
use crate::node::shelf::Kind;

/// Kind of the newest verified heads of other logs; named by origin, version is the size.
pub const HEAD: &str = Kind::MirrorHead.name();
/// Kind of the entries of other logs; named by origin and place of the bundle, version is its width.
const ENTRIES: &str = Kind::MirrorEntries.name();
/// Kind of the right edges that belong to the heads, and of those of entries that are not verified yet.
const EDGES: [&str; 2] = ["mirror-edge", "mirror-progress"];
/// Bundles of one transaction: 16,384 leaves, about 720 KiB.
const CHUNK: u64 = 64;
/// Entries of a full bundle.
const BUNDLE: u64 = 256;
/// Longest bundle that is taken, bytes: 256 entries of this project's 46 bytes at most, each after its length.
pub(crate) const MAX_ENTRIES: usize = BUNDLE as usize * (2 + MAX_ENTRY_BYTES);

/// Fetches a path of the other node, of at most so many bytes.
pub type Fetch<'a> = &'a mut dyn FnMut(&str, usize) -> Result<Vec<u8>, ExchangeError>;

/// How far a log was followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mirrored {
    /// All of it is here and verified: so many leaves.
    Whole(u64),
    /// So many leaves are fetched of so many that are claimed; the next run goes on.
    Part {
        /// Leaves that are here, not all of them verified.
        fetched: u64,
        /// Leaves of the signed head.
        claimed: u64,
    },
    /// An old head, which lies in what is mirrored and says nothing new.
    Old {
        /// Its leaves.
        shown: u64,
        /// Leaves that are mirrored.
        held: u64,
    },
}

/// Why a log was not followed.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// The other node cannot be reached or answers wrongly.
    #[error("{0}")]
    Fetch(#[from] ExchangeError),
    /// The head is not signed by the listed key of the log, or is no checkpoint.
    #[error("签名头无效 / the head is not one that the listed key of the log signed")]
    Head,
    /// The log has two trees. Both signed heads are kept.
    #[error("日志分叉，已留存证据 / the log has forked: both signed heads are kept as evidence")]
    Fork,
    /// The entries do not give the signed root. They are thrown away.
    #[error("日志条目与签名头不符 / the entries do not give the signed root; they were thrown away")]
    Entries,
    /// An entry is not one of the profile; nothing from it on is taken.
    #[error(
        "日志第 {index} 项不合格式 / leaf {index} is no entry of the profile: nothing from it on is taken"
    )]
    Profile {
        /// Its index.
        index: u64,
    },
    /// What may be taken in a day is taken.
    #[error(
        "日志自称 {claimed} 项，每日只取 {day} 项，次日继续 / the log claims {claimed} leaves, {day} are taken a day: it goes on tomorrow"
    )]
    Day {
        /// Leaves of the signed head.
        claimed: u64,
        /// Leaves of a day.
        day: u64,
    },
    /// The disk has no room for more.
    #[error(
        "磁盘仅余 {free} 字节，镜像暂停 / {free} bytes are free on the disk: nothing is mirrored until there is room"
    )]
    Room {
        /// Bytes that are free.
        free: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored or fetched part has a wrong shape.
    #[error("日志数据格式有误 / a part of the log has a wrong shape: {0}")]
    Shape(#[from] TileError),
}

/// The verified head of a mirrored log; the empty tree if none is held.
///
/// # Errors
/// [`StoreError`].
pub fn held(read: &dyn Read, origin: &str) -> Result<TreeHead, StoreError> {
    let Some(row) = read.document(HEAD, origin)? else { return Ok(TreeHead::EMPTY) };
    let checkpoint = SignedCheckpoint::parse(&row.bytes);
    checkpoint
        .map(|own| own.head())
        .map_err(|_| StoreError::Corrupt(format!("the mirrored head of {origin}")))
}

/// Entries of a mirrored log, as they were served: only such that the verified head covers.
///
/// # Errors
/// [`StoreError`]; what is not there is `None`.
pub fn entries(read: &dyn Read, origin: &str, wanted: Bundle) -> Result<Option<Vec<u8>>, StoreError> {
    let size = held(read, origin)?.size;
    if Bundle::of_tree(wanted.index(), size).is_none_or(|own| own.width() < wanted.width()) {
        return Ok(None);
    }
    let Some(row) = stored_entries(read, origin, wanted.index())? else { return Ok(None) };
    let stored = u16::try_from(row.version).ok().and_then(|width| Bundle::new(wanted.index(), width));
    let all = stored.and_then(|stored| stored.entries(&row.bytes).ok());
    let corrupt = || StoreError::Corrupt("mirrored entries".to_owned());
    let wanted = all.ok_or_else(corrupt)?.into_iter().take(usize::from(wanted.width()));
    let mut bytes = Vec::new();
    for entry in wanted {
        append_entry(&mut bytes, entry).map_err(|_| corrupt())?;
    }
    Ok(Some(bytes))
}

/// The entries of a mirrored log from leaf `from` to before `to`, in order; `None` for one that is no entry of this profile. The verified
/// head must cover them.
///
/// # Errors
/// [`MirrorError::Store`], also if a bundle below the verified head is missing.
pub fn leaves(read: &dyn Read, origin: &str, from: u64, to: u64) -> Result<Vec<Option<Entry>>, MirrorError> {
    let mut leaves = Vec::new();
    for index in from / BUNDLE..to.div_ceil(BUNDLE) {
        let lost = || StoreError::Corrupt(format!("entries {index} of the mirror of {origin}"));
        let bundle = Bundle::of_tree(index, to).ok_or_else(lost)?;
        let bytes = entries(read, origin, bundle)?.ok_or_else(lost)?;
        let first = bundle.first_entry();
        let wanted = bundle.entries(&bytes)?.into_iter().skip(from.saturating_sub(first) as usize);
        leaves.extend(wanted.map(|entry| Entry::parse(entry).ok()));
    }
    Ok(leaves)
}

fn place(origin: &str, index: u64) -> String {
    format!("{origin} {index:012}")
}

/// The row of a bundle of entries, verified or not; its version is its width.
pub(crate) fn stored_entries(
    read: &dyn Read,
    origin: &str,
    index: u64,
) -> Result<Option<DocumentRow>, StoreError> {
    read.document(ENTRIES, &place(origin, index))
}

/// The right edge of the verified tree of this size, if it is kept.
pub(crate) fn verified_edge(
    read: &dyn Read,
    origin: &str,
    size: u64,
) -> Result<Option<TileEdge>, MirrorError> {
    let row = read.document(EDGES[0], origin)?.filter(|row| row.version == size);
    row.map(|row| unpack(size, &row.bytes)).transpose()
}

/// A signed head that was shown.
struct Shown<'a> {
    origin: &'a str,
    head: TreeHead,
    note: &'a [u8],
    text: &'a str,
}

/// Follows the log of this key to the newest signed head, as far as `growth` lets it.
///
/// # Errors
/// [`MirrorError`]; what was verified before stays.
pub fn mirror(node: &Node, key: &LogKey, growth: Growth, fetch: Fetch<'_>) -> Result<Mirrored, MirrorError> {
    let bytes = fetch(CHECKPOINT, MAX_CHECKPOINT).map_err(MirrorError::Fetch)?;
    let signed = SignedCheckpoint::open(&bytes, key).map_err(|_| MirrorError::Head)?;
    let (origin, head) = (key.name(), signed.head());
    let shown = Shown { origin, head, note: &bytes, text: signed.note().text() };
    let before = held(&*node.store.read()?, origin)?;
    let outcome = match head.size > before.size {
        true => grow(node, &shown, before, growth, fetch),
        false => look_back(node, &shown, before),
    };
    state::note(node, origin, head.size, &outcome)?;
    if let Ok(Mirrored::Whole(_)) = outcome {
        node.evidence.change(|evidence| evidence.add_head(origin, head));
    }
    outcome
}

/// A head that is not larger than the one held: the same, an old one, or a fork.
fn look_back(node: &Node, shown: &Shown<'_>, before: TreeHead) -> Result<Mirrored, MirrorError> {
    let Shown { origin, head, note, .. } = shown;
    let lies = tree::contains(&*node.store.read()?, origin, head)?;
    if lies != Some(true) {
        keep_fork(node, origin, head, note)?;
        return Err(MirrorError::Fork);
    }
    if head.size == before.size {
        return Ok(Mirrored::Whole(head.size));
    }
    let (shown, held) = (head.size, before.size);
    tracing::warn!(
        origin,
        shown,
        held,
        "an old head of a log was shown: by a cache, or by a node that was restored"
    );
    Ok(Mirrored::Old { shown, held })
}

/// A head that is larger than the one held.
fn grow(
    node: &Node,
    shown: &Shown<'_>,
    before: TreeHead,
    growth: Growth,
    fetch: Fetch<'_>,
) -> Result<Mirrored, MirrorError> {
    let (origin, claimed) = (shown.origin, shown.head.size);
    let left = state::state(&*node.store.read()?, origin)?.left(growth, node.clock.now());
    if left == 0 {
        return Err(MirrorError::Day { claimed, day: growth.day });
    }
    match follow(node, shown, before.size, left.min(growth.run), fetch) {
        Ok(edge) if edge.size() < claimed => Ok(Mirrored::Part { fetched: edge.size(), claimed }),
        Ok(edge) if edge.root() == shown.head.root => {
            store_head(node, shown, &edge)?;
            Ok(Mirrored::Whole(claimed))
        }
        Ok(_) | Err(MirrorError::Entries) => {
            throw_away(node, origin, before.size)?;
            // Entries that were changed on the way, or another tree: the log's own tiles tell, if they lead to its signed root.
            if begins_with(before, shown.head, fetch) == Some(false) {
                keep_fork(node, origin, &shown.head, shown.note)?;
                return Err(MirrorError::Fork);
            }
            Err(MirrorError::Entries)
        }
        Err(error) => Err(error),
    }
}

/// Whether the tree of the head `new` begins with that of `old`, by tiles that lead to its root; `None` if there are none that do.
fn begins_with(old: TreeHead, new: TreeHead, fetch: Fetch<'_>) -> Option<bool> {
    if old.size == 0 {
        return Some(true);
    }
    let mut tree = TiledTree::new(new.size, |tile| {
        fetch(&format!("{LOG}/{}", TilePath::Hashes(tile)), TILE_BYTES).map_err(MirrorError::Fetch)
    });
    let root = tree.root(old.size).ok()?;
    let proof = tree.consistency_proof(old.size, new.size).ok()?;
    // Tiles are anybody's bytes: only what is proved under the signed root is a word of the log.
    verify_consistency(&TreeHead { size: old.size, root }, &new, &proof).ok()?;
    Some(root == old.root)
}

/// Fetches and keeps entries up to the shown head, at most `budget` of them and what is left of a bundle; the edge of the tree that they make.
fn follow(
    node: &Node,
    shown: &Shown<'_>,
    verified: u64,
    budget: u64,
    fetch: Fetch<'_>,
) -> Result<TileEdge, MirrorError> {
    let (origin, size) = (shown.origin, shown.head.size);
    let mut edge = progress(node, origin, verified, size)?;
    let end = edge.size().saturating_add(budget).min(size);
    while edge.size() < end {
        has_room(node)?;
        let (known, first) = (edge.size(), edge.size() / BUNDLE);
        let mut rows = Vec::new();
        for index in first..(first + CHUNK).min(end.div_ceil(BUNDLE)) {
            let bundle = Bundle::of_tree(index, size).ok_or(TileError::OutOfRange)?;
            let path = format!("{LOG}/{}", TilePath::Entries(bundle));
            let bytes = fetch(&path, MAX_ENTRIES).map_err(MirrorError::Fetch)?;
            rows.extend(extend(node, origin, &mut edge, &bundle.entries(&bytes)?)?);
            rows.push(row(node, ENTRIES, &place(origin, index), u64::from(bundle.width()), &bytes));
        }
        rows.push(row(node, EDGES[1], origin, edge.size(), &pack(&edge)));
        keep(node, origin, &rows, edge.size() - known)?;
    }
    Ok(edge)
}

/// The own register comes first: other logs are not mirrored into its last room. A database elsewhere cannot tell (`None`).
fn has_room(node: &Node) -> Result<(), MirrorError> {
    match node.store.room() {
        Some(free) if free < KEPT_FREE => Err(MirrorError::Room { free }),
        _ => Ok(()),
    }
}

/// Keeps what was fetched, and counts it, in one transaction.
fn keep(node: &Node, origin: &str, rows: &[DocumentRow], leaves: u64) -> Result<(), MirrorError> {
    let now = node.clock.now();
    let kept = transact(&*node.store, "mirror_entries", |write| {
        write.put_documents(rows)?;
        state::count(write, origin, leaves, now)
    });
    match kept {
        // Other entries are kept at their places, by a run for another head.
        Err(StoreError::Conflict(_)) => Err(MirrorError::Entries),
        kept => Ok(kept?),
    }
}

/// Appends the entries of the bundle at the right edge; the tiles above the leaves that become full. Those that the edge has already must be
/// the same.
fn extend(
    node: &Node,
    origin: &str,
    edge: &mut TileEdge,
    entries: &[&[u8]],
) -> Result<Vec<DocumentRow>, MirrorError> {
    let known = edge.partial_tiles().find(|(tile, _)| tile.level() == 0).map(|(_, hashes)| hashes.to_vec());
    let (known, mut full) = (known.unwrap_or_default(), Vec::new());
    for (at, entry) in entries.iter().enumerate() {
        let hash = leaf_hash(entry);
        match known.get(at * 32..(at + 1) * 32) {
            Some(own) if own == hash => {}
            Some(_) => return Err(MirrorError::Entries),
            None => {
                let index = edge.size();
                Entry::parse(entry).map_err(|_| MirrorError::Profile { index })?;
                edge.push(&hash, |tile, hashes| {
                    if tile.level() > 0 {
                        let name = tree::name(origin, tile.level(), tile.index());
                        full.push(row(node, TILES, &name, 1, &hashes));
                    }
                });
            }
        }
    }
    Ok(full)
}

/// Where to go on: the edge of what was fetched already. More than is wanted was fetched for a head that is not shown any more.
fn progress(node: &Node, origin: &str, verified: u64, size: u64) -> Result<TileEdge, MirrorError> {
    let fetched = node.store.read()?.document(EDGES[1], origin)?.filter(|row| row.version > verified);
    match fetched {
        Some(row) if row.version <= size => return unpack(row.version, &row.bytes),
        Some(_) => throw_away(node, origin, verified)?,
        None => {}
    }
    Ok(verified_edge(&*node.store.read()?, origin, verified)?.unwrap_or_default())
}

fn store_head(node: &Node, shown: &Shown<'_>, edge: &TileEdge) -> Result<(), MirrorError> {
    let (origin, packed) = (shown.origin, pack(edge));
    let mut head = row(node, HEAD, origin, edge.size(), shown.note);
    // Cosignatures may be added to a note; its text may not change.
    head.digest = name_digest(&[shown.text.as_bytes()]);
    let verified = row(node, EDGES[0], origin, edge.size(), &packed);
    transact(&*node.store, "mirror_head", |write| {
        // Another process may have thrown away what this one has fetched: a head stands on entries that are there.
        let there = write.document(EDGES[1], origin)?.is_some_and(|row| row.bytes == packed);
        let there = there || held(write, origin)?.size >= edge.size();
        if !there {
            return Err(MirrorError::Entries);
        }
        Ok(write.put_documents(&[verified.clone(), head.clone()]).map(drop)?)
    })
}

/// Forgets what was fetched beyond the verified head.
fn throw_away(node: &Node, origin: &str, verified: u64) -> Result<(), MirrorError> {
    let (fetched, last) = {
        let read = node.store.read()?;
        let fetched = read.document(EDGES[1], origin)?.map_or(0, |row| row.version);
        let last = if verified.is_multiple_of(BUNDLE) {
            None
        } else {
            stored_entries(&*read, origin, verified / BUNDLE)?
        };
        (fetched, last)
    };
    let last = last.map(|own| cut(node, origin, verified, &own)).transpose()?;
    transact(&*node.store, "mirror_undo", |write: &mut dyn Write| {
        for index in verified / BUNDLE..fetched.div_ceil(BUNDLE) {
            write.delete_document(ENTRIES, &place(origin, index))?;
        }
        // No tree has a full tile on level 7: it would stand on 2^64 leaves.
        for level in 1..7_u8 {
            let leaves = 8 * (u32::from(level) + 1);
            for index in verified >> leaves..=fetched >> leaves {
                // One that ends at or before the verified head does not lie in this range.
                write.delete_document(TILES, &tree::name(origin, level, index))?;
            }
        }
        write.put_documents(last.as_slice())?;
        write.delete_document(EDGES[1], origin).map(drop)
    })
    .map_err(|error: StoreError| error.into())
}

/// The verified entries of the bundle in which the verified head ends.
fn cut(node: &Node, origin: &str, verified: u64, stored: &DocumentRow) -> Result<DocumentRow, MirrorError> {
    let (index, width) = (verified / BUNDLE, verified % BUNDLE);
    let stored_width = u16::try_from(stored.version).ok().and_then(|width| Bundle::new(index, width));
    let entries = stored_width.ok_or(TileError::BundleLength)?.entries(&stored.bytes)?;
    let mut bytes = Vec::new();
    for entry in entries.into_iter().take(width as usize) {
        append_entry(&mut bytes, entry)?;
    }
    Ok(row(node, ENTRIES, &place(origin, index), width, &bytes))
}

fn row(node: &Node, kind: &str, name: &str, version: u64, bytes: &[u8]) -> DocumentRow {
    let now = node.clock.now().0;
    DocumentRow {
        kind: kind.to_owned(),
        name: name.to_owned(),
        version,
        iat: now,
        digest: name_digest(&[bytes]),
        bytes: bytes.to_vec(),
        stored_at: now,
    }
}

/// The partial tiles of an edge, one after the other, each under its level: 1 byte level, 2 bytes length, hashes.
fn pack(edge: &TileEdge) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (tile, hashes) in edge.partial_tiles().filter(|(_, hashes)| !hashes.is_empty()) {
        bytes.push(tile.level());
        // Cannot be cut off: a partial tile has less than 8,192 bytes.
        bytes.extend_from_slice(&(hashes.len() as u16).to_be_bytes());
        bytes.extend_from_slice(hashes);
    }
    bytes
}

fn unpack(size: u64, bytes: &[u8]) -> Result<TileEdge, MirrorError> {
    let mut levels = std::collections::BTreeMap::new();
    let mut rest = bytes;
    while let Some(([level, high, low], tail)) = rest.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (hashes, tail) = tail.split_at_checked(length).ok_or(TileError::BundleLength)?;
        levels.insert(*level, hashes.to_vec());
        rest = tail;
    }
    TileEdge::load(size, |tile| {
        levels.get(&tile.level()).cloned().ok_or(MirrorError::Shape(TileError::Missing(tile)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_survives_being_stored() {
        let mut edge = TileEdge::default();
        for number in 0..70_000u32 {
            edge.push(&leaf_hash(&number.to_be_bytes()), |_, _| {});
            if [1, 255, 256, 257, 65_536, 65_537, 70_000].contains(&(number + 1)) {
                assert_eq!(unpack(edge.size(), &pack(&edge)).unwrap(), edge, "size {}", edge.size());
            }
        }
    }
}
