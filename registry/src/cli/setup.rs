//! Which storage a node has: SQLite in its data directory, or PostgreSQL. Only this file names a backend.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use licence_catalogue::Authority;
use licence_node::node::Node;
use licence_node::node::clock::Clock;
use licence_node::node::config::{Config, Database};
use licence_node::node::rng::Rng;
use licence_node::upkeep::set_up::{self, Identity, make_keys};
use licence_store::{Migrated, Read, Store, Timing, Write};
use licence_store_postgres::PostgresStore;
use licence_store_sqlite::{DataDirectory, SqliteStore};

/// A database elsewhere, and the data directory of this process: its keys and its socket are not shared.
struct Held {
    database: Arc<dyn Store>,
    _directory: DataDirectory,
}

impl Store for Held {
    fn read(&self) -> licence_store::Result<Box<dyn Read + '_>> {
        self.database.read()
    }

    fn replica(&self) -> Option<Box<dyn Read + '_>> {
        self.database.replica()
    }

    fn write(
        &self,
        name: &'static str,
        body: &mut dyn FnMut(&mut dyn Write) -> licence_store::Result<()>,
    ) -> licence_store::Result<()> {
        self.database.write(name, body)
    }

    fn timings(&self) -> Vec<Timing> {
        self.database.timings()
    }

    fn migrated(&self) -> Migrated {
        self.database.migrated()
    }
}

/// Opens the store of a node and holds its data directory: for whoever runs the node, or changes its keys.
pub(super) fn open_store(directory: &Path, config: &Config) -> Result<Arc<dyn Store>> {
    if config.store.is_none() {
        return connect(directory, config);
    }
    let held = DataDirectory::hold(directory)?;
    Ok(Arc::new(Held { database: connect(directory, config)?, _directory: held }))
}

/// Opens the store of a node. With PostgreSQL others may use it at the same time; a SQLite file is held alone.
///
/// # Errors
/// If it cannot be opened, or is a copy that was cut off: `licence_store::copy` writes the node's row last.
pub(super) fn connect(directory: &Path, config: &Config) -> Result<Arc<dyn Store>> {
    let store: Arc<dyn Store> = match &config.store {
        None => Arc::new(SqliteStore::open(directory)?),
        Some(database) => Arc::new(postgres(directory, database, config.replica.as_ref())?),
    };
    let read = store.read()?;
    let unfinished =
        read.node()?.is_none() && (read.log_head()?.is_some() || !read.status_lists()?.is_empty());
    drop(read);
    if unfinished {
        bail!(
            "该库是未完成的复制，请弃用并重新执行 store copy / the database is an unfinished copy: throw it away and run store copy again"
        );
    }
    Ok(store)
}

fn postgres(directory: &Path, database: &Database, replica: Option<&Database>) -> Result<PostgresStore> {
    let store = PostgresStore::open(&database.connection(directory)?)?;
    match replica {
        Some(replica) => Ok(store.with_replica(&replica.connection(directory)?)?),
        None => Ok(store),
    }
}

/// Opens the node of a data directory with its configuration.
///
/// # Errors
/// If its data were restored and are not caught up yet: whatever it signed now could undo what it signed after the backup.
pub(super) fn open_configured(directory: &Path, config: &Config) -> Result<Node> {
    set_up::open(directory, config, Clock::system(), true, &open_store)
}

/// As [`open_configured`], also if its data were restored and are not caught up yet: for `restore` alone.
pub(super) fn open_restored(directory: &Path, config: &Config) -> Result<Node> {
    set_up::open(directory, config, Clock::system(), false, &open_store)
}

/// Makes the missing keys of a stopped node. The store is opened for its lock: a running node would not see new keys.
pub(super) fn make_missing_keys(
    directory: &Path,
    config: &Config,
    authorities: &[Authority],
) -> Result<usize> {
    let passphrase = config.passphrase(directory)?;
    let identity = Identity { config, passphrase: &passphrase, clock: Clock::system(), rng: Rng::system() };
    let _lock = open_store(directory, config)?;
    Ok(make_keys(directory, &identity, authorities)?.1)
}
