//! Other nodes that are asked while somebody waits for the answer: shortly, and not again at once after a failure.
//!
//! Out of scope: what is asked and what an answer is worth (`ask_others`, `ask_register`, `look_up`), the client itself (`fetch`).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use licence_spec::numbers::MAX_LICENCE;
use licence_spec::suite::Digest;
use serde::de::DeserializeOwned;

use crate::exchange::ask_register::{RegisterAnswer, RegisterQuestion};
use crate::exchange::error::ExchangeError;
use crate::exchange::fetch::{Answer, Peer};
use crate::exchange::look_up::{LogAnswer, LogQuestion};
use crate::exchange::paths::{HOLDERS, LICENCES, LOGGED, REFERENCES, REGISTER};
use crate::exchange::questions::{FoundLicences, HandedOut, HolderQuestion, ViewQuestion};
use crate::node::Node;
use crate::node::config::{Config, Source};
use crate::node::encoding::digest_text;

/// Longest time for one request that somebody waits for.
const PATIENCE: Duration = Duration::from_secs(3);
/// Longest answer that somebody waits for: a licence of 64 KiB with its proof, in base64url.
const MAX_ANSWER: usize = 131_072;

/// The other nodes, each by its host.
#[derive(Default)]
pub struct Neighbours {
    province: Option<String>,
    addresses: BTreeMap<String, String>,
    asked: Mutex<HashMap<String, Peer>>,
}

impl Neighbours {
    /// The province and the addresses of a configuration.
    #[must_use]
    pub fn new(config: &Config) -> Neighbours {
        let province = config.province.as_ref().map(|source| source.host.clone());
        Neighbours { province, addresses: config.addresses.clone(), asked: Mutex::default() }
    }

    /// Host of the province; `None` on the province.
    #[must_use]
    pub fn province(&self) -> Option<&str> {
        self.province.as_deref()
    }

    /// Asks the province where licences of holders are; `None` without a province.
    ///
    /// # Errors
    /// As for [`Neighbours::licence`].
    pub fn where_are(
        &self,
        node: &Node,
        question: &HolderQuestion,
    ) -> Option<Result<FoundLicences, ExchangeError>> {
        let host = self.province()?;
        let body = serde_json::to_vec(question).map_err(ExchangeError::cannot_ask);
        Some(body.and_then(|body| self.ask(node, host, HOLDERS, Some(&body))))
    }

    /// Asks the province whether a log has a licence; `None` without a province.
    ///
    /// # Errors
    /// As for [`Neighbours::licence`].
    pub fn logged(&self, node: &Node, question: &LogQuestion) -> Option<Result<LogAnswer, ExchangeError>> {
        let host = self.province()?;
        let body = serde_json::to_vec(question).map_err(ExchangeError::cannot_ask);
        Some(body.and_then(|body| self.ask(node, host, LOGGED, Some(&body))))
    }

    /// Asks the node on a host, which the trust list must name, for a view of a licence of its own.
    ///
    /// # Errors
    /// What went wrong, naming the host and nothing of this network: it is told to clients. The cause is in the log.
    pub fn licence(
        &self,
        node: &Node,
        host: &str,
        digest: &Digest,
        question: &ViewQuestion,
    ) -> Result<HandedOut, ExchangeError> {
        let body = serde_json::to_vec(question).map_err(ExchangeError::cannot_ask)?;
        self.ask(node, host, &format!("{LICENCES}/{}", digest_text(digest)), Some(&body))
    }

    /// Asks the node on a host, which the trust list must name, how a licence of its own stands.
    ///
    /// # Errors
    /// As for [`Neighbours::licence`].
    pub fn register(
        &self,
        node: &Node,
        host: &str,
        question: &RegisterQuestion,
    ) -> Result<RegisterAnswer, ExchangeError> {
        let body = serde_json::to_vec(question).map_err(ExchangeError::cannot_ask)?;
        self.ask(node, host, REGISTER, Some(&body))
    }

    /// Fetches the licence behind a reference from the host that it names, which the trust list must name, too; `None` if that host has
    /// none.
    ///
    /// # Errors
    /// As for [`Neighbours::licence`].
    pub fn reference(
        &self,
        node: &Node,
        host: &str,
        cti: &[u8; 16],
    ) -> Result<Option<Vec<u8>>, ExchangeError> {
        let peer = self.peer(host);
        let told = |what: &str| format!("{host}: {what}");
        if !peer.may_be_asked(node.clock.now()) {
            return Err(ExchangeError::Unreachable(told(
                "刚才不可达，稍后再试 / could not be reached a moment ago",
            )));
        }
        let answer = peer.get_if_there(&format!("{REFERENCES}/{}", hex::encode(cti)), MAX_LICENCE);
        peer.note(answer.is_ok(), node);
        // The address of the call is a ticket: it is neither logged nor told.
        answer.map_err(|_| {
            tracing::warn!(host, "the licence behind a reference cannot be fetched");
            ExchangeError::Unreachable(told("不可达 / cannot be reached"))
        })
    }

    /// Asks a node by a signed request, with a JSON body or without one.
    fn ask<A: DeserializeOwned>(
        &self,
        node: &Node,
        host: &str,
        path: &str,
        body: Option<&[u8]>,
    ) -> Result<A, ExchangeError> {
        let peer = self.peer(host);
        let told = |what: &str| format!("{host}: {what}");
        if !peer.may_be_asked(node.clock.now()) {
            return Err(ExchangeError::Unreachable(told(
                "刚才不可达，稍后再试 / could not be reached a moment ago",
            )));
        }
        let answer = match body {
            Some(body) => peer.post(node, path, "application/json", body, MAX_ANSWER),
            None => peer.get_signed(node, path, MAX_ANSWER),
        };
        // A refusal is an answer: the node is there.
        peer.note(answer.is_ok(), node);
        match answer {
            // The parser's words might quote what a node has sent.
            Ok(Answer { status: 200, body }) => serde_json::from_slice(&body)
                .map_err(|_| ExchangeError::NotOurs(told("应答无法读取 / unreadable answer"))),
            Ok(Answer { status, .. }) => {
                tracing::warn!(host, status, "another node refuses a question");
                Err(ExchangeError::Refuses(told(&format!("拒绝答复 / refuses to answer ({status})"))))
            }
            Err(error) => {
                tracing::warn!(host, %error, "another node cannot be asked");
                Err(ExchangeError::Unreachable(told("不可达 / cannot be reached")))
            }
        }
    }

    fn peer(&self, host: &str) -> Peer {
        // A poisoned map is whole: entries are put in in one step.
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || {
            let address = self.addresses.get(host).cloned().unwrap_or_else(|| format!("https://{host}"));
            Peer::within(Source { host: host.to_owned(), address }, PATIENCE)
        };
        asked.entry(host.to_owned()).or_insert_with(fresh).clone()
    }
}
