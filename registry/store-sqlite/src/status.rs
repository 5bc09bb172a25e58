//! SQL of status lists, tokens and changes.

use licence_spec::status::Status;
use licence_store::{
    Conflict, Digest, EndedIndexRow, IndexLease, ListRevision, ReadStatus, Result, StatusChangeRow,
    StatusListRow, StatusTokenRow, StatusValue, WriteStatus,
};
use rusqlite::{OptionalExtension as _, Row, params};

use crate::errors::{integer, or_conflict, status, store_error, unsigned};
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

const ENDED: &str = "SELECT idx FROM ended_indexes WHERE list = ?1 ORDER BY idx";

macro_rules! select_ended {
    ($rest:literal) => {
        concat!(
            "SELECT log_index, digest, record, list, idx, licence, act, recorded_at, legal_basis, document_number, officer \
             FROM ended_indexes ",
            $rest
        )
    };
}

fn list(row: &Row<'_>) -> rusqlite::Result<StatusListRow> {
    let token_revision: Option<i64> = row.get(8)?;
    Ok(StatusListRow {
        id: unsigned(row, 0)?,
        uri: row.get(1)?,
        authority: row.get(2)?,
        size: row.get(3)?,
        permutation_secret: row.get(4)?,
        next_counter: row.get(5)?,
        open: row.get(6)?,
        revision: unsigned(row, 7)?,
        token_revision: token_revision.map(|_| unsigned(row, 8)).transpose()?,
        token_iat: row.get(9)?,
        token_exp: row.get(10)?,
        dirty_since: row.get(11)?,
    })
}

fn token(row: &Row<'_>) -> rusqlite::Result<StatusTokenRow> {
    Ok(StatusTokenRow {
        list: unsigned(row, 0)?,
        iat: row.get(1)?,
        exp: row.get(2)?,
        digest: row.get(3)?,
        bytes: row.get(4)?,
        revision: unsigned(row, 5)?,
        log_index: unsigned(row, 6)?,
    })
}

fn change(row: &Row<'_>) -> rusqlite::Result<StatusChangeRow> {
    Ok(StatusChangeRow {
        log_index: unsigned(row, 0)?,
        digest: row.get(1)?,
        record: row.get(2)?,
        licence: row.get(3)?,
        act: row.get(4)?,
        previous: status(row, 5)?,
        value: status(row, 6)?,
        effective_at: row.get(7)?,
        recorded_at: row.get(8)?,
        legal_basis: row.get(9)?,
        document_number: row.get(10)?,
        officer: row.get(11)?,
        successor: row.get(12)?,
        client: row.get(13)?,
    })
}

fn ended(row: &Row<'_>) -> rusqlite::Result<EndedIndexRow> {
    Ok(EndedIndexRow {
        log_index: unsigned(row, 0)?,
        digest: row.get(1)?,
        record: row.get(2)?,
        list: unsigned(row, 3)?,
        index: row.get(4)?,
        licence: row.get(5)?,
        act: row.get(6)?,
        recorded_at: row.get(7)?,
        legal_basis: row.get(8)?,
        document_number: row.get(9)?,
        officer: row.get(10)?,
    })
}

