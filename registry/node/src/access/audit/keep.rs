//! Anchoring the head of the audit in the log, and dropping what is past its time.
//!
//! Order of dropping: statement signed → statement stored and rows dropped, in one transaction → a row that says so. A crash in between
//! leaves rows that go next time, or a drop that only its statement tells.

use licence_spec::audit::{AuditAct, Dropped, is_anchor_due};
use licence_spec::log::entry::{Entry, Op};
use licence_spec::log::note::LogKey;
use licence_spec::suite::{SignError, name_digest};
use licence_spec::time::UnixTime;
use licence_store::{AuditFilter, AuditRow, DocumentRow, StoreError, transact};

use crate::node::Node;
use crate::node::commit::{Effect, Job, WriteError};
use crate::node::compared::ClockAhead;
use crate::node::keys::Usage;
use crate::node::shelf::Kind;

/// Name of the one document of each kind.
pub(super) const NEWEST: &str = "newest";
/// Rows that are dropped in one transaction.
const AT_ONCE: u32 = 1_000;
/// Longest month, seconds.
const MONTH_S: i64 = 31 * 86_400;

/// Why nothing was anchored or dropped; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The writer failed.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Nothing is signed by a clock that is ahead.
    #[error(transparent)]
    ClockAhead(#[from] ClockAhead),
    /// The key of the log is missing.
    #[error("缺少日志密钥 / the key of the log is missing")]
    NoKey,
    /// It gives no signature.
    #[error(transparent)]
    Sign(#[from] SignError),
}

fn document(kind: Kind, version: u64, time: UnixTime, bytes: Vec<u8>) -> DocumentRow {
    DocumentRow {
        kind: kind.name().to_owned(),
        name: NEWEST.to_owned(),
        version,
        iat: time.0,
        digest: name_digest(&[&bytes]),
        bytes,
        stored_at: time.0,
    }
}

/// Writes down what was counted since the last time: every hour, and when a node ends.
///
/// # Errors
/// [`KeepError`]; what was counted is lost then, as it is if the process dies.
pub fn write_counted(node: &Node) -> Result<(), KeepError> {
    let rows = node.counted.take(node.clock.now());
    if !rows.is_empty() {
        node.writer.write(Job::new(rows.into_iter().map(|row| (Effect::Audit(row), None)).collect()))?;
    }
    Ok(())
}

/// Puts the head of the audit into the log, if it is time to; whether it did. The log is witnessed, so that whoever owns the database
/// cannot make another chain.
///
/// # Errors
/// [`KeepError`].
pub fn anchor(node: &Node) -> Result<bool, KeepError> {
    // The head of the log is signed with it, and an hour of a clock that is ahead is none.
    node.compared.may_sign()?;
    let (read, now) = (node.store.read()?, node.clock.now());
    let Some((number, head)) = read.audit_head()? else { return Ok(false) };
    let last = read.document(Kind::AuditAnchor.name(), NEWEST)?;
    let since = number.saturating_sub(last.as_ref().map_or(0, |row| row.version));
    if !is_anchor_due(since, last.map(|row| UnixTime(row.stored_at)), now) {
        return Ok(false);
    }
    let newest = read.audit_rows(number - 1, &AuditFilter::default(), 1)?;
    let time = newest.first().map_or(now, |row| UnixTime(row.time));
    drop(read);
    let row = DocumentRow { stored_at: now.0, ..document(Kind::AuditAnchor, number, time, head.to_vec()) };
    let entry = Entry { op: Op::AuditHead, time, digest: head };
    node.writer.write(Job::new(vec![(Effect::Document(row), Some(entry))]))?;
    Ok(true)
}

/// Drops the anchored rows that are older than so many months; answers how many.
///
/// # Errors
/// [`KeepError`]; what was dropped before is told by its statement.
pub fn drop_old(node: &Node, months: u32) -> Result<u64, KeepError> {
    let before = node.clock.now().0 - i64::from(months) * MONTH_S;
    let mut dropped = 0;
    while let Some(last) = last_to_drop(node, before)? {
        let key = node.signer(&node.authority, Usage::Log)?.ok_or(KeepError::NoKey)?;
        let named = LogKey::new(&node.origin(), *key.public_key());
        let named = named.map_err(|_| SignError("the log has a name that no key may have"))?;
        let time = UnixTime(last.time);
        let statement = Dropped { through: last.number, head: last.digest, time }.sign(&named, &*key)?;
        let row = document(Kind::AuditDropped, last.number, time, statement.into_bytes());
        dropped += transact::<_, StoreError>(&*node.store, "drop_audit", |write| {
            write.put_documents(std::slice::from_ref(&row))?;
            write.drop_audit(last.number)
        })?;
    }
    if dropped > 0 {
        let draft = super::own(node, AuditAct::Dropped).count(dropped);
        node.writer.write(Job::new(vec![(Effect::Audit(draft), None)]))?;
    }
    Ok(dropped)
}

/// The last of the oldest rows that may be dropped together: each older than that time and anchored, and not the newest of all.
fn last_to_drop(node: &Node, before: i64) -> Result<Option<AuditRow>, StoreError> {
    let read = node.store.read()?;
    let anchored = read.document(Kind::AuditAnchor.name(), NEWEST)?.map_or(0, |row| row.version);
    let newest = read.audit_head()?.map_or(0, |(number, _)| number);
    let rows = read.audit_rows(0, &AuditFilter::default(), AT_ONCE)?;
    let may_go = |row: &AuditRow| row.time < before && row.number <= anchored && row.number < newest;
    Ok(rows.into_iter().take_while(may_go).last())
}
