//! Several processes of one node on one database: who does a recurring job, and what one takes over from the others.
//!
//! In scope: leases of jobs; clients, evidence and the signed head, brought up to what is stored. Out of scope: appending to a log that
//! others append to as well (`db`), requests that run in two processes at once (the stored answer decides, `db` and `http`).
//! A process of its own (`Node::process` is `None`) does every job itself, and finds nothing to take over.
//!
//! Bounds: a client that is revoked or added in one process, trust files, a catalogue and status tokens are known to the others within
//! one publish interval; a status change shows in verdicts of the others within two, as its list is published by one process first. The
//! checkpoint is as new as the store whenever it is served: who follows a log takes one that shrinks for a fork.

use std::time::Duration;

use licence_spec::log::checkpoint::SignedCheckpoint;
use licence_spec::suite::name_digest;
use licence_store::{DocumentRow, JobLease, StoreError, transact};

use crate::node::Node;
use crate::node::commit::{Job, WriteError};
use crate::node::shelf::Kind;
use crate::publication::documents::{self, TakeError};
use crate::publication::own_register;

/// Kind of the newest cosigned checkpoint of the own log; named by origin, version is the size.
const COSIGNED: &str = Kind::CosignedCheckpoint.name();

/// Why nothing was taken over; what was known stays in force.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored document is refused.
    #[error(transparent)]
    Take(#[from] TakeError),
    /// The writer failed.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Whether this process is the one to do a job that has its turn every `interval`. Another one takes over when the lease has not been
/// prolonged for two turns.
///
/// # Errors
/// [`StoreError`].
pub fn may_do(node: &Node, job: &str, interval: Duration) -> Result<bool, StoreError> {
    let Some(holder) = &node.process else { return Ok(true) };
    let now = node.clock.now();
    // Cannot be cut off: intervals are at most an hour.
    let life = i64::try_from(interval.as_secs()).unwrap_or(i64::MAX).saturating_mul(2);
    let lease = JobLease { job: job.to_owned(), holder: holder.clone(), until: now.plus(life).0 };
    transact(&*node.store, "job_lease", |write| write.take_job_lease(&lease, now.0))
}

/// Takes over what other processes of this node have stored.
///
/// # Errors
/// [`SharedError`]; what comes before the fault has been taken over.
pub fn refresh(node: &Node) -> Result<(), SharedError> {
    node.clients.reload(&*node.store)?;
    show_newest_head(node)?;
    let cosigned = node.store.read()?.document(COSIGNED, &node.origin())?;
    if let Some(row) = cosigned
        && let Ok(text) = String::from_utf8(row.bytes)
    {
        node.log.cosign(row.version, text.into());
    }
    documents::refresh(node)?;
    Ok(own_register::refresh(node)?)
}

/// Shows a head that is at least as large as any that a process of this node has shown.
///
/// # Errors
/// [`SharedError`]; an older head must not be served then.
pub fn show_newest_head(node: &Node) -> Result<(), SharedError> {
    if node.process.is_none() {
        return Ok(());
    }
    let stored = node.store.read()?.log_head()?.map_or(0, |head| head.size);
    let shown = node.log.checkpoint();
    let shown = SignedCheckpoint::parse(shown.as_bytes()).map_or(0, |signed| signed.head().size);
    if stored > shown {
        // A job of nothing: the writer owns the edge, reads the stored head for every transaction, and signs it.
        node.writer.write(Job::new(Vec::new()))?;
    }
    Ok(())
}

/// Keeps a checkpoint with a witness's lines and those of other witnesses, for the other processes and the next start, and serves it.
///
/// # Errors
/// [`StoreError`]; what is served stays as it is, and the witness is asked again.
pub fn keep_cosigned(node: &Node, size: u64, note: &str, lines: &str) -> Result<(), StoreError> {
    let cosigned = transact(&*node.store, "keep_cosigned", |write| {
        // Another witness may have cosigned the same head, through this process or another one.
        let held =
            write.document(COSIGNED, &node.origin())?.and_then(|row| String::from_utf8(row.bytes).ok());
        let held = held.filter(|held| held.starts_with(note) && !held.contains(lines));
        let cosigned = held.unwrap_or_else(|| note.to_owned()) + lines;
        write.put_documents(&[row(node, size, note, &cosigned)])?;
        Ok::<_, StoreError>(cosigned)
    })?;
    node.log.cosign(size, cosigned.into());
    Ok(())
}

fn row(node: &Node, size: u64, note: &str, cosigned: &str) -> DocumentRow {
    let now = node.clock.now().0;
    DocumentRow {
        kind: COSIGNED.to_owned(),
        name: node.origin(),
        version: size,
        iat: now,
        // Of the note alone: another witness may add to it.
        digest: name_digest(&[note.as_bytes()]),
        bytes: cosigned.as_bytes().to_vec(),
        stored_at: now,
    }
}
