//! What is true: kept beside the nodes, from what they acknowledged and what is on their disks, never from what they believe.

use std::collections::{BTreeMap, BTreeSet};

use licence_spec::credential::Credential;
use licence_spec::suite::Digest;
use licence_store::LicenceRow;
use serde_json::Value;

use super::conditions::{Broken, Condition, must};

/// A licence that is in the store of its city.
pub(crate) struct Licence {
    pub(crate) city: usize,
    pub(crate) digest: Digest,
    pub(crate) id: String,
    pub(crate) request: Value,
    pub(crate) statement: Vec<u8>,
    /// With its log proof, if it was acknowledged.
    pub(crate) file: Option<Vec<u8>>,
    pub(crate) uri: String,
    pub(crate) index: u64,
    pub(crate) times: Times,
    /// The key that signed it.
    pub(crate) key: [u8; 32],
    pub(crate) log_index: u64,
    /// Its changes of status: when in the order of events, and to which value.
    pub(crate) changes: Vec<(u64, u8)>,
    /// Whether the last of them was kept though nobody was told so: the city itself may not know it before it publishes.
    pub(crate) unanswered: bool,
}

/// The three times of a licence, Unix seconds.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) iat: i64,
    pub(crate) nbf: i64,
    pub(crate) exp: i64,
}

impl Licence {
    pub(crate) fn status(&self) -> u8 {
        self.changes.last().map_or(0, |(_, value)| *value)
    }

    /// The status once the event `at` had happened.
    pub(crate) fn status_at(&self, at: u64) -> u8 {
        self.changes.iter().rev().find(|(when, _)| *when <= at).map_or(0, |(_, value)| *value)
    }

    /// Whether it had ended for good by then: nothing follows from 1 and 3.
    pub(crate) fn ended_by(&self, at: u64) -> bool {
        matches!(self.status_at(at), 1 | 3)
    }
}

/// The state of a key in a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum KeyTruth {
    Active,
    RetiredSince(i64),
    CompromisedFrom(u64),
}

/// A trust list that officers signed.
pub(crate) struct ListTruth {
    pub(crate) digest: Digest,
    pub(crate) exp: i64,
    /// Licence keys and their state.
    pub(crate) keys: BTreeMap<[u8; 32], KeyTruth>,
}

/// A timestamp that the province signed and kept.
#[derive(Clone, Copy)]
pub(crate) struct TimestampTruth {
    pub(crate) digest: Digest,
    pub(crate) exp: i64,
    pub(crate) list: u64,
}

/// A request with an idempotency key, and the id of the licence it made once that is known.
pub(crate) struct Keyed {
    pub(crate) city: usize,
    pub(crate) key: String,
    pub(crate) request: Value,
    pub(crate) id: Option<String>,
}

/// All that is true.
#[derive(Default)]
pub(crate) struct Truth {
    /// The number of the newest event.
    pub(crate) event: u64,
    pub(crate) licences: Vec<Licence>,
    pub(crate) lists: BTreeMap<u64, ListTruth>,
    pub(crate) timestamps: BTreeMap<u64, TimestampTruth>,
    pub(crate) catalogues: BTreeMap<u64, Digest>,
    /// Tokens by uri and time: digest, event.
    pub(crate) tokens: BTreeMap<String, BTreeMap<i64, (Digest, u64)>>,
    pub(crate) keyed: Vec<Keyed>,
    status_indexes: BTreeSet<(String, u64)>,
    log_indexes: BTreeSet<(usize, u64)>,
    known: BTreeMap<Digest, usize>,
}

impl Truth {
    pub(crate) const fn next_event(&mut self) -> u64 {
        self.event += 1;
        self.event
    }

    /// Where the licence with this digest is.
    pub(crate) fn at(&self, digest: &Digest) -> Option<usize> {
        self.known.get(digest).copied()
    }

    /// Takes up a licence that is on the disk of a city.
    pub(crate) fn add(
        &mut self,
        city: usize,
        row: &LicenceRow,
        request: Value,
        key: [u8; 32],
    ) -> Result<usize, Broken> {
        if let Some(at) = self.at(&row.digest) {
            return Ok(at);
        }
        let wrong = |_| Broken::new(Condition::AcknowledgedIsLost, "a stored credential cannot be read");
        let credential = Credential::parse(row.credential.as_column()).map_err(wrong)?;
        let uri = credential.status.as_ref().map_or("", |status| status.uri).to_owned();
        let index = u64::from(row.status_index);
        must(self.status_indexes.insert((uri.clone(), index)), Condition::IndexTwice, || {
            format!("status index {index} of {uri}")
        })?;
        self.claim_leaf(city, row.log_index)?;
        let (iat, nbf, exp) = (credential.iat.0, credential.nbf.0, credential.exp.0);
        self.licences.push(Licence {
            city,
            digest: row.digest,
            id: row.id.clone(),
            request,
            file: None,
            uri,
            index,
            times: Times { iat, nbf, exp },
            key,
            log_index: row.log_index,
            unanswered: false,
            changes: Vec::new(),
            statement: row.credential.as_column().to_vec(),
        });
        self.known.insert(row.digest, self.licences.len() - 1);
        Ok(self.licences.len() - 1)
    }

    /// A leaf that something acknowledged stands at: nobody else's.
    pub(crate) fn claim_leaf(&mut self, city: usize, index: u64) -> Result<(), Broken> {
        must(self.log_indexes.insert((city, index)), Condition::IndexTwice, || {
            format!("log index {index} of city {city}")
        })
    }

    /// Notes a change of status that is on disk.
    pub(crate) fn change(&mut self, at: usize, value: u8) {
        let event = self.next_event();
        self.licences[at].changes.push((event, value));
    }
}
