//! The catalogue and its versions, and the approvals of officers.
//!
//! Out of scope: what a catalogue says (`licence_catalogue`), fetching it (`exchange::pull`).

use std::sync::Arc;

use licence_spec::catalogue::{self, Advance, Catalogue, CatalogueFault};
use licence_spec::evidence::Evidence;
use licence_spec::log::entry::Op;
use licence_spec::suite::sha256;
use licence_spec::time::UnixTime;
use licence_spec::verdict::Code;
use licence_store::{DocumentRow, Read};

use super::{TakeError, keep, keep_all, row};
use crate::node::Node;
use crate::node::shelf::Kind;

/// The catalogue.
pub const CATALOGUE: (&str, &str) = (Kind::Catalogue.name(), "current");
/// Kind of all versions of the catalogue; each is named by its version.
pub const CATALOGUE_VERSION: &str = Kind::CatalogueVersion.name();
/// Kind of the officers' approvals of catalogue versions; each is named by version and digest.
const APPROVAL: &str = Kind::CatalogueApproval.name();

/// Takes a newer catalogue.
///
/// # Errors
/// [`TakeError`] by the rules of `catalogue::advance`.
pub fn take_catalogue(node: &Node, bytes: &[u8]) -> Result<(), TakeError> {
    let evidence = node.evidence.snapshot();
    let list = evidence.trust_list().ok_or(TakeError::Refused(Code::TrustListUnavailable))?;
    let held = evidence.catalogue().map(|held| &**held);
    match catalogue::advance(held, bytes, &**list, node.clock.now())
        .map_err(|fault| TakeError::Refused(fault.code()))?
    {
        Advance::Unchanged => Ok(()),
        Advance::Taken(next) => {
            let content = next.content();
            let row = row(node, CATALOGUE.0, CATALOGUE.1, content.version, content.issued_at.0, bytes);
            let version = DocumentRow {
                kind: CATALOGUE_VERSION.to_owned(),
                name: content.version.to_string(),
                ..row.clone()
            };
            // Together: a version that is stored and not in force would stand in the way of every other one of its number.
            keep_all(node, vec![(version, None), (row, Some((Op::Catalogue, *next.digest())))])?;
            node.evidence.change(|evidence| evidence.set_catalogue(Arc::new(next)));
            Ok(())
        }
    }
}

/// Keeps the officers' approvals of a version, for auditors.
///
/// # Errors
/// [`TakeError::Write`].
pub fn keep_approvals(node: &Node, version: u64, approvals: &[Vec<u8>]) -> Result<(), TakeError> {
    let now = node.clock.now().0;
    for approval in approvals {
        let name = format!("{version}/{}", hex::encode(sha256(&[approval])));
        keep(node, row(node, APPROVAL, &name, 1, now, approval), None)?;
    }
    Ok(())
}

/// The stored catalogue, if it is newer than the one held and the trust list lets its key sign it. Not checked against the clock.
pub(super) fn newer_catalogue(read: &dyn Read, evidence: &Evidence) -> Result<Option<Catalogue>, TakeError> {
    let row = read.document(CATALOGUE.0, CATALOGUE.1)?;
    let row = row.filter(|row| row.version > catalogue_version(evidence));
    let (Some(row), Some(list)) = (row, evidence.trust_list()) else { return Ok(None) };
    match catalogue::open(&row.bytes, &**list, UnixTime(i64::MAX)) {
        Ok(opened) => Ok(Some(opened)),
        Err(fault @ (CatalogueFault::Key(_) | CatalogueFault::IssuerNotListed)) => {
            tracing::warn!(code = %fault.code(), "the trust list refuses the stored catalogue: the node is without one");
            Ok(None)
        }
        Err(fault) => Err(TakeError::Refused(fault.code())),
    }
}

/// Version of the catalogue; 0 for none.
pub(super) fn catalogue_version(evidence: &Evidence) -> u64 {
    evidence.catalogue().map_or(0, |held| held.content().version)
}
