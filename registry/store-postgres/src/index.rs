//! SQL of the index of other nodes' licences.

use licence_store::{
    Conflict, Digest, IndexChangeRow, IndexCount, IndexCursor, IndexLicenceRow, IndexRejectRow, IndexStretch,
    ReadIndex, Result, StoreError, WriteIndex,
};

use crate::cells::Cells;
use crate::errors::{integer, integers};
use crate::licences::{as_set, digests};
use crate::link::Params;
use crate::runs::runs;
use crate::session::Session;

/// Columns of a licence in the order of [`licence`].
macro_rules! select_licence {
    ($rest:literal) => {
        concat!(
            "SELECT l.origin, l.log_index, l.day, l.digest, l.id, l.vct, l.number, l.version, l.authority, l.area, l.holders, \
             l.issued_at, l.valid_from, l.expires_at, l.status_list, l.status_index, l.predecessor, l.status, l.successor ",
            $rest
        )
    };
}

pub(crate) const NEWEST_OF_HOLDER: &str = select_licence!(
    "FROM (SELECT h.origin, h.log_index FROM index_holders h WHERE h.holder = $1) AS found \
     CROSS JOIN LATERAL (SELECT * FROM index_licences l WHERE l.origin = found.origin AND l.log_index = found.log_index) AS l \
     WHERE l.status = 0 AND l.vct = ANY ($2::text[]) ORDER BY l.issued_at DESC, l.origin, l.log_index DESC LIMIT $3"
);

/// One statement for licences and their holders.
const INSERT_LICENCES: &str = "WITH holders AS (INSERT INTO index_holders (holder, origin, log_index) \
       SELECT h.holder, $1, h.log_index FROM unnest($18::bytea[], $19::bigint[]) AS h (holder, log_index)) \
     INSERT INTO index_licences (origin, log_index, day, digest, id, vct, number, version, authority, area, holders, issued_at, \
       valid_from, expires_at, status_list, status_index, predecessor, status) \
     SELECT $1, one.*, 0 FROM unnest($2::bigint[], $3::bigint[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::bigint[], \
       $9::text[], $10::text[], $11::bytea[], $12::bigint[], $13::bigint[], $14::bigint[], $15::text[], $16::bigint[], \
       $17::bytea[]) AS one";

const INSERT_CHANGES: &str = "INSERT INTO index_changes (origin, log_index, day, licence, record, value, successor) \
     SELECT $1, one.* FROM unnest($2::bigint[], $3::bigint[], $4::bytea[], $5::bytea[], $6::bigint[], $7::bytea[]) AS one";

/// Where in the log `$1` the licences `$2` are; `OFFSET 0` keeps it one lookup each, also in a plan that was made on empty tables.
pub(crate) const PLACES: &str = "SELECT asked.at, l.log_index FROM unnest($2::bytea[]) WITH ORDINALITY AS asked (licence, at) \
     CROSS JOIN LATERAL (SELECT l.log_index FROM index_licences l WHERE l.digest = asked.licence AND l.origin = $1 OFFSET 0) AS l";

/// Moves the licences at `$2` of the log `$1`; each place comes once.
pub(crate) const MOVE: &str = "UPDATE index_licences l SET status = ($3::bigint[])[array_position($2::bigint[], l.log_index)], \
       successor = coalesce(($4::bytea[])[array_position($2, l.log_index)], l.successor) \
     WHERE l.origin = $1 AND l.log_index = ANY ($2)";

const INSERT_REJECTS: &str = "INSERT INTO index_rejects (origin, log_index, day, kind, logged, reason, told_at) \
     SELECT $1, one.* FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[]) AS one";

const COUNT_DAYS: &str = "INSERT INTO index_days (origin, day, kind, logged) \
     SELECT $1, one.* FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS one \
     ON CONFLICT (origin, day, kind) DO UPDATE SET logged = index_days.logged + excluded.logged";

