//! A tree kept as tiles: what is its root, which hashes prove a leaf or a growth, and what changes when it grows?
//!
//! In scope: reading nodes and proofs out of tiles, a cached right edge to append to, the tiles that a growth touches.
//! Out of scope: where tiles are stored; the caller hands in a function from tile to bytes, with its own error.
//! Format: spec/log.md §3; vectors in spec/vectors/tessera-log/, sunlight-skylight/ and log/.

use alloc::vec::Vec;
use core::mem;

use super::merkle::{self, EMPTY_ROOT, Hash, MAX_TREE_SIZE, Node, ProofError, TreeHead, node_hash};
use super::tile::{Bundle, HASH_BYTES, TILE_BYTES, TILE_HEIGHT, TILE_WIDTH, Tile, TileError, hashes_at};

/// Most tiles that one [`TiledTree`] keeps at hand: 32 of 8 KiB are 256 KiB, and one proof reads at most 16.
const KEPT_TILES: usize = 32;

/// A tree that can be read through its tiles.
///
/// `source` gives the bytes of a tile; more bytes than the width asks for are welcome, as a partial tile is a prefix
/// of every wider one. Tiles that were read are kept, so one value should serve one request or one batch.
/// What comes out is only as good as the tiles: compare a root with a checkpoint, or check the proof.
#[derive(Debug)]
pub struct TiledTree<F, B> {
    size: u64,
    source: F,
    kept: Vec<(Tile, B)>,
}

impl<F, B, E> TiledTree<F, B>
where
    F: FnMut(Tile) -> Result<B, E>,
    B: AsRef<[u8]>,
    E: From<TileError>,
{
    /// The tree of `size` leaves whose tiles `source` holds. Nothing is read yet.
    pub const fn new(size: u64, source: F) -> TiledTree<F, B> {
        TiledTree { size, source, kept: Vec::new() }
    }

    /// The root of the first `size` leaves.
    ///
    /// # Errors
    /// [`TileError::OutOfRange`] if there are fewer leaves; [`TileError::TileLength`]; what the source answers.
    pub fn root(&mut self, size: u64) -> Result<Hash, E> {
        self.check_size(size)?;
        merkle::root(size, |node| self.node(node)).map_err(flatten)
    }

    /// The inclusion proof of the leaf at `index` in the tree of the first `size` leaves.
    ///
    /// # Errors
    /// As [`TiledTree::root`].
    pub fn inclusion_proof(&mut self, index: u64, size: u64) -> Result<Vec<Hash>, E> {
        self.check_size(size)?;
        merkle::inclusion_proof(index, size, |node| self.node(node)).map_err(flatten)
    }

    /// The proof that the first `new` leaves begin with the first `old` leaves.
    ///
    /// # Errors
    /// As [`TiledTree::root`].
    pub fn consistency_proof(&mut self, old: u64, new: u64) -> Result<Vec<Hash>, E> {
        self.check_size(new)?;
        merkle::consistency_proof(old, new, |node| self.node(node)).map_err(flatten)
    }

    /// The hash of the leaf at `index`.
    ///
    /// # Errors
    /// As [`TiledTree::root`].
    pub fn leaf(&mut self, index: u64) -> Result<Hash, E> {
        self.node(Node { level: 0, index })
    }

    fn check_size(&self, size: u64) -> Result<(), TileError> {
        if size > self.size { Err(TileError::OutOfRange) } else { Ok(()) }
    }

    /// The hash of one perfect subtree: one of a tile's own hashes, or a node between them and the next tile.
    fn node(&mut self, node: Node) -> Result<Hash, E> {
        let Node { level, index } = node;
        let end = index.checked_add(1).and_then(|end| end.checked_mul(1 << level.min(63)));
        if end.is_none_or(|end| end > self.size) {
            return Err(TileError::OutOfRange.into());
        }
        let height = level % TILE_HEIGHT;
        let first = index << height;
        // Cannot be `None`: the subtree lies within the tree, so its tile does too.
        let tile = u8::try_from(level / TILE_HEIGHT)
            .ok()
            .and_then(|level| Tile::of_tree(level, first / TILE_WIDTH, self.size))
            .ok_or(TileError::OutOfRange)?;
        let bytes = self.tile(tile)?;
        let begin = (first % TILE_WIDTH) as usize * HASH_BYTES;
        let hashes = bytes.get(begin..begin + (HASH_BYTES << height)).ok_or(TileError::TileLength(tile))?;
        Ok(subtree_root(hashes))
    }

    fn tile(&mut self, tile: Tile) -> Result<&[u8], E> {
        let at = match self.kept.iter().position(|(kept, _)| *kept == tile) {
            Some(at) => at,
            None => {
                let bytes = (self.source)(tile)?;
                check_length(tile, bytes.as_ref())?;
                if self.kept.len() >= KEPT_TILES {
                    self.kept.remove(0);
                }
                self.kept.push((tile, bytes));
                self.kept.len() - 1
            }
        };
        Ok(self.kept[at].1.as_ref())
    }
}

fn flatten<E: From<TileError>>(error: ProofError<E>) -> E {
    match error {
        ProofError::OutOfRange => TileError::OutOfRange.into(),
        ProofError::Source(error) => error,
    }
}

