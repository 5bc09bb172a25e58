//! SQL of the index of other nodes' licences.

use licence_store::{
    Conflict, Digest, IndexChangeRow, IndexCount, IndexCursor, IndexLicenceRow, IndexRejectRow, IndexStretch,
    ReadIndex, Result, StoreError, WriteIndex,
};
use rusqlite::{Row, ToSql, params};

use crate::errors::{integer, or_conflict, status, store_error, unsigned};
use crate::licences::places;
use crate::session::Session;

/// Columns of a licence in the order of [`licence`], without its holders.
macro_rules! select_licence {
    ($rest:literal) => {
        concat!(
            "SELECT l.origin, l.log_index, l.day, l.digest, l.id, l.vct, l.number, l.version, l.authority, l.area, \
             l.issued_at, l.valid_from, l.expires_at, l.status_list, l.status_index, l.predecessor, l.status, l.successor ",
            $rest
        )
    };
}

const INSERT_LICENCE: &str = "INSERT INTO index_licences (origin, log_index, day, digest, id, vct, number, version, authority, area, \
     issued_at, valid_from, expires_at, status_list, status_index, predecessor, status) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, 0)";

const COUNTS: &str = "SELECT day, kind, sum(logged), sum(kept), sum(rejected) FROM ( \
     SELECT day, kind, logged, 0 AS kept, 0 AS rejected FROM index_days WHERE origin = ?1 UNION ALL \
     SELECT day, 1, 0, count(*), 0 FROM index_licences WHERE origin = ?1 GROUP BY day UNION ALL \
     SELECT day, 2, 0, count(*), 0 FROM index_changes WHERE origin = ?1 GROUP BY day UNION ALL \
     SELECT day, kind, 0, 0, count(*) FROM index_rejects WHERE origin = ?1 AND logged = 1 GROUP BY day, kind \
     ) GROUP BY day, kind ORDER BY day, kind";

fn licence(row: &Row<'_>) -> rusqlite::Result<IndexLicenceRow> {
    Ok(IndexLicenceRow {
        origin: row.get(0)?,
        log_index: unsigned(row, 1)?,
        day: row.get(2)?,
        digest: row.get(3)?,
        id: row.get(4)?,
        vct: row.get(5)?,
        number: row.get(6)?,
        version: row.get(7)?,
        authority: row.get(8)?,
        area: row.get(9)?,
        holders: Vec::new(),
        issued_at: row.get(10)?,
        valid_from: row.get(11)?,
        expires_at: row.get(12)?,
        status_list: row.get(13)?,
        status_index: row.get(14)?,
        predecessor: row.get(15)?,
        status: status(row, 16)?,
        successor: row.get(17)?,
    })
}

fn change(row: &Row<'_>) -> rusqlite::Result<IndexChangeRow> {
    Ok(IndexChangeRow {
        origin: row.get(0)?,
        log_index: unsigned(row, 1)?,
        day: row.get(2)?,
        licence: row.get(3)?,
        record: row.get(4)?,
        value: status(row, 5)?,
        successor: row.get(6)?,
    })
}

fn reject(row: &Row<'_>) -> rusqlite::Result<IndexRejectRow> {
    Ok(IndexRejectRow {
        origin: row.get(0)?,
        log_index: unsigned(row, 1)?,
        day: row.get(2)?,
        kind: row.get(3)?,
        logged: row.get(4)?,
        reason: row.get(5)?,
        told_at: row.get(6)?,
    })
}

