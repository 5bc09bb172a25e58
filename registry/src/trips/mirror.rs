//! Follow the log of another node: its entries, its signed head, and nothing that goes back.
//!
//! Order: signed head fetched → compared with the one held → entries fetched and kept, chunk by chunk, with the right edge of
//! the tree that they make → root of that edge compared with the signed one → head stored. Until the last step the entries are
//! progress that nobody is served; a run that was cut off goes on where it stopped.
//! In scope: one log. Out of scope: where the bytes come from (`fetch`), when (`jobs`), cosigning (`trips::witness`).
//! A head that shrank, or another tree of the same size, is kept with the one held as evidence of a fork, and never followed.

use licence_spec::log::checkpoint::SignedCheckpoint;
use licence_spec::log::entry::Entry;
use licence_spec::log::merkle::{TreeHead, leaf_hash};
use licence_spec::log::note::LogKey;
use licence_spec::log::tile::{Bundle, TileError};
use licence_spec::log::tiled_tree::TileEdge;
use licence_spec::numbers::MAX_CHECKPOINT;
use licence_spec::suite::sha256;
use licence_store::{DocumentRow, Read, StoreError, Write, transact};

use crate::node::Node;

/// Kind of the newest verified heads of other logs; named by origin, version is the size.
pub const HEAD: &str = "mirror-head";
/// Kind of the entries of other logs; named by origin and place of the bundle, version is its width.
const ENTRIES: &str = "mirror-entries";
/// Kind of the right edges that belong to the heads, and of those of entries that are not verified yet.
const EDGES: [&str; 2] = ["mirror-edge", "mirror-progress"];
/// Kind of the evidence of forks; named by origin and size.
pub const FORK: &str = "fork";
/// Bundles of one transaction: 16,384 leaves, about 720 KiB.
const CHUNK: u64 = 64;
/// Entries of a full bundle.
const BUNDLE: u64 = 256;
/// Longest bundle that is taken, bytes: 256 entries of this project's 46 bytes at most, with their lengths, and room.
pub(crate) const MAX_ENTRIES: usize = 65_536;

/// Fetches a path of the other node, of at most so many bytes.
pub type Fetch<'a> = &'a mut dyn FnMut(&str, usize) -> Result<Vec<u8>, String>;

