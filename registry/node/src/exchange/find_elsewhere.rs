//! Find the licences of a case at other nodes: the province knows where they are, the node that issued one hands it out.
//!
//! Order at the node that asks: the province asked for all holders at once → a view of each licence fetched from the node whose log has it →
//! bytes handed to the verdict, which trusts none of this. Order at the nodes asked: is the service item one of the catalogue, does it
//! accept the type, has the node that asks not asked too much → is the holder one whom it names → view signed → record of use durable →
//! answer. A licence never leaves its node whole: digests stand in the public log, and whoever knows one is entitled to nothing.
//! In scope: both sides of both questions. Out of scope: signatures and connections (`http`, `fetch`), the verdict (`verify`).
//! A failure never fails the case: the answer says what was not asked.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use licence_spec::credential::{Credential, WriteError};
use licence_spec::identifiers::{AskedCode, SameHolder};
use licence_spec::suite::Digest;
use licence_spec::trust::TrustList;
use licence_spec::view::{self, Draft, View};
use licence_store::StoreError;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::access::ceiling::TooMuch;
use crate::access::use_record::{self, Purpose};
use crate::exchange::index_record::{HOLDER_CODE_TYPES, HOLDER_CODES, parse_digest};
use crate::node::Node;
use crate::node::commit::{Effect, Job};
use crate::node::compared::ClockAhead;
use crate::node::encoding::{base64url, digest_text, from_base64url};
use crate::node::holder::holder_key;
use crate::node::keys::Usage;
use crate::node::log::LogError;
use crate::node::rng::RngError;
use crate::trips::file_form;

/// Most holders of one question: the people of one case.
const MAX_HOLDERS: usize = 8;
/// Most types of one question: a service item accepts far fewer.
const MAX_TYPES: usize = 256;
/// How long a view may be relied on, seconds, unless the service item allows less: somebody waits for the answer.
const VIEW_LIFE_S: i64 = 600;
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

/// For whom and for what a licence is wanted.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewQuestion {
    /// 持证主体 / the people of the case, at most 8: the licence must be of one of them.
    pub holders: Vec<HolderCode>,
    /// What for.
    pub purpose: Purpose,
}

/// A licence that is shown.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandedOut {
    /// 加注件 / a view for the node that asks, with the fields that the service item permits, base64url.
    pub view: String,
    /// 日志证明 / the proof that the licence is in the log of the node that issued it.
    pub log_proof: String,
}

