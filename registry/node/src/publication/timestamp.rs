//! The timestamp of the trust list: signed by the province, and renewed before it ends.

use licence_spec::trust::{Taken, TrustFiles};
use licence_spec::verdict::Code;

use crate::node::Node;
use crate::node::compared::ClockAhead;
use crate::node::keys::Usage;
use crate::publication::ceremony::{self, CeremonyError};
use crate::publication::documents::{self, TakeError};

/// Why no timestamp was signed; what is held stays in force.
#[derive(Debug, thiserror::Error)]
pub enum TimestampError {
    /// Nothing is signed by a clock that is ahead.
    #[error(transparent)]
    ClockAhead(#[from] ClockAhead),
    /// No key.
    #[error("本节点没有时间戳密钥 / this node has no timestamp key")]
    NoKey,
    /// It could not be made.
    #[error(transparent)]
    Ceremony(#[from] CeremonyError),
    /// The trust files refuse the list, or it could not be stored.
    #[error(transparent)]
    Take(#[from] TakeError),
}

/// Signs a timestamp over a list, with the next version of its own, and takes both; answers that version, and whether the
/// list is new. Both are tried first: a timestamp over a list that is refused would leave the node without one.
///
/// # Errors
/// [`TimestampError`].
pub fn sign_timestamp(node: &Node, list_version: u64, list: &[u8]) -> Result<(u64, bool), TimestampError> {
    let signer = node.signer(&node.authority, Usage::Timestamp)?.ok_or(TimestampError::NoKey)?;
    let files = node.evidence.snapshot().trust_files().cloned();
    let files = files.ok_or(TakeError::Refused(Code::TrustListUnavailable))?;
    let (version, now) = (files.timestamp().map_or(1, |held| held.content().version + 1), node.clock.now());
    let life = (now, node.disconnection.timestamp_life_s);
    let signed = ceremony::timestamp(version, list_version, list, life, &*signer)?;
    let mut trial = TrustFiles::clone(&files);
    trial.take_timestamp(&signed, now).map_err(TakeError::Refused)?;
    if trial.wanted_list().is_some() {
        trial.take_list(list, now).map_err(TakeError::Refused)?;
    }
    let taken = documents::take_trust(node, &[], &signed, list)?;
    Ok((version, taken == Taken::New))
}
