//! Putting a node together from a data directory. Only the command line names a storage backend.
//!
//! Layout: `config.toml`, `passphrase`, `keys/`, `registry.sqlite3` with its journal, `lock`, `admin.sock` while the node runs.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use licence_catalogue::{Authority, KeyRole};
use licence_store::{NodeRow, Store, StoreError, transact};
use licence_store_sqlite::SqliteStore;

use super::catalogue::source;
use crate::ceremony::usage;
use crate::clock::Clock;
use crate::config::{Config, Role};
use crate::db::Writer;
use crate::documents;
use crate::evidence::Current;
use crate::keys::{Keyring, Usage};
use crate::log::OwnLog;
use crate::node::Node;
use crate::rng::Rng;
use crate::shared;
use crate::trips::clients::Clients;
use crate::trips::holder;
use crate::trips::lease::Leases;

/// Whose node it is, and who opens it.
pub(super) struct Identity<'a> {
    pub(super) config: &'a Config,
    pub(super) passphrase: &'a str,
    pub(super) clock: Clock,
    pub(super) rng: Rng,
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
pub(super) fn open_configured(directory: &Path, config: &Config) -> Result<Node> {
    let passphrase = config.passphrase(directory)?;
    let identity = Identity { config, passphrase: &passphrase, clock: Clock::system(), rng: Rng::system() };
    // The store holds the lock on the directory, so it comes first: nothing is read that another process may change.
    let store = SqliteStore::open(directory)?;
    let keys = Keyring::load(&keys_directory(directory), &passphrase)?;
    open_node(store, keys, &identity, authorities(directory, config)?)
}

/// Puts a node together. Missing keys are an error: a node that made itself a new log key would begin a second history.
pub(super) fn open_node(
    store: SqliteStore,
    keys: Keyring,
    identity: &Identity<'_>,
    authorities: Vec<Authority>,
) -> Result<Node> {
    let Identity { config, clock, rng, .. } = identity;
    let own = own(&authorities)?.clone();
    let store: Arc<dyn Store> = Arc::new(store);
    let row = NodeRow {
        role: config.role.as_str().to_owned(),
        region: config.region.clone(),
        created_at: clock.now().0,
    };
    transact(&*store, "create_node", |write| write.create_node(&row)).map_err(|error| match error {
        StoreError::Conflict(_) => {
            anyhow::anyhow!("数据目录属于另一节点 / the data directory belongs to another node")
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
        officers: config.catalogue_officers.clone(),
        authority: own.code,
        host: own.host,
        process: None,
        clock: clock.clone(),
        rng: rng.clone(),
        store,
        writer,
        leases: Leases::default(),
        clients,
        holder_secret,
        evidence: Current::default(),
        keys,
        log: published,
        authorities: Arc::new(authorities),
    };
    documents::load(&node)?;
    shared::refresh(&node)?;
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
    // The province renews the timestamp and cosigns the logs of the cities.
    let province = [Usage::Timestamp, Usage::Witness].map(|usage| (own.code.as_str(), usage));
    let province = province.into_iter().filter(|_| identity.config.role == Role::Province);
    let wanted = roles.chain([(own.code.as_str(), Usage::Log)]).chain(province);
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
    let _lock = SqliteStore::open(directory)?;
    Ok(make_keys(directory, &identity, authorities)?.1)
}

/// Makes a folder, and those above it, that only this user may enter.
pub(super) fn private_folder(path: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}
