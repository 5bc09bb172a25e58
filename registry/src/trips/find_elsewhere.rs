//! Find the licences of a case at other nodes: the province knows where they are, the node that issued one hands it out.
//!
//! Order at the node that asks: the province asked for all holders at once → each licence fetched from the node whose log has it →
//! bytes handed to the verdict, which trusts none of this. Order at the nodes asked: record of use durable → answer.
//! In scope: both sides of both questions. Out of scope: signatures and connections (`http`, `fetch`), the verdict (`verify`).
//! A failure never fails the case: the answer says what was not asked.

use std::collections::BTreeSet;

use licence_spec::cose::with_log_proof;
use licence_spec::log::checkpoint::SignedCheckpoint;
use licence_spec::numbers::MAX_LICENCE;
use licence_spec::suite::Digest;
use licence_spec::trust::TrustList;
use licence_store::{LicenceRow, Read, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::holder::holder_key;
use super::index_record::parse_digest;
use super::use_record::{self, Purpose};
use crate::db::{Effect, Job};
use crate::encoding::{base64url, digest_text, from_base64url};
use crate::log::{LogError, Proofs};
use crate::node::Node;
use crate::rng::RngError;

/// Most holders of one question: the people of one case.
const MAX_HOLDERS: usize = 8;
/// Most types of one question: a service item accepts far fewer.
const MAX_TYPES: usize = 256;
/// Rows of one query.
const PAGE: u32 = 256;
/// Most licences that a question is answered with.
const MAX_FOUND: usize = 64;
/// Most licences that are fetched for one case.
const MAX_FETCHED: usize = 16;
/// After this time no further licence is fetched, seconds: somebody waits at a counter.
const PATIENCE_S: i64 = 8;

/// A holder's code.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HolderCode {
    /// 证件类型代码 / kind of the code, such as 001 or 111.
    pub code_type: String,
    /// The code.
    pub code: String,
}

/// Where are licences of these holders?
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HolderQuestion {
    /// 持证主体 / at most 8 holders.
    pub holders: Vec<HolderCode>,
    /// 证照类型 / only licences of these types, `urn:elic:<space>:<code>`; at most 256.
    pub types: Vec<String>,
    /// What for.
    pub purpose: Purpose,
}

/// Where a licence is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// Name of the log that has it: `<host>/log` of the node that issued it.
    pub origin: String,
    /// Statement digest, `sha-256:` and hex.
    pub digest: String,
    /// Its type.
    #[serde(rename = "type")]
    pub vct: String,
}

/// Where licences are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FoundLicences {
    /// Licences that are valid as far as the province knows; at most 64.
    pub licences: Vec<Found>,
    /// Whether these are all.
    pub complete: bool,
}

/// A licence that is handed out.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandedOut {
    /// The licence with its log proof, base64url.
    pub credential: String,
}

