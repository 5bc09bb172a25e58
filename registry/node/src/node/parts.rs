//! Putting a node together: the one place where a [`Node`] is made.
//!
//! In scope: the row that says whose database it is, the log, the writer, what is held in memory. Out of scope: where the parts come from
//! (`upkeep::set_up`), and what the node knows already (`publication::documents::load`).

use std::io;
use std::sync::Arc;

use licence_catalogue::Authority;
use licence_spec::suite::PublicKey;
use licence_store::{NodeRow, Store, StoreError, transact};

use super::audit::Counted;
use super::ceilings::Ceilings;
use super::clients::Clients;
use super::clock::Clock;
use super::commit::Writer;
use super::compared::Compared;
use super::config::{Disconnection, Role};
use super::cut_trees::CutTrees;
use super::evidence::Current;
use super::keys::{Keyring, Usage};
use super::log::{LogError, OwnLog, origin_of};
use super::logged::LoggedLicences;
use super::numbers::Leases;
use super::refusals::Refusals;
use super::rng::{Rng, RngError};
use super::{Node, holder};

/// What a node is made of.
pub struct Parts {
    /// Province or city.
    pub role: Role,
    /// Division code.
    pub region: String,
    /// Whether its licences count.
    pub production: bool,
    /// How long it goes on by itself.
    pub disconnection: Disconnection,
    /// Officers who approve a catalogue version; on the province.
    pub officers: Vec<(String, PublicKey)>,
    /// Code of the authority in whose name it signs receipts.
    pub authority: String,
    /// Host on which it publishes.
    pub host: String,
    /// Whether other processes work on the same database.
    pub shared: bool,
    /// The clock.
    pub clock: Clock,
    /// Randomness.
    pub rng: Rng,
    /// Storage.
    pub store: Arc<dyn Store>,
    /// The keys, that of the log among them.
    pub keys: Keyring,
    /// The authorities that it serves.
    pub authorities: Arc<Vec<Authority>>,
}

/// Why a node cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum PartsError {
    /// The database says so.
    #[error("数据库属于另一节点 / the database belongs to another node")]
    AnotherNode,
    /// A node that made itself a new log key would begin a second history.
    #[error("缺少日志密钥，请先执行 init / the log key is missing: run init first")]
    NoLogKey,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log in the store is not what its head says.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The key of the holder index cannot be had.
    #[error(transparent)]
    Secret(#[from] holder::SecretError),
    /// No name for this process.
    #[error(transparent)]
    Rng(#[from] RngError),
    /// The writer's thread does not start.
    #[error("写入线程 / writer thread: {0}")]
    Thread(io::Error),
}

impl Parts {
    /// Makes the node. Its evidence is empty.
    ///
    /// # Errors
    /// Missing keys are an error, and so is a database of another node.
    pub fn assemble(self) -> Result<Node, PartsError> {
        let row = NodeRow {
            role: self.role.as_str().to_owned(),
            region: self.region.clone(),
            created_at: self.clock.now().0,
        };
        transact(&*self.store, "create_node", |write| write.create_node(&row)).map_err(
            |error| match error {
                StoreError::Conflict(_) => PartsError::AnotherNode,
                other => other.into(),
            },
        )?;
        let signer = self.keys.signer(&self.authority, Usage::Log).ok_or(PartsError::NoLogKey)?;
        let log = OwnLog::open(&*self.store, &origin_of(&self.host), signer)?;
        let (published, clients) = (log.published(), Clients::load(&*self.store)?);
        let holder_secret = holder::secret(&*self.store, &self.rng)?;
        let process = self.shared.then(|| self.rng.bytes::<16>().map(hex::encode)).transpose()?;
        Ok(Node {
            role: self.role,
            region: self.region,
            production: self.production,
            disconnection: self.disconnection,
            officers: self.officers,
            authority: self.authority,
            host: self.host,
            process,
            clock: self.clock,
            compared: Compared::default(),
            rng: self.rng,
            writer: Writer::start(Arc::clone(&self.store), log).map_err(PartsError::Thread)?,
            store: self.store,
            leases: Leases::default(),
            clients,
            holder_secret,
            evidence: Current::default(),
            keys: self.keys,
            log: published,
            refusals: Refusals::default(),
            ceilings: Ceilings::default(),
            cuts: CutTrees::default(),
            counted: Counted::default(),
            logged: LoggedLicences::default(),
            authorities: self.authorities,
        })
    }
}
