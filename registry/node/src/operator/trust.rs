//! Trust files whose parts came by hand: putting officers' signatures together, publishing, and what a list would change.
//!
//! In scope: one root and one list at a time, published together or not at all. Out of scope: making proposals (`ceremony`).
//! Order of durable steps: root → timestamp → list, each in `documents`; all were tried on a copy before the first.

use std::collections::BTreeMap;

use licence_spec::cose::Signed;
use licence_spec::credential::Credential;
use licence_spec::numbers::{MAX_ROOT, TYP_ROOT};
use licence_spec::status::Status;
use licence_spec::trust::{
    Key, ListContent, Proposal, Proposed, Proved, Role, RoleKeys, Root, RootContent, SignatureError, Taken,
    TrustFiles,
};
use licence_spec::verdict::Code;
use licence_store::LicenceRow;
use serde_json::{Value, json};

use super::answers::{ClearedToken, EnrolmentRequest, LogRoot, VerdictCounts};
use super::{Refusal, bytes};
use crate::node::Node;
use crate::node::encoding::digest_text;
use crate::node::keys::Usage;
use crate::publication::ceremony;
use crate::publication::documents::{self, TakeError};
use crate::trips::cut;

/// Licences read at a time.
const PAGE: u32 = 1_000;

/// What is published: at most one of each kind, with the signature files that belong to it.
#[derive(Default)]
struct Offered {
    root: Option<(Proposal, RootContent)>,
    list: Option<(Proposal, ListContent)>,
    signatures: Vec<Vec<u8>>,
}

impl Offered {
    fn read(proposals: &[String], signatures: &[String]) -> Result<Offered, Refusal> {
        let mut offered = Offered::default();
        let twice =
            || Refusal::usage("一次最多发布一份信任根和一份列表 / at most one root and one list at a time");
        for text in proposals {
            let proposal = Proposal::open(&bytes(text)?).map_err(|fault| {
                Refusal::usage(format!("不是信任根或列表的提案 / is no proposal of a root or list: {fault}"))
            })?;
            let doubled = match proposal.proposed().clone() {
                Proposed::Root(content) => offered.root.replace((proposal, content)).is_some(),
                Proposed::List(content) => offered.list.replace((proposal, content)).is_some(),
            };
            if doubled {
                return Err(twice());
            }
        }
        offered.signatures = signatures.iter().map(|text| bytes(text)).collect::<Result<_, _>>()?;
        offered.check_signatures()?;
        Ok(offered)
    }

    /// Every signature file belongs to a proposal: one that does not was handed in by mistake, and nobody should guess.
    fn check_signatures(&self) -> Result<(), Refusal> {
        let proposals = || {
            let root = self.root.iter().map(|(proposal, _)| proposal);
            root.chain(self.list.iter().map(|(proposal, _)| proposal))
        };
        let stray = |file: &Vec<u8>| !proposals().any(|proposal| proposal.is_signed_in(file));
        match self.signatures.iter().position(stray) {
            None => Ok(()),
            Some(at) => Err(Refusal::failed(match Proposal::of_file(&self.signatures[at]) {
                Ok(_) => SignatureError::OtherProposal(at),
                Err(fault) => SignatureError::Format(at, fault),
            })),
        }
    }

    /// The file of a proposal with its signatures.
    fn assemble(
        &self,
        proposal: &Proposal,
        in_force: Option<&RoleKeys>,
        next: Option<&RoleKeys>,
    ) -> Result<Vec<u8>, Refusal> {
        let own: Vec<&Vec<u8>> = self.signatures.iter().filter(|file| proposal.is_signed_in(file)).collect();
        proposal.assemble(&own, in_force, next).map_err(Refusal::failed)
    }
}

fn outdated(what: &str, offered: u64, wanted: u64) -> Refusal {
    Refusal::failed(format!(
        "{what}提案为第 {offered} 版，应为第 {wanted} 版：请按现行文件重新提出 / the proposal is version {offered} and should be {wanted}: propose \
         anew from what is in force"
    ))
}

