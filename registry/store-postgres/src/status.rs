//! SQL of status lists and of changes; reading tokens. Keeping tokens: `tokens`.

use std::collections::HashSet;

use licence_spec::status::Status;
use licence_store::{
    Conflict, Digest, EndedIndexRow, IndexLease, ListRevision, ReadStatus, Result, StatusChangeRow,
    StatusListRow, StatusTokenRow, StatusValue, WriteStatus,
};

use crate::cells::Cells;
use crate::errors::{integer, integers};
use crate::licences::{digest_name, status_name};
use crate::link::Params;
use crate::runs::runs;
use crate::session::Session;

macro_rules! select_list {
    ($rest:literal) => {
        concat!(
            "SELECT id, uri, authority, size, permutation_secret, next_counter, open, revision, token_revision, \
             token_iat, token_exp, dirty_since FROM status_lists ",
            $rest
        )
    };
}

macro_rules! select_token {
    ($rest:literal) => {
        concat!("SELECT list, iat, exp, digest, bytes, revision, log_index FROM status_tokens ", $rest)
    };
}

macro_rules! select_change {
    ($rest:literal) => {
        concat!(
            "SELECT log_index, digest, record, licence, act, previous, value, effective_at, recorded_at, legal_basis, \
             document_number, officer, successor, client FROM status_changes ",
            $rest
        )
    };
}

const INSERT_LISTS: &str = "INSERT INTO status_lists (id, uri, authority, size, permutation_secret, next_counter, open, revision) \
     SELECT id, uri, authority, size, secret, 0, open, 0 \
     FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::bigint[]) \
     AS new (id, uri, authority, size, secret, open)";

// The condition is that of the partial index.
pub(crate) const NOT_VALID: &str =
    "SELECT status_index, status FROM licences WHERE status_list = $1 AND status <> 0 ORDER BY status_index";

/// Where licences are and in which list, for their names in order; nulls for one that is not there.
pub(crate) const PLACES: &str = "SELECT l.log_index, l.status_list \
     FROM unnest($1::bytea[]) WITH ORDINALITY AS asked (name, at) \
     LEFT JOIN LATERAL (SELECT l.log_index, l.status_list FROM licences l WHERE l.log_index = \
       (SELECT n.log_index FROM licence_names n WHERE n.name = asked.name AND n.version = 0) LIMIT 1) AS l ON true \
     ORDER BY asked.at";

/// Moves licences at `$1` whose status is the expected one; each place comes once.
pub(crate) const MOVE: &str = "UPDATE licences l SET status = ($3::bigint[])[array_position($1::bigint[], l.log_index)], \
       successor = coalesce(($4::bytea[])[array_position($1, l.log_index)], l.successor) \
     WHERE l.log_index = ANY ($1) AND l.status = ($2::bigint[])[array_position($1, l.log_index)] RETURNING l.log_index";

const INSERT_CHANGES: &str = "INSERT INTO status_changes (log_index, digest, record, licence, act, previous, value, effective_at, \
       recorded_at, legal_basis, document_number, officer, successor, client) \
     SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bigint[], $6::bigint[], $7::bigint[], \
       $8::bigint[], $9::bigint[], $10::text[], $11::text[], $12::text[], $13::bytea[], $14::text[])";

/// `$1` lists and `$2` times of the changes in order. The first change that no token shows tells since when a list is dirty.
const DIRTY: &str = "UPDATE status_lists s SET revision = s.revision + new.changes, dirty_since = coalesce(s.dirty_since, new.first) \
     FROM (SELECT list, count(*) AS changes, (array_agg(recorded_at ORDER BY at))[1] AS first \
       FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS change (list, recorded_at, at) GROUP BY list) AS new \
     WHERE s.id = new.list";

macro_rules! select_ended {
    ($rest:literal) => {
        concat!(
            "SELECT log_index, digest, record, list, idx, licence, act, recorded_at, legal_basis, document_number, officer \
             FROM ended_indexes ",
            $rest
        )
    };
}

const ENDED: &str = "SELECT idx FROM ended_indexes WHERE list = $1 ORDER BY idx";

/// The name of the entry goes to the names of licences: one that has it refuses this, and this refuses one that comes later.
const END_NAME: &str = "INSERT INTO licence_names (name, version, log_index) VALUES ($1, 0, $2)";

