//! Appends what a mirror holds behind the end of the backup to the own log, with the rows that it stands for.
//!
//! A licence comes back without its bytes, which its holder has: number, id and status index are never given out again, and it
//! can be revoked. A change of status comes back with its record; legal basis, document number and officer are not in it.
//! The log binds digest and time of a licence, and the whole record of a change; what else a record says of a licence is the word of
//! the mirror, held against what this node knows: its authorities, its lists, what is given out already.

use std::collections::{BTreeMap, HashMap};

use licence_spec::log::change::{ChangeRecord, ListEntry};
use licence_spec::log::entry::{Entry, Op};
use licence_spec::status::{Status, StatusToken};
use licence_spec::suite::Digest;
use licence_store::{
    EndedIndexRow, LicenceRow, StatusChangeRow, StatusListRow, StatusTokenRow, StoreError, StoredCredential,
    Write, transact,
};

use crate::exchange::error::ExchangeError;
use crate::exchange::index_record::{IndexRecord, IndexedChange, IndexedLicence, parse_digest};
use crate::exchange::paths::STATUS_LISTS;
use crate::node::Node;
use crate::node::keys::Usage;
use crate::node::log::append_entries;
use crate::publication::publish_status::LIST_SIZE;
use crate::upkeep::restore::ahead::{Ahead, end};
use crate::upkeep::restore::{Pages, RestoreError};

/// Most leaves of one transaction.
const PAGE: u64 = 4_096;
/// Most leaves that a refusal names.
const NAMED: usize = 20;
/// Longest text of a record, bytes; the longest that this node issues has 120.
const MAX_TEXT: usize = 512;
/// What stands where a text of the legal ground is lost.
const LOST: &str = "（恢复备份时丢失 / lost in a restore）";

/// Records of one page, by leaf.
type Records = BTreeMap<u64, IndexRecord>;
/// Own tokens, by statement digest.
pub(super) type Tokens = HashMap<Digest, StatusToken>;

/// Appends all entries with their rows, page by page.
pub(super) fn replay(
    node: &Node,
    ahead: &Ahead,
    tokens: &Tokens,
    pages: Pages<'_>,
) -> Result<(), RestoreError> {
    let mut rest = ahead.entries.as_slice();
    let mut at = ahead.first;
    while !rest.is_empty() {
        let quiet = rest.iter().take_while(|entry| !needs_record(entry)).count() as u64;
        let (records, count) = match quiet {
            0 => records(pages, &node.origin(), at, rest)?,
            _ => (Records::new(), quiet),
        };
        // Cannot be cut off: no more than the entries at hand.
        let (page, behind) = rest.split_at(count.min(PAGE).min(rest.len() as u64) as usize);
        append(node, at, page, &records, tokens)?;
        (rest, at) = (behind, at + page.len() as u64);
    }
    Ok(())
}

const fn needs_record(entry: &Entry) -> bool {
    matches!(entry.op, Op::Issued | Op::StatusChange)
}

/// The records of a page that begins with the leaf `at`, each the one of its leaf, and how many leaves they explain.
fn records(
    pages: Pages<'_>,
    origin: &str,
    at: u64,
    entries: &[Entry],
) -> Result<(Records, u64), RestoreError> {
    let page = pages(at).map_err(RestoreError::Fetch)?;
    if page.origin != origin {
        return Err(ExchangeError::NotOurs("the records are of another log".to_owned()).into());
    }
    let records: Records = page.records.into_iter().map(|record| (record.log_index(), record)).collect();
    let count = page.next.saturating_sub(at).min(entries.len() as u64);
    let told = entries.iter().zip(at..).take_while(|(_, index)| *index < at + count.max(1));
    let unexplained = told.filter(|(entry, index)| {
        let record = records.get(index).and_then(IndexRecord::entry);
        needs_record(entry) && record != Some(**entry)
    });
    let unexplained: Vec<String> = unexplained.map(|(_, index)| index.to_string()).collect();
    if count == 0 || !unexplained.is_empty() {
        let more = if unexplained.len() > NAMED { " …" } else { "" };
        let named = unexplained.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
        return Err(RestoreError::Unexplained(match named.is_empty() {
            true => format!("{at} …"),
            false => format!("{named}{more}"),
        }));
    }
    Ok((records, count))
}

