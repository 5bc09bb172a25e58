//! How a witness follows the logs of others: entries, and at the province the records of the same leaves, one log at a time.
//!
//! A node that was lost and comes back from a backup needs its leaves and their records from here (`restore`). So the order matters:
//! what the province shows or signs of a city, a token or a cosignature, comes after the leaves that it rests on are mirrored and
//! told (spec/decisions/0042). A city that is a witness mirrors what it cosigns; records of licences are told to the province alone. In scope: that order. Out of scope: the steps (`trips::mirror`, `trips::gather_index`), when (`jobs`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::exchange::error::ExchangeError;
use crate::exchange::fetch::Peer;
use crate::exchange::gather_index::gather;
use crate::exchange::index_record::{IndexPage, MAX_PAGE};
use crate::exchange::mirror::state::Growth;
use crate::exchange::mirror::{Mirrored, held, mirror};
use crate::exchange::paths::INDEX;
use crate::node::Node;
use crate::node::config::{Config, Role};

/// One log.
pub struct Followed {
    /// Asked for the log; one thread at a time.
    log: Mutex<Peer>,
    /// Asked for the records, with a pause of its own: a city that refuses to tell its index is mirrored all the same.
    records: Option<Peer>,
    /// How much is taken of it.
    growth: Growth,
}

/// The logs that this node follows, by name; none unless it is a witness.
#[derive(Clone, Default)]
pub struct Follows(BTreeMap<String, Arc<Followed>>);

impl Follows {
    /// Those of a configuration.
    #[must_use]
    pub fn new(config: &Config) -> Follows {
        let others = config.province.iter().chain(&config.peers).filter(|_| config.witness);
        let growth = Growth { day: config.mirror_leaves_per_day, ..Growth::default() };
        let followed = others.map(|source| {
            let peer = Peer::new(source.clone());
            let origin = peer.origin();
            let records = (config.role == Role::Province).then(|| Peer::new(source.clone()));
            (origin, Arc::new(Followed { log: Mutex::new(peer), records, growth }))
        });
        Follows(followed.collect())
    }

    /// Each log with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<Followed>)> {
        self.0.iter().map(|(origin, followed)| (origin.as_str(), followed))
    }

    /// The log of this name.
    #[must_use]
    pub fn get(&self, origin: &str) -> Option<&Arc<Followed>> {
        self.0.get(origin)
    }
}

impl Followed {
    /// Mirrors the log and gathers the records of what is mirrored, unless the city failed a moment ago.
    ///
    /// # Errors
    /// What went wrong, in words; the records are asked for also if the log could not be followed.
    pub fn copy(&self, node: &Node) -> Result<(), String> {
        // The lock guards a turn, no data: a panic in an earlier turn is no reason to end.
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let mirrored = asked(node, &log, |node| copy_log(node, &log, self.growth));
        let gathered =
            self.records.as_ref().map_or(Ok(()), |peer| asked(node, peer, |node| gather_from(node, peer)));
        mirrored.and(gathered)
    }

    /// The same at once, because the node itself has just called, unless `size` leaves of it are mirrored already. What comes of it stands
    /// in the mirror: another process of this node may do the same and win.
    pub fn copy_up_to(&self, node: &Node, size: u64) {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let is_there = node.store.read().and_then(|read| Ok(held(&*read, &log.origin())?.size >= size));
        if is_there.is_ok_and(|is_there| is_there) {
            return;
        }
        let copied = copy_log(node, &log, self.growth);
        let copied =
            copied.and_then(|()| self.records.as_ref().map_or(Ok(()), |peer| gather_from(node, peer)));
        if let Err(error) = copied {
            tracing::warn!(error, "following a log before it is cosigned");
        }
    }
}

/// Asks a peer, unless it has failed a moment ago.
///
/// # Errors
/// Those of `work`.
pub fn asked(node: &Node, peer: &Peer, work: impl FnOnce(&Node) -> Result<(), String>) -> Result<(), String> {
    if !peer.may_be_asked(node.clock.now()) {
        return Ok(());
    }
    let outcome = work(node);
    peer.note(outcome.is_ok(), node);
    outcome
}

/// Follows the log of a peer, if the trust list names it and it is in use.
fn copy_log(node: &Node, peer: &Peer, growth: Growth) -> Result<(), String> {
    let (evidence, origin) = (node.evidence.snapshot(), peer.origin());
    let Some(list) = evidence.trust_list() else { return Ok(()) };
    let mut in_use = list.logs_at(node.clock.now()).map(|(_, log)| &log.key);
    let Some(key) = in_use.find(|key| key.name() == origin) else { return Ok(()) };
    let mut fetch = |path: &str, cap: usize| peer.get(path, cap);
    let mirrored = mirror(node, key, growth, &mut fetch).map_err(|error| error.to_string())?;
    if let Mirrored::Part { fetched, claimed } = mirrored {
        tracing::info!(origin, fetched, claimed, "a part of a log was fetched; the next turn goes on");
    }
    Ok(())
}

/// A page of the index that a peer tells.
///
/// # Errors
/// [`ExchangeError`]
pub fn index_page(node: &Node, peer: &Peer, path: &str) -> Result<IndexPage, ExchangeError> {
    let answer = peer.get_signed(node, path, MAX_PAGE)?;
    let told = |what: String| format!("{}: {path}: {what}", peer.host());
    match answer.status {
        // The parser's words might quote what the node has sent.
        200 => serde_json::from_slice(&answer.body).map_err(|error| {
            ExchangeError::NotOurs(told(format!("line {} of the page does not read", error.line())))
        }),
        status => Err(ExchangeError::Refuses(told(status.to_string()))),
    }
}

/// Gathers the index of a peer as far as its log is mirrored.
fn gather_from(node: &Node, peer: &Peer) -> Result<(), String> {
    let mut page = |after: u64| index_page(node, peer, &format!("{INDEX}?after={after}"));
    gather(node, &peer.origin(), &mut page).map(drop).map_err(|error| error.to_string())
}