/// Publishes what officers have signed: the node puts the signatures together, checks them by the root in force, signs the
/// timestamp and takes all of it.
///
/// # Errors
/// [`Refusal`]; nothing is changed then.
pub(super) fn publish(node: &Node, proposals: &[String], signatures: &[String]) -> Result<Value, Refusal> {
    let offered = Offered::read(proposals, signatures)?;
    let held = node.evidence.snapshot().trust_files().cloned();
    let root = offered.root.as_ref().map(|root| root_file(&offered, root, held.as_deref())).transpose()?;
    let trial = trial_of(held.as_deref(), root.as_deref())?;
    let list = list_file(node, &offered, held.as_deref(), &trial)?;
    let Some(list) = list else {
        // Root 1 alone: there is no list yet to be named by a timestamp.
        let root = root.ok_or_else(nothing)?;
        documents::pin_root(node, &root)?;
        return Ok(json!({"root": trial.root().content().version, "list": null, "timestamp": null}));
    };
    let version =
        held.as_deref().and_then(TrustFiles::timestamp).map_or(0, |held| held.content().version) + 1;
    let timestamp = timestamp_for(node, &trial, version, &list)?;
    let roots = roots(node, held.as_deref(), root.as_deref())?;
    let roots: Vec<&[u8]> = roots.iter().map(Vec::as_slice).collect();
    let taken = documents::take_trust(node, &roots, &timestamp, &list.1)?;
    let root = root.map(|_| trial.root().content().version);
    Ok(json!({"root": root, "list": list.0, "timestamp": version, "new": taken == Taken::New}))
}

fn nothing() -> Refusal {
    Refusal::usage("没有要发布的提案 / there is no proposal to publish")
}

/// The signed root: by the thresholds of the old and the new one, and by every key that comes into the root role, so that
/// nobody is appointed with a key that he does not hold.
fn root_file(
    offered: &Offered,
    (proposal, content): &(Proposal, RootContent),
    held: Option<&TrustFiles>,
) -> Result<Vec<u8>, Refusal> {
    let held = held.map(|files| files.root().content());
    let wanted = held.map_or(1, |held| held.version + 1);
    if content.version != wanted {
        return Err(outdated("信任根", content.version, wanted));
    }
    let file = offered.assemble(proposal, held.map(|held| &held.root), Some(&content.root))?;
    let signed = Signed::parse(&file, MAX_ROOT, TYP_ROOT).map_err(Refusal::failed)?;
    let is_new =
        |key: &&licence_spec::suite::PublicKey| held.is_some_and(|held| !held.root.keys.contains(key));
    let silent = content.root.keys.iter().filter(is_new).find(|key| signed.count(&[**key]) != Ok(1));
    match silent {
        None => Ok(file),
        Some(key) => Err(Refusal::failed(format!(
            "新签署人密钥 {0} 尚未签署任命其的信任根，请其签署 / the new officer's key {0} has not signed the root that appoints it: have it signed",
            hex::encode(key.kid())
        ))),
    }
}

/// A copy of what is held, with the offered root taken.
fn trial_of(held: Option<&TrustFiles>, root: Option<&[u8]>) -> Result<TrustFiles, Refusal> {
    match (held, root) {
        (Some(held), Some(root)) => {
            let mut trial = held.clone();
            trial.take_root(root).map_err(TakeError::Refused)?;
            Ok(trial)
        }
        (Some(held), None) => Ok(held.clone()),
        (None, Some(root)) => match Root::open_first(root) {
            Ok(root) => Ok(TrustFiles::new(root)),
            Err(fault) => Err(Refusal::failed(fault)),
        },
        (None, None) => {
            Err(Refusal::failed("本节点尚无信任根，请先发布信任根 / no root is pinned: publish root 1 first"))
        }
    }
}