/// Why a question of another node is not answered.
#[derive(Debug, thiserror::Error)]
pub enum AskedError {
    /// Nobody has this.
    #[error("没有此证照 / there is no such licence")]
    Unknown,
    /// A part of the question is missing, too long, too much or unreadable.
    #[error("{0} 缺失、过长或无法读取 / {0} is missing, too long or unreadable")]
    Field(&'static str),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The node has no receipt key.
    #[error("本节点没有回执密钥 / this node has no receipt key")]
    NoKey,
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// No randomness.
    #[error(transparent)]
    Rng(#[from] RngError),
}

/// Answers where licences are, of other nodes and of this one; those in logs of `caller` are left out, as it has them. The answer
/// must not leave before the job is committed.
///
/// # Errors
/// [`AskedError`].
pub fn where_are(
    node: &Node,
    caller: &Caller,
    question: &HolderQuestion,
) -> Result<(FoundLicences, Job), AskedError> {
    if question.holders.is_empty() || question.holders.len() > MAX_HOLDERS {
        return Err(AskedError::Field("holders"));
    }
    if question.types.len() > MAX_TYPES {
        return Err(AskedError::Field("types"));
    }
    let job = record(node, caller, &question.purpose)?;
    Ok((find(node, &caller.logs, &question.holders, &question.types)?, job))
}

/// Where licences of these holders are, as far as this node knows, but for those in the logs of `without`.
fn find(
    node: &Node,
    without: &[String],
    holders: &[HolderCode],
    types: &[String],
) -> Result<FoundLicences, StoreError> {
    let (read, own) = (node.store.read()?, format!("{}/log", node.host));
    let mut found = Vec::new();
    let mut add = |origin: &str, digest: &[u8; 32], vct: &str, status: u8| {
        if status == 0 && types.iter().any(|own| own == vct) && !without.iter().any(|log| log == origin) {
            let (origin, vct) = (origin.to_owned(), vct.to_owned());
            found.push(Found { origin, digest: digest_text(digest), vct });
        }
    };
    for holder in holders {
        let key = holder_key(&node.holder_secret, &holder.code_type, &holder.code);
        each_of_holder(&*read, &key, |row| add(&own, &row.digest, &row.vct, row.status))?;
        let mut after: Option<(String, u64)> = None;
        loop {
            let place = after.as_ref().map(|(origin, index)| (origin.as_str(), *index));
            let rows = read.index_of_holder(&key, place, PAGE)?;
            rows.iter().for_each(|row| add(&row.origin, &row.digest, &row.vct, row.status));
            match rows.last() {
                Some(last) => after = Some((last.origin.clone(), last.log_index)),
                None => break,
            }
        }
    }
    let complete = found.len() <= MAX_FOUND;
    found.truncate(MAX_FOUND);
    Ok(FoundLicences { licences: found, complete })
}

fn each_of_holder(
    read: &dyn Read,
    key: &[u8; 32],
    mut each: impl FnMut(&LicenceRow),
) -> Result<(), StoreError> {
    let mut from = 0;
    loop {
        let rows = read.licences_of_holder(key, from, PAGE)?;
        rows.iter().for_each(&mut each);
        match rows.last() {
            Some(last) => from = last.log_index + 1,
            None => return Ok(()),
        }
    }
}

/// Hands out a licence of this node, with the proof that it is in the log. The answer must not leave before the job is committed.
///
/// # Errors
/// [`AskedError`].
pub fn hand_out(
    node: &Node,
    caller: &Caller,
    digest: &str,
    purpose: &Purpose,
) -> Result<(HandedOut, Job), AskedError> {
    let digest = parse_digest(digest).ok_or(AskedError::Field("digest"))?;
    let job = record(node, caller, purpose)?;
    let read = node.store.read()?;
    // Whose bytes were lost in a restore is not here to be handed out.
    let row = read.licence(&digest)?.filter(|row| !row.credential.is_empty()).ok_or(AskedError::Unknown)?;
    let checkpoint = node.log.checkpoint();
    let size = SignedCheckpoint::parse(checkpoint.as_bytes()).map_or(0, |signed| signed.head().size);
    let proof = Proofs::new(&*read, size).file(row.log_index, &checkpoint)?;
    let bytes = with_log_proof(&row.credential, MAX_LICENCE, proof.as_bytes())
        .map_err(|_| StoreError::Corrupt("a stored credential".to_owned()))?;
    Ok((HandedOut { credential: base64url(&bytes) }, job))
}

/// A node that asks.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Code of the authority in whose trust-list entry its key stands.
    pub authority: String,
    /// Names of the logs of that entry.
    pub logs: Vec<String>,
}

fn record(node: &Node, caller: &Caller, purpose: &Purpose) -> Result<Job, AskedError> {
    if let Some(field) = purpose.fault() {
        return Err(AskedError::Field(field));
    }
    let content = json!({
        "node": caller.authority, "service_item": purpose.service_item, "case_number": purpose.case_number,
        "authorisation": purpose.authorisation, "at": node.clock.now().0,
    });
    let (_, row) = use_record::row(node, &content)?;
    Ok(Job::new(vec![(Effect::Document(row), None)]))
}

/// Brings a licence from the node on a host, for a purpose; or says why not, naming the host.
pub type FetchLicence<'a> = &'a dyn Fn(&str, &Digest, &Purpose) -> Result<HandedOut, String>;

/// What other nodes have brought.
#[derive(Debug, Default)]
pub struct Brought {
    /// Bytes of licences, to be judged like any that is handed in.
    pub credentials: Vec<Vec<u8>>,
    /// What could not be asked, in words with the host; empty if the answer is whole.
    pub not_asked: Vec<String>,
}

impl Brought {
    /// Notes what could not be asked, once.
    fn lacks(&mut self, cause: String) {
        if !self.not_asked.contains(&cause) {
            self.not_asked.push(cause);
        }
    }
}

/// Fetches the licences of these holders from other nodes. `told` is what the province says of where they are; a node without a
/// province knows itself.
pub fn fetch_elsewhere(
    node: &Node,
    question: &HolderQuestion,
    told: Option<Result<FoundLicences, String>>,
    fetch: FetchLicence<'_>,
) -> Brought {
    let own = format!("{}/log", node.host);
    let found = told.unwrap_or_else(|| {
        let without = std::slice::from_ref(&own);
        find(node, without, &question.holders, &question.types).map_err(|error| error.to_string())
    });
    match found {
        Ok(found) => fetch_found(node, &found, &question.purpose, fetch),
        Err(cause) => Brought { credentials: Vec::new(), not_asked: vec![cause] },
    }
}

fn fetch_found(node: &Node, found: &FoundLicences, purpose: &Purpose, fetch: FetchLicence<'_>) -> Brought {
    let (started, evidence) = (node.clock.now(), node.evidence.snapshot());
    let mut brought = Brought::default();
    let mut seen = BTreeSet::new();
    let wanted: Vec<&Found> = found.licences.iter().filter(|one| seen.insert(&one.digest)).collect();
    for one in wanted.iter().take(MAX_FETCHED) {
        let Some(host) = evidence.trust_list().and_then(|list| host_of(list, &one.origin)) else { continue };
        if node.clock.now().since(started) >= PATIENCE_S {
            brought.lacks(format!("{host}: 时间已到 / out of time"));
            return brought;
        }
        // A node that has lost one licence may have the next; one that cannot be reached is not waited for twice (`fetch`).
        match fetch_one(fetch, host, one, purpose) {
            Ok(bytes) => brought.credentials.push(bytes),
            Err(cause) => brought.lacks(cause),
        }
    }
    if !found.complete || wanted.len() > MAX_FETCHED {
        brought.lacks("证照过多，未全部取得 / too many licences: not all were fetched".to_owned());
    }
    brought
}

/// The host of a log that the trust list names: no other host is ever asked, whatever an answer says.
fn host_of<'a>(list: &TrustList, origin: &'a str) -> Option<&'a str> {
    let mut logs = list.content().entries.iter().flat_map(|entry| &entry.logs);
    logs.any(|log| log.key.name() == origin).then(|| origin.strip_suffix("/log"))?
}

fn fetch_one(fetch: FetchLicence<'_>, host: &str, one: &Found, purpose: &Purpose) -> Result<Vec<u8>, String> {
    let unreadable = || format!("{host}: 应答无法读取 / unreadable answer");
    let digest = parse_digest(&one.digest).ok_or_else(unreadable)?;
    from_base64url(&fetch(host, &digest, purpose)?.credential).ok_or_else(unreadable)
}
