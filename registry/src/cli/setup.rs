//! Putting a node together from a data directory. Only the command line names a storage backend.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use licence_catalogue::{Authority, KeyRole};
use licence_store::{NodeRow, Store, transact};
use licence_store_sqlite::SqliteStore;

use crate::ceremony::usage;
use crate::clock::Clock;
use crate::db::Writer;
use crate::documents;
use crate::evidence::Current;
use crate::keys::{Keyring, Usage};
use crate::log::OwnLog;
use crate::node::Node;
use crate::rng::Rng;
use crate::trips::lease::Leases;

/// Opens the node of a data directory, or makes it: database, keys of its authorities, log.
pub(super) fn open_node(
    directory: &Path,
    region: &str,
    authorities: Vec<Authority>,
    passphrase: &str,
    clock: &Clock,
    rng: &Rng,
) -> Result<Node> {
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(directory).with_context(|| format!("{}", directory.display()))?);
    let role = if region == "440000" { "province" } else { "city" };
    let row = NodeRow { role: role.to_owned(), region: region.to_owned(), created_at: clock.now().0 };
    transact(&*store, "create_node", |write| match write.node()? {
        Some(_) => Ok::<_, licence_store::StoreError>(()),
        None => write.create_node(&row),
    })?;
    let own = authorities
        .iter()
        .find(|authority| authority.has(KeyRole::Receipt))
        .context("目录中没有本节点的机关 / the catalogue names no authority for the node itself")?
        .clone();
    let keys = open_keys(&directory.join("keys"), &authorities, &own.code, passphrase, rng)?;
    let signer = keys.signer(&own.code, Usage::Log).context("缺少日志密钥 / the log key is missing")?;
    let log = OwnLog::open(&*store, &format!("{}/log", own.host), signer)?;
    let published = log.published();
    let (writer, _thread) = Writer::start(Arc::clone(&store), log).context("writer thread")?;
    let node = Node {
        region: region.to_owned(),
        authority: own.code,
        host: own.host,
        clock: clock.clone(),
        rng: rng.clone(),
        store,
        writer,
        leases: Leases::default(),
        evidence: Current::default(),
        keys,
        log: published,
        authorities: Arc::new(authorities),
    };
    documents::load(&node)?;
    Ok(node)
}

fn open_keys(
    directory: &Path,
    authorities: &[Authority],
    own: &str,
    passphrase: &str,
    rng: &Rng,
) -> Result<Keyring> {
    fs::create_dir_all(directory).with_context(|| format!("{}", directory.display()))?;
    let mut keys = Keyring::load(directory, passphrase)?;
    let roles = authorities
        .iter()
        .flat_map(|authority| authority.roles.iter().map(|role| (authority.code.as_str(), usage(*role))));
    for (authority, usage) in roles.chain([(own, Usage::Log)]) {
        if keys.signer(authority, usage).is_none() {
            keys.create(directory, authority, usage, passphrase, rng)?;
        }
    }
    Ok(keys)
}