/// Why a question of another node is not answered.
#[derive(Debug, thiserror::Error)]
pub enum AskedError {
    /// Nothing is signed by a clock that is ahead.
    #[error(transparent)]
    ClockAhead(#[from] ClockAhead),
    /// Nobody has this.
    #[error("没有此证照 / there is no such licence")]
    Unknown,
    /// The catalogue has no such service item, or it accepts none of these types.
    #[error(
        "purpose.service_item：目录中没有该事项，或该事项不接受所列类型 / the catalogue has no such service item, or it does not accept these types"
    )]
    Item,
    /// The node has asked too much.
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
    /// No view was made.
    #[error("无法生成加注件 / the view could not be made: {0}")]
    View(WriteError),
    /// A part of the question is missing, too long, too much or unreadable.
    #[error("{0} 缺失、过长或无法读取 / {0} is missing, too long or unreadable")]
    Field(&'static str),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key is missing, or the catalogue.
    #[error("节点未就绪 / the node is not ready: {0}")]
    NotReady(&'static str),
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
    check_holders(&question.holders)?;
    if question.types.len() > MAX_TYPES {
        return Err(AskedError::Field("types"));
    }
    check_purpose(&question.purpose)?;
    let catalogue = node.catalogue().ok_or(AskedError::NotReady("catalogue"))?;
    let item = catalogue.service_item(&question.purpose.service_item).ok_or(AskedError::Item)?;
    if question.types.iter().any(|vct| item.accepted(vct).is_none()) {
        return Err(AskedError::Item);
    }
    node.ceilings.ask(&caller.authority, node.clock.now())?;
    let found = find(node, &caller.logs, &question.holders, &question.types)?;
    let digests: Vec<&str> = found.licences.iter().map(|one| one.digest.as_str()).collect();
    let job = record(node, caller, &question.purpose, "found", &digests)?;
    Ok((found, job))
}

/// Where licences of these holders are, as far as this node knows, but for those in the logs of `without`: the newest first.
fn find(
    node: &Node,
    without: &[String],
    holders: &[HolderCode],
    types: &[String],
) -> Result<FoundLicences, StoreError> {
    let (read, own) = (node.store.read()?, format!("{}/log", node.host));
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
        let here = read.newest_of_holder(&key, &types, 0, most)?;
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

fn check_holders(holders: &[HolderCode]) -> Result<(), AskedError> {
    match holders.is_empty() || holders.len() > MAX_HOLDERS {
        true => Err(AskedError::Field("holders")),
        false => Ok(()),
    }
}

fn check_purpose(purpose: &Purpose) -> Result<(), AskedError> {
    purpose.fault().map_or(Ok(()), |field| Err(AskedError::Field(field)))
}

/// Shows a licence of this node to another one: as a view, for a service item that accepts its type, of a holder whom it names. A licence of
/// anybody else, or of another type, is answered like one that is not there. The answer must not leave before the job is committed.
///
/// # Errors
/// [`AskedError`].
pub fn hand_out(
    node: &Node,
    caller: &Caller,
    digest: &str,
    question: &ViewQuestion,
) -> Result<(HandedOut, Job), AskedError> {
    let wanted = parse_digest(digest).ok_or(AskedError::Field("digest"))?;
    check_holders(&question.holders)?;
    check_purpose(&question.purpose)?;
    let catalogue = node.catalogue().ok_or(AskedError::NotReady("catalogue"))?;
    let item = catalogue.service_item(&question.purpose.service_item).ok_or(AskedError::Item)?;
    let now = node.clock.now();
    node.ceilings.ask(&caller.authority, now)?;
    let in_vain = || {
        node.ceilings.in_vain(&caller.authority, now);
        AskedError::Unknown
    };
    // Whose bytes were lost in a restore is not here to be shown.
    let row = node.store.read()?.licence(&wanted)?.filter(|row| !row.credential.is_empty());
    let row = row.ok_or_else(in_vain)?;
    let licence = Credential::parse(&row.credential)
        .map_err(|_| StoreError::Corrupt("a stored credential".to_owned()))?;
    let holder = question.holders.iter().find(|named| is_held_by(&licence, named));
    let (Some(accepted), Some(holder)) = (item.accepted(&row.vct), holder) else { return Err(in_vain()) };
    let signer = node.signer(&node.authority, Usage::View)?.ok_or(AskedError::NotReady("view key"))?;
    let draft = Draft {
        licence: &licence,
        iss: &node.authority,
        aud: &caller.authority,
        iat: now,
        exp: now.plus(VIEW_LIFE_S.min(item.longest_view_life_s)),
        cti: node.rng.bytes()?,
        permitted: &accepted.fields,
        service_item: &item.code,
        case_number: &question.purpose.case_number,
        catalogue_version: catalogue.version(),
        holder: (&holder.code_type, &holder.code),
    };
    let view = base64url(&view::sign(&draft, &*signer).map_err(AskedError::View)?);
    let log_proof = file_form::proof(node, &row)?;
    let job = record(node, caller, &question.purpose, "view", &[&digest_text(&wanted)])?;
    Ok((HandedOut { view, log_proof }, job))
}

/// Whether the licence is certainly of this holder.
fn is_held_by(licence: &Credential<'_>, named: &HolderCode) -> bool {
    let (types, codes) = (licence.fields.texts(HOLDER_CODE_TYPES), licence.fields.texts(HOLDER_CODES));
    AskedCode::parse(Some(&named.code_type), &named.code)
        .is_ok_and(|asked| asked.is_among(&types, &codes).0 == SameHolder::Yes)
}

/// A node that asks.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Code of the authority in whose trust-list entry its key stands.
    pub authority: String,
    /// Names of the logs of that entry.
    pub logs: Vec<String>,
}

/// The record of use at the node that is asked: by whom, for what, and which licences. Never whose.
fn record(
    node: &Node,
    caller: &Caller,
    purpose: &Purpose,
    answered: &str,
    licences: &[&str],
) -> Result<Job, AskedError> {
    let content = json!({
        "node": caller.authority, "answered": answered, "service_item": purpose.service_item,
        "case_number": purpose.case_number, "authorisation": purpose.authorisation,
        "authorisation_kind": use_record::kind_of(&purpose.authorisation), "licences": licences,
        "at": node.clock.now().0,
    });
    let (_, row) = use_record::row(node, &content)?;
    Ok(Job::new(vec![(Effect::Document(row), None)]))
}

/// Brings a view of a licence from the node on a host; or says why not, naming the host.
pub type FetchLicence<'a> = &'a dyn Fn(&str, &Digest, &ViewQuestion) -> Result<HandedOut, String>;

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
    told: Option<Result<FoundLicences, String>>,
    fetch: FetchLicence<'_>,
) -> Brought {
    let own = format!("{}/log", node.host);
    let found = told.unwrap_or_else(|| {
        let without = std::slice::from_ref(&own);
        find(node, without, &question.holders, &question.types).map_err(|error| error.to_string())
    });
    match found {
        Ok(found) => fetch_found(node, &found, question, fetch),
        Err(cause) => Brought { views: Vec::new(), not_asked: vec![cause] },
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

fn fetch_one(
    fetch: FetchLicence<'_>,
    host: &str,
    one: &Found,
    question: &ViewQuestion,
) -> Result<Shown, String> {
    let unreadable = || format!("{host}: 应答无法读取 / unreadable answer");
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