const END: &str = "INSERT INTO ended_indexes (log_index, digest, record, list, idx, licence, act, recorded_at, legal_basis, \
     document_number, officer) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

const DIRTY_ONE: &str = "UPDATE status_lists SET revision = revision + 1, dirty_since = coalesce(dirty_since, $2) \
     WHERE id = $1 AND size > $3";

fn list(row: &Cells<'_>) -> Result<StatusListRow> {
    Ok(StatusListRow {
        id: row.number()?,
        uri: row.take()?,
        authority: row.take()?,
        size: row.number()?,
        permutation_secret: row.fixed()?,
        next_counter: row.number()?,
        open: row.take::<i64>()? != 0,
        revision: row.number()?,
        token_revision: row.maybe_number()?,
        token_iat: row.take()?,
        token_exp: row.take()?,
        dirty_since: row.take()?,
    })
}

fn token(row: &Cells<'_>) -> Result<StatusTokenRow> {
    Ok(StatusTokenRow {
        list: row.number()?,
        iat: row.take()?,
        exp: row.take()?,
        digest: row.fixed()?,
        bytes: row.bytes()?,
        revision: row.number()?,
        log_index: row.number()?,
    })
}

fn change(row: &Cells<'_>) -> Result<StatusChangeRow> {
    Ok(StatusChangeRow {
        log_index: row.number()?,
        digest: row.fixed()?,
        record: row.bytes()?,
        licence: row.fixed()?,
        act: row.number()?,
        previous: row.number()?,
        value: row.number()?,
        effective_at: row.take()?,
        recorded_at: row.take()?,
        legal_basis: row.take()?,
        document_number: row.take()?,
        officer: row.take()?,
        successor: row.maybe_fixed()?,
        client: row.take::<Option<&str>>()?.map(str::to_owned),
    })
}

fn ended(row: &Cells<'_>) -> Result<EndedIndexRow> {
    Ok(EndedIndexRow {
        log_index: row.number()?,
        digest: row.fixed()?,
        record: row.bytes()?,
        list: row.number()?,
        index: row.number()?,
        licence: row.fixed()?,
        act: row.number()?,
        recorded_at: row.take()?,
        legal_basis: row.take()?,
        document_number: row.take()?,
        officer: row.take()?,
    })
}

impl ReadStatus for Session<'_> {
    fn status_list(&self, id: u64) -> Result<Option<StatusListRow>> {
        self.one(select_list!("WHERE id = $1"), &[&integer(id)?], list)
    }

    fn status_list_by_uri(&self, uri: &str) -> Result<Option<StatusListRow>> {
        self.one(select_list!("WHERE uri = $1"), &[&uri], list)
    }

    fn status_lists(&self) -> Result<Vec<StatusListRow>> {
        self.all(select_list!("ORDER BY id"), &[], list)
    }

    fn list_revision(&self, list: u64) -> Result<Option<ListRevision>> {
        let list = integer(list)?;
        let revision =
            self.one("SELECT revision FROM status_lists WHERE id = $1", &[&list], |row| row.number())?;
        let Some(revision) = revision else { return Ok(None) };
        let mut values = self
            .all(NOT_VALID, &[&list], |row| Ok(StatusValue { index: row.number()?, value: row.number()? }))?;
        values.extend(
            self.all(ENDED, &[&list], |row| {
                Ok(StatusValue { index: row.number()?, value: Status::Invalid })
            })?,
        );
        values.sort_unstable_by_key(|value| value.index);
        Ok(Some(ListRevision { revision, values }))
    }

    fn status_token(&self, list: u64) -> Result<Option<StatusTokenRow>> {
        // The one that was kept last: one that was signed ahead has given way, and its row stays.
        let sql =
            select_token!("WHERE list = $1 AND iat = (SELECT token_iat FROM status_lists WHERE id = $1)");
        self.one(sql, &[&integer(list)?], token)
    }

    fn status_token_at(&self, list: u64, time: i64) -> Result<Option<StatusTokenRow>> {
        let sql = select_token!("WHERE list = $1 AND iat <= $2 ORDER BY iat DESC LIMIT 1");
        self.one(sql, &[&integer(list)?, &time], token)
    }

    fn status_tokens_from(&self, from: u64, limit: u32) -> Result<Vec<StatusTokenRow>> {
        let sql = select_token!("WHERE log_index >= $1 ORDER BY log_index LIMIT $2");
        self.all(sql, &[&integer(from)?, &i64::from(limit)], token)
    }

    fn status_changes(&self, licence: &Digest) -> Result<Vec<StatusChangeRow>> {
        self.all(select_change!("WHERE licence = $1 ORDER BY log_index"), &[&licence.as_slice()], change)
    }

    fn status_changes_from(&self, from: u64, limit: u32) -> Result<Vec<StatusChangeRow>> {
        let sql = select_change!("WHERE log_index >= $1 ORDER BY log_index LIMIT $2");
        self.all(sql, &[&integer(from)?, &i64::from(limit)], change)
    }

    fn ended_indexes(&self, list: u64) -> Result<Vec<u32>> {
        self.all(ENDED, &[&integer(list)?], |row| row.number())
    }

    fn ended_indexes_from(&self, from: u64, limit: u32) -> Result<Vec<EndedIndexRow>> {
        let sql = select_ended!("WHERE log_index >= $1 ORDER BY log_index LIMIT $2");
        self.all(sql, &[&integer(from)?, &i64::from(limit)], ended)
    }
}