impl ReadStatus for Session<'_> {
    fn status_list(&self, id: u64) -> Result<Option<StatusListRow>> {
        self.one(select_list!("WHERE id = ?1"), [integer(id)?], list)
    }

    fn status_list_by_uri(&self, uri: &str) -> Result<Option<StatusListRow>> {
        self.one(select_list!("WHERE uri = ?1"), [uri], list)
    }

    fn status_lists(&self) -> Result<Vec<StatusListRow>> {
        self.all(select_list!("ORDER BY id"), (), list)
    }

    fn list_revision(&self, list: u64) -> Result<Option<ListRevision>> {
        let list = integer(list)?;
        let revision =
            self.one("SELECT revision FROM status_lists WHERE id = ?1", [list], |row| unsigned(row, 0))?;
        let Some(revision) = revision else { return Ok(None) };
        // The condition repeats that of the partial index word for word, or SQLite would not use it.
        let sql = "SELECT status_index, status FROM licences WHERE status_list = ?1 AND status <> 0 ORDER BY status_index";
        let mut values =
            self.all(sql, [list], |row| Ok(StatusValue { index: row.get(0)?, value: status(row, 1)? }))?;
        let ended =
            self.all(ENDED, [list], |row| Ok(StatusValue { index: row.get(0)?, value: Status::Invalid }))?;
        values.extend(ended);
        values.sort_unstable_by_key(|value| value.index);
        Ok(Some(ListRevision { revision, values }))
    }

    fn status_token(&self, list: u64) -> Result<Option<StatusTokenRow>> {
        // The one that was kept last: one that was signed ahead has given way, and its row stays.
        let sql =
            select_token!("WHERE list = ?1 AND iat = (SELECT token_iat FROM status_lists WHERE id = ?1)");
        self.one(sql, [integer(list)?], token)
    }

    fn status_token_at(&self, list: u64, time: i64) -> Result<Option<StatusTokenRow>> {
        let sql = select_token!("WHERE list = ?1 AND iat <= ?2 ORDER BY iat DESC LIMIT 1");
        self.one(sql, [integer(list)?, time], token)
    }

    fn status_tokens_from(&self, from: u64, limit: u32) -> Result<Vec<StatusTokenRow>> {
        let sql = select_token!("WHERE log_index >= ?1 ORDER BY log_index LIMIT ?2");
        self.all(sql, params![integer(from)?, limit], token)
    }

    fn status_changes(&self, licence: &Digest) -> Result<Vec<StatusChangeRow>> {
        self.all(select_change!("WHERE licence = ?1 ORDER BY log_index"), [licence], change)
    }

    fn status_changes_from(&self, from: u64, limit: u32) -> Result<Vec<StatusChangeRow>> {
        let sql = select_change!("WHERE log_index >= ?1 ORDER BY log_index LIMIT ?2");
        self.all(sql, params![integer(from)?, limit], change)
    }

    fn ended_indexes(&self, list: u64) -> Result<Vec<u32>> {
        self.all(ENDED, [integer(list)?], |row| row.get(0))
    }

    fn ended_indexes_from(&self, from: u64, limit: u32) -> Result<Vec<EndedIndexRow>> {
        let sql = select_ended!("WHERE log_index >= ?1 ORDER BY log_index LIMIT ?2");
        self.all(sql, params![integer(from)?, limit], ended)
    }
}

