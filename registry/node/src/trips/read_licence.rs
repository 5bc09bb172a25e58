//! Read a licence of this node: by its id, for a client that may, or behind a reference, for whoever holds that.
//!
//! Order: the newest head shown → the file made → the row of the audit durable → answer. What leaves the node is written down first.
//! Of what is public only the first read of a licence in an hour is a row of its own; the others are counted (`node::audit::Counted`).
//! Out of scope: which licence, and who may have it (`licence_web`, `access`).

use licence_spec::audit::{AuditAct, WhoKind};
use licence_store::{LicenceRow, StoreError};

use crate::access::audit;
use crate::access::caller::Caller;
use crate::node::Node;
use crate::node::audit::AuditDraft;
use crate::node::commit::{Effect, Job};
use crate::node::log::LogError;
use crate::publication::refresh::{SharedError, show_newest_head};
use crate::trips::file_form::file_form;
use crate::trips::status_history::{History, history};

/// Why a licence cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// What other processes of this node have done cannot be taken over.
    #[error(transparent)]
    Shared(#[from] SharedError),
    /// The proof cannot be made.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// A licence that may leave once the job is committed.
pub struct ReadLicence {
    /// The file form.
    pub file: Vec<u8>,
    /// What writes it down.
    pub job: Job,
}

fn job(row: AuditDraft) -> Job {
    Job::new(vec![(Effect::Audit(row), None)])
}

/// A licence by its id.
///
/// # Errors
/// [`ReadError`].
pub fn read_licence(node: &Node, caller: &Caller, row: &LicenceRow) -> Result<ReadLicence, ReadError> {
    // Another process may have issued it: the proof needs a head that covers it.
    show_newest_head(node)?;
    let file = file_form(node, row)?;
    Ok(ReadLicence { file, job: job(audit::draft(node, caller, AuditAct::Read).licence(row.digest)) })
}

/// The history of a licence by its id.
///
/// # Errors
/// [`StoreError`].
pub fn read_history(node: &Node, caller: &Caller, row: &LicenceRow) -> Result<(History, Job), StoreError> {
    let found = history(&*node.store.read()?, row)?;
    let draft = audit::draft(node, caller, AuditAct::Read).licence(row.digest).subject("history");
    Ok((found, job(draft)))
}

/// The licence behind a reference; nothing has to be committed first if it is only counted.
///
/// # Errors
/// [`ReadError`].
pub fn read_by_reference(node: &Node, row: &LicenceRow) -> Result<(Vec<u8>, Option<Job>), ReadError> {
    show_newest_head(node)?;
    let file = file_form(node, row)?;
    let first = node.counted.is_first(row.digest).then(|| {
        let (who, now) = (WhoKind::Anybody, node.clock.now());
        job(AuditDraft::new(who, who.name(), AuditAct::ReadByReference, now).licence(row.digest))
    });
    Ok((file, first))
}

#[cfg(test)]
mod tests {
    use licence_spec::cose::Sign1;
    use licence_spec::numbers::MAX_LICENCE;

    use super::*;
    use crate::testing::{licence, rehearse};

    #[test]
    fn a_licence_leaves_with_a_proof_and_a_row_that_names_it_and_nobody() {
        let city = rehearse().city;
        let issued = licence(&city, 1);
        let row = city.store.read().unwrap().licence_by_id(&issued.id).unwrap().unwrap();
        let read = read_licence(&city, &Caller::Operator, &row).unwrap();
        let object = Sign1::parse(&read.file, MAX_LICENCE).unwrap();
        assert!(object.log_proof().is_some());
        assert_eq!(object.statement_digest(), row.digest);
        assert_eq!(read.job.effects.len(), 1, "one row");
    }

    #[test]
    fn the_first_read_by_reference_in_an_hour_is_a_row_the_others_are_counted() {
        let city = rehearse().city;
        let issued = licence(&city, 1);
        let row = city.store.read().unwrap().licence_by_id(&issued.id).unwrap().unwrap();
        let told = || read_by_reference(&city, &row).unwrap().1.is_some();
        assert_eq!((told(), told(), told()), (true, false, false));
    }
}