const CURSOR: &str = "INSERT INTO index_cursors (origin, next) VALUES ($1, $2) \
     ON CONFLICT (origin) DO UPDATE SET next = excluded.next";

const COUNTS: &str = "SELECT day, kind, sum(logged)::bigint, sum(kept)::bigint, sum(rejected)::bigint FROM ( \
     SELECT day, kind, logged, 0::bigint AS kept, 0::bigint AS rejected FROM index_days WHERE origin = $1 UNION ALL \
     SELECT day, 1::bigint, 0, count(*), 0 FROM index_licences WHERE origin = $1 GROUP BY day UNION ALL \
     SELECT day, 2::bigint, 0, count(*), 0 FROM index_changes WHERE origin = $1 GROUP BY day UNION ALL \
     SELECT day, kind, 0, 0, count(*) FROM index_rejects WHERE origin = $1 AND logged = 1 GROUP BY day, kind \
     ) AS counted GROUP BY day, kind ORDER BY day, kind";

fn licence(row: &Cells<'_>) -> Result<IndexLicenceRow> {
    Ok(IndexLicenceRow {
        origin: row.take()?,
        log_index: row.number()?,
        day: row.take()?,
        digest: row.fixed()?,
        id: row.take()?,
        vct: row.take()?,
        number: row.take()?,
        version: row.number()?,
        authority: row.take()?,
        area: row.take()?,
        holders: digests(row.take()?)?,
        issued_at: row.take()?,
        valid_from: row.take()?,
        expires_at: row.take()?,
        status_list: row.take()?,
        status_index: row.number()?,
        predecessor: row.maybe_fixed()?,
        status: row.number()?,
        successor: row.maybe_fixed()?,
    })
}

fn change(row: &Cells<'_>) -> Result<IndexChangeRow> {
    Ok(IndexChangeRow {
        origin: row.take()?,
        log_index: row.number()?,
        day: row.take()?,
        licence: row.fixed()?,
        record: row.bytes()?,
        value: row.number()?,
        successor: row.maybe_fixed()?,
    })
}

fn reject(row: &Cells<'_>) -> Result<IndexRejectRow> {
    Ok(IndexRejectRow {
        origin: row.take()?,
        log_index: row.number()?,
        day: row.take()?,
        kind: row.number()?,
        logged: row.take::<i64>()? == 1,
        reason: row.take()?,
        told_at: row.take()?,
    })
}

fn optional(digest: Option<&Digest>) -> Option<&[u8]> {
    digest.map(Digest::as_slice)
}

