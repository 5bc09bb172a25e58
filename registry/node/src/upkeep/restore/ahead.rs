//! What a mirror holds of this node's log behind the end of the backup: all of it, and nothing that this node has not signed.

use licence_spec::log::checkpoint::SignedCheckpoint;
use licence_spec::log::entry::{Entry, Op};
use licence_spec::log::merkle::leaf_hash;
use licence_spec::log::note::LogKey;
use licence_spec::log::tile::Bundle;
use licence_spec::log::tiled_tree::TileEdge;
use licence_spec::numbers::MAX_CHECKPOINT;
use licence_spec::time::UnixTime;
use licence_store::{Read, StoreError};

use crate::exchange::mirror::{Fetch, MAX_ENTRIES};
use crate::exchange::paths::MIRRORS;
use crate::node::Node;
use crate::node::keys::Usage;
use crate::node::log::{LogError, root_of, stored_edge};
use crate::upkeep::restore::RestoreError;

/// Most leaves that are replayed: 2^22, some weeks of a large city, are 230 MB in memory.
const MAX_LEAVES: u64 = 1 << 22;
/// Last leaves that are asked for the newest time.
const LAST: u32 = 1_024;

/// Entries that follow the own log, up to a head that the own key has signed.
#[derive(Debug)]
pub(super) struct Ahead {
    /// Index of the first entry: the size of the own log.
    pub(super) first: u64,
    pub(super) entries: Vec<Entry>,
}

impl Ahead {
    /// When they were signed.
    pub(super) fn iter_times(&self) -> impl Iterator<Item = UnixTime> {
        self.entries.iter().filter_map(signed_at)
    }
}

/// Fetches head and entries, and checks that they extend the own log to exactly the signed root.
pub(super) fn fetch(node: &Node, fetch: Fetch<'_>) -> Result<Ahead, RestoreError> {
    let (origin, path) = (node.origin(), format!("{MIRRORS}/{}", node.host));
    let signer = node.keys.signer(&node.authority, Usage::Log).ok_or(RestoreError::Head)?;
    let key = LogKey::new(&origin, *signer.public_key()).map_err(|_| RestoreError::Head)?;
    let bytes = fetch(&format!("{path}/checkpoint"), MAX_CHECKPOINT).map_err(RestoreError::Fetch)?;
    let head = SignedCheckpoint::open(&bytes, &key).map_err(|_| RestoreError::Head)?.head();
    let read = node.store.read()?;
    let mut edge = stored_edge(&*read, &origin)?;
    let first = edge.size();
    if head.size <= first {
        return match root_of(&*read, head.size)? == head.root {
            true => Ok(Ahead { first, entries: Vec::new() }),
            false => Err(RestoreError::Fork),
        };
    }
    drop(read);
    if head.size - first > MAX_LEAVES {
        return Err(RestoreError::TooOld(head.size - first));
    }
    let mut entries = Vec::new();
    for index in first / 256..head.size.div_ceil(256) {
        let bundle = Bundle::of_tree(index, head.size).ok_or(RestoreError::Entries)?;
        let place = format!("{path}/{}", licence_spec::log::tile::TilePath::Entries(bundle));
        let bytes = fetch(&place, MAX_ENTRIES).map_err(RestoreError::Fetch)?;
        extend(&mut edge, &bundle, &bytes, &mut entries)?;
    }
    if edge.root() == head.root { Ok(Ahead { first, entries }) } else { Err(RestoreError::Entries) }
}

/// Takes over the entries of a bundle that are behind the edge.
fn extend(
    edge: &mut TileEdge,
    bundle: &Bundle,
    bytes: &[u8],
    entries: &mut Vec<Entry>,
) -> Result<(), RestoreError> {
    let found = bundle.entries(bytes).map_err(|_| RestoreError::Entries)?;
    for (bytes, index) in found.into_iter().zip(bundle.first_entry()..) {
        if index < edge.size() {
            continue;
        }
        let entry = Entry::parse(bytes).map_err(|_| RestoreError::Entries)?;
        edge.push(&leaf_hash(bytes), |_, _| {});
        entries.push(entry);
    }
    Ok(())
}

/// The end of the stored log, inside a transaction.
pub(super) fn end(read: &dyn Read, node: &Node) -> Result<TileEdge, LogError> {
    stored_edge(read, &node.origin())
}

/// When what an entry stands for was signed; a change of status tells only from when on it has effect.
fn signed_at(entry: &Entry) -> Option<UnixTime> {
    (entry.op != Op::StatusChange).then_some(entry.time)
}

/// When the newest of the last leaves of the own log was signed; the first moment of all if none tells.
pub(super) fn last_time(read: &dyn Read) -> Result<UnixTime, StoreError> {
    let size = read.log_head()?.map_or(0, |head| head.size);
    let leaves = read.log_leaves(size.saturating_sub(u64::from(LAST)), LAST)?;
    let entries = leaves.iter().filter_map(|leaf| Entry::parse(&leaf.entry).ok());
    Ok(entries.filter_map(|entry| signed_at(&entry)).max().unwrap_or(UnixTime(0)))
}
