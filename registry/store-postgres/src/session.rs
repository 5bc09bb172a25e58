//! One transaction on one connection: begin, remember the first failure, commit or roll back.
//! The same type serves reads and writes; only `write` hands it out as a `Write`.

use std::cell::RefCell;

use licence_store::{Conflict, Result, StoreError};

use crate::cells::Cells;
use crate::errors::Failure;
use crate::link::{Link, Params};
use crate::pool::Checkout;

/// A snapshot is taken by the first query, so it is asked for at once.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1";

/// `LOCK` takes no snapshot: when it has been granted, all that earlier writers committed is seen. `SELECT … FOR UPDATE` would
/// not do as the first statement: it takes its snapshot before it waits, and then always fails with 40001. `EXCLUSIVE` lets `pg_dump` pass.
/// A writer that halts is cut off before those who wait for it give up (`lock_timeout`).
const TURN: &str = "BEGIN ISOLATION LEVEL SERIALIZABLE; SET LOCAL idle_in_transaction_session_timeout = '8s'; \
     LOCK TABLE writer_turn IN EXCLUSIVE MODE";

/// A transaction that is rolled back when dropped, unless it was committed.
pub(crate) struct Session<'a> {
    link: RefCell<Checkout<'a>>,
    /// PostgreSQL refuses everything after the first statement that failed; so do we, in words that name the cause.
    failed: RefCell<Option<Failure>>,
    open: bool,
}

impl<'a> Session<'a> {
    /// Begins a snapshot: later commits of others stay invisible from this moment on.
    pub(crate) fn snapshot(link: Checkout<'a>) -> Result<Self> {
        Self::begin(link, SNAPSHOT).map_err(|failure| failure.error)
    }

    /// Begins a serialisable transaction when it is this writer's turn.
    pub(crate) fn turn(link: Checkout<'a>) -> Result<Self, Failure> {
        Self::begin(link, TURN)
    }

    fn begin(mut link: Checkout<'a>, sql: &str) -> Result<Self, Failure> {
        let begun = link.begin(sql);
        let session = Self { link: RefCell::new(link), failed: RefCell::new(None), open: true };
        // Dropped on failure: the lock may have timed out inside a transaction that is open.
        begun?;
        Ok(session)
    }

    /// Commits, durably, unless something failed on the way.
    ///
    /// If the connection is lost while the answer to COMMIT is awaited, the transaction may have been kept or not; the
    /// error says so. Whoever writes reads the stored state before the next write (`registry/node/src/node/commit`).
    pub(crate) fn commit(mut self) -> Result<(), Failure> {
        if let Some(failure) = self.failed.take() {
            return Err(failure);
        }
        self.open = false;
        let link = self.link.get_mut();
        let outcome = link.batch("COMMIT");
        outcome.map_err(|failure| match failure.error {
            StoreError::Unavailable(text) if !failure.survived() => Failure::of(StoreError::Unavailable(format!(
                "{text}; 提交结果未知，请以同一幂等键重试 / whether the transaction was kept is unknown: repeat the request with its \
                 idempotency key"
            ))),
            _ => failure,
        })
    }

    /// The first failure of this transaction, if there was one.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.failed.borrow().clone()
    }

    /// Runs a write; the first one that fails, for whatever reason, spoils the transaction.
    pub(crate) fn writing<T>(&mut self, write: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        if let Some(failure) = self.failed.get_mut() {
            return Err(failure.error.clone());
        }
        let outcome = write(self);
        if let Err(error) = &outcome {
            // What the write made of a statement's failure is what the caller hears, also at COMMIT.
            match self.failed.get_mut() {
                Some(failure) => failure.error = error.clone(),
                none => *none = Some(Failure::of(error.clone())),
            }
        }
        outcome
    }

    /// All rows that `sql` finds, or writes and returns.
    pub(crate) fn all<T>(
        &self,
        sql: &'static str,
        params: Params<'_>,
        map: impl Fn(&Cells<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let rows = self.call(|link| link.query(sql, params)).map_err(|failure| failure.error)?;
        rows.iter().map(|row| map(&Cells::of(row))).collect()
    }

    /// The first row that `sql` finds, or none.
    pub(crate) fn one<T>(
        &self,
        sql: &'static str,
        params: Params<'_>,
        map: impl Fn(&Cells<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        Ok(self.all(sql, params, map)?.into_iter().next())
    }

    /// How many rows `sql` writes; a broken unique constraint is `conflict`, a broken reference [`Conflict::Dangling`].
    pub(crate) fn run(
        &self,
        sql: &'static str,
        params: Params<'_>,
        conflict: Option<Conflict>,
    ) -> Result<u64> {
        self.call(|link| link.execute(sql, params)).map_err(|failure| match conflict {
            Some(conflict) => failure.or_conflict(conflict),
            None => failure.error,
        })
    }

    fn call<T>(&self, call: impl FnOnce(&mut Link) -> Result<T, Failure>) -> Result<T, Failure> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        let outcome = call(&mut self.link.borrow_mut());
        if let Err(failure) = &outcome {
            *self.failed.borrow_mut() = Some(failure.clone());
        }
        outcome
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let link = self.link.get_mut();
        if self.open && !link.is_broken() && link.batch("ROLLBACK").is_err() {
            // In which state it is now, nobody knows.
            link.discard();
        }
    }
}
