//! The backend of a province: one PostgreSQL database, and several processes of one node that use it at the same time.
//!
//! In scope: SQL, connections, migrations, taking turns. Out of scope: every decision; what the calls mean is said once, in
//! `licence-store`. Which process does a recurring job is told by [`licence_store::WriteNode::take_job_lease`].
//!
//! # Writers take turns
//! Every transaction that writes is serialisable, and begins by locking the empty table `writer_turn`, before its snapshot is
//! taken. So the processes of a node form a queue, first come, first served, instead of a race in which all but one do their work in
//! vain: the log has one head, and whoever appends must have read it. Appending locks the head's row besides; should somebody who does not
//! queue (a person with `psql`) be in the way, PostgreSQL reports 40001 or 40P01 and the transaction is run again, a bounded number of
//! times. The price: a small write waits for the group commit of another process, some milliseconds. A process that stops in the
//! middle of a transaction is cut off by the server after 8 s.
//!
//! # Reads
//! One `REPEATABLE READ READ ONLY` transaction each, on one of a few connections. They never wait for writers. Reads go to the primary: the
//! trait promises that a read sees every write that has returned, which a replica cannot. What never changes once it is there (tiles,
//! entries) and counts for an operator may come from a hot standby ([`PostgresStore::with_replica`]); if it lags or is away, from the primary.
//!
//! # Growth
//! Tables that grow are partitioned; how the unique names stay unique is told in `migrations/0001_first.sql`.
//!
//! # When the server goes away
//! The call at hand ends with [`licence_store::StoreError::Unavailable`], cause and remedy in its text; the next one connects again. Every call is bounded:
//! 10 s to connect or to get a lock, 30 s for a statement, 45 s of silence.

mod answers;
mod audit;
mod cells;
mod documents;
mod errors;
mod index;
mod licences;
mod link;
mod log;
mod migrations;
mod node;
mod pool;
mod replica;
mod runs;
mod session;
mod settings;
mod status;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use licence_store::{Migrated, Read, Result, Stopwatch, Store, Timing, Timings, Write};

use crate::errors::Failure;
use crate::link::Link;
use crate::pool::Pool;
use crate::replica::Replica;
use crate::session::Session;
use crate::settings::Settings;

/// Connections that read. Reads are short, and the verdict path has none; ten processes need 90 connections of the usual 100.
const READERS: usize = 8;

/// How long a thread waits for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a transaction that lost a race is run again. Those who queue never race, so this is about people with `psql`.
const ATTEMPTS: usize = 8;

/// A node's database in PostgreSQL.
pub struct PostgresStore {
    readers: Pool,
    /// One connection: in a process too, writers take turns.
    writer: Pool,
    replica: Option<Replica>,
    timings: Timings,
    migrated: Migrated,
}

/// Shows nothing of the connection string.
impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects to the database of a connection string and brings its schema up to date. Several processes may do so at once.
    ///
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require&sslrootcert=FILE`, or with a socket
    /// `postgres:///DATABASE?host=/var/run/postgresql&user=USER`. Without `sslmode=require` only sockets and this machine are accepted,
    /// unless it says `sslmode=disable`. To be called, as all of the store, on a thread that may wait, never on an async task.
    /// # Errors
    /// [`licence_store::StoreError::Unavailable`] with cause and remedy if the string cannot be read, the server not be reached, or the role may not do
    /// what is needed; [`licence_store::StoreError::Newer`] if a newer program wrote it; [`licence_store::StoreError::Corrupt`] if the schema holds tables of another program.
    pub fn open(connection: &str) -> Result<Self> {
        let settings = Arc::new(Settings::parse(connection)?);
        let mut link = Link::connect(&settings).map_err(|failure| failure.error)?;
        let migrated = migrations::migrate(&mut link)?;
        Ok(Self {
            readers: Pool::new(Arc::clone(&settings), READERS, PATIENCE),
            writer: Pool::new(settings, 1, PATIENCE),
            replica: None,
            timings: Timings::default(),
            migrated,
        })
    }

    /// The same, with a read-only copy of the database (a hot standby) for [`Store::replica`]. It need not be there yet.
    /// # Errors
    /// [`licence_store::StoreError::Unavailable`] if the string cannot be read.
    pub fn with_replica(self, connection: &str) -> Result<Self> {
        Ok(Self { replica: Some(Replica::new(connection)?), ..self })
    }

    /// Runs the body once; a failure that came from a lost race is told apart.
    fn attempt(&self, body: &mut dyn FnMut(&mut dyn Write) -> Result<()>) -> Result<(), Failure> {
        let link = self.writer.checkout().map_err(Failure::of)?;
        let mut session = Session::turn(link)?;
        match body(&mut session) {
            Ok(()) => session.commit(),
            // The body may have turned the failure into one of its own.
            Err(error) => Err(match session.failure() {
                Some(failure) if failure.lost_a_race() => failure,
                _ => Failure::of(error),
            }),
        }
    }

    fn transaction(&self, body: &mut dyn FnMut(&mut dyn Write) -> Result<()>) -> Result<()> {
        let mut outcome = self.attempt(body);
        for _ in 1..ATTEMPTS {
            match &outcome {
                // No pause: 40001 is reported when the other one has committed, so the way is free.
                Err(failure) if failure.lost_a_race() => outcome = self.attempt(body),
                _ => break,
            }
        }
        outcome.map_err(|failure| failure.error)
    }
}

impl Store for PostgresStore {
    fn read(&self) -> Result<Box<dyn Read + '_>> {
        Ok(Box::new(Session::snapshot(self.readers.checkout()?)?))
    }

    fn replica(&self) -> Option<Box<dyn Read + '_>> {
        self.replica.as_ref()?.read()
    }

    fn write(&self, name: &'static str, body: &mut dyn FnMut(&mut dyn Write) -> Result<()>) -> Result<()> {
        let stopwatch = Stopwatch::start();
        let outcome = self.transaction(body);
        self.timings.record(name, stopwatch, outcome.is_ok());
        outcome
    }

    fn timings(&self) -> Vec<Timing> {
        self.timings.all()
    }

    fn migrated(&self) -> Migrated {
        self.migrated
    }
}

#[cfg(test)]
mod tests;
