//! Receipts: a signed verdict that an approval system files in the case instead of a copy.
//!
//! Order: verdict made → receipt signed → stored in the group commit → handed out. A receipt that was handed out is kept.

use licence_spec::receipt::{self, Filing, ReceiptError};
use licence_spec::suite::sha256;
use licence_spec::verdict::{Outcome, Verdict};
use licence_store::ReceiptRow;

use crate::db::{Effect, Job};
use crate::keys::Usage;
use crate::node::Node;
use crate::rng::RngError;

/// A receipt that has been signed and is still to be stored.
pub struct Prepared {
    /// What the writer stores.
    pub job: Job,
    /// The receipt; not to be handed out before the job is committed.
    pub bytes: Vec<u8>,
}

/// Why there is no receipt.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptTripError {
    /// The receipt breaks the format, or the key gave no signature.
    #[error("{0}")]
    Receipt(#[from] ReceiptError),
    /// The node has no receipt key.
    #[error("本节点没有回执密钥 / this node has no receipt key")]
    NoKey,
    /// No randomness.
    #[error(transparent)]
    Rng(#[from] RngError),
}

/// Signs a receipt over a verdict for a case. `None` if there is nothing to sign over: no licence was read, or neither
/// case nor service item was named, without which a receipt could be filed anywhere.
///
/// # Errors
/// [`ReceiptTripError`].
pub fn prepare(
    node: &Node,
    verdict: &Verdict,
    audience: &str,
    case_number: Option<&str>,
    service_item: Option<&str>,
) -> Result<Option<Prepared>, ReceiptTripError> {
    let (Some(case_number), Some(service_item)) = (case_number, service_item) else { return Ok(None) };
    if verdict.outcome() == Outcome::NoCredential {
        return Ok(None);
    }
    let signer = node.keys.signer(&node.authority, Usage::Receipt).ok_or(ReceiptTripError::NoKey)?;
    let mut cti = [0; 16];
    node.rng.fill(&mut cti)?;
    let filing = Filing { node: &node.authority, audience, case_number, service_item, cti };
    let bytes = receipt::sign(verdict, &filing, &*signer)?;
    let row = ReceiptRow {
        id: cti,
        client: audience.to_owned(),
        made_at: verdict.basis().now.0,
        digest: sha256(&[&bytes]),
        bytes: bytes.clone(),
    };
    Ok(Some(Prepared { job: Job { effects: vec![(Effect::Receipt(row), None)] }, bytes }))
}
