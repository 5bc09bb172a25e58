//! The node's own register: what it has acknowledged about its own licences counts in its own verdicts at once.
//!
//! In scope: changes that no status token shows yet, put into the evidence; the act of law behind a refused status, put into the text
//! of a verdict. Out of scope: changing a status (`change_status`), publishing lists (`publish_status`).
//! The verdict reads no database: what the token does not show yet is in memory, noted between the commit and the answer, read again
//! when a process starts, and, where several processes serve one node, when each takes over what the others did.

use std::collections::HashMap;

use licence_spec::evidence::Registered;
use licence_spec::log::change::Act;
use licence_spec::status::{Status, StatusToken};
use licence_spec::suite::Digest;
use licence_spec::time::UnixTime;
use licence_spec::verdict::{Code, LastChange, Verdict};
use licence_store::{LicenceRow, Read, StatusChangeRow, StatusListRow, StoreError};

use crate::node::Node;

/// Notes a change that is durable, before it is acknowledged.
///
/// # Errors
/// [`StoreError`] if the licence's list cannot be read.
pub fn note(
    node: &Node,
    licence: &LicenceRow,
    change: &StatusChangeRow,
    place: u64,
) -> Result<(), StoreError> {
    let list = node.store.read()?.status_list(licence.status_list)?;
    let list = list.ok_or_else(|| StoreError::Corrupt("a licence without a list".to_owned()))?;
    let record = (change.digest, UnixTime(change.recorded_at));
    note_entry(node, (&list.uri, licence.status_index), change.value, record, place);
    Ok(())
}

/// The same for an entry of a list, given by the list's name and the index, and the digest and time of its change record.
pub(crate) fn note_entry(
    node: &Node,
    (list, index): (&str, u32),
    status: Status,
    record: (Digest, UnixTime),
    place: u64,
) {
    let registered = Registered { status, change: Some(record), place };
    node.evidence.change(|evidence| evidence.note_status(list, u64::from(index), registered));
}

/// Notes what no token shows yet: when a process starts, and what other processes of this node have changed since.
///
/// # Errors
/// [`StoreError`].
pub fn refresh(node: &Node) -> Result<(), StoreError> {
    let lists = node.store.read()?.status_lists()?;
    for list in lists {
        if let Some(held) = node.evidence.snapshot().token(&list.uri) {
            refresh_list(node, &list, held.token())?;
        }
    }
    Ok(())
}

/// The same for one list and the token that is held of it. From one moment of the store: if the token shows all changes, they are settled; else those that it does not show are noted.
pub(crate) fn refresh_list(node: &Node, list: &StatusListRow, token: &StatusToken) -> Result<(), StoreError> {
    let read = node.store.read()?;
    let Some(row) = read.status_list(list.id)? else { return Ok(()) };
    let size = read.log_head()?.map_or(0, |head| head.size);
    let shows_all = row.token_revision == Some(row.revision) && row.token_iat == Some(token.iat().0);
    let differing = if shows_all { Vec::new() } else { differing(&*read, list, token)? };
    drop(read);
    node.evidence.change(|evidence| {
        evidence.settle_statuses(&list.uri, size);
        for (index, status) in differing {
            let registered = Registered { status, change: None, place: size.saturating_sub(1) };
            evidence.note_status(&list.uri, index, registered);
        }
    });
    Ok(())
}

/// The entries that the register has otherwise than the token.
fn differing(
    read: &dyn Read,
    list: &StatusListRow,
    token: &StatusToken,
) -> Result<Vec<(u64, Status)>, StoreError> {
    let stored = read.list_revision(list.id)?.map(|revision| revision.values).unwrap_or_default();
    let stored: HashMap<u64, Status> =
        stored.into_iter().map(|value| (u64::from(value.index), value.value)).collect();
    let own = |index: u64| stored.get(&index).copied().unwrap_or(Status::Valid);
    let entries = (0..u64::from(list.size)).map(|index| (index, own(index)));
    Ok(entries.filter(|(index, own)| token.array().get(*index).is_some_and(|shown| shown != *own)).collect())
}

/// Whether the register may say more about a verdict than its code: which act ended or suspended the licence, when, what replaces it.
#[must_use]
pub fn may_explain(verdict: &Verdict) -> bool {
    matches!(verdict.code(), Some(Code::Revoked | Code::Suspended | Code::Superseded))
}

/// Puts the act of law, its date and the successor into the text of a verdict on a licence of this node.
///
/// # Errors
/// [`StoreError`].
pub fn explain(node: &Node, verdict: &mut Verdict) -> Result<(), StoreError> {
    if !may_explain(verdict) {
        return Ok(());
    }
    let read = node.store.read()?;
    let changes = read.status_changes(&verdict.digests().licence)?;
    let Some(last) = changes.last() else { return Ok(()) };
    let Some(act) = Act::from_number(u64::from(last.act)) else { return Ok(()) };
    let successor = match &last.successor {
        Some(digest) => read.licence(digest)?.map(|row| row.id),
        None => None,
    };
    verdict.name_change(LastChange { act, effective: UnixTime(last.effective_at), successor });
    Ok(())
}
