//! End an entry of an own status list that no licence of this node has: somebody has signed a licence beside the system with a key of this node,
//! and no act on a stored licence can reach it.
//!
//! Order: licence read, its key and list found to be this node's own → entry found to be nobody's → change record made → group commit of
//! record and leaf → noted for own verdicts → answer → list published. Out of scope: licences that are stored (`change_status`).
//! The whole licence is asked for: its digest stands in the record, and nobody ends an entry by a slip of the pen.

use licence_spec::audit::AuditAct;
use licence_spec::credential::Credential;
use licence_spec::log::change::{Act, ChangeRecord, ListEntry};
use licence_spec::suite::Digest;
use licence_store::{EndedIndexRow, Read, StatusListRow, StoreError};
use serde::Serialize;

use crate::access::audit;
use crate::access::caller::Caller;
use crate::node::Node;
use crate::node::audit::ended_object;
use crate::node::commit::{Effect, Job, WriteError};
use crate::node::compared::ClockAhead;
use crate::node::encoding::digest_text;
use crate::node::rng::RngError;
use crate::publication::own_register;
use crate::trips::reason::{Reason, ReasonFault};

/// The act: 作废, for what should never have been there.
const ACT: Act = Act::Void;

/// The entry that is ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ended {
    /// Name of the status list.
    pub status_list: String,
    /// Entry in it.
    pub status_index: u32,
    /// Digest of the licence in the record.
    pub licence: String,
    /// Where the log has the record.
    pub log_index: u64,
    /// Whether it was ended before; nothing was written then.
    pub before: bool,
}

/// Why nothing was ended.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    /// Not a licence with an entry of a status list.
    #[error("文件不是带状态列表位置的完整证照 / the file is no full licence with an entry of a status list")]
    Unreadable,
    /// Another node's licence, or nobody's.
    #[error(
        "颁发机关 {0} 不在本节点，或信任列表中没有签署它的密钥 / authority {0} is not of this node, or the trust list has no key of it that signed this"
    )]
    NotOurs(String),
    /// Another node's list, or one of another authority, or an index out of range.
    #[error(
        "状态列表 {0} 第 {1} 位不是该机关在本节点的状态位 / entry {1} of status list {0} is not one of this authority at this node"
    )]
    NotOurEntry(String, u64),
    /// A stored licence has the entry.
    #[error(
        "该状态位属于本节点签发的证照 {0}，不能单独作废；如须终止，请变更该证照的状态 / the entry is that of licence {0} of this node and cannot be ended apart from it: to end both, change its status"
    )]
    Licence(String),
    /// Nothing is signed by a clock that is ahead.
    #[error(transparent)]
    ClockAhead(#[from] ClockAhead),
    /// A text of the ground is missing, too long or has a character that is not kept.
    #[error("{0}")]
    Reason(ReasonFault),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The writer refused or failed.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// No randomness.
    #[error(transparent)]
    Rng(#[from] RngError),
}

impl EndError {
    /// Whether what was asked is wrong, and not something around it.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        use EndError as E;
        !matches!(self, E::Store(_) | E::Write(_) | E::Rng(_) | E::ClockAhead(_))
    }
}

/// Ends the entry that a licence names which was signed with a key of this node, and which this node has not issued.
///
/// # Errors
/// [`EndError`]; nothing is written then.
pub fn end_index(node: &Node, credential: &[u8], reason: &Reason) -> Result<Ended, EndError> {
    reason.check().map_err(EndError::Reason)?;
    node.compared.may_sign()?;
    let credential = Credential::parse(credential).map_err(|_| EndError::Unreadable)?;
    if !is_ours(node, &credential) {
        return Err(EndError::NotOurs(credential.iss.to_owned()));
    }
    let licence = credential.object.statement_digest();
    let read = node.store.read()?;
    let (list, index) = entry(&*read, &credential)?;
    if let Some(held) = ended_before(&*read, &list, index)? {
        return Ok(held);
    }
    if let Some(row) = read.licence_by_status_index(list.id, index)? {
        return Err(EndError::Licence(row.id));
    }
    drop(read);
    write(node, &list, index, licence, reason)
}

/// Whether an authority of this node is its issuer, and a key that is listed for it signed it.
fn is_ours(node: &Node, credential: &Credential<'_>) -> bool {
    let evidence = node.evidence.snapshot();
    let entry = evidence.trust_list().and_then(|list| list.entry(credential.iss));
    let signed = entry.is_some_and(|entry| {
        entry.keys_with(credential.object.kid()).any(|key| key.signed(&credential.object))
    });
    signed && node.authority(credential.iss).is_some()
}

/// The list and the index that the licence names, if they are its issuer's here.
fn entry(read: &dyn Read, credential: &Credential<'_>) -> Result<(StatusListRow, u32), EndError> {
    let named = credential.status.as_ref().ok_or(EndError::Unreadable)?;
    let foreign = || EndError::NotOurEntry(named.uri.to_owned(), named.index);
    let list = read.status_list_by_uri(named.uri)?.filter(|list| list.authority == credential.iss);
    let list = list.ok_or_else(foreign)?;
    let index = u32::try_from(named.index).ok().filter(|index| *index < list.size).ok_or_else(foreign)?;
    Ok((list, index))
}

