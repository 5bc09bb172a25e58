//! Tiles: under which path do the hashes and entries of a log lie, and how are entries bundled?
//!
//! In scope: C2SP tlog-tiles coordinates and paths, entry bundles. Out of scope: the tree in them (`tiled_tree`),
//! storing and serving them (the node). A partial tile is a prefix of every wider one, so a source may always hand out the widest it has.
//! Format: spec/log.md §3; vectors in spec/vectors/tessera-log/, sunlight-skylight/ and log/.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

use super::merkle::MAX_TREE_SIZE;

/// Levels of the tree in one tile.
pub(super) const TILE_HEIGHT: u32 = 8;
/// Hashes, or entries, in a full tile.
pub const TILE_WIDTH: u64 = 1 << TILE_HEIGHT;
/// Bytes of a hash.
pub(super) const HASH_BYTES: usize = 32;
/// Bytes of a full tile of hashes: 256 hashes of 32 bytes.
pub const TILE_BYTES: usize = TILE_WIDTH as usize * HASH_BYTES;
/// Highest tile level that a path may name (C2SP tlog-tiles). Levels above 7 exist in no tree of 2^62 leaves.
pub const MAX_TILE_LEVEL: u8 = 63;
/// Longest entry in a bundle, bytes: its length has 16 bits. Entries of this log have 42.
pub const MAX_ENTRY: usize = 65_535;
/// Longest entry bundle, bytes: 256 entries, each with its length before it.
pub const MAX_BUNDLE: usize = TILE_WIDTH as usize * (2 + MAX_ENTRY);
/// Longest path, bytes: "tile/entries/", six groups of a 19-digit number, ".p/255". What is longer is not parsed.
const MAX_PATH: usize = 64;

/// Which hashes: level, place within the level, and how many from the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    level: u8,
    index: u64,
    width: u16,
}

/// Which entries: place and how many from the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bundle {
    index: u64,
    width: u16,
}

/// What a path under `/log/` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TilePath {
    /// `tile/<L>/<N>[.p/<W>]`
    Hashes(Tile),
    /// `tile/entries/<N>[.p/<W>]`
    Entries(Bundle),
}

/// Why a tile, a bundle or a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TileError {
    /// The path is not the one spelling of a tile or bundle.
    Path,
    /// The source has no such tile.
    Missing(Tile),
    /// The tile has fewer bytes than its width needs, or no whole number of hashes.
    TileLength(Tile),
    /// A node, index or size outside the tree.
    OutOfRange,
    /// A bundle that does not hold exactly its number of entries.
    BundleLength,
    /// An entry longer than [`MAX_ENTRY`].
    EntryLength,
}

impl fmt::Display for TileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TileError::Path => f.write_str("not the path of a tile"),
            TileError::Missing(tile) => write!(f, "{tile} is missing"),
            TileError::TileLength(tile) => write!(f, "{tile} has the wrong length"),
            TileError::OutOfRange => f.write_str("outside the tree"),
            TileError::BundleLength => f.write_str("the bundle does not hold exactly its entries"),
            TileError::EntryLength => f.write_str("the entry is longer than 65535 bytes"),
        }
    }
}

impl core::error::Error for TileError {}

impl Tile {
    /// The tile at this place with `width` hashes, 1 to 256 (256 is a full tile). `None` outside these bounds.
    #[must_use]
    pub fn new(level: u8, index: u64, width: u16) -> Option<Tile> {
        (level <= MAX_TILE_LEVEL && index <= MAX_TREE_SIZE && fits(width)).then_some(Tile {
            level,
            index,
            width,
        })
    }

    /// The tile at this place as wide as a tree of `size` leaves has it. `None` if the tree has no hash there.
    #[must_use]
    pub fn of_tree(level: u8, index: u64, size: u64) -> Option<Tile> {
        let hashes = hashes_at(level, size);
        let width = hashes.checked_sub(index.checked_mul(TILE_WIDTH)?)?.min(TILE_WIDTH);
        Tile::new(level, index, u16::try_from(width).ok()?)
    }

    /// Tile level: 0 holds leaf hashes, each level above the roots of full tiles below.
    #[must_use]
    pub const fn level(&self) -> u8 {
        self.level
    }

    /// Place within the level, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Number of hashes, 1 to 256.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether it has all 256 hashes and so can never change.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.width as u64 == TILE_WIDTH
    }

    /// Length of the tile in bytes.
    #[must_use]
    pub const fn byte_len(&self) -> usize {
        self.width as usize * HASH_BYTES
    }

    /// The full tile at the same place: what a partial tile becomes, and the fall-back when it is no longer kept.
    #[must_use]
    pub const fn full(&self) -> Tile {
        Tile { width: TILE_WIDTH as u16, ..*self }
    }
}

