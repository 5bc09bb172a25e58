//! Ask the witnesses among the configured nodes for their signed time (spec/log.md §9), and compare the own clock with it.
//!
//! Out of scope: when a round is made (`jobs`), what follows from it (`node::compared`). Limits: each host is asked for `PATIENCE` at
//! most, all at once.

use std::collections::BTreeMap;
use std::time::Duration;

use licence_spec::log::cosignature::WitnessKey;
use licence_spec::log::witness_time::{self, MAX_WITNESS_TIME, Nonce};

use crate::exchange::error::ExchangeError;
use crate::exchange::fetch::Peer;
use crate::exchange::paths::WITNESS_TIME;
use crate::node::Node;
use crate::node::compared::Told;
use crate::node::config::{Config, Source};

/// Longest time for one host.
const PATIENCE: Duration = Duration::from_secs(3);

/// Those who may be asked.
#[derive(Clone)]
pub struct Clocks(Vec<Peer>);

impl Clocks {
    /// The nodes of a configuration: which of them are witnesses, the trust list says.
    #[must_use]
    pub fn new(config: &Config) -> Clocks {
        let all = config.province.iter().chain(&config.peers).chain(&config.witnessed_by);
        let by_host: BTreeMap<&str, &Source> = all.map(|source| (source.host.as_str(), source)).collect();
        Clocks(by_host.into_values().cloned().map(|source| Peer::within(source, PATIENCE)).collect())
    }

    /// Lets signings of a node wait for the first round, if there is anybody who may be asked.
    pub fn expect_round(&self, node: &Node) {
        if !self.0.is_empty() {
            node.compared.expect_round();
        }
    }

    /// Makes a round if it is time for one: asks all witnesses among them at once, and keeps what they say. Who is a witness, nobody can tell
    /// before there is a trust list.
    ///
    /// # Errors
    /// If there is somebody to ask and nobody answers, in words.
    pub fn compare_if_due(&self, node: &Node) -> Result<(), ExchangeError> {
        if node.compared.is_due() { self.compare(node) } else { Ok(()) }
    }

    /// As [`Clocks::compare_if_due`], now.
    ///
    /// # Errors
    /// If there is somebody to ask and nobody answers, in words.
    pub fn compare(&self, node: &Node) -> Result<(), ExchangeError> {
        let evidence = node.evidence.snapshot();
        let Some(list) = evidence.trust_list() else { return Ok(()) };
        let witnesses = list.policy().witnesses();
        let askable = |peer: &&Peer| witnesses.iter().any(|key| witness_time::is_of(key, peer.host()));
        let asked: Vec<&Peer> = self.0.iter().filter(askable).collect();
        let answers: Vec<Result<Told, ExchangeError>> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                asked.iter().map(|peer| scope.spawn(|| ask(node, peer, witnesses))).collect();
            let panicked = |_| Err(ExchangeError::cannot_ask("the thread panicked"));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect()
        });
        let (round, faults): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        let round: Vec<Told> = round.into_iter().flatten().collect();
        node.compared.take(&round, !asked.is_empty(), node.clock.now());
        match round.is_empty() && !asked.is_empty() {
            true => {
                let faults = faults.into_iter().filter_map(Result::err).map(|fault| fault.to_string());
                Err(ExchangeError::Unreachable(faults.collect::<Vec<_>>().join("; ")))
            }
            false => Ok(()),
        }
    }
}

fn ask(node: &Node, peer: &Peer, witnesses: &[WitnessKey]) -> Result<Told, ExchangeError> {
    let nonce = Nonce(node.rng.bytes().map_err(ExchangeError::cannot_ask)?);
    let sent = node.clock.now();
    let bytes = peer.get(&format!("{WITNESS_TIME}/{nonce}"), MAX_WITNESS_TIME)?;
    let theirs = witness_time::read(&bytes, witnesses, peer.host(), nonce);
    let theirs = theirs.ok_or_else(|| {
        ExchangeError::NotOurs(format!("{}: no witness of the trust list signed its time", peer.host()))
    })?;
    Ok(Told { host: peer.host().to_owned(), sent, theirs })
}
