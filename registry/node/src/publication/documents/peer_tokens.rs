//! Status tokens of other nodes: taken, stored, loaded and cleared, all by the one rule of the standard (`licence_spec::trust`, who may
//! speak).
//!
//! In scope: what counts, what takes the place of what, clearing what an older version of this program stored. Out of scope: who brings
//! them (`pull`), the lists of this node, of which nobody else says anything (`trips::publish_status`).

use std::sync::Arc;

use licence_spec::credential::uri_host;
use licence_spec::evidence::{Evidence, HeldToken};
use licence_spec::status::{StatusToken, signed_ahead};
use licence_spec::trust::TrustList;
use licence_spec::verdict::Code;
use licence_store::{DocumentRow, Read, StoreError};

use crate::node::Node;
use crate::node::commit::{Effect, WriteError};
use crate::node::shelf::Kind;
use crate::publication::documents::{Effects, TakeError, keep_effects, row};

/// Kind of the status tokens of other nodes; each is named by its uri.
pub const PEER_TOKEN: &str = Kind::PeerToken.name();
/// Kind of the records of tokens that were cleared; each is named by its uri and digest, its bytes are the token.
const CLEARED: &str = Kind::ClearedToken.name();

/// Takes the status token of another node, unless one as new is held.
///
/// # Errors
/// [`TakeError::Stranger`] if it may not speak for its list; `STATUS_ROLLBACK` for an older token or another one of the same time, and
/// for any other token of an own list; `STATUS_UNAVAILABLE` if it breaks the format; `TRUST_LIST_UNAVAILABLE`.
pub fn take_token(node: &Node, bytes: &[u8]) -> Result<(), TakeError> {
    let token = StatusToken::parse(bytes).map_err(|_| TakeError::Refused(Code::StatusUnavailable))?;
    let evidence = node.evidence.snapshot();
    let held = evidence.token(token.uri()).filter(|held| counts(node, held));
    if held.is_some_and(|held| held.token().digest() == token.digest()) {
        return Ok(());
    }
    let list = evidence.trust_list().ok_or(TakeError::Refused(Code::TrustListUnavailable))?;
    list.speaker_of_token(&token, Some(node.clock.now()))?;
    // What the own lists say comes from the own store, also when another process or a restored copy has said something newer.
    if is_own(node, token.uri()) || held.is_some_and(|held| token.iat() <= held.token().iat()) {
        return Err(TakeError::Refused(Code::StatusRollback));
    }
    let token = Arc::new(token);
    match keep_effects(node, effects(node, list, &token, bytes)?) {
        Ok(()) => {
            hold(node, token);
            Ok(())
        }
        Err(error) => {
            let _unreadable = hold_stored(node, token.uri());
            // What is stored is newer than what is offered, though what was held was not.
            let behind = matches!(error, TakeError::Write(WriteError::Conflict(_)));
            Err(if behind { TakeError::Refused(Code::StatusRollback) } else { error })
        }
    }
}

/// The token, and before it whatever stands in its place and may not speak: a stranger's with a later time would keep it out for ever.
fn effects(node: &Node, list: &TrustList, token: &StatusToken, bytes: &[u8]) -> Result<Effects, StoreError> {
    let (uri, iat) = (token.uri(), token.iat().0);
    let stored = node.store.read()?.document(PEER_TOKEN, uri)?;
    let mut effects = Effects::new();
    if let Some(stored) = stored.filter(|stored| fault(node, list, stored).is_some()) {
        effects.extend(clearing(node, stored));
    }
    let fresh = row(node, PEER_TOKEN, uri, u64::try_from(iat).unwrap_or(0), iat, bytes);
    effects.push((Effect::Document(fresh), None));
    Ok(effects)
}

/// Whether a held token says anything: not if nobody may speak by it, nor if it was signed by a clock that was ahead (spec/status.md, rule 5).
fn counts(node: &Node, held: &HeldToken) -> bool {
    held.signer().is_some() && !signed_ahead(held.token().iat(), node.clock.now())
}

/// Whether a list is one of this node's, by its host.
fn is_own(node: &Node, uri: &str) -> bool {
    let host = uri_host(uri);
    host == Some(&node.host) || node.authorities.iter().any(|authority| host == Some(&authority.host))
}

/// Puts a token into the evidence, unless another pull has taken a newer one by now.
fn hold(node: &Node, token: Arc<StatusToken>) {
    node.evidence.change(|evidence| {
        let held = evidence.token(token.uri()).filter(|held| counts(node, held));
        if held.is_none_or(|held| held.token().iat() < token.iat()) {
            evidence.add_token(token);
        }
    });
}

