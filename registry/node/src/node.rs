//! One node, put together: store, keys, log, evidence. Trips work on it and know nothing of HTTP.

pub mod audit;
pub mod ceilings;
pub mod clients;
pub mod clock;
pub mod commit;
pub mod compared;
pub mod config;
pub mod cut_trees;
pub mod encoding;
pub mod evidence;
pub mod files;
pub mod holder;
pub mod keys;
pub mod log;
pub mod logged;
pub mod numbers;
pub mod parts;
pub mod refusals;
pub mod rng;
pub mod shelf;
pub mod strict_json;

use std::sync::Arc;

use licence_catalogue::Authority;
use licence_spec::catalogue::Catalogue;
use licence_spec::log::cosignature::WitnessKey;
use licence_spec::suite::{PublicKey, Signer};
use licence_store::Store;

use crate::node::audit::Counted;
use crate::node::ceilings::Ceilings;
use crate::node::clients::Clients;
use crate::node::clock::Clock;
use crate::node::commit::Writer;
use crate::node::compared::{ClockAhead, Compared};
use crate::node::config::{Disconnection, Role};
use crate::node::cut_trees::CutTrees;
use crate::node::evidence::Current;
use crate::node::keys::{Keyring, Usage};
use crate::node::log::{Published, origin_of, witness_name};
use crate::node::logged::LoggedLicences;
use crate::node::numbers::Leases;
use crate::node::refusals::Refusals;
use crate::node::rng::Rng;

/// All capabilities of a node.
#[derive(Clone)]
pub struct Node {
    /// Province or city.
    pub role: Role,
    /// Division code of the node, such as 440100.
    pub region: String,
    /// Whether its licences count: what is provisional is refused then.
    pub production: bool,
    /// How long it goes on by itself.
    pub disconnection: Disconnection,
    /// Officers who approve a catalogue version; on the province.
    pub officers: Vec<(String, PublicKey)>,
    /// Code of the authority in whose name the node itself signs receipts.
    pub authority: String,
    /// Host on which it publishes.
    pub host: String,
    /// Name of this process among those on the database, random at each start; `None` if it is the only one.
    pub process: Option<String>,
    /// The clock.
    pub clock: Clock,
    /// Whether the clock is ahead of those of others.
    pub compared: Compared,
    /// Randomness.
    pub rng: Rng,
    /// Storage.
    pub store: Arc<dyn Store>,
    /// The group-commit writer.
    pub writer: Writer,
    /// Numbers that are leased and not used yet.
    pub leases: Leases,
    /// The clients of the API.
    pub clients: Clients,
    /// Key of the holder index.
    pub holder_secret: [u8; 32],
    /// The evidence.
    pub evidence: Current,
    /// The keys.
    pub keys: Keyring,
    /// The signed head of the log.
    pub log: Published,
    /// What other nodes handed out and may not say.
    pub refusals: Refusals,
    /// How much other nodes have asked of this one.
    pub ceilings: Ceilings,
    /// Trees of mirrored logs at the cuts of compromised keys, as far as they were asked for.
    pub cuts: CutTrees,
    /// Acts that are counted and not written down yet.
    pub counted: Counted,
    /// Licences that are known to stand in a log.
    pub logged: LoggedLicences,
    /// The authorities that it serves.
    pub authorities: Arc<Vec<Authority>>,
}

impl Node {
    /// Ends the node: what was handed to the writer is written, and the data directory is free once this returns, unless
    /// another clone of the node is still there.
    pub fn close(self) {
        let writer = self.writer.clone();
        drop(self);
        writer.finish();
    }

    /// The signer of an authority for something that carries a time; `None` if the node has no such key. Whatever the node signs, it asks for
    /// here: the keyring itself is asked for public keys, and for requests, which others refuse by their time.
    ///
    /// # Errors
    /// [`ClockAhead`]: nothing is signed by a clock that is ahead.
    pub fn signer(&self, authority: &str, usage: Usage) -> Result<Option<Arc<dyn Signer>>, ClockAhead> {
        self.compared.may_sign()?;
        Ok(self.keys.signer(authority, usage))
    }

    /// Name of its log.
    #[must_use]
    pub fn origin(&self) -> String {
        origin_of(&self.host)
    }

    /// Name and key of the witness that this node is; `None` if it has no witness key.
    #[must_use]
    pub fn witness_key(&self) -> Option<WitnessKey> {
        let signer = self.keys.signer(&self.authority, Usage::Witness)?;
        WitnessKey::new(&witness_name(&self.host), *signer.public_key()).ok()
    }

    /// The authority with this code, if the node serves it.
    #[must_use]
    pub fn authority(&self, code: &str) -> Option<&Authority> {
        self.authorities.iter().find(|authority| authority.code == code)
    }

    /// The catalogue in the evidence.
    #[must_use]
    pub fn catalogue(&self) -> Option<Arc<Catalogue>> {
        self.evidence.snapshot().catalogue().cloned()
    }
}
