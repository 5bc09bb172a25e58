//! Receipts (核验回执): what a node found when it verified a licence, signed, to be filed in place of a copy.
//!
//! In scope: making one from a verdict, reading one strictly with all rules of consistency, checking one years later
//! against the archived objects that it names. Out of scope: verifying (`verify`) and filing (the approval system).
//! Format: spec/receipt.md, outcome model after ETSI EN 319 102-1; vectors in spec/vectors/generated-examples/receipt.

mod archive;
mod read;
mod rules;
mod write;

pub use archive::{Archive, check, words};

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::cbor::Fault;
use crate::cose::{self, Sign1};
use crate::numbers::{CLOCK_SKEW_S, CTI_BYTES, MAX_CODE, MAX_RECEIPT, TYP_RECEIPT};
use crate::suite::{Digest, SignError, Signer};
use crate::text::{LineFault, check_line};
use crate::time::UnixTime;
use crate::verdict::{Basis, Check, Code, Digests, LogBasis, Outcome, Verdict, Warning};
use crate::view::HolderMark;

/// File extension of a receipt.
pub const EXTENSION: &str = "elr";

/// What a verdict does not say by itself: for whom and for which case it was made, and by which node.
///
/// Texts are 1 to 64 characters in NFC.
#[derive(Clone, Copy)]
pub struct Filing<'a> {
    /// Code of the node that verified, the `iss`; its entry in the trust list holds the signing key with role 5.
    pub node: &'a str,
    /// Code of the office that asked, the `aud`.
    pub audience: &'a str,
    /// Case number of the approval system.
    pub case_number: &'a str,
    /// Code of the service item.
    pub service_item: &'a str,
    /// Codes of the materials of the item that the licence meets; none where no item was checked.
    pub materials: &'a [String],
    /// Type and code of the holder whom the verdict was asked about, if it is he; the receipt carries a keyed digest of them.
    pub holder: Option<(&'a str, &'a str)>,
    /// Random id, from the caller's generator.
    pub cti: [u8; CTI_BYTES],
}

/// A receipt whose bytes are conformant and which does not contradict itself; [`check`] says who signed it.
#[derive(Clone, PartialEq, Eq)]
pub struct Receipt {
    pub(self) issuer: String,
    pub(self) audience: String,
    pub(self) issued_at: UnixTime,
    pub(self) cti: [u8; CTI_BYTES],
    pub(self) body: Body,
}

/// Claim -70004.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Body {
    case_number: String,
    service_item: String,
    digests: Digests,
    outcome: Outcome,
    code: Option<Code>,
    checks: Vec<Check>,
    policy: (String, u64),
    trust_list: Option<(u64, Digest, UnixTime)>,
    status_list: Option<(String, UnixTime, Digest)>,
    log: Option<LogBasis>,
    catalogue: Option<(u64, Digest)>,
    warnings: Vec<Warning>,
    materials: Vec<String>,
    holder: Option<Digest>,
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A case number leads to a person: it must not reach a log by way of Debug.
        f.debug_struct("Receipt")
            .field("issuer", &self.issuer)
            .field("outcome", &self.body.outcome)
            .finish_non_exhaustive()
    }
}

/// Why no receipt is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptError {
    /// There was nothing to judge: `NO_CREDENTIAL` gets no receipt.
    NoCredential,
    /// A text of the filing is empty, too long or has a character that is not signed (spec/text.md).
    Text(&'static str, LineFault),
    /// The verdict contradicts itself, or the receipt would be too long.
    NotConformant(Fault),
    /// The signer gave no signature.
    Sign(SignError),
}

