//! The text of a QR code.

use super::{empty_basis, reference_host_is_listed, stopped, verify};
use crate::cose::Sign1;
use crate::evidence::Evidence;
use crate::numbers::MAX_LICENCE;
use crate::policy::Policy;
use crate::qr::{self, QrContent};
use crate::suite::name_digest;
use crate::time::UnixTime;
use crate::verdict::{Code, Verdict};

/// As [`verify`], for the text of a QR code that holds the object itself (`EL1:`).
///
/// A reference (`EL1R:`) is resolved by the caller, who knows a network: see [`crate::qr::read`] and
/// [`super::verify_fetched`]; here it is `NOT_ASKED`, or the code of [`reference_host_is_listed`].
#[must_use]
pub fn verify_qr(text: &str, evidence: &Evidence, policy: &Policy<'_>, now: UnixTime) -> Verdict {
    match qr::read(text) {
        Ok(QrContent::Object(bytes)) => {
            // A QR code never carries a log proof (spec/qr.md §3).
            if Sign1::parse(&bytes, MAX_LICENCE).is_ok_and(|object| object.log_proof().is_some()) {
                let basis = empty_basis(evidence, policy, now);
                return stopped(Code::NotConformant, name_digest(&[text.as_bytes()]), basis);
            }
            verify(&bytes, evidence, policy, now)
        }
        Ok(QrContent::Reference(reference)) => {
            let basis = empty_basis(evidence, policy, now);
            let digest = name_digest(&[text.as_bytes()]);
            // Whose host may be asked was not asked here: that is no answer of a register (`NOT_FOUND`).
            let listed = reference_host_is_listed(&reference.host, evidence, policy, now);
            stopped(listed.err().unwrap_or(Code::NotAsked), digest, basis)
        }
        Err(fault) => {
            stopped(fault.code(), name_digest(&[text.as_bytes()]), empty_basis(evidence, policy, now))
        }
    }
}