impl Session<'_> {
    fn insert_lists(&self, rows: &[StatusListRow]) -> Result<()> {
        let ids = integers(rows, |row| row.id)?;
        let uris: Vec<&str> = rows.iter().map(|row| row.uri.as_str()).collect();
        let authorities: Vec<&str> = rows.iter().map(|row| row.authority.as_str()).collect();
        let sizes: Vec<i64> = rows.iter().map(|row| row.size.into()).collect();
        let secrets: Vec<&[u8]> = rows.iter().map(|row| row.permutation_secret.as_slice()).collect();
        let open: Vec<i64> = rows.iter().map(|row| row.open.into()).collect();
        let params: Params<'_> = &[&ids, &uris, &authorities, &sizes, &secrets, &open];
        self.run(INSERT_LISTS, params, Some(Conflict::StatusListExists)).map(drop)
    }

    fn lease_indexes(&self, list: u64, count: u32) -> Result<IndexLease> {
        let row = self.status_list(list)?.ok_or(Conflict::Dangling)?;
        let left = if row.open { row.size.saturating_sub(row.next_counter) } else { 0 };
        let lease = IndexLease { first: row.next_counter, count: count.min(left) };
        let sql = "UPDATE status_lists SET next_counter = next_counter + $2 WHERE id = $1";
        self.run(sql, &[&integer(list)?, &i64::from(lease.count)], None)?;
        Ok(lease)
    }

    /// Changes licences of which none comes twice.
    fn change_run(&self, rows: &[StatusChangeRow]) -> Result<()> {
        let lists = self.move_statuses(rows)?;
        self.insert_changes(rows)?;
        let recorded: Vec<i64> = rows.iter().map(|row| row.recorded_at).collect();
        self.run(DIRTY, &[&lists, &recorded], None).map(drop)
    }

    /// Sets the licences' statuses and answers the list of each.
    fn move_statuses(&self, rows: &[StatusChangeRow]) -> Result<Vec<i64>> {
        let names: Vec<Digest> = rows.iter().map(|row| digest_name(&row.licence)).collect();
        let names: Vec<&[u8]> = names.iter().map(Digest::as_slice).collect();
        let found: Vec<(Option<i64>, Option<i64>)> =
            self.all(PLACES, &[&names], |row| Ok((row.take()?, row.take()?)))?;
        // No licence has a place below 0, so one that is not there will not be moved.
        let places: Vec<i64> = found.iter().map(|(place, _)| place.unwrap_or(-1)).collect();
        let previous: Vec<i64> = rows.iter().map(|row| row.previous.into()).collect();
        let values: Vec<i64> = rows.iter().map(|row| row.value.into()).collect();
        let successors: Vec<Option<&[u8]>> =
            rows.iter().map(|row| row.successor.as_ref().map(Digest::as_slice)).collect();
        let moved: Vec<i64> =
            self.all(MOVE, &[&places, &previous, &values, &successors], |row| row.take())?;
        let moved: HashSet<i64> = moved.into_iter().collect();
        match rows.iter().zip(&places).find(|(_, place)| !moved.contains(place)) {
            Some((row, _)) => Err(Conflict::StatusMoved { expected: row.previous }.into()),
            None => Ok(found.into_iter().filter_map(|(_, list)| list).collect()),
        }
    }

    fn insert_changes(&self, rows: &[StatusChangeRow]) -> Result<()> {
        let indexes = integers(rows, |row| row.log_index)?;
        let texts = |of: fn(&StatusChangeRow) -> &str| rows.iter().map(of).collect::<Vec<&str>>();
        let bytes = |of: fn(&StatusChangeRow) -> &[u8]| rows.iter().map(of).collect::<Vec<&[u8]>>();
        let numbers = |of: fn(&StatusChangeRow) -> i64| rows.iter().map(of).collect::<Vec<i64>>();
        let successors: Vec<Option<&[u8]>> =
            rows.iter().map(|row| row.successor.as_ref().map(Digest::as_slice)).collect();
        let clients: Vec<Option<&str>> = rows.iter().map(|row| row.client.as_deref()).collect();
        let params: Params<'_> = &[
            &indexes,
            &bytes(|row| &row.digest),
            &bytes(|row| &row.record),
            &bytes(|row| &row.licence),
            &numbers(|row| row.act.into()),
            &numbers(|row| row.previous.into()),
            &numbers(|row| row.value.into()),
            &numbers(|row| row.effective_at),
            &numbers(|row| row.recorded_at),
            &texts(|row| &row.legal_basis),
            &texts(|row| &row.document_number),
            &texts(|row| &row.officer),
            &successors,
            &clients,
        ];
        self.run(INSERT_CHANGES, params, Some(Conflict::StatusChangeExists)).map(drop)
    }
}