/// The list to be named by the timestamp, with its version: the offered one, else the one in force if the root leaves it so.
fn list_file(
    node: &Node,
    offered: &Offered,
    held: Option<&TrustFiles>,
    trial: &TrustFiles,
) -> Result<Option<(u64, Vec<u8>)>, Refusal> {
    let in_force = held.and_then(TrustFiles::list).map(|list| list.content().version);
    if let Some((proposal, content)) = &offered.list {
        let wanted = in_force.unwrap_or(0) + 1;
        if content.version != wanted {
            return Err(outdated("列表", content.version, wanted));
        }
        let file = offered.assemble(proposal, Some(&trial.root().content().list), None)?;
        return Ok(Some((content.version, file)));
    }
    let Some(version) = in_force else { return Ok(None) };
    if offered.root.is_none() {
        return Err(nothing());
    }
    if trial.list().is_none() {
        return Err(Refusal::failed(
            "新信任根更换了列表或时间戳密钥，现行列表将失效：请用 trust propose 提出列表，由新签署人签署，与信任根一并发布 / the root changes keys of the \
             list or the timestamp, which ends the list in force: propose a list, have it signed by the new officers, and publish both together",
        ));
    }
    let read = node.store.read().map_err(Refusal::failed)?;
    let row = read.document(documents::LIST.0, documents::LIST.1).map_err(Refusal::failed)?;
    Ok(row.map(|row| (version, row.bytes)))
}

/// The timestamp over a list, and both tried: one over a list that is refused would leave the node without any.
fn timestamp_for(
    node: &Node,
    trial: &TrustFiles,
    version: u64,
    (list_version, list): &(u64, Vec<u8>),
) -> Result<Vec<u8>, Refusal> {
    let signer = node.signer(&node.authority, Usage::Timestamp).map_err(Refusal::failed)?;
    let signer =
        signer.ok_or_else(|| Refusal::failed("本节点没有时间戳密钥 / this node has no timestamp key"))?;
    if !trial.root().content().timestamp.keys.contains(signer.public_key()) {
        return Err(Refusal::failed(
            "信任根没有列入本节点的时间戳密钥，请重新提出信任根 / the root does not name this node's timestamp key: propose it anew",
        ));
    }
    let now = node.clock.now();
    let signed = ceremony::timestamp(
        version,
        *list_version,
        list,
        (now, node.disconnection.timestamp_life_s),
        &*signer,
    )
    .map_err(Refusal::failed)?;
    let mut trial = trial.clone();
    trial.take_timestamp(&signed, now).map_err(TakeError::Refused)?;
    if trial.wanted_list().is_some() {
        trial.take_list(list, now).map_err(TakeError::Refused)?;
    }
    Ok(signed)
}

/// All roots in order, with the new one; root 1 is pinned first if there was none.
fn roots(node: &Node, held: Option<&TrustFiles>, root: Option<&[u8]>) -> Result<Vec<Vec<u8>>, Refusal> {
    if let (None, Some(first)) = (held, root) {
        documents::pin_root(node, first)?;
        return Ok(vec![first.to_vec()]);
    }
    let read = node.store.read().map_err(Refusal::failed)?;
    let stored = read.documents(documents::ROOT).map_err(Refusal::failed)?;
    Ok(stored.into_iter().map(|row| row.bytes).chain(root.map(<[u8]>::to_vec)).collect())
}

/// Clears the stored tokens that may not speak for their lists: which, and why.
///
/// # Errors
/// [`Refusal`] if the store fails; nothing is cleared then.
pub(super) fn clear_strangers(node: &Node) -> Result<Vec<ClearedToken>, Refusal> {
    let cleared = documents::clear_strangers(node).map_err(Refusal::failed)?;
    let told = |one: documents::Stranger| ClearedToken { uri: one.uri, fault: one.fault };
    Ok(cleared.into_iter().map(told).collect())
}

/// The root of the first `size` leaves of a log, in hex; null if this node holds fewer, and how many.
///
/// # Errors
/// [`Refusal`] if the log cannot be read.
pub(super) fn log_root(node: &Node, log: &str, size: u64) -> Result<LogRoot, Refusal> {
    Ok(match cut::root_at(node, log, size).map_err(Refusal::failed)? {
        Ok(root) => LogRoot { root: Some(hex::encode(root)), held: size },
        Err(held) => LogRoot { root: None, held },
    })
}