fn append(
    node: &Node,
    at: u64,
    entries: &[Entry],
    records: &Records,
    tokens: &Tokens,
) -> Result<(), RestoreError> {
    transact(&*node.store, "restore_page", |write| {
        let edge = end(write, node)?;
        if edge.size() != at {
            return Err(ExchangeError::cannot_ask("the own log has grown meanwhile").into());
        }
        append_entries(write, &node.origin(), edge, entries)?;
        for (entry, index) in entries.iter().zip(at..) {
            let added = match (records.get(&index), tokens.get(&entry.digest)) {
                (Some(IndexRecord::Licence(record)), _) => add_licence(node, write, index, record),
                (Some(IndexRecord::StatusChange(record)), _) => {
                    add_change(node, write, index, record, tokens)
                }
                (None, Some(token)) => add_token(node, write, index, token),
                // A token that the mirror does not hold any more: a newer one has taken its place.
                (None, None) => Ok(()),
            };
            added?;
        }
        Ok(())
    })
}

/// A clash with what is stored is the record's fault.
fn of_record(index: u64, what: &'static str) -> impl Fn(StoreError) -> RestoreError {
    move |error| match error {
        StoreError::Conflict(_) => RestoreError::Record { index, what },
        other => other.into(),
    }
}

fn add_licence(
    node: &Node,
    write: &mut dyn Write,
    index: u64,
    record: &IndexedLicence,
) -> Result<(), RestoreError> {
    let wrong = |what| RestoreError::Record { index, what };
    let texts = [&record.id, &record.vct, &record.number, &record.area_code];
    if texts.iter().any(|text| text.is_empty() || text.len() > MAX_TEXT) || record.version == 0 {
        return Err(wrong("texts"));
    }
    if node.authority(&record.authority).is_none() || !record.id.contains(&format!(".{}.", record.authority))
    {
        return Err(wrong("authority"));
    }
    if record.status_index >= LIST_SIZE {
        return Err(wrong("status index"));
    }
    let digest = parse_digest(&record.digest).ok_or(wrong("digest"))?;
    let predecessor =
        record.predecessor.as_deref().map(|text| parse_digest(text).ok_or(wrong("predecessor")));
    let status_list =
        list(node, write, &record.status_list, &record.authority)?.ok_or(wrong("status list"))?;
    let row = LicenceRow {
        digest,
        id: record.id.clone(),
        // The right one stands in the lost bytes alone: its ticket is good for nothing.
        cti: node.rng.bytes()?,
        vct: record.vct.clone(),
        number: record.number.clone(),
        version: record.version,
        authority: record.authority.clone(),
        area: record.area_code.clone(),
        holders: Vec::new(),
        issued_at: record.issued_at,
        expires_at: record.expires_at,
        credential: StoredCredential::Lost,
        status_list,
        status_index: record.status_index,
        log_index: index,
        status: Status::Valid,
        predecessor: predecessor.transpose()?,
        client: None,
        successor: None,
    };
    let taken = of_record(index, "id, number or status index is taken");
    write.add_licences(&[row]).map_err(taken)
}

fn add_change(
    node: &Node,
    write: &mut dyn Write,
    index: u64,
    record: &IndexedChange,
    tokens: &Tokens,
) -> Result<(), RestoreError> {
    let wrong = |what| RestoreError::Record { index, what };
    let change = record.parse().ok_or(wrong("change record"))?;
    if let Some(ends) = change.ends {
        return add_ended(node, write, index, &change, ends, tokens);
    }
    let licence = write.licence(&change.licence)?.ok_or(wrong("licence"))?;
    let row = StatusChangeRow {
        digest: change.entry().digest,
        record: change.to_bytes(),
        licence: change.licence,
        // Cannot be cut off: acts have numbers from 1 to 9.
        act: change.act.number() as u8,
        previous: licence.status,
        value: change.act.new_status(),
        effective_at: change.effective.0,
        recorded_at: change.effective.0,
        legal_basis: LOST.to_owned(),
        document_number: LOST.to_owned(),
        officer: LOST.to_owned(),
        successor: change.successor,
        client: None,
        log_index: index,
    };
    write.change_statuses(&[row]).map_err(of_record(index, "change of status"))
}