impl fmt::Display for ReceiptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReceiptError::NoCredential => f.write_str("no receipt is made where there was nothing to judge"),
            ReceiptError::Text(member, fault) => write!(f, "{member}：{fault}"),
            ReceiptError::NotConformant(fault) => write!(f, "the receipt would not be conformant: {fault}"),
            ReceiptError::Sign(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ReceiptError {}

/// Signs the receipt of a verdict. Its time is the one clock reading of the verification.
///
/// # Errors
/// [`ReceiptError`]; in particular nothing is signed that [`open`] would refuse.
pub fn sign(verdict: &Verdict, filing: &Filing<'_>, signer: &dyn Signer) -> Result<Vec<u8>, ReceiptError> {
    if verdict.outcome() == Outcome::NoCredential {
        return Err(ReceiptError::NoCredential);
    }
    let texts = [
        ("audience", filing.audience),
        ("case_number", filing.case_number),
        ("service_item", filing.service_item),
    ];
    for (member, text) in texts {
        check_line(text, MAX_CODE).map_err(|fault| ReceiptError::Text(member, fault))?;
    }
    let payload = Receipt::of(verdict, filing).payload();
    read::receipt(&payload).map_err(ReceiptError::NotConformant)?;
    let bytes = cose::sign1(TYP_RECEIPT, &payload, signer).map_err(ReceiptError::Sign)?;
    if bytes.len() > MAX_RECEIPT {
        return Err(ReceiptError::NotConformant(Fault::not_conformant("the receipt is too long")));
    }
    Ok(bytes)
}

/// Reads a receipt of at most 32 KiB, without asking who signed it.
///
/// # Errors
/// Unreadable if it is not well-formed; not conformant for every breach of spec/receipt.md §2 and §3.
pub fn open(bytes: &[u8]) -> Result<Receipt, Fault> {
    read::receipt(Sign1::parse_typed(bytes, MAX_RECEIPT, TYP_RECEIPT)?.payload())
}

impl Receipt {
    fn of(verdict: &Verdict, filing: &Filing<'_>) -> Receipt {
        let basis = verdict.basis();
        // A token from the future was refused as if it were not at hand, so the receipt does not rest on it either.
        let newest = basis.now.plus(CLOCK_SKEW_S);
        let status_list = basis.status_list.clone().filter(|(_, iat, _)| *iat <= newest);
        let body = Body {
            case_number: String::from(filing.case_number),
            service_item: String::from(filing.service_item),
            digests: *verdict.digests(),
            outcome: verdict.outcome(),
            code: verdict.code(),
            checks: verdict.checks().to_vec(),
            policy: (String::from(&*basis.policy.0), basis.policy.1),
            trust_list: basis.trust_list,
            status_list,
            log: basis.log.clone(),
            catalogue: basis.catalogue,
            warnings: verdict.warnings().to_vec(),
            materials: filing.materials.to_vec(),
            holder: filing.holder.map(|(kind, code)| HolderMark::new(&filing.cti, kind, code).digest),
        };
        Receipt {
            issuer: String::from(filing.node),
            audience: String::from(filing.audience),
            issued_at: basis.now,
            cti: filing.cti,
            body,
        }
    }

    /// The verdict that the receipt is about, without licence data: what a node that was asked by another one has found.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let body = &self.body;
        let basis = Basis {
            now: self.issued_at,
            policy: (Cow::Owned(body.policy.0.clone()), body.policy.1),
            trust_list: body.trust_list,
            status_list: body.status_list.clone(),
            log: body.log.clone(),
            catalogue: body.catalogue,
        };
        Verdict::from_checks(body.checks.clone(), body.warnings.clone(), None, body.digests, basis)
    }

    /// Code of the node that verified.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Code of the office that asked.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// When it was verified: the one clock reading of the verification.
    #[must_use]
    pub const fn issued_at(&self) -> UnixTime {
        self.issued_at
    }

    /// Random id.
    #[must_use]
    pub const fn cti(&self) -> &[u8; CTI_BYTES] {
        &self.cti
    }

    /// Case number of the approval system.
    #[must_use]
    pub fn case_number(&self) -> &str {
        &self.body.case_number
    }

    /// Code of the service item.
    #[must_use]
    pub fn service_item(&self) -> &str {
        &self.body.service_item
    }

    /// Statement digests of the full licence, and of the view if one was presented. If FORMAT did not pass, the first
    /// is the digest of the bytes as presented.
    #[must_use]
    pub const fn digests(&self) -> &Digests {
        &self.body.digests
    }

    /// The answer in one word; never `NO_CREDENTIAL`.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.body.outcome
    }

    /// The primary code; `None` for ACCEPT.
    #[must_use]
    pub const fn code(&self) -> Option<Code> {
        self.body.code
    }

    /// All checks in group order.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.body.checks
    }

    /// Id and version of the policy.
    #[must_use]
    pub fn policy(&self) -> (&str, u64) {
        (&self.body.policy.0, self.body.policy.1)
    }

    /// Trust list at hand: version, SHA-256 of the file, iat of the timestamp.
    #[must_use]
    pub const fn trust_list(&self) -> Option<(u64, Digest, UnixTime)> {
        self.body.trust_list
    }

    /// Status token looked at: uri, iat, statement digest.
    #[must_use]
    pub const fn status_list(&self) -> Option<&(String, UnixTime, Digest)> {
        self.body.status_list.as_ref()
    }

    /// Where the licence was found in a log, by a proof or by a look-up.
    #[must_use]
    pub const fn log(&self) -> Option<&LogBasis> {
        self.body.log.as_ref()
    }

    /// Catalogue at hand: version, statement digest.
    #[must_use]
    pub const fn catalogue(&self) -> Option<(u64, Digest)> {
        self.body.catalogue
    }

    /// Codes of the materials of the service item that the licence meets.
    #[must_use]
    pub fn materials(&self) -> &[String] {
        &self.body.materials
    }

    /// The mark of the holder, to be compared by who knows his code.
    #[must_use]
    pub fn holder(&self) -> Option<HolderMark> {
        self.body.holder.map(|digest| HolderMark { cti: self.cti, digest })
    }

    /// Remarks that do not change the outcome.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.body.warnings
    }
}