impl Session<'_> {
    fn indexed(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<IndexLicenceRow>> {
        let holders = "SELECT holder FROM index_holders WHERE origin = ?1 AND log_index = ?2 ORDER BY holder";
        let with_holders = |mut row: IndexLicenceRow| {
            row.holders =
                self.all(holders, params![row.origin, integer(row.log_index)?], |row| row.get(0))?;
            Ok(row)
        };
        self.all(sql, params, licence)?.into_iter().map(with_holders).collect()
    }

    fn move_cursor(&self, stretch: &IndexStretch) -> Result<()> {
        if stretch.next < stretch.from {
            return Err(StoreError::OutOfRange("the end of a stretch of the index"));
        }
        let sql = "SELECT next FROM index_cursors WHERE origin = ?1";
        let found = self.one(sql, [&stretch.origin], |row| unsigned(row, 0))?.unwrap_or(0);
        if found != stretch.from {
            return Err(Conflict::IndexMoved { expected: stretch.from, found }.into());
        }
        let sql = "INSERT INTO index_cursors (origin, next) VALUES (?1, ?2) \
                   ON CONFLICT (origin) DO UPDATE SET next = excluded.next";
        self.execute(sql, params![stretch.origin, integer(stretch.next)?])
    }

    /// Runs a statement that writes; a broken unique constraint is [`Conflict::IndexExists`].
    fn execute(&self, sql: &str, params: impl rusqlite::Params) -> Result<()> {
        let mut statement = self.connection().prepare_cached(sql).map_err(store_error)?;
        statement.execute(params).map(drop).map_err(or_conflict(Conflict::IndexExists))
    }

    fn insert_indexed(&self, row: &IndexLicenceRow) -> Result<()> {
        let log_index = integer(row.log_index)?;
        self.execute(
            INSERT_LICENCE,
            params![
                row.origin,
                log_index,
                row.day,
                row.digest,
                row.id,
                row.vct,
                row.number,
                row.version,
                row.authority,
                row.area,
                row.issued_at,
                row.valid_from,
                row.expires_at,
                row.status_list,
                row.status_index,
                row.predecessor
            ],
        )?;
        let sql = "INSERT INTO index_holders (holder, origin, log_index) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        row.holders.iter().try_for_each(|holder| self.execute(sql, params![holder, row.origin, log_index]))
    }

    fn insert_index_change(&self, row: &IndexChangeRow) -> Result<()> {
        let sql = "INSERT INTO index_changes (origin, log_index, day, licence, record, value, successor) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let log_index = integer(row.log_index)?;
        self.execute(
            sql,
            params![
                row.origin,
                log_index,
                row.day,
                row.licence,
                row.record,
                row.value.value(),
                row.successor
            ],
        )?;
        let sql = "UPDATE index_licences SET status = ?3, successor = coalesce(?4, successor) \
                   WHERE origin = ?1 AND digest = ?2";
        self.execute(sql, params![row.origin, row.licence, row.value.value(), row.successor])
    }

    fn insert_stretch(&self, stretch: &IndexStretch) -> Result<()> {
        self.move_cursor(stretch)?;
        stretch.licences.iter().try_for_each(|row| self.insert_indexed(row))?;
        stretch.changes.iter().try_for_each(|row| self.insert_index_change(row))?;
        let sql = "INSERT INTO index_rejects (origin, log_index, day, kind, logged, reason, told_at) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        for row in &stretch.rejects {
            let log_index = integer(row.log_index)?;
            self.execute(
                sql,
                params![row.origin, log_index, row.day, row.kind, row.logged, row.reason, row.told_at],
            )?;
        }
        let sql = "INSERT INTO index_days (origin, day, kind, logged) VALUES (?1, ?2, ?3, ?4) \
                   ON CONFLICT (origin, day, kind) DO UPDATE SET logged = index_days.logged + excluded.logged";
        stretch.logged.iter().try_for_each(|day| {
            self.execute(sql, params![stretch.origin, day.day, day.kind, integer(day.logged)?])
        })
    }
}

