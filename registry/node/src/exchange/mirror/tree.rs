//! The tree of a mirrored log: what was its root at a smaller size, and does a head lie in it?
//!
//! The entries are kept, and of the tree only what stands above the leaves: full tiles from level 1 on, 32 bytes for 256 leaves. So the
//! root of any earlier size costs one bundle of entries and some tiles, however long the log is.
//! In scope: reading. Out of scope: how the mirror grows (`trips::mirror`), what follows from a head that does not lie in it (`fork_cases`).

use licence_spec::log::merkle::{Hash, TreeHead, leaf_hash, root_of};
use licence_spec::log::tile::{Bundle, Tile, TileError};
use licence_spec::log::tiled_tree::{TileEdge, TiledTree};
use licence_store::{Read, StoreError};

use crate::exchange::mirror::{self, MirrorError, stored_entries, verified_edge};
use crate::node::shelf::Kind;

/// Kind of the full tiles above the leaves; named by origin, level and index.
pub(crate) const TILES: &str = Kind::MirrorTile.name();
/// Hashes of a full tile.
const WIDTH: u64 = 256;

/// Name of a full tile of a log.
pub(crate) fn name(origin: &str, level: u8, index: u64) -> String {
    format!("{origin} {level} {index:012}")
}

/// The root of the first `size` leaves of a mirrored log; `None` if fewer are verified.
///
/// # Errors
/// [`MirrorError::Store`], also if a part below the verified head is missing.
pub fn root_at(read: &dyn Read, origin: &str, size: u64) -> Result<Option<Hash>, MirrorError> {
    let held = mirror::held(read, origin)?;
    if size >= held.size {
        return Ok((size == held.size).then_some(held.root));
    }
    let edge = verified_edge(read, origin, held.size)?;
    let source = |tile| hashes(read, origin, edge.as_ref(), tile);
    TiledTree::new(held.size, source).root(size).map(Some)
}

/// Whether a head is that of the mirrored log at its size; `None` if fewer leaves are verified.
///
/// # Errors
/// As [`root_at`].
pub fn contains(read: &dyn Read, origin: &str, head: &TreeHead) -> Result<Option<bool>, MirrorError> {
    Ok(root_at(read, origin, head.size)?.map(|root| root == head.root))
}

/// The hashes of a tile: of leaves from their entries, of what stands above from the kept tiles and the right edge. A mirror that an older
/// version of this program made has no tiles: then they are made from what lies below.
fn hashes(
    read: &dyn Read,
    origin: &str,
    edge: Option<&TileEdge>,
    tile: Tile,
) -> Result<Vec<u8>, MirrorError> {
    if tile.level() == 0 {
        return leaf_hashes(read, origin, tile);
    }
    if let Some(row) = read.document(TILES, &name(origin, tile.level(), tile.index()))? {
        return Ok(row.bytes);
    }
    let place = |own: &Tile| (own.level(), own.index());
    let partial = edge.and_then(|edge| edge.partial_tiles().find(|(own, _)| place(own) == place(&tile)));
    if let Some((_, bytes)) = partial {
        return Ok(bytes.to_vec());
    }
    let mut made = Vec::new();
    let first = tile.index() * WIDTH;
    for index in first..first + u64::from(tile.width()) {
        // Cannot be `None`: the tile lies within the tree, so what it stands on does too.
        let below = Tile::new(tile.level() - 1, index, WIDTH as u16).ok_or(TileError::OutOfRange)?;
        let bytes = hashes(read, origin, edge, below)?;
        made.extend(root_of(bytes.as_chunks::<32>().0));
    }
    Ok(made)
}

fn leaf_hashes(read: &dyn Read, origin: &str, tile: Tile) -> Result<Vec<u8>, MirrorError> {
    let lost = || StoreError::Corrupt(format!("entries {} of the mirror of {origin}", tile.index()));
    let row = stored_entries(read, origin, tile.index())?.ok_or_else(lost)?;
    let width = u16::try_from(row.version).map_err(|_| lost())?;
    let bundle = Bundle::new(tile.index(), width).ok_or_else(lost)?;
    let entries = bundle.entries(&row.bytes).map_err(|_| lost())?;
    Ok(entries.into_iter().take(usize::from(tile.width())).flat_map(leaf_hash).collect())
}
