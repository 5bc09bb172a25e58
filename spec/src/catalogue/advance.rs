//! Signed catalogues: open one, advance from the held version to the next, sign a new one.

use alloc::vec::Vec;
use core::fmt;

use super::{Catalogue, Content, read};
use crate::cbor::{Fault, FaultKind};
use crate::cose::{Sign1, sign1};
use crate::numbers::{CLOCK_SKEW_S, MAX_CATALOGUE, TYP_CATALOGUE};
use crate::suite::{KeyId, PublicKey, SignError, Signer};
use crate::time::UnixTime;
use crate::verdict::Code;

/// A key of the trust list that has the wanted key id, and whether it may sign catalogues.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The key.
    pub key: &'a PublicKey,
    /// `Ok` if one of its scopes has role 3 at the time asked for and its state allows it, else the code of the first
    /// reason (`SCOPE_ROLE`, `SCOPE_TIME`, `KEY_NOT_VALID_AT_ISSUE`, ...).
    pub standing: Result<(), Code>,
}

/// What the trust list says about catalogue keys; entries are searched all (spec/catalogue.md).
pub trait CatalogueKeys {
    /// Every listed key with this key id, judged for role 3 at `issued_at`.
    fn candidates(&self, kid: &KeyId, issued_at: UnixTime) -> Vec<Candidate<'_>>;
}

/// What `advance` found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advance {
    /// The next version; persist its bytes, then hold it.
    Taken(Catalogue),
    /// The very bytes that are held.
    Unchanged,
}

/// Why an offered catalogue is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatalogueFault {
    /// The bytes or the content break the format, or the version does not follow the held one.
    Format(Fault),
    /// Signed with another algorithm than the allowed one.
    AlgorithmForbidden,
    /// No listed key with this key id.
    IssuerNotListed,
    /// No listed key with this key id made the signature.
    SignatureInvalid,
    /// The key that signed may not sign catalogues, or not then.
    Key(Code),
    /// Signed later than this clock allows.
    IssuedInFuture,
    /// The held version with other bytes: a sign of attack.
    Rollback,
}

impl CatalogueFault {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            CatalogueFault::Format(Fault { kind: FaultKind::Unreadable, .. }) => Code::Unreadable,
            CatalogueFault::Format(_) => Code::NotConformant,
            CatalogueFault::AlgorithmForbidden => Code::AlgorithmForbidden,
            CatalogueFault::IssuerNotListed => Code::IssuerNotListed,
            CatalogueFault::SignatureInvalid => Code::SignatureInvalid,
            CatalogueFault::Key(code) => *code,
            CatalogueFault::IssuedInFuture => Code::IssuedInFuture,
            CatalogueFault::Rollback => Code::CatalogueRollback,
        }
    }

    /// Whether an operator must look at once.
    #[must_use]
    pub const fn alarm(&self) -> bool {
        self.code().alarm()
    }
}

impl fmt::Display for CatalogueFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CatalogueFault::Format(fault) => write!(f, "{}: {fault}", self.code()),
            _ => write!(f, "{}: {}", self.code(), self.code().en()),
        }
    }
}

impl core::error::Error for CatalogueFault {}

impl From<Fault> for CatalogueFault {
    fn from(fault: Fault) -> CatalogueFault {
        CatalogueFault::Format(fault)
    }
}

/// Opens a catalogue that stands alone: one from the own store or a bundle, or the first that a node ever sees.
///
/// The order of checks is that of a verdict: format and content, algorithm, signature, role and time of the key, clock.
///
/// # Errors
/// [`CatalogueFault`], but never [`CatalogueFault::Rollback`].
pub fn open(bytes: &[u8], keys: &dyn CatalogueKeys, now: UnixTime) -> Result<Catalogue, CatalogueFault> {
    let object = Sign1::parse_typed(bytes, MAX_CATALOGUE, TYP_CATALOGUE)?;
    let content = read::content(object.payload())?;
    if object.suite().is_none() {
        return Err(CatalogueFault::AlgorithmForbidden);
    }
    check_signer(&object, &keys.candidates(&object.kid(), content.issued_at))?;
    if content.issued_at > now.plus(CLOCK_SKEW_S) {
        return Err(CatalogueFault::IssuedInFuture);
    }
    Ok(Catalogue { content, digest: object.statement_digest() })
}

fn check_signer(object: &Sign1<'_>, candidates: &[Candidate<'_>]) -> Result<(), CatalogueFault> {
    if candidates.is_empty() {
        return Err(CatalogueFault::IssuerNotListed);
    }
    match candidates.iter().find(|candidate| object.verifies_under(candidate.key)) {
        Some(signer) => signer.standing.map_err(CatalogueFault::Key),
        None => Err(CatalogueFault::SignatureInvalid),
    }
}

/// Takes the next catalogue version, or says why not. Without a held one, any version may be the first.
///
/// # Errors
/// [`CatalogueFault`]; the held version stays in force.
pub fn advance(
    held: Option<&Catalogue>,
    offered: &[u8],
    keys: &dyn CatalogueKeys,
    now: UnixTime,
) -> Result<Advance, CatalogueFault> {
    let next = open(offered, keys, now)?;
    let Some(held) = held else {
        return Ok(Advance::Taken(next));
    };
    if next.version() == held.version() {
        return if next.digest == held.digest {
            Ok(Advance::Unchanged)
        } else {
            Err(CatalogueFault::Rollback)
        };
    }
    if held.version().checked_add(1) != Some(next.version()) {
        return Err(Fault::not_conformant("the version is not the next one").into());
    }
    if next.content.previous != Some(held.digest) {
        return Err(Fault::not_conformant("the previous digest is not the one of the held version").into());
    }
    held.content.check_successor(&next.content)?;
    Ok(Advance::Taken(next))
}

/// Why a catalogue could not be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatalogueSignError {
    /// The content breaks a rule, or the object is over its cap.
    Content(Fault),
    /// The signer gave no signature.
    Signer(SignError),
}

impl fmt::Display for CatalogueSignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CatalogueSignError::Content(fault) => write!(f, "the catalogue may not be signed: {fault}"),
            CatalogueSignError::Signer(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for CatalogueSignError {}

/// Signs a version; the content rules and the cap are checked first.
///
/// # Errors
/// [`CatalogueSignError`].
pub fn sign(content: &Content, signer: &dyn Signer) -> Result<Vec<u8>, CatalogueSignError> {
    let payload = content.to_payload().map_err(CatalogueSignError::Content)?;
    let bytes = sign1(TYP_CATALOGUE, &payload, signer).map_err(CatalogueSignError::Signer)?;
    Sign1::parse_typed(&bytes, MAX_CATALOGUE, TYP_CATALOGUE).map_err(CatalogueSignError::Content)?;
    Ok(bytes)
}
