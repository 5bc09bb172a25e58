//! Find the licences of a case at other nodes: the province knows where they are, the node that issued one shows it.
//!
//! Order: the province asked for all holders at once → a view of each licence fetched from the node whose log has it → bytes handed to the
//! verdict, which trusts none of this. A failure never fails the case: the answer says what was not asked.
//! Out of scope: connections (`neighbours`), the other side (`answer_others`), the verdict (`trips::verify`).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use licence_spec::status::Status;
use licence_spec::suite::Digest;
use licence_spec::trust::TrustList;
use licence_spec::view::View;
use licence_store::StoreError;

use crate::exchange::error::ExchangeError;
use crate::exchange::index_record::parse_digest;
use crate::exchange::questions::{Found, FoundLicences, HandedOut, HolderCode, HolderQuestion, ViewQuestion};
use crate::node::Node;
use crate::node::encoding::{digest_text, from_base64url};
use crate::node::holder::holder_key;

/// Most licences that a question is answered with.
const MAX_FOUND: usize = 64;
/// Most licences that are fetched for one case.
const MAX_FETCHED: usize = 16;
/// After this time no further licence is fetched, seconds: somebody waits at a counter.
const PATIENCE_S: i64 = 8;

/// Brings a view of a licence from the node on a host; or says why not, naming the host.
pub type FetchLicence<'a> = &'a dyn Fn(&str, &Digest, &ViewQuestion) -> Result<HandedOut, ExchangeError>;

/// A view that another node has shown, with the proof that its licence is in that node's log.
#[derive(Debug)]
pub struct Shown {
    /// Bytes of the view.
    pub view: Vec<u8>,
    /// The proof file.
    pub log_proof: Vec<u8>,
}

/// What other nodes have brought.
#[derive(Debug, Default)]
pub struct Brought {
    /// Views, to be judged like any that is handed in.
    pub views: Vec<Shown>,
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
    told: Option<Result<FoundLicences, ExchangeError>>,
    fetch: FetchLicence<'_>,
) -> Brought {
    let own = node.origin();
    let found = told.unwrap_or_else(|| {
        let without = std::slice::from_ref(&own);
        find(node, without, &question.holders, &question.types).map_err(ExchangeError::cannot_ask)
    });
    match found {
        Ok(found) => fetch_found(node, &found, question, fetch),
        Err(cause) => Brought { views: Vec::new(), not_asked: vec![cause.to_string()] },
    }
}

fn fetch_found(
    node: &Node,
    found: &FoundLicences,
    question: &HolderQuestion,
    fetch: FetchLicence<'_>,
) -> Brought {
    let question = ViewQuestion { holders: question.holders.clone(), purpose: question.purpose.clone() };
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
        match fetch_one(fetch, host, one, &question) {
            Ok(shown) => brought.views.push(shown),
            Err(cause) => brought.lacks(cause.to_string()),
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

fn fetch_one(
    fetch: FetchLicence<'_>,
    host: &str,
    one: &Found,
    question: &ViewQuestion,
) -> Result<Shown, ExchangeError> {
    let unreadable = || ExchangeError::NotOurs(format!("{host}: 应答无法读取 / unreadable answer"));
    let digest = parse_digest(&one.digest).ok_or_else(unreadable)?;
    let HandedOut { view, log_proof } = fetch(host, &digest, question)?;
    let view = from_base64url(&view).ok_or_else(unreadable)?;
    // Another licence than was asked for is no answer.
    match View::parse(&view) {
        Ok(read) if read.grounds.licence == digest => {}
        _ => return Err(unreadable()),
    }
    Ok(Shown { view, log_proof: log_proof.into_bytes() })
}

/// Where licences of these holders are, as far as this node knows, but for those in the logs of `without`: the newest first.
pub(crate) fn find(
    node: &Node,
    without: &[String],
    holders: &[HolderCode],
    types: &[String],
) -> Result<FoundLicences, StoreError> {
    let (read, own) = (node.store.read()?, node.origin());
    let types: Vec<&str> = types.iter().map(String::as_str).collect();
    // Those of the node that asks are left out afterwards, so there may be more than are told.
    let (most, mut complete, mut found) = (2 * MAX_FOUND as u32, true, BTreeMap::new());
    let mut add = |issued_at: i64, origin: &str, digest: &[u8; 32], vct: &str| {
        if !without.iter().any(|log| log == origin) {
            let (origin, vct) = (origin.to_owned(), vct.to_owned());
            found.insert((Reverse(issued_at), *digest), Found { origin, digest: digest_text(digest), vct });
        }
    };
    for key in holder_keys(node, holders) {
        let here = read.newest_of_holder(&key, &types, Status::Valid, most)?;
        let indexed = read.newest_indexed_of_holder(&key, &types, most)?;
        complete &= here.len() < most as usize && indexed.len() < most as usize;
        here.iter().for_each(|row| add(row.issued_at, &own, &row.digest, &row.vct));
        indexed.iter().for_each(|row| add(row.issued_at, &row.origin, &row.digest, &row.vct));
    }
    complete &= found.len() <= MAX_FOUND;
    Ok(FoundLicences { licences: found.into_values().take(MAX_FOUND).collect(), complete })
}

/// The keys of these holders, each once.
fn holder_keys(node: &Node, holders: &[HolderCode]) -> BTreeSet<Digest> {
    let key = |holder: &HolderCode| holder_key(&node.holder_secret, &holder.code_type, &holder.code);
    holders.iter().map(key).collect()
}
