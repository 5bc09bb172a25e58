//! SQL of the log: leaves, tiles, head.

use licence_store::{Conflict, Digest, LeafRow, LogHead, ReadLog, Result, TileKey, TileRow, WriteLog};

use crate::errors::{integer, integers};
use crate::runs::runs;
use crate::session::Session;

const INSERT_LEAVES: &str = "WITH hashes AS (INSERT INTO leaf_hashes (idx, hash) SELECT * FROM unnest($1::bigint[], $2::bytea[])) \
     INSERT INTO log_leaves (idx, hash, entry) SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[])";

const GROW_TILES: &str = "INSERT INTO log_tiles (level, idx, hashes) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) \
     ON CONFLICT (level, idx) DO UPDATE SET hashes = excluded.hashes \
     WHERE substr(excluded.hashes, 1, length(log_tiles.hashes)) = log_tiles.hashes";

pub(crate) const LEAF_INDEXES: &str = "SELECT (SELECT l.idx FROM leaf_hashes l WHERE l.hash = asked.hash) \
     FROM unnest($1::bytea[]) WITH ORDINALITY AS asked (hash, at) ORDER BY asked.at";

pub(crate) const TILES: &str = "SELECT (SELECT t.hashes FROM log_tiles t WHERE t.level = asked.level AND t.idx = asked.idx) \
     FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS asked (level, idx, at) ORDER BY asked.at";

// An append of nothing must leave the root alone: two roots of one size are a fork.
const MOVE_HEAD: &str = "UPDATE log_head SET size = $1, root = $2 \
     WHERE id = 1 AND origin = $3 AND size = $4 AND (size < $1 OR root = $2)";

impl ReadLog for Session<'_> {
    fn log_head(&self) -> Result<Option<LogHead>> {
        self.one("SELECT origin, size, root FROM log_head", &[], |row| {
            Ok(LogHead { origin: row.take()?, size: row.number()?, root: row.fixed()? })
        })
    }

    fn log_leaves(&self, first: u64, count: u32) -> Result<Vec<LeafRow>> {
        let sql = "SELECT idx, hash, entry FROM log_leaves WHERE idx >= $1 ORDER BY idx LIMIT $2";
        self.all(sql, &[&integer(first)?, &i64::from(count)], |row| {
            Ok(LeafRow { index: row.number()?, hash: row.fixed()?, entry: row.bytes()? })
        })
    }

    fn leaf_indexes_of(&self, hashes: &[Digest]) -> Result<Vec<Option<u64>>> {
        let hashes: Vec<&[u8]> = hashes.iter().map(Digest::as_slice).collect();
        self.all(LEAF_INDEXES, &[&hashes], |row| row.maybe_number())
    }

    fn log_tiles(&self, keys: &[TileKey]) -> Result<Vec<Option<Vec<u8>>>> {
        let levels: Vec<i64> = keys.iter().map(|key| key.level.into()).collect();
        let indexes = integers(keys, |key| key.index)?;
        self.all(TILES, &[&levels, &indexes], |row| row.take())
    }
}

impl Session<'_> {
    fn start_log(&self, origin: &str, empty_root: &Digest) -> Result<()> {
        let sql =
            "INSERT INTO log_head (id, origin, size, root) VALUES (1, $1, 0, $2) ON CONFLICT DO NOTHING";
        self.run(sql, &[&origin, &empty_root.as_slice()], None)?;
        match self.log_head()? {
            Some(head) if head.origin == origin => Ok(()),
            _ => Err(Conflict::LogDiffers.into()),
        }
    }

    /// Sets the head, and so locks its row until the end of the transaction.
    fn move_head(&self, old_size: u64, head: &LogHead) -> Result<()> {
        let root = head.root.as_slice();
        let moved =
            self.run(MOVE_HEAD, &[&integer(head.size)?, &root, &head.origin, &integer(old_size)?], None)?;
        if moved == 1 {
            return Ok(());
        }
        Err(match self.log_head()? {
            Some(stored) if stored.origin == head.origin && stored.size != old_size => {
                Conflict::LogHeadMoved { expected: old_size, found: stored.size }
            }
            _ => Conflict::LogDiffers,
        }
        .into())
    }

    fn insert_leaves(&self, leaves: &[LeafRow]) -> Result<()> {
        if leaves.is_empty() {
            return Ok(());
        }
        let indexes = integers(leaves, |leaf| leaf.index)?;
        let hashes: Vec<&[u8]> = leaves.iter().map(|leaf| leaf.hash.as_slice()).collect();
        let entries: Vec<&[u8]> = leaves.iter().map(|leaf| leaf.entry.as_slice()).collect();
        self.run(INSERT_LEAVES, &[&indexes, &hashes, &entries], Some(Conflict::LeafExists)).map(drop)
    }

    fn grow_tiles(&self, tiles: &[TileRow]) -> Result<()> {
        for run in runs(tiles, |tile| tile.key) {
            let levels: Vec<i64> = run.iter().map(|tile| tile.key.level.into()).collect();
            let indexes = integers(run, |tile| tile.key.index)?;
            let hashes: Vec<&[u8]> = run.iter().map(|tile| tile.hashes.as_slice()).collect();
            if self.run(GROW_TILES, &[&levels, &indexes, &hashes], None)? != run.len() as u64 {
                return Err(Conflict::TileRewritten.into());
            }
        }
        Ok(())
    }
}

/// Whether the leaves run from `old_size` to the new head without a gap.
fn follows_on(old_size: u64, leaves: &[LeafRow], head: &LogHead) -> bool {
    let indexes = leaves.iter().map(|leaf| leaf.index);
    old_size.checked_add(leaves.len() as u64) == Some(head.size) && indexes.eq(old_size..head.size)
}

impl WriteLog for Session<'_> {
    fn create_log(&mut self, origin: &str, empty_root: &Digest) -> Result<()> {
        self.writing(|session| session.start_log(origin, empty_root))
    }

    fn append_log(
        &mut self,
        old_size: u64,
        leaves: &[LeafRow],
        tiles: &[TileRow],
        head: &LogHead,
    ) -> Result<()> {
        self.writing(|session| {
            if !follows_on(old_size, leaves, head) {
                return Err(Conflict::LogGap.into());
            }
            session.move_head(old_size, head)?;
            session.insert_leaves(leaves)?;
            session.grow_tiles(tiles)
        })
    }
}
