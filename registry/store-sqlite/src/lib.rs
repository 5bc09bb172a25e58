//! The embedded default: one SQLite database in the node's data directory, or in memory for tests.
//!
//! In scope: SQL, connections, migrations, the lock on the directory. Out of scope: every decision; what the calls mean is
//! said once, in `licence-store`.
//!
//! - Write-ahead log with `synchronous=FULL`: a transaction that has returned `Ok` has been fsynced.
//! - One connection writes (`BEGIN IMMEDIATE`, so that a transaction never fails half-way for another writer), a few others only
//!   read. In memory there is one connection for both.
//! - Files: `registry.sqlite3` with its `-wal` and `-shm`, and `lock`; during a backup `backup.unfinished` and `backup.lock`;
//!   readable for their owner only.

mod answers;
mod audit;
mod directory;
mod documents;
mod errors;
mod index;
mod licences;
mod log;
mod migrations;
mod node;
mod pool;
mod session;
mod snapshot;
mod status;

pub use directory::DataDirectory;
pub use snapshot::Snapshot;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use licence_store::{Migrated, Read, Result, Stopwatch, Store, StoreError, Timing, Timings, Write};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::errors::store_error;
use crate::pool::Pool;
use crate::session::Session;

/// Name of the database in the data directory.
pub const DATABASE_FILE: &str = "registry.sqlite3";

/// Connections that only read: reads are short and the verdict path has none, so a few serve two to eight cores.
const READERS: usize = 4;

/// How long a thread waits for a connection. Longer than a checkpoint of the write-ahead log on a slow disk.
const PATIENCE: Duration = Duration::from_secs(10);

/// Statements kept prepared on each connection; there are about 60 different ones.
const STATEMENTS: usize = 128;

/// Set on every connection. `trusted_schema` and `cell_size_check` cost nothing and stop a damaged or hostile file early.
const EVERY_CONNECTION: &str = "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; \
     PRAGMA temp_store = MEMORY;";

/// Only on the writer. The log is written back after 2,000 pages (8 MB) and cut to 64 MB after a burst.
const WRITER: &str = "PRAGMA synchronous = FULL; PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 2000; \
     PRAGMA journal_size_limit = 67108864;";

/// Only on readers: a small page cache each, as the system's file cache stands behind it.
const READER: &str = "PRAGMA query_only = ON; PRAGMA cache_size = -1000;";

/// A node's database in SQLite.
///
/// Fields are dropped in this order: readers, then the writer, which writes the log back, then the lock.
#[derive(Debug)]
pub struct SqliteStore {
    readers: Arc<Pool>,
    writer: Arc<Pool>,
    directory: Option<DataDirectory>,
    timings: Timings,
    migrated: Migrated,
}

impl SqliteStore {
    /// Opens the database of a data directory, and makes both if they are missing. Holds the directory until dropped.
    /// # Errors
    /// [`StoreError::Locked`] if another process holds the directory; [`StoreError::Newer`] if a newer program wrote it;
    /// [`StoreError::Corrupt`] if the file is no database, or not ours; [`StoreError::Unavailable`] if it cannot be opened.
    pub fn open(directory: &Path) -> Result<Self> {
        let directory = DataDirectory::hold(directory)?;
        let path = directory.private_file(DATABASE_FILE)?;
        let writer = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // Looked at before anything is written: a newer database stays untouched.
        migrations::check(&writer)?;
        write_ahead(&writer)?;
        writer.execute_batch(WRITER).map_err(store_error)?;
        let migrated = migrations::migrate(&writer)?;
        directory.sync()?;
        let readers = (0..READERS).map(|_| {
            let reader = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            reader.execute_batch(READER).map_err(store_error)?;
            Ok(reader)
        });
        let readers = Pool::new(readers.collect::<Result<_>>()?, PATIENCE);
        let writer = Pool::new(vec![writer], PATIENCE);
        Ok(Self::of(Arc::new(readers), Arc::new(writer), Some(directory), migrated))
    }

    /// A database in memory, gone when dropped: the fake of every test. It has one connection, so a thread that holds a
    /// read must drop it before it writes or reads again; if it does not, it is told so at once.
    /// # Errors
    /// [`StoreError::Unavailable`] if memory is short.
    pub fn open_in_memory() -> Result<Self> {
        let connection = Connection::open_in_memory().map_err(store_error)?;
        prepare(&connection)?;
        let migrated = migrations::migrate(&connection)?;
        let pool = Arc::new(Pool::new(vec![connection], PATIENCE));
        Ok(Self::of(Arc::clone(&pool), pool, None, migrated))
    }

    /// Looks at every page (`quick_check`), and whether tables, indexes and triggers are those of this program and no others: for a
    /// file that came from elsewhere.
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub fn check_sound(&self) -> Result<()> {
        let writer = self.writer.checkout()?;
        let found: String =
            writer.query_row("PRAGMA quick_check(1)", (), |row| row.get(0)).map_err(store_error)?;
        if found != "ok" {
            return Err(StoreError::Corrupt(found));
        }
        let own = Connection::open_in_memory().map_err(store_error)?;
        migrations::migrate(&own)?;
        match migrations::schema(&writer)? == migrations::schema(&own)? {
            true => Ok(()),
            false => {
                Err(StoreError::Corrupt("tables, indexes or triggers that this program has not made".into()))
            }
        }
    }

    fn of(
        readers: Arc<Pool>,
        writer: Arc<Pool>,
        directory: Option<DataDirectory>,
        migrated: Migrated,
    ) -> Self {
        Self { readers, writer, directory, timings: Timings::default(), migrated }
    }

    fn transaction(&self, body: &mut dyn FnMut(&mut dyn Write) -> Result<()>) -> Result<()> {
        let mut session = Session::immediate(self.writer.checkout()?)?;
        body(&mut session)?;
        session.commit()
    }
}

impl Store for SqliteStore {
    fn read(&self) -> Result<Box<dyn Read + '_>> {
        Ok(Box::new(Session::snapshot(self.readers.checkout()?)?))
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

    fn room(&self) -> Option<u64> {
        self.directory.as_ref()?.room()
    }

    fn migrated(&self) -> Migrated {
        self.migrated
    }
}

fn connect(path: &Path, mode: OpenFlags) -> Result<Connection> {
    // No mutex in SQLite: the pool lends a connection to one thread at a time.
    let connection =
        Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(store_error)?;
    prepare(&connection)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // The lock on the directory keeps other nodes out; a backup or a person with `sqlite3` may still be in the way for a moment.
    connection.busy_timeout(PATIENCE).map_err(store_error)?;
    // Plans do not hang on the values bound: SQLite would prepare `idx >= ?1` anew for each value, to look into statistics that
    // nobody gathers.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(store_error)?;
    connection.execute_batch(EVERY_CONNECTION).map_err(store_error)
}

fn write_ahead(writer: &Connection) -> Result<()> {
    let mode: String =
        writer.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(store_error)?;
    match mode.as_str() {
        "wal" => Ok(()),
        _ => Err(StoreError::Unavailable(format!(
            "SQLite keeps journal mode {mode} on this file system, not WAL"
        ))),
    }
}

#[cfg(test)]
mod tests;
