//! The node's own Merkle log: leaves, tiles of hashes, and the head. Append-only.
//! Out of scope: hashing and proofs (`spec::log`), signing checkpoints (`registry/node/src/node/log`), mirrored logs of peers.

use crate::{Digest, Result, Short};

/// One leaf.
#[derive(Clone, PartialEq, Eq)]
pub struct LeafRow {
    /// Position, counted from 0.
    pub index: u64,
    /// SHA-256(00, entry); unique in the log.
    pub hash: Digest,
    /// The entry, at most 65,535 bytes.
    pub entry: Vec<u8>,
}

impl std::fmt::Debug for LeafRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LeafRow {{ index: {}, hash: {:?} }}", self.index, Short(&self.hash))
    }
}

/// Where a tile is: `tile/<level>/<index>` of C2SP tlog-tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileKey {
    /// 0 holds leaf hashes, each further level the roots of full tiles below. At most 7.
    pub level: u8,
    /// Position within the level.
    pub index: u64,
}

/// A tile: 1 to 256 hashes, 32 to 8,192 bytes. A partial tile of width `w` is the first `32 * w` bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct TileRow {
    /// Where it is.
    pub key: TileKey,
    /// The hashes, one after another.
    pub hashes: Vec<u8>,
}

impl std::fmt::Debug for TileRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TileRow {{ key: {:?}, width: {} }}", self.key, self.hashes.len() / 32)
    }
}

/// Size and root of the log. The stored head is what the next checkpoint signs.
#[derive(Clone, PartialEq, Eq)]
pub struct LogHead {
    /// Name of the log, as in its checkpoints; never changes.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// RFC 6962 root hash; SHA-256 of nothing for an empty log.
    pub root: Digest,
}

impl std::fmt::Debug for LogHead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "LogHead {{ origin: {:?}, size: {}, root: {:?} }}",
            self.origin,
            self.size,
            Short(&self.root)
        )
    }
}

/// Reading the log.
pub trait ReadLog {
    /// The head; `None` before [`WriteLog::create_log`].
    /// # Errors
    /// Those of the connection, here and in every read below.
    fn log_head(&self) -> Result<Option<LogHead>>;

    /// Leaves from index `first`, ascending, at most `count`; fewer at the end of the log.
    /// # Errors
    /// As [`ReadLog::log_head`].
    fn log_leaves(&self, first: u64, count: u32) -> Result<Vec<LeafRow>>;

    /// For each hash, in order, the index of the leaf that has it.
    /// # Errors
    /// As [`ReadLog::log_head`].
    fn leaf_indexes_of(&self, hashes: &[Digest]) -> Result<Vec<Option<u64>>>;

    /// For each key, in order, all hashes that the tile has at this moment.
    /// # Errors
    /// As [`ReadLog::log_head`].
    fn log_tiles(&self, keys: &[TileKey]) -> Result<Vec<Option<Vec<u8>>>>;
}

/// Appending to the log.
pub trait WriteLog {
    /// Starts the log with an empty head. `empty_root` is SHA-256 of nothing. A log of the same origin is left as it is.
    /// # Errors
    /// [`crate::Conflict::LogDiffers`] if a log of another origin exists.
    fn create_log(&mut self, origin: &str, empty_root: &Digest) -> Result<()>;

    /// Appends `leaves` after the first `old_size` ones, writes the `tiles` that grew, and sets the head.
    ///
    /// A tile is given with all its hashes; it must begin with those that are stored. The store checks sizes and order, not hashes.
    /// # Errors
    /// [`crate::Conflict::LogHeadMoved`] if the stored size is not `old_size` (read again, repeat); [`crate::Conflict::LogDiffers`] if the
    /// origin is another or no log exists; [`crate::Conflict::LogGap`] if the leaves do not run from `old_size` to `head.size`;
    /// [`crate::Conflict::LeafExists`]; [`crate::Conflict::TileRewritten`].
    fn append_log(
        &mut self,
        old_size: u64,
        leaves: &[LeafRow],
        tiles: &[TileRow],
        head: &LogHead,
    ) -> Result<()>;
}