/// Why a log was not followed.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// The other node cannot be reached or answers wrongly.
    #[error("{0}")]
    Fetch(String),
    /// The head is not signed by the listed key of the log, or is no checkpoint.
    #[error("签名头无效 / the head is not one that the listed key of the log signed")]
    Head,
    /// The log has shrunk, or has two trees of one size. Both heads are kept.
    #[error(
        "日志分叉或倒退，已留存证据 / the log has forked or gone back: both signed heads are kept as evidence"
    )]
    Fork,
    /// The entries do not give the signed root. They are thrown away.
    #[error("日志条目与签名头不符 / the entries do not give the signed root; they were thrown away")]
    Entries,
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
    let Some(row) = read.document(ENTRIES, &place(origin, wanted.index()))? else { return Ok(None) };
    let stored = u16::try_from(row.version).ok().and_then(|width| Bundle::new(wanted.index(), width));
    let all = stored.and_then(|stored| stored.entries(&row.bytes).ok());
    let corrupt = || StoreError::Corrupt("mirrored entries".to_owned());
    let wanted = all.ok_or_else(corrupt)?.into_iter().take(usize::from(wanted.width()));
    let mut bytes = Vec::new();
    for entry in wanted {
        licence_spec::log::tile::append_entry(&mut bytes, entry).map_err(|_| corrupt())?;
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

/// Follows the log of this key to the newest signed head; answers its size.
///
/// # Errors
/// [`MirrorError`]; what was verified before stays.
pub fn mirror(node: &Node, key: &LogKey, fetch: Fetch<'_>) -> Result<u64, MirrorError> {
    let bytes = fetch("/log/checkpoint", MAX_CHECKPOINT).map_err(MirrorError::Fetch)?;
    let signed = SignedCheckpoint::open(&bytes, key).map_err(|_| MirrorError::Head)?;
    let (origin, head) = (key.name(), signed.head());
    let before = held(&*node.store.read()?, origin)?;
    if head.size < before.size || (head.size == before.size && head.root != before.root) {
        keep_fork(node, origin, head.size, &bytes)?;
        return Err(MirrorError::Fork);
    }
    if head.size > before.size {
        let edge = match follow(node, origin, head.size, fetch) {
            Ok(edge) if edge.root() == head.root => edge,
            Ok(_) | Err(MirrorError::Entries) => {
                throw_away(node, origin, before.size)?;
                return Err(MirrorError::Entries);
            }
            Err(error) => return Err(error),
        };
        store_head(node, origin, &edge, &bytes, signed.note().text())?;
    }
    node.evidence.change(|evidence| evidence.add_head(origin, head));
    Ok(head.size)
}

/// Fetches and keeps the entries up to `size`; the edge of the tree that they make.
fn follow(node: &Node, origin: &str, size: u64, fetch: Fetch<'_>) -> Result<TileEdge, MirrorError> {
    let mut edge = progress(node, origin, size)?;
    while edge.size() < size {
        let first = edge.size() / 256;
        let mut rows = Vec::new();
        for index in first..(first + CHUNK).min(size.div_ceil(256)) {
            let bundle = Bundle::of_tree(index, size).ok_or(TileError::OutOfRange)?;
            let path = format!("/log/{}", licence_spec::log::tile::TilePath::Entries(bundle));
            let bytes = fetch(&path, MAX_ENTRIES).map_err(MirrorError::Fetch)?;
            extend(&mut edge, &bundle.entries(&bytes)?).ok_or(MirrorError::Entries)?;
            rows.push(row(node, ENTRIES, &place(origin, index), u64::from(bundle.width()), &bytes));
        }
        rows.push(row(node, EDGES[1], origin, edge.size(), &pack(&edge)));
        transact(&*node.store, "mirror_entries", |write| write.put_documents(&rows).map(drop))?;
    }
    Ok(edge)
}

/// Appends the entries of the bundle at the right edge. Those that the edge has already must be the same; `None` if not.
fn extend(edge: &mut TileEdge, entries: &[&[u8]]) -> Option<()> {
    let known = edge.partial_tiles().find(|(tile, _)| tile.level() == 0).map(|(_, hashes)| hashes.to_vec());
    let known = known.unwrap_or_default();
    for (at, entry) in entries.iter().enumerate() {
        let hash = leaf_hash(entry);
        match known.get(at * 32..(at + 1) * 32) {
            Some(own) if own == hash => {}
            Some(_) => return None,
            None => edge.push(&hash, |_, _| {}),
        }
    }
    Some(())
}

/// Where to go on: the edge of what was fetched already, unless that is more than is wanted.
fn progress(node: &Node, origin: &str, size: u64) -> Result<TileEdge, MirrorError> {
    let read = node.store.read()?;
    for kind in [EDGES[1], EDGES[0]] {
        if let Some(row) = read.document(kind, origin)?.filter(|row| row.version <= size) {
            return unpack(row.version, &row.bytes);
        }
    }
    Ok(TileEdge::default())
}

fn store_head(
    node: &Node,
    origin: &str,
    edge: &TileEdge,
    note: &[u8],
    text: &str,
) -> Result<(), MirrorError> {
    let mut head = row(node, HEAD, origin, edge.size(), note);
    // Cosignatures may be added to a note; its text may not change.
    head.digest = sha256(&[text.as_bytes()]);
    let verified = row(node, EDGES[0], origin, edge.size(), &pack(edge));
    Ok(transact(&*node.store, "mirror_head", |write| {
        write.put_documents(&[verified.clone(), head.clone()]).map(drop)
    })?)
}

/// Forgets what was fetched beyond the verified head. A partial bundle below it keeps its verified entries: they are fetched anew.
fn throw_away(node: &Node, origin: &str, verified: u64) -> Result<(), MirrorError> {
    let fetched = node.store.read()?.document(EDGES[1], origin)?.map_or(0, |row| row.version);
    transact(&*node.store, "mirror_undo", |write: &mut dyn Write| {
        for index in verified / 256..fetched.div_ceil(256) {
            write.delete_document(ENTRIES, &place(origin, index))?;
        }
        write.delete_document(EDGES[1], origin).map(drop)
    })
    .map_err(|error: StoreError| error.into())
}

/// Keeps both signed heads of a fork.
///
/// # Errors
/// [`StoreError`].
pub fn keep_fork(node: &Node, origin: &str, size: u64, offered: &[u8]) -> Result<(), StoreError> {
    let held = node.store.read()?.document(HEAD, origin)?.map(|row| row.bytes).unwrap_or_default();
    let both = [held.as_slice(), b"\n", offered].concat();
    let mut evidence = row(node, FORK, &format!("{origin} {size}"), 1, &both);
    // The first evidence stays; more of the same kind adds nothing.
    if node.store.read()?.document(FORK, &evidence.name)?.is_some() {
        return Ok(());
    }
    evidence.iat = node.clock.now().0;
    tracing::error!(
        origin,
        size,
        "a log has forked or gone back; evidence is kept, nothing of it is followed or cosigned"
    );
    transact(&*node.store, "keep_fork", |write| {
        write.put_documents(std::slice::from_ref(&evidence)).map(drop)
    })
}

fn row(node: &Node, kind: &str, name: &str, version: u64, bytes: &[u8]) -> DocumentRow {
    let now = node.clock.now().0;
    DocumentRow {
        kind: kind.to_owned(),
        name: name.to_owned(),
        version,
        iat: now,
        digest: sha256(&[bytes]),
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