impl Bundle {
    /// The bundle at this place with `width` entries, 1 to 256. `None` outside these bounds.
    #[must_use]
    pub fn new(index: u64, width: u16) -> Option<Bundle> {
        (index <= MAX_TREE_SIZE / TILE_WIDTH && fits(width)).then_some(Bundle { index, width })
    }

    /// The bundle at this place as wide as a tree of `size` leaves has it. `None` if the tree has no entry there.
    #[must_use]
    pub fn of_tree(index: u64, size: u64) -> Option<Bundle> {
        Tile::of_tree(0, index, size).map(|tile| Bundle { index, width: tile.width })
    }

    /// Place of the bundle, from 0.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Number of entries, 1 to 256.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Index in the log of the first entry.
    #[must_use]
    pub const fn first_entry(&self) -> u64 {
        self.index * TILE_WIDTH
    }

    /// The entries of the bundle, in order. The bytes must hold exactly as many entries as the width says.
    ///
    /// # Errors
    /// [`TileError::BundleLength`] if they end inside an entry, or hold fewer or more entries.
    pub fn entries<'a>(&self, bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, TileError> {
        let mut entries = Vec::with_capacity(usize::from(self.width));
        let mut rest = bytes;
        for _ in 0..self.width {
            let (length, tail) = rest.split_first_chunk::<2>().ok_or(TileError::BundleLength)?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (entry, tail) = tail.split_at_checked(length).ok_or(TileError::BundleLength)?;
            entries.push(entry);
            rest = tail;
        }
        if rest.is_empty() { Ok(entries) } else { Err(TileError::BundleLength) }
    }
}

/// Appends one entry to the bytes of a bundle: its length in two bytes, big-endian, then the entry.
///
/// # Errors
/// [`TileError::EntryLength`] above [`MAX_ENTRY`]; nothing is appended then.
pub fn append_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), TileError> {
    let length = u16::try_from(entry.len()).map_err(|_| TileError::EntryLength)?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

const fn fits(width: u16) -> bool {
    width >= 1 && width as u64 <= TILE_WIDTH
}

/// Number of hashes on a tile level of a tree of `size` leaves: one for each full tile below.
pub(super) fn hashes_at(level: u8, size: u64) -> u64 {
    size.checked_shr(TILE_HEIGHT * u32::from(level)).unwrap_or(0)
}

impl TilePath {
    /// Parses a path, without leading slash, as in `tile/0/x001/x234/067.p/5` or `tile/entries/000`.
    ///
    /// # Errors
    /// [`TileError::Path`] for every other spelling: leading zeros, needless groups, width 0 or 256, level above 63.
    pub fn parse(path: &str) -> Result<TilePath, TileError> {
        if path.len() > MAX_PATH {
            return Err(TileError::Path);
        }
        let parsed = parse_path(path).ok_or(TileError::Path)?;
        // Each coordinate has one spelling: what is not written back the same way was another one.
        if parsed.to_string() == path { Ok(parsed) } else { Err(TileError::Path) }
    }
}

fn parse_path(path: &str) -> Option<TilePath> {
    let (kind, place) = path.strip_prefix("tile/")?.split_once('/')?;
    let (place, width) = match place.split_once(".p/") {
        Some((place, width)) => {
            (place, Some(decimal::<u16>(width)?).filter(|width| u64::from(*width) < TILE_WIDTH)?)
        }
        None => (place, TILE_WIDTH as u16),
    };
    let mut index = 0_u64;
    for group in place.split('/') {
        let group = group.strip_prefix('x').unwrap_or(group);
        index = index.checked_mul(1000)?.checked_add(decimal(group)?)?;
    }
    match kind {
        "entries" => Bundle::new(index, width).map(TilePath::Entries),
        level => Tile::new(decimal(level)?, index, width).map(TilePath::Hashes),
    }
}

/// Digits only: `parse` alone would take a plus sign.
fn decimal<T: core::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TilePath::Hashes(tile) => tile.fmt(f),
            TilePath::Entries(bundle) => bundle.fmt(f),
        }
    }
}

/// The path, as in `tile/1/x001/234.p/7`.
impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/", self.level)?;
        write_place(f, self.index, self.width)
    }
}

/// The path, as in `tile/entries/x001/234.p/7`.
impl fmt::Display for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tile/entries/")?;
        write_place(f, self.index, self.width)
    }
}

fn write_place(f: &mut fmt::Formatter<'_>, index: u64, width: u16) -> fmt::Result {
    let mut unit = 1_u64;
    while index / unit >= 1000 {
        unit *= 1000;
    }
    while unit > 1 {
        write!(f, "x{:03}/", index / unit % 1000)?;
        unit /= 1000;
    }
    write!(f, "{:03}", index % 1000)?;
    if u64::from(width) < TILE_WIDTH { write!(f, ".p/{width}") } else { Ok(()) }
}