impl Session<'_> {
    fn insert_lists(&self, rows: &[StatusListRow]) -> Result<()> {
        let sql = "INSERT INTO status_lists (id, uri, authority, size, permutation_secret, next_counter, open, revision) \
                   VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, 0)";
        let mut insert = self.connection().prepare_cached(sql).map_err(store_error)?;
        for row in rows {
            insert
                .execute(params![
                    integer(row.id)?,
                    row.uri,
                    row.authority,
                    row.size,
                    row.permutation_secret,
                    row.open
                ])
                .map_err(or_conflict(Conflict::StatusListExists))?;
        }
        Ok(())
    }

    fn lease_indexes(&self, list: u64, count: u32) -> Result<IndexLease> {
        let row = self.status_list(list)?.ok_or(Conflict::Dangling)?;
        let left = if row.open { row.size.saturating_sub(row.next_counter) } else { 0 };
        let lease = IndexLease { first: row.next_counter, count: count.min(left) };
        let sql = "UPDATE status_lists SET next_counter = next_counter + ?2 WHERE id = ?1";
        let mut update = self.connection().prepare_cached(sql).map_err(store_error)?;
        update.execute(params![integer(list)?, lease.count]).map_err(store_error)?;
        Ok(lease)
    }

    fn insert_changes(&self, rows: &[StatusChangeRow]) -> Result<()> {
        for row in rows {
            let list = self.set_status(row)?;
            self.insert_change(row)?;
            let sql = "UPDATE status_lists SET revision = revision + 1, dirty_since = coalesce(dirty_since, ?2) WHERE id = ?1";
            let mut update = self.connection().prepare_cached(sql).map_err(store_error)?;
            update.execute([list, row.recorded_at]).map_err(store_error)?;
        }
        Ok(())
    }

    /// Sets the licence's status and answers its list.
    fn set_status(&self, row: &StatusChangeRow) -> Result<i64> {
        let sql = "UPDATE licences SET status = ?3, successor = coalesce(?4, successor) \
                   WHERE digest = ?1 AND status = ?2 RETURNING status_list";
        let mut update = self.connection().prepare_cached(sql).map_err(store_error)?;
        let list = update
            .query_row(params![row.licence, row.previous.value(), row.value.value(), row.successor], |row| {
                row.get(0)
            })
            .optional()
            .map_err(store_error)?;
        list.ok_or_else(|| Conflict::StatusMoved { expected: row.previous }.into())
    }

    fn insert_change(&self, row: &StatusChangeRow) -> Result<()> {
        let sql = "INSERT INTO status_changes (log_index, digest, record, licence, act, previous, value, effective_at, \
                   recorded_at, legal_basis, document_number, officer, successor, client) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
        let mut insert = self.connection().prepare_cached(sql).map_err(store_error)?;
        insert
            .execute(params![
                integer(row.log_index)?,
                row.digest,
                row.record,
                row.licence,
                row.act,
                row.previous.value(),
                row.value.value(),
                row.effective_at,
                row.recorded_at,
                row.legal_basis,
                row.document_number,
                row.officer,
                row.successor,
                row.client
            ])
            .map_err(or_conflict(Conflict::StatusChangeExists))?;
        Ok(())
    }

    fn insert_ended(&self, row: &EndedIndexRow) -> Result<()> {
        let (list, at) = (integer(row.list)?, integer(row.log_index)?);
        let sql = "SELECT 1 FROM licences WHERE status_list = ?1 AND status_index = ?2";
        if self.one(sql, params![list, row.index], |_| Ok(()))?.is_some() {
            return Err(Conflict::LicenceExists.into());
        }
        let sql = "UPDATE status_lists SET revision = revision + 1, dirty_since = coalesce(dirty_since, ?2) \
                   WHERE id = ?1 AND size > ?3";
        let mut update = self.connection().prepare_cached(sql).map_err(store_error)?;
        if update.execute(params![list, row.recorded_at, row.index]).map_err(store_error)? == 0 {
            return Err(Conflict::Dangling.into());
        }
        let sql = "INSERT INTO ended_indexes (log_index, digest, record, list, idx, licence, act, recorded_at, legal_basis, \
                   document_number, officer) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        let mut insert = self.connection().prepare_cached(sql).map_err(store_error)?;
        insert
            .execute(params![
                at,
                row.digest,
                row.record,
                list,
                row.index,
                row.licence,
                row.act,
                row.recorded_at,
                row.legal_basis,
                row.document_number,
                row.officer
            ])
            .map_err(or_conflict(Conflict::StatusChangeExists))?;
        Ok(())
    }

    fn insert_token(&self, row: &StatusTokenRow) -> Result<()> {
        let list = self.status_list(row.list)?.ok_or(Conflict::Dangling)?;
        if row.revision > list.revision {
            return Err(Conflict::Dangling.into());
        }
        if let Some(held) = self.status_token(row.list)? {
            if held.iat == row.iat && held.digest == row.digest {
                return Ok(());
            }
            // A later token of an earlier revision would undo a revocation: two publishers raced.
            if !row.may_follow(held.iat, held.revision) {
                return Err(Conflict::TokenNotNewer { held: held.iat }.into());
            }
        }
        let sql = "INSERT INTO status_tokens (list, iat, exp, digest, bytes, revision, log_index) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let (id, revision) = (integer(row.list)?, integer(row.revision)?);
        let mut insert = self.connection().prepare_cached(sql).map_err(store_error)?;
        insert
            .execute(params![id, row.iat, row.exp, row.digest, row.bytes, revision, integer(row.log_index)?])
            .map_err(or_conflict(Conflict::LeafExists))?;
        let sql = "UPDATE status_lists SET token_revision = ?2, token_iat = ?3, token_exp = ?4, \
                   dirty_since = CASE WHEN revision = ?2 THEN NULL ELSE dirty_since END WHERE id = ?1";
        let mut update = self.connection().prepare_cached(sql).map_err(store_error)?;
        update.execute([id, revision, row.iat, row.exp]).map_err(store_error)?;
        Ok(())
    }
}

impl WriteStatus for Session<'_> {
    fn add_status_lists(&mut self, rows: &[StatusListRow]) -> Result<()> {
        self.writing(|session| session.insert_lists(rows))
    }

    fn close_status_list(&mut self, id: u64) -> Result<bool> {
        self.writing(|session| {
            let sql = "UPDATE status_lists SET open = 0 WHERE id = ?1";
            let mut update = session.connection().prepare_cached(sql).map_err(store_error)?;
            Ok(update.execute([integer(id)?]).map_err(store_error)? > 0)
        })
    }

    fn lease_status_indexes(&mut self, list: u64, count: u32) -> Result<IndexLease> {
        self.writing(|session| session.lease_indexes(list, count))
    }

    fn change_statuses(&mut self, rows: &[StatusChangeRow]) -> Result<()> {
        self.writing(|session| session.insert_changes(rows))
    }

    fn end_indexes(&mut self, rows: &[EndedIndexRow]) -> Result<()> {
        self.writing(|session| rows.iter().try_for_each(|row| session.insert_ended(row)))
    }

    fn add_status_tokens(&mut self, rows: &[StatusTokenRow]) -> Result<()> {
        self.writing(|session| rows.iter().try_for_each(|row| session.insert_token(row)))
    }
}