impl Session<'_> {
    fn move_cursor(&self, stretch: &IndexStretch) -> Result<()> {
        if stretch.next < stretch.from {
            return Err(StoreError::OutOfRange("the end of a stretch of the index"));
        }
        let sql = "SELECT next FROM index_cursors WHERE origin = $1";
        let found = self.one(sql, &[&stretch.origin], |row| row.number())?.unwrap_or(0);
        if found != stretch.from {
            return Err(Conflict::IndexMoved { expected: stretch.from, found }.into());
        }
        self.run(CURSOR, &[&stretch.origin, &integer(stretch.next)?], None).map(drop)
    }

    fn insert_indexed(&self, origin: &str, rows: &[IndexLicenceRow]) -> Result<()> {
        let indexes = integers(rows, |row| row.log_index)?;
        let holders: Vec<Vec<Digest>> = rows.iter().map(|row| as_set(&row.holders)).collect();
        let joined: Vec<Vec<u8>> = holders.iter().map(|holders| holders.concat()).collect();
        let (held, holding): (Vec<&[u8]>, Vec<i64>) = holders
            .iter()
            .zip(&indexes)
            .flat_map(|(holders, index)| holders.iter().map(|holder| (holder.as_slice(), *index)))
            .unzip();
        let texts = |of: fn(&IndexLicenceRow) -> &str| rows.iter().map(of).collect::<Vec<&str>>();
        let numbers = |of: fn(&IndexLicenceRow) -> i64| rows.iter().map(of).collect::<Vec<i64>>();
        let digests: Vec<&[u8]> = rows.iter().map(|row| row.digest.as_slice()).collect();
        let predecessors: Vec<Option<&[u8]>> =
            rows.iter().map(|row| optional(row.predecessor.as_ref())).collect();
        let params: Params<'_> = &[
            &origin,
            &indexes,
            &numbers(|row| row.day),
            &digests,
            &texts(|row| &row.id),
            &texts(|row| &row.vct),
            &texts(|row| &row.number),
            &numbers(|row| row.version.into()),
            &texts(|row| &row.authority),
            &texts(|row| &row.area),
            &joined,
            &numbers(|row| row.issued_at),
            &numbers(|row| row.valid_from),
            &numbers(|row| row.expires_at),
            &texts(|row| &row.status_list),
            &numbers(|row| row.status_index.into()),
            &predecessors,
            &held,
            &holding,
        ];
        self.run(INSERT_LICENCES, params, Some(Conflict::IndexExists)).map(drop)
    }

    fn insert_index_changes(&self, origin: &str, rows: &[IndexChangeRow]) -> Result<()> {
        let indexes = integers(rows, |row| row.log_index)?;
        let days: Vec<i64> = rows.iter().map(|row| row.day).collect();
        let licences: Vec<&[u8]> = rows.iter().map(|row| row.licence.as_slice()).collect();
        let records: Vec<&[u8]> = rows.iter().map(|row| row.record.as_slice()).collect();
        let values: Vec<i64> = rows.iter().map(|row| row.value.into()).collect();
        let successors: Vec<Option<&[u8]>> =
            rows.iter().map(|row| optional(row.successor.as_ref())).collect();
        let params: Params<'_> = &[&origin, &indexes, &days, &licences, &records, &values, &successors];
        self.run(INSERT_CHANGES, params, Some(Conflict::IndexExists))?;
        // A log may tell one licence twice: each of its places moves.
        let found: Vec<(i64, i64)> =
            self.all(PLACES, &[&origin, &licences], |row| Ok((row.take()?, row.take()?)))?;
        let of = |at: &i64| usize::try_from(at - 1).ok().and_then(|at| rows.get(at));
        let moved: Vec<(i64, &IndexChangeRow)> =
            found.iter().filter_map(|(at, place)| Some((*place, of(at)?))).collect();
        let places: Vec<i64> = moved.iter().map(|(place, _)| *place).collect();
        let values: Vec<i64> = moved.iter().map(|(_, row)| row.value.into()).collect();
        let successors: Vec<Option<&[u8]>> =
            moved.iter().map(|(_, row)| optional(row.successor.as_ref())).collect();
        self.run(MOVE, &[&origin, &places, &values, &successors], None).map(drop)
    }

    fn insert_rejects(&self, origin: &str, rows: &[IndexRejectRow]) -> Result<()> {
        let indexes = integers(rows, |row| row.log_index)?;
        let days: Vec<i64> = rows.iter().map(|row| row.day).collect();
        let kinds: Vec<i64> = rows.iter().map(|row| row.kind.into()).collect();
        let logged: Vec<i64> = rows.iter().map(|row| row.logged.into()).collect();
        let reasons: Vec<&str> = rows.iter().map(|row| row.reason.as_str()).collect();
        let told: Vec<i64> = rows.iter().map(|row| row.told_at).collect();
        let params: Params<'_> = &[&origin, &indexes, &days, &kinds, &logged, &reasons, &told];
        self.run(INSERT_REJECTS, params, Some(Conflict::IndexExists)).map(drop)
    }

    fn insert_stretch(&self, stretch: &IndexStretch) -> Result<()> {
        let origin = stretch.origin.as_str();
        self.move_cursor(stretch)?;
        self.insert_indexed(origin, &stretch.licences)?;
        for run in runs(&stretch.changes, |row| row.licence) {
            self.insert_index_changes(origin, run)?;
        }
        self.insert_rejects(origin, &stretch.rejects)?;
        let days: Vec<i64> = stretch.logged.iter().map(|day| day.day).collect();
        let kinds: Vec<i64> = stretch.logged.iter().map(|day| day.kind.into()).collect();
        let logged = integers(&stretch.logged, |day| day.logged)?;
        self.run(COUNT_DAYS, &[&origin, &days, &kinds, &logged], None).map(drop)
    }
}