/// The row of an entry that is ended already.
fn ended_before(read: &dyn Read, list: &StatusListRow, index: u32) -> Result<Option<Ended>, StoreError> {
    if !read.ended_indexes(list.id)?.contains(&index) {
        return Ok(None);
    }
    let mut from = 0;
    loop {
        let rows = read.ended_indexes_from(from, crate::exchange::index_record::PAGE)?;
        let Some(last) = rows.last() else { return Ok(None) };
        if let Some(row) = rows.iter().find(|row| (row.list, row.index) == (list.id, index)) {
            return Ok(Some(answer(list, row, row.log_index, true)));
        }
        from = last.log_index + 1;
    }
}

fn answer(list: &StatusListRow, row: &EndedIndexRow, log_index: u64, before: bool) -> Ended {
    Ended {
        status_list: list.uri.clone(),
        status_index: row.index,
        licence: digest_text(&row.licence),
        log_index,
        before,
    }
}

fn write(
    node: &Node,
    list: &StatusListRow,
    index: u32,
    licence: Digest,
    reason: &Reason,
) -> Result<Ended, EndError> {
    let now = node.clock.now();
    let ends = Some(ListEntry { list: list.id, index: u64::from(index) });
    let mut salt = [0; 16];
    node.rng.fill(&mut salt)?;
    let record = ChangeRecord { licence, act: ACT, effective: now, successor: None, salt, ends };
    let entry = record.entry();
    let row = EndedIndexRow {
        digest: entry.digest,
        record: record.to_bytes(),
        list: list.id,
        index,
        licence,
        // Cannot be cut off: acts have numbers from 1 to 9.
        act: ACT.number() as u8,
        recorded_at: now.0,
        legal_basis: reason.legal_basis.clone(),
        document_number: reason.document_number.clone(),
        officer: reason.officer.clone(),
        log_index: 0,
    };
    // First: nobody is given the entry while this is written, and a gap does no harm.
    node.leases.end(list.id, index);
    let audit = audit::draft(node, &Caller::Operator, AuditAct::EntryEnded).licence(licence);
    let audit = audit.object(ended_object(&row)).result(ACT.name());
    let effects = vec![(Effect::EndedIndex(row.clone()), Some(entry)), (Effect::Audit(audit), None)];
    let committed = node.writer.write(Job::new(effects))?;
    let place = committed.index().unwrap_or_default();
    let status = ACT.new_status();
    own_register::note_entry(node, (&list.uri, index), status, (row.digest, now), place);
    Ok(answer(list, &row, place, false))
}

#[cfg(test)]
mod tests {
    use licence_spec::credential::{self, Draft, NewField, Value};

    use super::*;
    use crate::node::compared::Told;
    use crate::node::keys::Usage;
    use crate::testing::{issuer, licence, reason, rehearse};

    fn again(value: &Value<'_>) -> NewField {
        match value {
            Value::Text(text) => NewField::Text((*text).to_owned()),
            Value::Int(number) => NewField::Int(*number),
            Value::Bool(yes) => NewField::Bool(*yes),
            Value::Bytes(bytes) => NewField::Bytes(bytes.to_vec()),
            Value::List(items) => NewField::List(items.iter().map(again).collect()),
        }
    }

    /// What somebody signs beside the node who has stolen its key: another licence at the entry `index`.
    fn beside(city: &Node, like: &[u8], index: u64) -> Vec<u8> {
        let like = Credential::parse(like).unwrap();
        let status = like.status.as_ref().unwrap();
        let draft = Draft {
            iss: like.iss,
            sub: like.sub,
            exp: like.exp,
            nbf: like.nbf,
            iat: city.clock.now(),
            cti: [9; 16],
            vct: like.vct,
            status_index: index,
            status_uri: status.uri,
            fields: &like.fields.iter().map(|(key, value)| (key, again(value))).collect::<Vec<_>>(),
        };
        credential::sign(&draft, &*city.keys.signer(&issuer(city), Usage::LICENCE).unwrap()).unwrap()
    }

    #[test]
    fn an_entry_that_no_licence_has_is_ended_once_and_those_of_licences_are_left_alone() {
        let city = rehearse().city;
        let own = licence(&city, 1);
        let shared = end_index(&city, &own.statement, &reason());
        assert!(matches!(shared, Err(EndError::Licence(ref id)) if *id == own.id), "{shared:?}");
        let forged = beside(&city, &own.statement, 77);
        let ended = end_index(&city, &forged, &reason()).unwrap();
        assert_eq!((ended.status_index, ended.before), (77, false));
        let again = end_index(&city, &forged, &reason()).unwrap();
        assert!(again.before && again.log_index == ended.log_index);
    }

    #[test]
    fn what_is_not_ours_is_not_ended_and_a_clock_that_is_ahead_ends_nothing() {
        let city = rehearse().city;
        let own = licence(&city, 1);
        assert!(matches!(end_index(&city, b"noise", &reason()), Err(EndError::Unreadable)));
        let mut changed = beside(&city, &own.statement, 78);
        *changed.last_mut().unwrap() ^= 1;
        assert!(matches!(end_index(&city, &changed, &reason()), Err(EndError::NotOurs(_))));
        let far = beside(&city, &own.statement, 1 << 40);
        assert!(matches!(end_index(&city, &far, &reason()), Err(EndError::NotOurEntry(..))));
        let (sent, host) = (city.clock.now(), "gd.elic.example".to_owned());
        city.compared.take(&[Told { host, sent, theirs: sent.plus(-600) }], true, sent);
        let forged = beside(&city, &own.statement, 79);
        assert!(matches!(end_index(&city, &forged, &reason()), Err(EndError::ClockAhead(_))));
    }
}