impl Session<'_> {
    fn insert_ended(&self, row: &EndedIndexRow) -> Result<()> {
        let (list, at, index) = (integer(row.list)?, integer(row.log_index)?, i64::from(row.index));
        // Asked first, so that an entry that is ended already is told from one that a licence has.
        if self.ended_indexes(row.list)?.contains(&row.index) {
            return Err(Conflict::StatusChangeExists.into());
        }
        if self.run(DIRTY_ONE, &[&list, &row.recorded_at, &index], None)? == 0 {
            return Err(Conflict::Dangling.into());
        }
        let name = status_name(row.list, row.index);
        self.run(END_NAME, &[&name.as_slice(), &at], Some(Conflict::LicenceExists))?;
        let params: Params<'_> = &[
            &at,
            &row.digest.as_slice(),
            &row.record.as_slice(),
            &list,
            &index,
            &row.licence.as_slice(),
            &i64::from(row.act),
            &row.recorded_at,
            &row.legal_basis.as_str(),
            &row.document_number.as_str(),
            &row.officer.as_str(),
        ];
        self.run(END, params, Some(Conflict::StatusChangeExists)).map(drop)
    }
}

impl WriteStatus for Session<'_> {
    fn add_status_lists(&mut self, rows: &[StatusListRow]) -> Result<()> {
        self.writing(|session| session.insert_lists(rows))
    }

    fn close_status_list(&mut self, id: u64) -> Result<bool> {
        self.writing(|session| {
            let sql = "UPDATE status_lists SET open = 0 WHERE id = $1";
            Ok(session.run(sql, &[&integer(id)?], None)? > 0)
        })
    }

    fn lease_status_indexes(&mut self, list: u64, count: u32) -> Result<IndexLease> {
        self.writing(|session| session.lease_indexes(list, count))
    }

    fn change_statuses(&mut self, rows: &[StatusChangeRow]) -> Result<()> {
        self.writing(|session| {
            runs(rows, |row| row.licence).into_iter().try_for_each(|run| session.change_run(run))
        })
    }

    fn end_indexes(&mut self, rows: &[EndedIndexRow]) -> Result<()> {
        self.writing(|session| rows.iter().try_for_each(|row| session.insert_ended(row)))
    }

    fn add_status_tokens(&mut self, rows: &[StatusTokenRow]) -> Result<()> {
        self.writing(|session| {
            runs(rows, |row| row.list).into_iter().try_for_each(|run| session.token_run(run))
        })
    }
}
