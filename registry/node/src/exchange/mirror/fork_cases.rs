//! Cases of forks: two signed heads of one log that cannot both be true, kept until officers close the case, and a record afterwards.
//!
//! While a case of a log is open nothing of that log is cosigned here. A case may be a false alarm: an older version of this program took
//! an old head for a fork; such a one is told apart by the mirrored tree, in which the offered head lies.
//! In scope: keeping, listing, closing. Out of scope: what a fork is (`trips::mirror`), who closes it (`operator`).

use licence_spec::log::checkpoint::SignedCheckpoint;
use licence_spec::log::merkle::TreeHead;
use licence_spec::suite::name_digest;
use licence_store::{DocumentRow, Read, StoreError, transact};
use serde::{Deserialize, Serialize};

use crate::exchange::mirror::tree;
use crate::exchange::mirror::{HEAD, MirrorError};
use crate::node::Node;
use crate::node::shelf::Kind;

/// Kind of the evidence of open cases; named by origin and size.
pub const FORK: &str = Kind::Fork.name();
/// Kind of the records of closed cases; named by origin, size and root of the offered head.
const CLOSED: &str = Kind::ForkClosed.name();
/// Longest name of an officer or reason, characters.
const MAX_TEXT: usize = 512;

/// An open case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Name of the log.
    pub log: String,
    /// Size of the offered head.
    pub size: u64,
    /// When it was noticed, Unix seconds.
    pub opened_at: i64,
    /// Whether the offered head lies in the mirrored tree: then it was an old one, and the log has not forked.
    pub false_alarm: bool,
}

/// The record of a closed case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// Name of the log.
    pub log: String,
    /// Size of the offered head.
    pub size: u64,
    /// When it was noticed, Unix seconds.
    pub opened_at: i64,
    /// When it was closed, Unix seconds.
    pub closed_at: i64,
    /// Who closed it.
    pub officer: String,
    /// Why.
    pub reason: String,
    /// Whether the offered head lay in the mirrored tree.
    pub false_alarm: bool,
    /// Both signed heads as they were kept: the one held, an empty line, the one offered.
    pub evidence: String,
}

