//! SQL of the log: leaves, tiles, head.

use licence_store::{Conflict, Digest, LeafRow, LogHead, ReadLog, Result, TileKey, TileRow, WriteLog};
use rusqlite::{OptionalExtension as _, params};

use crate::errors::{integer, or_conflict, store_error, unsigned};
use crate::session::Session;

impl ReadLog for Session<'_> {
    fn log_head(&self) -> Result<Option<LogHead>> {
        self.one("SELECT origin, size, root FROM log_head", (), |row| {
            Ok(LogHead { origin: row.get(0)?, size: unsigned(row, 1)?, root: row.get(2)? })
        })
    }

    fn log_leaves(&self, first: u64, count: u32) -> Result<Vec<LeafRow>> {
        let sql = "SELECT idx, hash, entry FROM log_leaves WHERE idx >= ?1 ORDER BY idx LIMIT ?2";
        self.all(sql, params![integer(first)?, count], |row| {
            Ok(LeafRow { index: unsigned(row, 0)?, hash: row.get(1)?, entry: row.get(2)? })
        })
    }

    fn leaf_indexes_of(&self, hashes: &[Digest]) -> Result<Vec<Option<u64>>> {
        let sql = "SELECT idx FROM log_leaves WHERE hash = ?1";
        let mut find = self.connection().prepare_cached(sql).map_err(store_error)?;
        let find = |hash| find.query_row([hash], |row| unsigned(row, 0)).optional().map_err(store_error);
        hashes.iter().map(find).collect()
    }

    fn log_tiles(&self, keys: &[TileKey]) -> Result<Vec<Option<Vec<u8>>>> {
        let sql = "SELECT hashes FROM log_tiles WHERE level = ?1 AND idx = ?2";
        let find = |key: &TileKey| self.one(sql, params![key.level, integer(key.index)?], |row| row.get(0));
        keys.iter().map(find).collect()
    }
}

impl Session<'_> {
    fn start_log(&self, origin: &str, empty_root: &Digest) -> Result<()> {
        let sql =
            "INSERT INTO log_head (id, origin, size, root) VALUES (1, ?1, 0, ?2) ON CONFLICT DO NOTHING";
        let mut insert = self.connection().prepare_cached(sql).map_err(store_error)?;
        insert.execute(params![origin, empty_root]).map_err(store_error)?;
        match self.log_head()? {
            Some(head) if head.origin == origin => Ok(()),
            _ => Err(Conflict::LogDiffers.into()),
        }
    }

    fn move_head(&self, old_size: u64, head: &LogHead) -> Result<()> {
        // An append of nothing must leave the root alone: two roots of one size are a fork.
        let sql = "UPDATE log_head SET size = ?1, root = ?2 \
                   WHERE id = 1 AND origin = ?3 AND size = ?4 AND (size < ?1 OR root = ?2)";
        let mut update = self.connection().prepare_cached(sql).map_err(store_error)?;
        let moved = update
            .execute(params![integer(head.size)?, head.root, head.origin, integer(old_size)?])
            .map_err(store_error)?;
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
        let sql = "INSERT INTO log_leaves (idx, hash, entry) VALUES (?1, ?2, ?3)";
        let mut insert = self.connection().prepare_cached(sql).map_err(store_error)?;
        for leaf in leaves {
            insert
                .execute(params![integer(leaf.index)?, leaf.hash, leaf.entry])
                .map_err(or_conflict(Conflict::LeafExists))?;
        }
        Ok(())
    }

    fn grow_tiles(&self, tiles: &[TileRow]) -> Result<()> {
        let sql = "INSERT INTO log_tiles (level, idx, hashes) VALUES (?1, ?2, ?3) \
                   ON CONFLICT (level, idx) DO UPDATE SET hashes = excluded.hashes \
                   WHERE substr(excluded.hashes, 1, length(log_tiles.hashes)) = log_tiles.hashes";
        let mut upsert = self.connection().prepare_cached(sql).map_err(store_error)?;
        for tile in tiles {
            let changed = upsert
                .execute(params![tile.key.level, integer(tile.key.index)?, tile.hashes])
                .map_err(store_error)?;
            if changed != 1 {
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