/// How many licences in force at this node would get another verdict by the other list, by authority: as far as issuer and
/// key go, and for whoever presents them with their log proof, without which a compromised key's are never accepted.
///
/// # Errors
/// [`Refusal`] if one is no list, or the store fails.
pub(super) fn count_verdicts(node: &Node, before: &str, after: &str) -> Result<VerdictCounts, Refusal> {
    let list = |text: &str| match Proposal::open(&bytes(text)?).map(|proposal| proposal.proposed().clone()) {
        Ok(Proposed::List(content)) => Ok(content),
        _ => Err(Refusal::usage("不是列表 / is no list")),
    };
    let (before, after) = (list(before)?, list(after)?);
    let read = node.store.read().map_err(Refusal::failed)?;
    let mut counts = VerdictCounts { live: 0, changed: 0, authorities: BTreeMap::new() };
    let mut from = 0;
    loop {
        let rows = read.licences_from(from, PAGE).map_err(Refusal::failed)?;
        let Some(last) = rows.last() else { break };
        from = last.log_index + 1;
        for row in rows.iter().filter(|row| row.status == Status::Valid) {
            let of = counts.authorities.entry(row.authority.clone()).or_default();
            (counts.live, of.live) = (counts.live + 1, of.live + 1);
            let (old, new) = (judge(&before, row), judge(&after, row));
            if old != new {
                counts.changed += 1;
                *of.changes.entry(format!("{} → {}", word(old), word(new))).or_default() += 1;
            }
        }
    }
    Ok(counts)
}

fn word(code: Option<Code>) -> &'static str {
    code.map_or("ACCEPT", Code::as_str)
}

/// What a list says of a licence, leaving its signature aside, which no list changes: `None` for nothing against it.
fn judge(list: &ListContent, row: &LicenceRow) -> Option<Code> {
    // Bytes that were lost in a restore say nothing under either list.
    let Some(Ok(licence)) = row.credential.whole().map(Credential::parse) else {
        return Some(Code::NotConformant);
    };
    let entry = list.entries.iter().find(|entry| entry.id == licence.iss);
    let key = entry.and_then(|entry| {
        let mut named = entry.keys_with(licence.object.kid());
        // Kids may collide; then the signature tells the key.
        match (named.next(), named.next()) {
            (Some(only), None) => Some(only),
            _ => entry.keys_with(licence.object.kid()).find(|key| licence.object.verifies_under(&key.key)),
        }
    });
    let Some(key) = key else { return Some(Code::IssuerNotListed) };
    key.scope_fault(Role::Licence, licence.vct, licence.fields.text(7), licence.iat)
        .or_else(|| key.state_fault(licence.iat, proved(key, row)))
}

/// Where a licence of this node stands: whoever asks this node gets a proof in the tree of the cut.
fn proved<'a>(key: &'a Key, row: &LicenceRow) -> Proved<'a> {
    let cut = key.cut();
    let origin = cut.and_then(|cut| cut.tree.as_ref()).map_or("", |tree| &tree.origin);
    Proved {
        at: Some((origin, row.log_index)),
        is_in_cut_tree: cut.is_some_and(|cut| row.log_index < cut.index),
        ..Proved::default()
    }
}

/// The request of this node to be enrolled, base64url, with the digest that is read out.
///
/// # Errors
/// [`Refusal`] if a key is missing.
pub(super) fn enrolment(node: &Node) -> Result<EnrolmentRequest, Refusal> {
    let request = ceremony::enrol::request(node).map_err(Refusal::failed)?;
    let opened = licence_spec::enrolment::Enrolment::open(&request).map_err(Refusal::failed)?;
    Ok(EnrolmentRequest {
        request: crate::node::encoding::base64url(&request),
        digest: digest_text(opened.digest()),
        keys: opened.keys().len(),
    })
}