impl ReadIndex for Session<'_> {
    fn index_cursors(&self) -> Result<Vec<IndexCursor>> {
        let sql = "SELECT origin, next FROM index_cursors ORDER BY origin";
        self.all(sql, (), |row| Ok(IndexCursor { origin: row.get(0)?, next: unsigned(row, 1)? }))
    }

    fn newest_indexed_of_holder(
        &self,
        holder: &Digest,
        types: &[&str],
        limit: u32,
    ) -> Result<Vec<IndexLicenceRow>> {
        let sql = select_licence!(
            "FROM index_holders h JOIN index_licences l ON l.origin = h.origin AND l.log_index = h.log_index \
             WHERE h.holder = ?1 AND l.status = 0 AND l.vct IN "
        );
        let sql = format!(
            "{sql}({}) ORDER BY l.issued_at DESC, l.origin, l.log_index DESC LIMIT ?2",
            places(3, types.len())
        );
        let mut params: Vec<&dyn ToSql> = vec![holder, &limit];
        params.extend(types.iter().map(|vct| vct as &dyn ToSql));
        self.indexed(&sql, &*params)
    }

    fn index_licences_from(&self, origin: &str, from: u64, limit: u32) -> Result<Vec<IndexLicenceRow>> {
        let sql = select_licence!(
            "FROM index_licences l WHERE l.origin = ?1 AND l.log_index >= ?2 ORDER BY l.log_index LIMIT ?3"
        );
        self.indexed(sql, params![origin, integer(from)?, limit])
    }

    fn index_place(&self, origin: &str, digest: &Digest) -> Result<Option<u64>> {
        let sql = "SELECT log_index FROM index_licences WHERE digest = ?1 AND origin = ?2 LIMIT 1";
        self.one(sql, params![digest, origin], |row| unsigned(row, 0))
    }

    fn index_changes_from(&self, origin: &str, from: u64, limit: u32) -> Result<Vec<IndexChangeRow>> {
        let sql = "SELECT origin, log_index, day, licence, record, value, successor FROM index_changes \
                   WHERE origin = ?1 AND log_index >= ?2 ORDER BY log_index LIMIT ?3";
        self.all(sql, params![origin, integer(from)?, limit], change)
    }

    fn index_rejects_from(&self, origin: &str, from: u64, limit: u32) -> Result<Vec<IndexRejectRow>> {
        let sql = "SELECT origin, log_index, day, kind, logged, reason, told_at FROM index_rejects \
                   WHERE origin = ?1 AND log_index >= ?2 ORDER BY log_index LIMIT ?3";
        self.all(sql, params![origin, integer(from)?, limit], reject)
    }

    fn index_reject_counts(&self) -> Result<Vec<(String, u64)>> {
        let sql = "SELECT origin, count(*) FROM index_rejects GROUP BY origin ORDER BY origin";
        self.all(sql, (), |row| Ok((row.get(0)?, unsigned(row, 1)?)))
    }

    fn index_counts(&self, origin: &str) -> Result<Vec<IndexCount>> {
        self.all(COUNTS, [origin], |row| {
            Ok(IndexCount {
                day: row.get(0)?,
                kind: row.get(1)?,
                logged: unsigned(row, 2)?,
                kept: unsigned(row, 3)?,
                rejected: unsigned(row, 4)?,
            })
        })
    }
}

impl WriteIndex for Session<'_> {
    fn add_index(&mut self, stretch: &IndexStretch) -> Result<()> {
        self.writing(|session| session.insert_stretch(stretch))
    }

    fn forget_index(&mut self, origin: &str) -> Result<bool> {
        self.writing(|session| {
            let known = session.one("SELECT 1 FROM index_cursors WHERE origin = ?1", [origin], |_| Ok(()))?;
            for sql in [
                "DELETE FROM index_holders WHERE origin = ?1",
                "DELETE FROM index_licences WHERE origin = ?1",
                "DELETE FROM index_changes WHERE origin = ?1",
                "DELETE FROM index_rejects WHERE origin = ?1",
                "DELETE FROM index_days WHERE origin = ?1",
                "DELETE FROM index_cursors WHERE origin = ?1",
            ] {
                session.execute(sql, [origin])?;
            }
            Ok(known.is_some())
        })
    }
}