/// A write that was reported as lost may have been kept, and another process of this node may have stored a newer token: the
/// node judges by what is stored, or it would refuse whatever lies between the two, and with it the rest of the bundle.
fn hold_stored(node: &Node, uri: &str) -> Result<(), StoreError> {
    let Some(row) = node.store.read()?.document(PEER_TOKEN, uri)? else { return Ok(()) };
    let evidence = node.evidence.snapshot();
    if evidence.trust_list().is_some_and(|list| fault(node, list, &row).is_none())
        && let Ok(token) = StatusToken::parse(&row.bytes)
    {
        hold(node, Arc::new(token));
    }
    Ok(())
}

/// Takes over tokens of the own lists that another process of this node has stored, or this one without being told; whether there were any.
pub(super) fn refresh(node: &Node, read: &dyn Read) -> Result<bool, TakeError> {
    let mut taken = false;
    let (evidence, now) = (node.evidence.snapshot(), node.clock.now());
    // What was signed ahead has given way in the store.
    let held = |evidence: &Evidence, uri: &str| {
        let iat = evidence.token(uri).map(|held| held.token().iat());
        iat.filter(|iat| !signed_ahead(*iat, now)).map(|iat| iat.0)
    };
    for list in read.status_lists()?.into_iter().filter(|list| list.token_iat > held(&evidence, &list.uri)) {
        let row = read.status_token(list.id)?;
        let Some(token) = row.and_then(|row| StatusToken::parse(&row.bytes).ok()) else { continue };
        let token = Arc::new(token);
        node.evidence.change(|evidence| {
            if Some(token.iat().0) > held(evidence, token.uri()) {
                evidence.add_token(token);
            }
        });
        taken = true;
    }
    Ok(taken)
}

/// Puts the stored tokens into the evidence: those of other nodes, and of the own lists the own ones alone. One that does not speak
/// under the present list says nothing (`Evidence::add_token`), and stays what it is: its key may stand in the next list, and a
/// node that starts anew must answer as one that took that list while it ran.
pub(super) fn load(read: &dyn Read, evidence: &mut Evidence) -> Result<(), StoreError> {
    let own = read.status_lists()?;
    for row in read.documents(PEER_TOKEN)? {
        let Ok(token) = StatusToken::parse(&row.bytes) else { continue };
        if own.iter().all(|list| list.uri != token.uri()) {
            evidence.add_token(Arc::new(token));
        }
    }
    for list in own {
        let row = read.status_token(list.id)?;
        if let Some(token) = row.and_then(|row| StatusToken::parse(&row.bytes).ok()) {
            evidence.add_token(Arc::new(token));
        }
    }
    Ok(())
}

/// A stored token that says nothing, and why.
#[derive(Clone, Debug)]
pub struct Stranger {
    /// Its list.
    pub uri: String,
    /// Why it is not evidence, in words.
    pub fault: String,
    row: DocumentRow,
}

/// Why a stored token of another node is not evidence, if so.
fn fault(node: &Node, list: &TrustList, row: &DocumentRow) -> Option<String> {
    let Ok(token) = StatusToken::parse(&row.bytes) else {
        return Some("不是状态列表 / is no status token".to_owned());
    };
    if is_own(node, token.uri()) {
        return Some(
            "是本节点的列表，只以本节点所签为准 / a list of this node, of which nobody else says anything"
                .to_owned(),
        );
    }
    list.speaker_of_token(&token, Some(node.clock.now())).err().map(|fault| fault.to_string())
}

/// The stored tokens of other nodes that may not speak for their lists. Verifies every one: not for requests.
///
/// # Errors
/// [`StoreError`].
pub fn strangers(node: &Node) -> Result<Vec<Stranger>, StoreError> {
    let evidence = node.evidence.snapshot();
    let Some(list) = evidence.trust_list() else { return Ok(Vec::new()) };
    let rows = node.store.read()?.documents(PEER_TOKEN)?;
    let found = rows.into_iter().filter_map(|row| {
        let fault = fault(node, list, &row)?;
        Some(Stranger { uri: row.name.clone(), fault, row })
    });
    Ok(found.collect())
}

/// Clears the stored tokens that may not speak for their lists; a record with their bytes stays, as they are traces of an attack.
///
/// # Errors
/// [`TakeError`]; nothing is cleared then.
pub fn clear_strangers(node: &Node) -> Result<Vec<Stranger>, TakeError> {
    let found = strangers(node)?;
    let effects: Effects = found.iter().flat_map(|one| clearing(node, one.row.clone())).collect();
    if !effects.is_empty() {
        keep_effects(node, effects)?;
    }
    Ok(found)
}

/// The record of a token that is cleared, and then its end.
fn clearing(node: &Node, stored: DocumentRow) -> Effects {
    let name = format!("{} {}", stored.name, hex::encode(stored.digest));
    tracing::warn!(
        uri = stored.name,
        "a stored token that may not speak for its list is cleared; a record stays"
    );
    let record = DocumentRow { version: 1, ..row(node, CLEARED, &name, 1, stored.iat, &stored.bytes) };
    vec![(Effect::Document(record), None), (Effect::Forget(stored.kind, stored.name), None)]
}
