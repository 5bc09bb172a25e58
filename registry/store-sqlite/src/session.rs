//! One transaction on one connection: begin, remember the first failure, commit or roll back.
//! The same type serves reads and writes; only `write` hands it out as a `Write`.

use licence_store::{Result, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Params, Row};

use crate::errors::store_error;
use crate::pool::Checkout;

/// A transaction that is rolled back when dropped, unless it was committed.
pub(crate) struct Session<'a> {
    connection: Checkout<'a>,
    failed: Option<StoreError>,
}

impl<'a> Session<'a> {
    /// Begins a snapshot: later commits of others stay invisible from this moment on.
    pub(crate) fn snapshot(connection: Checkout<'a>) -> Result<Self> {
        connection.execute_batch("BEGIN").map_err(store_error)?;
        let session = Self { connection, failed: None };
        // SQLite takes the snapshot at the first read, not at BEGIN.
        session.one("SELECT id FROM node", (), |row| row.get::<_, i64>(0))?;
        Ok(session)
    }

    /// Begins a transaction that holds the write lock from the start, so that it cannot fail half-way for another writer.
    pub(crate) fn immediate(connection: Checkout<'a>) -> Result<Self> {
        connection.execute_batch("BEGIN IMMEDIATE").map_err(store_error)?;
        Ok(Self { connection, failed: None })
    }

    /// Commits, durably, unless a write failed on the way.
    pub(crate) fn commit(mut self) -> Result<()> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => self.connection.execute_batch("COMMIT").map_err(store_error),
        }
    }

    /// Runs a write; the first one that fails spoils the transaction, as it does in PostgreSQL.
    pub(crate) fn writing<T>(&mut self, write: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let outcome = write(self);
        if let Err(error) = &outcome {
            self.failed = Some(error.clone());
        }
        outcome
    }

    /// The connection.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The one row that `sql` finds, or none.
    pub(crate) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let mut statement = self.connection.prepare_cached(sql).map_err(store_error)?;
        statement.query_row(params, map).optional().map_err(store_error)
    }

    /// All rows that `sql` finds.
    pub(crate) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.connection.prepare_cached(sql).map_err(store_error)?;
        let rows = statement.query_map(params, map).map_err(store_error)?;
        rows.collect::<rusqlite::Result<_>>().map_err(store_error)
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // SQLite may have rolled back by itself (disk full, I/O error). If this ROLLBACK fails, the next BEGIN on the
        // connection fails and says so.
        if !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}