impl ReadIndex for Session<'_> {
    fn index_cursors(&self) -> Result<Vec<IndexCursor>> {
        let sql = "SELECT origin, next FROM index_cursors ORDER BY origin";
        self.all(sql, &[], |row| Ok(IndexCursor { origin: row.take()?, next: row.number()? }))
    }

    fn newest_indexed_of_holder(
        &self,
        holder: &Digest,
        types: &[&str],
        limit: u32,
    ) -> Result<Vec<IndexLicenceRow>> {
        let types = types.to_vec();
        self.all(NEWEST_OF_HOLDER, &[&holder.as_slice(), &types, &i64::from(limit)], licence)
    }

    fn index_licences_from(&self, origin: &str, from: u64, limit: u32) -> Result<Vec<IndexLicenceRow>> {
        let sql = select_licence!(
            "FROM index_licences l WHERE l.origin = $1 AND l.log_index >= $2 ORDER BY l.log_index LIMIT $3"
        );
        self.all(sql, &[&origin, &integer(from)?, &i64::from(limit)], licence)
    }

    fn index_place(&self, origin: &str, digest: &Digest) -> Result<Option<u64>> {
        let sql = "SELECT log_index FROM index_licences WHERE digest = $1 AND origin = $2 LIMIT 1";
        self.one(sql, &[&digest.as_slice(), &origin], |row| row.number())
    }

    fn index_changes_from(&self, origin: &str, from: u64, limit: u32) -> Result<Vec<IndexChangeRow>> {
        let sql = "SELECT origin, log_index, day, licence, record, value, successor FROM index_changes \
                   WHERE origin = $1 AND log_index >= $2 ORDER BY log_index LIMIT $3";
        self.all(sql, &[&origin, &integer(from)?, &i64::from(limit)], change)
    }

    fn index_rejects_from(&self, origin: &str, from: u64, limit: u32) -> Result<Vec<IndexRejectRow>> {
        let sql = "SELECT origin, log_index, day, kind, logged, reason, told_at FROM index_rejects \
                   WHERE origin = $1 AND log_index >= $2 ORDER BY log_index LIMIT $3";
        self.all(sql, &[&origin, &integer(from)?, &i64::from(limit)], reject)
    }

    fn index_reject_counts(&self) -> Result<Vec<(String, u64)>> {
        let sql = "SELECT origin, count(*) FROM index_rejects GROUP BY origin ORDER BY origin";
        self.all(sql, &[], |row| Ok((row.take()?, row.number()?)))
    }

    fn index_counts(&self, origin: &str) -> Result<Vec<IndexCount>> {
        self.all(COUNTS, &[&origin], |row| {
            Ok(IndexCount {
                day: row.take()?,
                kind: row.number()?,
                logged: row.number()?,
                kept: row.number()?,
                rejected: row.number()?,
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
            for sql in [
                "DELETE FROM index_holders WHERE origin = $1",
                "DELETE FROM index_licences WHERE origin = $1",
                "DELETE FROM index_changes WHERE origin = $1",
                "DELETE FROM index_rejects WHERE origin = $1",
                "DELETE FROM index_days WHERE origin = $1",
            ] {
                session.run(sql, &[&origin], None)?;
            }
            Ok(session.run("DELETE FROM index_cursors WHERE origin = $1", &[&origin], None)? > 0)
        })
    }
}
