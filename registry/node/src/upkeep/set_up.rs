//! Putting a node together from a data directory. Which storage it has, whoever calls decides ([`OpenStore`]).
//!
//! Layout: `config.toml`, `passphrase`, `keys/`, `registry.sqlite3` with its journal unless the data is in PostgreSQL, `lock`,
//! `admin.sock` while the node runs; `backup.lock` after a backup.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use licence_catalogue::{Authority, KeyRole};
use licence_store::Store;

use crate::node::Node;
use crate::node::clock::Clock;
use crate::node::config::{Config, Role};
use crate::node::files::private_folder;
use crate::node::keys::{Keyring, Usage};
use crate::node::parts::Parts;
use crate::node::rng::Rng;
use crate::publication::catalogue_data;
use crate::publication::documents;
use crate::publication::refresh;
use crate::upkeep::restore;

/// Opens the store of a data directory and holds it: which backend, the configuration says and the program knows.
pub type OpenStore<'a> = &'a dyn Fn(&Path, &Config) -> Result<Arc<dyn Store>>;

/// Whose node it is, and who opens it.
pub struct Identity<'a> {
    /// Its configuration.
    pub config: &'a Config,
    /// That of its keys.
    pub passphrase: &'a str,
    /// The clock.
    pub clock: Clock,
    /// Randomness.
    pub rng: Rng,
}

/// Where the keys of a node are.
pub fn keys_directory(directory: &Path) -> PathBuf {
    directory.join("keys")
}

/// The authorities that a node of this configuration serves.
///
/// # Errors
/// If the catalogue's data names none that signs receipts, which is the node's own.
pub fn authorities(directory: &Path, config: &Config) -> Result<Vec<Authority>> {
    let data = catalogue_data::of_node(directory, config)?;
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
/// If it cannot be opened; with `must_be_whole` also if its data were restored and are not caught up yet: whatever it signed now could undo
/// what it signed after the backup.
pub fn open(
    directory: &Path,
    config: &Config,
    clock: Clock,
    must_be_whole: bool,
    open_store: OpenStore<'_>,
) -> Result<Node> {
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
pub fn open_node(
    store: Arc<dyn Store>,
    keys: Keyring,
    identity: &Identity<'_>,
    authorities: Vec<Authority>,
) -> Result<Node> {
    let Identity { config, clock, rng, .. } = identity;
    let own = own(&authorities)?.clone();
    let parts = Parts {
        role: config.role,
        region: config.region.clone(),
        production: config.production,
        disconnection: config.disconnection,
        officers: config.catalogue_officers.clone(),
        authority: own.code,
        host: own.host,
        shared: config.store.is_some(),
        clock: clock.clone(),
        rng: rng.clone(),
        store,
        keys,
        authorities: Arc::new(authorities),
    };
    let node = parts.assemble()?;
    documents::load(&node)?;
    refresh::refresh(&node)?;
    Ok(node)
}

/// Makes the keys that the authorities of a node need and do not have yet; all keys, and how many were made.
pub fn make_keys(
    directory: &Path,
    identity: &Identity<'_>,
    authorities: &[Authority],
) -> Result<(Keyring, usize)> {
    let directory = keys_directory(directory);
    private_folder(&directory).with_context(|| format!("{}", directory.display()))?;
    let mut keys = Keyring::load(&directory, identity.passphrase)?;
    let own = own(authorities)?;
    let roles = authorities.iter().flat_map(|authority| {
        authority.roles.iter().map(|role| (authority.code.as_str(), Usage::Role(*role)))
    });
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
