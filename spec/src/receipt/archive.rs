//! Checking a receipt, today or years later.

use super::{Receipt, open};
use crate::cbor::Fault;
use crate::cose::{Sign1, statement_digest};
use crate::numbers::{MAX_CATALOGUE, MAX_LICENCE, MAX_RECEIPT, MAX_STATUS_TOKEN, MAX_VIEW, TYP_RECEIPT};
use crate::suite::{Digest, name_digest};
use crate::trust::{Role, TrustList};
use crate::verdict::Code;
use crate::verify::fault_code;

/// The archived objects that were filed with a receipt, as bytes of their files; those that are at hand.
#[derive(Clone, Copy, Default)]
pub struct Archive<'a> {
    /// The full licence, with or without its log proof; what was presented, if it was not conformant.
    pub licence: Option<&'a [u8]>,
    /// The view.
    pub view: Option<&'a [u8]>,
    /// The trust list.
    pub trust_list: Option<&'a [u8]>,
    /// The status token.
    pub status_token: Option<&'a [u8]>,
    /// The `.tlog-proof` file.
    pub log_proof: Option<&'a [u8]>,
    /// The catalogue.
    pub catalogue: Option<&'a [u8]>,
}

/// Opens a receipt and checks who signed it, and that each object at hand is the one that it names.
///
/// `list` is the trust list in force at the receipt's time or a later one; the caller has opened it. An object at hand
/// that the receipt does not name at all is a mismatch as well.
///
/// # Errors
/// In this order: `UNREADABLE`, `NOT_CONFORMANT`; `ALGORITHM_FORBIDDEN`; `ISSUER_NOT_LISTED`; `SIGNATURE_INVALID`;
/// `SCOPE_ROLE`, `SCOPE_TIME`, `KEY_NOT_VALID_AT_ISSUE`, `KEY_COMPROMISED_AFTER_CUT`; `DIGEST_MISMATCH`.
pub fn check(bytes: &[u8], list: &TrustList, archive: &Archive<'_>) -> Result<Receipt, Code> {
    let fault = |fault: Fault| fault_code(bytes, fault);
    let receipt = open(bytes).map_err(fault)?;
    let object = Sign1::parse_typed(bytes, MAX_RECEIPT, TYP_RECEIPT).map_err(fault)?;
    check_signature(&object, &receipt, list)?;
    if archive.is_named_by(&receipt) { Ok(receipt) } else { Err(Code::DigestMismatch) }
}

/// The words for a code that [`check`] gave, in Chinese and English: those of the code, but where nothing was read as a receipt.
#[must_use]
pub const fn words(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::Unreadable => ("不是核验回执，或已损坏", "No receipt of a verification, or a damaged one"),
        Code::NotConformant => {
            ("不是合乎标准的核验回执", "No receipt of a verification that keeps the standard")
        }
        _ => (code.zh(), code.en()),
    }
}

fn check_signature(object: &Sign1<'_>, receipt: &Receipt, list: &TrustList) -> Result<(), Code> {
    if object.suite().is_none() {
        return Err(Code::AlgorithmForbidden);
    }
    let entry = list.entry(receipt.issuer()).ok_or(Code::IssuerNotListed)?;
    let mut listed = entry.keys.iter().filter(|key| key.key.kid() == object.kid()).peekable();
    if listed.peek().is_none() {
        return Err(Code::IssuerNotListed);
    }
    let key = listed.find(|key| object.verifies_under(&key.key)).ok_or(Code::SignatureInvalid)?;
    key.standing(Role::Receipt, receipt.issued_at())
}

impl Archive<'_> {
    fn is_named_by(&self, receipt: &Receipt) -> bool {
        let body = &receipt.body;
        let same = |object: Option<&[u8]>, named: Option<Digest>, is: fn(&[u8], &Digest) -> bool| {
            object.is_none_or(|object| named.is_some_and(|named| is(object, &named)))
        };
        same(self.licence, Some(body.digests.licence), is_presented)
            && same(self.view, body.digests.view, |bytes, named| is_statement(bytes, MAX_VIEW, named))
            && same(self.trust_list, body.trust_list.map(|(_, digest, _)| digest), is_file)
            && same(
                self.status_token,
                body.status_list.as_ref().map(|(_, _, digest)| *digest),
                |bytes, named| is_statement(bytes, MAX_STATUS_TOKEN, named),
            )
            && same(self.log_proof, body.log.as_ref().and_then(|log| log.proof_digest), is_file)
            && same(self.catalogue, body.catalogue.map(|(_, digest)| digest), |bytes, named| {
                is_statement(bytes, MAX_CATALOGUE, named)
            })
    }
}

fn is_file(bytes: &[u8], named: &Digest) -> bool {
    name_digest(&[bytes]) == *named
}

fn is_statement(bytes: &[u8], cap: usize, named: &Digest) -> bool {
    statement_digest(bytes, cap).is_ok_and(|digest| digest == *named)
}

/// A licence is named by its statement, or by its bytes as presented if it was not conformant.
fn is_presented(bytes: &[u8], named: &Digest) -> bool {
    is_statement(bytes, MAX_LICENCE, named) || is_file(bytes, named)
}
