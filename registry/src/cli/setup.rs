//! Putting a node together from a data directory. Only the command line names a storage backend.
//!
//! Layout: `config.toml`, `passphrase`, `keys/`, `registry.sqlite3` with its journal unless the data is in PostgreSQL, `lock`,
//! `admin.sock` while the node runs; `backup.lock` after a backup.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use licence_catalogue::{Authority, KeyRole};
use licence_store::{Migrated, NodeRow, Read, Store, StoreError, Timing, Write, transact};
use licence_store_postgres::PostgresStore;
use licence_store_sqlite::{DataDirectory, SqliteStore};

use super::catalogue::source;
use crate::access::ceiling::Ceilings;
use crate::access::clients::Clients;
use crate::exchange::look_up::LoggedLicences;
use crate::node::Node;
use crate::node::clock::Clock;
use crate::node::commit::Writer;
use crate::node::compared::Compared;
use crate::node::config::{Config, Database, Role};
use crate::node::evidence::Current;
use crate::node::holder;
use crate::node::keys::{Keyring, Usage};
use crate::node::log::OwnLog;
use crate::node::numbers::Leases;
use crate::node::refusals::Refusals;
use crate::node::rng::Rng;
use crate::publication::ceremony::usage;
use crate::publication::documents;
use crate::publication::refresh;
use crate::trips::cut::CutTrees;
use crate::upkeep::restore;

/// Whose node it is, and who opens it.
pub(super) struct Identity<'a> {
    pub(super) config: &'a Config,
    pub(super) passphrase: &'a str,
    pub(super) clock: Clock,
    pub(super) rng: Rng,
}

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

/// Where the keys of a node are.
pub(super) fn keys_directory(directory: &Path) -> PathBuf {
    directory.join("keys")
}

/// The authorities that a node of this configuration serves.
///
/// # Errors
/// If the catalogue's data names none that signs receipts, which is the node's own.
pub(super) fn authorities(directory: &Path, config: &Config) -> Result<Vec<Authority>> {
    let data = source::of_node(directory, config)?;
    let found: Vec<_> = data.authorities_of_node(&config.region).cloned().collect();
    own(&found).map(drop)?;
    Ok(found)
}

fn own(authorities: &[Authority]) -> Result<&Authority> {
    let found = authorities.iter().find(|authority| authority.has(KeyRole::Receipt));
    found.context("目录中没有本节点的机关 / the catalogue names no authority for a node of this region")
}

/// Opens the node of a data directory with its configuration.
///
/// # Errors
/// If its data were restored and are not caught up yet: whatever it signed now could undo what it signed after the backup.
pub(super) fn open_configured(directory: &Path, config: &Config) -> Result<Node> {
    open_any(directory, config, Clock::system(), true)
}

/// As [`open_configured`], also if its data were restored and are not caught up yet: for `restore` alone.
pub(super) fn open_restored(directory: &Path, config: &Config) -> Result<Node> {
    open_any(directory, config, Clock::system(), false)
}

/// As [`open_configured`], with a clock.
pub(super) fn open_any(directory: &Path, config: &Config, clock: Clock, must_be_whole: bool) -> Result<Node> {
    let passphrase = config.passphrase(directory)?;
    let identity = Identity { config, passphrase: &passphrase, clock, rng: Rng::system() };
    // The store holds the lock on the directory, so it comes first: nothing is read that another process may change.
    let store = open_store(directory, config)?;
    if must_be_whole && restore::pending(&*store.read()?)?.is_some() {
        bail!(
            "数据恢复自备份，尚未补齐，请执行 licence-registry restore --resume --data {0} / the data come from a backup and are not caught up: run licence-registry restore --resume --data {0}",
            directory.display()
        );
    }
    let keys = Keyring::load(&keys_directory(directory), &passphrase)?;
    open_node(store, keys, &identity, authorities(directory, config)?)
}

/// Puts a node together. Missing keys are an error: a node that made itself a new log key would begin a second history.
pub(super) fn open_node(
    store: Arc<dyn Store>,
    keys: Keyring,
    identity: &Identity<'_>,
    authorities: Vec<Authority>,
) -> Result<Node> {
    let Identity { config, clock, rng, .. } = identity;
    let own = own(&authorities)?.clone();
    let row = NodeRow {
        role: config.role.as_str().to_owned(),
        region: config.region.clone(),
        created_at: clock.now().0,
    };
    transact(&*store, "create_node", |write| write.create_node(&row)).map_err(|error| match error {
        StoreError::Conflict(_) => {
            anyhow::anyhow!("数据库属于另一节点 / the database belongs to another node")
        }
        other => other.into(),
    })?;
    let signer = keys.signer(&own.code, Usage::Log);
    let signer = signer.context("缺少日志密钥，请先执行 init / the log key is missing: run init first")?;
    let log = OwnLog::open(&*store, &format!("{}/log", own.host), signer)?;
    let (published, clients) = (log.published(), Clients::load(&*store)?);
    let holder_secret = holder::secret(&*store, rng)?;
    let writer = Writer::start(Arc::clone(&store), log).context("writer thread")?;
    let node = Node {
        role: config.role,
        region: config.region.clone(),
        production: config.production,
        disconnection: config.disconnection,
        officers: config.catalogue_officers.clone(),
        authority: own.code,
        host: own.host,
        process: config.store.as_ref().map(|_| rng.bytes::<16>().map(hex::encode)).transpose()?,
        clock: clock.clone(),
        compared: Compared::default(),
        rng: rng.clone(),
        store,
        writer,
        leases: Leases::default(),
        clients,
        holder_secret,
        evidence: Current::default(),
        keys,
        log: published,
        refusals: Refusals::default(),
        ceilings: Ceilings::default(),
        cuts: CutTrees::default(),
        logged: LoggedLicences::default(),
        authorities: Arc::new(authorities),
    };
    documents::load(&node)?;
    refresh::refresh(&node)?;
    Ok(node)
}

/// Makes the keys that the authorities of a node need and do not have yet; all keys, and how many were made.
pub(super) fn make_keys(
    directory: &Path,
    identity: &Identity<'_>,
    authorities: &[Authority],
) -> Result<(Keyring, usize)> {
    let directory = keys_directory(directory);
    private_folder(&directory).with_context(|| format!("{}", directory.display()))?;
    let mut keys = Keyring::load(&directory, identity.passphrase)?;
    let own = own(authorities)?;
    let roles = authorities
        .iter()
        .flat_map(|authority| authority.roles.iter().map(|role| (authority.code.as_str(), usage(*role))));
    // The province renews the timestamp; it cosigns the logs of the cities, and so does a city that is a witness.
    let is_province = identity.config.role == Role::Province;
    let more =
        [(Usage::Log, true), (Usage::Timestamp, is_province), (Usage::Witness, identity.config.witness)];
    let more = more.into_iter().filter(|(_, wanted)| *wanted).map(|(usage, _)| (own.code.as_str(), usage));
    let wanted = roles.chain(more);
    let missing: Vec<_> =
        wanted.filter(|(authority, usage)| keys.signer(authority, *usage).is_none()).collect();
    keys.create_all(&directory, &missing, identity.passphrase, &identity.rng)?;
    Ok((keys, missing.len()))
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

/// Makes a folder, and those above it, that only this user may enter.
pub(super) fn private_folder(path: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}