/// An entry that was ended though no licence has it. Its list, if it was opened after the backup, is known by its token.
fn add_ended(
    node: &Node,
    write: &mut dyn Write,
    index: u64,
    change: &ChangeRecord,
    ends: ListEntry,
    tokens: &Tokens,
) -> Result<(), RestoreError> {
    let wrong = |what| RestoreError::Record { index, what };
    if write.status_list(ends.list)?.is_none() {
        let path = format!("{STATUS_LISTS}/{}", ends.list);
        let token = tokens.values().find(|token| token.uri().ends_with(&path)).ok_or(wrong("status list"))?;
        list_of_token(node, write, index, token)?;
    }
    let row = EndedIndexRow {
        digest: change.entry().digest,
        record: change.to_bytes(),
        list: ends.list,
        index: u32::try_from(ends.index).map_err(|_| wrong("status index"))?,
        licence: change.licence,
        // Cannot be cut off: acts have numbers from 1 to 9.
        act: change.act.number() as u8,
        recorded_at: change.effective.0,
        legal_basis: LOST.to_owned(),
        document_number: LOST.to_owned(),
        officer: LOST.to_owned(),
        log_index: index,
    };
    write.end_indexes(&[row]).map_err(of_record(index, "ended entry of a status list"))
}

/// The list of an own token, made anew if need be.
fn list_of_token(
    node: &Node,
    write: &mut dyn Write,
    index: u64,
    token: &StatusToken,
) -> Result<u64, RestoreError> {
    let wrong = |what| RestoreError::Record { index, what };
    let signed_by = node.authorities.iter().find(|authority| {
        let signer = node.keys.signer(&authority.code, Usage::STATUS);
        signer.is_some_and(|signer| token.verifies_under(signer.public_key()))
    });
    let authority = signed_by.ok_or(wrong("status key"))?;
    list(node, write, token.uri(), &authority.code)?.ok_or(wrong("status list"))
}

fn add_token(
    node: &Node,
    write: &mut dyn Write,
    index: u64,
    token: &StatusToken,
) -> Result<(), RestoreError> {
    let list = list_of_token(node, write, index, token)?;
    let held = write.status_list(list)?.and_then(|list| list.token_revision);
    let row = StatusTokenRow {
        list,
        iat: token.iat().0,
        exp: token.exp().0,
        digest: *token.digest(),
        bytes: token.bytes().to_vec(),
        // Which changes it shows is not known: the list counts as changed since, and is published anew.
        revision: held.unwrap_or(0),
        log_index: index,
    };
    write.add_status_tokens(&[row]).map_err(of_record(index, "status token"))
}

/// The list of this name, made anew if it was opened after the backup: it is closed, as the secret by which its indexes are given out is
/// lost. `None` if the authority has no such list on this node.
fn list(node: &Node, write: &mut dyn Write, uri: &str, authority: &str) -> Result<Option<u64>, RestoreError> {
    if let Some(list) = write.status_list_by_uri(uri)? {
        return Ok((list.authority == authority).then_some(list.id));
    }
    let Some(host) = node.authority(authority).map(|own| own.host.as_str()) else { return Ok(None) };
    let id = uri.strip_prefix(&format!("https://{host}/v1/status-lists/")).and_then(|id| id.parse().ok());
    // The one spelling of a number, and one that leaves room for more.
    let id =
        id.filter(|id| *uri == format!("https://{host}/v1/status-lists/{id}") && *id < u64::from(u32::MAX));
    let Some(id) = id else { return Ok(None) };
    let secret = node.rng.bytes()?;
    let row = StatusListRow::new(id, uri.to_owned(), authority.to_owned(), LIST_SIZE, secret);
    write.add_status_lists(&[row])?;
    write.close_status_list(id)?;
    Ok(Some(id))
}