/// Why a case was not closed.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// There is no open case of this log and size.
    #[error("没有此未结案件：{0} {1} / no case of {0} {1} is open")]
    Unknown(String, u64),
    /// A text is missing, too long, or has control characters.
    #[error("{0} 应为 1 至 512 个可显示字符 / must be 1 to 512 characters without control characters")]
    Text(&'static str),
    /// The mirror cannot be read.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps both signed heads of a fork, the one held and the one offered, unless this very head was looked at by officers before.
///
/// # Errors
/// [`StoreError`].
pub fn keep_fork(node: &Node, origin: &str, head: &TreeHead, offered: &[u8]) -> Result<(), StoreError> {
    let name = format!("{origin} {}", head.size);
    let held = {
        let read = node.store.read()?;
        // The first evidence stays; more of the same kind adds nothing. What was closed is not opened by showing it again.
        if read.document(FORK, &name)?.is_some()
            || read.document(CLOSED, &closed_name(origin, head))?.is_some()
        {
            return Ok(());
        }
        read.document(HEAD, origin)?.map(|row| row.bytes).unwrap_or_default()
    };
    let (size, bytes) = (head.size, [held.as_slice(), b"\n", offered].concat());
    tracing::error!(
        origin,
        size,
        "a log has forked; evidence is kept, nothing of it is followed or cosigned"
    );
    let evidence = row(node, FORK, name, bytes);
    transact(&*node.store, "keep_fork", |write| {
        write.put_documents(std::slice::from_ref(&evidence)).map(drop)
    })
}

/// Whether a case of this log is open.
///
/// # Errors
/// [`StoreError`].
pub fn is_open(read: &dyn Read, origin: &str) -> Result<bool, StoreError> {
    let is_of = |row: &DocumentRow| split_name(&row.name).is_some_and(|(log, _)| log == origin);
    Ok(read.documents(FORK)?.iter().any(is_of))
}

/// All open cases.
///
/// # Errors
/// [`MirrorError::Store`].
pub fn open_cases(read: &dyn Read) -> Result<Vec<Case>, MirrorError> {
    read.documents(FORK)?.iter().map(|row| case(read, row)).collect()
}

/// The records of all closed cases.
///
/// # Errors
/// [`StoreError`].
pub fn closed_cases(read: &dyn Read) -> Result<Vec<Closed>, StoreError> {
    let corrupt = |_| StoreError::Corrupt("the record of a closed case".to_owned());
    let rows = read.documents(CLOSED)?;
    rows.iter().map(|row| serde_json::from_slice(&row.bytes).map_err(corrupt)).collect()
}

/// Closes a case: the record is kept, and the log may be cosigned again, as far as it extends what is mirrored.
///
/// # Errors
/// [`CaseError`]; the case stays open then.
pub fn close(node: &Node, log: &str, size: u64, officer: &str, reason: &str) -> Result<Closed, CaseError> {
    for (what, text) in [("officer", officer), ("reason", reason)] {
        let length = text.chars().count();
        if text.trim().is_empty() || length > MAX_TEXT || text.chars().any(char::is_control) {
            return Err(CaseError::Text(what));
        }
    }
    let name = format!("{log} {size}");
    let (evidence, case) = {
        let read = node.store.read()?;
        let unknown = || CaseError::Unknown(log.to_owned(), size);
        let evidence = read.document(FORK, &name)?.ok_or_else(unknown)?;
        let case = case(&*read, &evidence)?;
        (evidence, case)
    };
    let closed = Closed {
        log: case.log,
        size,
        opened_at: case.opened_at,
        closed_at: node.clock.now().0,
        officer: officer.to_owned(),
        reason: reason.to_owned(),
        false_alarm: case.false_alarm,
        evidence: String::from_utf8_lossy(&evidence.bytes).into_owned(),
    };
    let bytes = serde_json::to_vec(&closed).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let offered = offered(&evidence.bytes).map(|signed| signed.head());
    let record = row(node, CLOSED, closed_name(log, &offered.unwrap_or(TreeHead::EMPTY)), bytes);
    transact::<_, StoreError>(&*node.store, "close_case", |write| {
        write.delete_document(FORK, &name)?;
        // An older record of the same head says the same of it.
        write.delete_document(CLOSED, &record.name)?;
        write.put_documents(std::slice::from_ref(&record)).map(drop)
    })?;
    tracing::warn!(log, size, officer, "a case of a fork was closed");
    Ok(closed)
}

fn case(read: &dyn Read, row: &DocumentRow) -> Result<Case, MirrorError> {
    let corrupt = || StoreError::Corrupt(format!("the name of the case {}", row.name));
    let (log, size) = split_name(&row.name).ok_or_else(corrupt)?;
    let head = offered(&row.bytes).filter(|signed| signed.origin() == log).map(|signed| signed.head());
    let lies = head.map(|head| tree::contains(read, log, &head)).transpose()?.flatten();
    Ok(Case { log: log.to_owned(), size, opened_at: row.iat, false_alarm: lies == Some(true) })
}

fn split_name(name: &str) -> Option<(&str, u64)> {
    let (log, size) = name.rsplit_once(' ')?;
    Some((log, size.parse().ok()?))
}

fn closed_name(origin: &str, head: &TreeHead) -> String {
    format!("{origin} {} {}", head.size, hex::encode(head.root))
}

/// The offered head of kept evidence: what stands behind the held one, which may be missing, and an empty line.
fn offered(evidence: &[u8]) -> Option<SignedCheckpoint<'_>> {
    // A note has one empty line, between its text and its signatures.
    let empty: Vec<usize> = (0..evidence.len())
        .filter(|at| evidence[*at] == b'\n' && (*at == 0 || evidence[at - 1] == b'\n'))
        .collect();
    let at = match empty.as_slice() {
        [0, ..] => 0,
        [_, between, ..] => *between,
        _ => return None,
    };
    SignedCheckpoint::parse(&evidence[at + 1..]).ok()
}

fn row(node: &Node, kind: &str, name: String, bytes: Vec<u8>) -> DocumentRow {
    let now = node.clock.now().0;
    DocumentRow {
        kind: kind.to_owned(),
        name,
        version: 1,
        iat: now,
        digest: name_digest(&[&bytes]),
        bytes,
        stored_at: now,
    }
}

#[cfg(test)]
mod tests {
    use licence_spec::log::checkpoint::Checkpoint;
    use licence_spec::log::note::LogKey;
    use licence_spec::suite::{SeedSigner, Signer as _};

    use super::*;

    #[test]
    fn the_offered_head_is_found_behind_the_held_one_or_alone() {
        let signer = SeedSigner::from_seed(&[1; 32]).unwrap();
        let key = LogKey::new("gz.elic.example/log", *signer.public_key()).unwrap();
        let note = |size| {
            let head = TreeHead { size, root: [3; 32] };
            Checkpoint { origin: key.name(), head }.sign(&key, &signer).unwrap()
        };
        for held in ["", &note(9)] {
            let evidence = [held.as_bytes(), b"\n", note(7).as_bytes()].concat();
            assert_eq!(offered(&evidence).map(|signed| signed.head().size), Some(7), "{held:?}");
        }
        assert!(offered(b"").is_none() && offered(b"one line\n").is_none());
    }
}