/// A tile may be wider than asked for, but is a whole number of hashes and never more than a full tile.
fn check_length(tile: Tile, bytes: &[u8]) -> Result<(), TileError> {
    let length = bytes.len();
    if length < tile.byte_len() || length > TILE_BYTES || !length.is_multiple_of(HASH_BYTES) {
        return Err(TileError::TileLength(tile));
    }
    Ok(())
}

/// The root over a power of two of hashes that lie one after the other.
fn subtree_root(hashes: &[u8]) -> Hash {
    if let Ok(hash) = Hash::try_from(hashes) {
        return hash;
    }
    let (left, right) = hashes.split_at(hashes.len() / 2);
    node_hash(&subtree_root(left), &subtree_root(right))
}

/// The right edge of a tree in tiles: the partial tile of every level. It is all that is needed to append leaves,
/// to write the tiles that change, and to tell the root. At most 8 levels of less than 8 KiB.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TileEdge {
    size: u64,
    levels: Vec<Vec<u8>>,
}

impl TileEdge {
    /// Reads the right edge of a stored tree of `size` leaves. Compare [`TileEdge::root`] with the stored head before
    /// anything is built on it: a tile that was changed on disk shows there.
    ///
    /// # Errors
    /// [`TileError::OutOfRange`] above [`MAX_TREE_SIZE`]; [`TileError::TileLength`]; what the source answers.
    pub fn load<B, E>(size: u64, mut source: impl FnMut(Tile) -> Result<B, E>) -> Result<TileEdge, E>
    where
        B: AsRef<[u8]>,
        E: From<TileError>,
    {
        if size > MAX_TREE_SIZE {
            return Err(TileError::OutOfRange.into());
        }
        let mut levels = Vec::new();
        for level in 0.. {
            let hashes = hashes_at(level, size);
            if hashes == 0 {
                break;
            }
            let mut edge = Vec::new();
            if !hashes.is_multiple_of(TILE_WIDTH) {
                let tile = Tile::of_tree(level, hashes / TILE_WIDTH, size).ok_or(TileError::OutOfRange)?;
                let bytes = source(tile)?;
                check_length(tile, bytes.as_ref())?;
                edge.extend_from_slice(&bytes.as_ref()[..tile.byte_len()]);
            }
            levels.push(edge);
        }
        Ok(TileEdge { size, levels })
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf by its hash. Every tile that becomes full is handed to `full`, lowest level first; it will not
    /// change again and has to be stored. The partial ones are [`TileEdge::partial_tiles`].
    pub fn push(&mut self, leaf: &Hash, mut full: impl FnMut(Tile, Vec<u8>)) {
        self.size += 1;
        let mut hash = *leaf;
        for level in 0.. {
            let at = usize::from(level);
            if self.levels.len() == at {
                self.levels.push(Vec::new());
            }
            let edge = &mut self.levels[at];
            edge.extend_from_slice(&hash);
            if edge.len() < TILE_BYTES {
                return;
            }
            let bytes = mem::take(edge);
            hash = subtree_root(&bytes);
            let index = hashes_at(level, self.size) / TILE_WIDTH - 1;
            if let Some(tile) = Tile::new(level, index, TILE_WIDTH as u16) {
                full(tile, bytes);
            }
        }
    }

    /// The partial tiles of the tree, lowest level first. Levels whose last tile is full have none.
    pub fn partial_tiles(&self) -> impl Iterator<Item = (Tile, &[u8])> {
        self.levels.iter().enumerate().filter_map(|(level, bytes)| {
            let level = u8::try_from(level).ok()?;
            let width = u16::try_from(bytes.len() / HASH_BYTES).ok()?;
            let tile = Tile::new(level, hashes_at(level, self.size) / TILE_WIDTH, width)?;
            Some((tile, bytes.as_slice()))
        })
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut edge = Vec::new();
        for bytes in self.levels.iter().rev() {
            let mut rest = bytes.as_slice();
            while let Some(hashes) = (rest.len() / HASH_BYTES).checked_ilog2() {
                let (left, right) = rest.split_at(HASH_BYTES << hashes);
                edge.push(subtree_root(left));
                rest = right;
            }
        }
        merkle::fold_right(&edge).unwrap_or(EMPTY_ROOT)
    }

    /// Size and root together.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        TreeHead { size: self.size, root: self.root() }
    }
}

/// The tiles that have to be written when a tree grows from `old` to `new` leaves, as wide as the new tree has them;
/// lowest level first. Sizes in between have no checkpoint and so need no tiles.
pub fn changed_tiles(old: u64, new: u64) -> impl Iterator<Item = Tile> {
    (0_u8..8).flat_map(move |level| {
        changed_places(hashes_at(level, old), hashes_at(level, new))
            .filter_map(move |index| Tile::of_tree(level, index, new))
    })
}

/// The entry bundles that have to be written when a tree grows from `old` to `new` leaves.
pub fn changed_bundles(old: u64, new: u64) -> impl Iterator<Item = Bundle> {
    changed_places(old, new).filter_map(move |index| Bundle::of_tree(index, new))
}

fn changed_places(old: u64, new: u64) -> core::ops::Range<u64> {
    if new <= old { 0..0 } else { old / TILE_WIDTH..new.div_ceil(TILE_WIDTH) }
}
