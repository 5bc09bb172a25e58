//! The two-person rule: a version is signed only if enough officers have approved exactly its bytes.
//!
//! In scope: a proposal, approvals of it, and the signing that asks for them; an auditor checks the same later. Out of
//! scope: who the officers are and how their keys are kept (the province's ceremony), and the signed form itself
//! (`licence_spec::catalogue`), which does not carry approvals: readers trust the catalogue key. Decision 0032.

use std::fmt;

use licence_spec::catalogue::{self, Catalogue, CatalogueSignError, Content};
use licence_spec::cbor::{Fault, Reader, Writer};
use licence_spec::cose::{Sign1, sign1};
use licence_spec::numbers::{CLOCK_SKEW_S, MAX_CATALOGUE, TYP_CATALOGUE_APPROVAL};
use licence_spec::suite::{Digest, PublicKey, SignError, Signer, name_digest};
use licence_spec::time::UnixTime;

/// Longest approval, bytes; one has about 200.
pub const MAX_APPROVAL: usize = 1_024;
/// Most approvals of one proposal.
pub const MAX_APPROVALS: usize = 64;

/// The officers of the publisher, and how many of them must approve.
#[derive(Clone, Debug)]
pub struct Officers {
    keys: Vec<(String, PublicKey)>,
    threshold: usize,
}

/// A version that waits for approval: its payload, which the publisher's key will sign byte for byte.
#[derive(Clone, Debug)]
pub struct Proposal {
    content: Content,
    payload: Vec<u8>,
}

/// Who approved, and when, as his own clock said.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Approved {
    /// Name of the officer.
    pub officer: String,
    /// Seconds since 1970.
    pub at: i64,
}

/// Why approvals do not suffice, or a proposal is not signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApprovalError {
    /// Fewer than two officers, one key twice, or a threshold below two or above their number.
    Officers,
    /// Bytes that are no proposal or approval.
    Format(Fault),
    /// An approval of another proposal: place in the list, from 0.
    OtherProposal(usize),
    /// An approval by nobody of the officers, or with a wrong signature: place in the list, from 0.
    NotAnOfficer(usize),
    /// An approval from after the version was signed: place in the list, from 0.
    InFuture(usize),
    /// Fewer different officers than needed.
    TooFew {
        /// Different officers that approved.
        have: usize,
        /// How many are needed.
        need: usize,
    },
    /// The key that signs belongs to an officer: one person could count twice.
    PublisherIsOfficer,
    /// The proposal does not follow the published version.
    DoesNotFollow(Fault),
    /// The catalogue could not be signed.
    Sign(CatalogueSignError),
}

impl Officers {
    /// Officers by name, and how many must approve.
    ///
    /// # Errors
    /// [`ApprovalError::Officers`] for a threshold below two or above their number, or a key that stands twice.
    pub fn new(keys: Vec<(String, PublicKey)>, threshold: usize) -> Result<Officers, ApprovalError> {
        let twice =
            |at: usize| keys.iter().take(at).any(|(_, key)| keys.get(at).is_some_and(|(_, own)| own == key));
        if threshold < 2 || threshold > keys.len() || (0..keys.len()).any(twice) {
            return Err(ApprovalError::Officers);
        }
        Ok(Officers { keys, threshold })
    }

    /// Checks that enough different officers approved the payload with this digest, as a publisher does before signing
    /// and an auditor afterwards, with the payload of the signed object.
    ///
    /// # Errors
    /// [`ApprovalError`]; one approval that is wrong is not passed over in silence.
    pub fn check(
        &self,
        payload: &[u8],
        approvals: &[impl AsRef<[u8]>],
    ) -> Result<Vec<Approved>, ApprovalError> {
        let proposal = Proposal::open(payload)?;
        let mut approved: Vec<Approved> = Vec::new();
        for (at, bytes) in approvals.iter().take(MAX_APPROVALS).enumerate() {
            let object = Sign1::parse_typed(bytes.as_ref(), MAX_APPROVAL, TYP_CATALOGUE_APPROVAL);
            let object = object.map_err(ApprovalError::Format)?;
            let (version, digest, time) = read(object.payload()).map_err(ApprovalError::Format)?;
            let verifies = |key: &PublicKey| object.suite().is_some() && object.verifies_under(key);
            let Some((officer, _)) = self.keys.iter().find(|(_, key)| verifies(key)) else {
                return Err(ApprovalError::NotAnOfficer(at));
            };
            if (version, digest) != (proposal.content.version, proposal.digest()) {
                return Err(ApprovalError::OtherProposal(at));
            }
            if time > proposal.content.issued_at.plus(CLOCK_SKEW_S) {
                return Err(ApprovalError::InFuture(at));
            }
            if !approved.iter().any(|before| before.officer == *officer) {
                approved.push(Approved { officer: officer.clone(), at: time.0 });
            }
        }
        if approved.len() < self.threshold {
            return Err(ApprovalError::TooFew { have: approved.len(), need: self.threshold });
        }
        Ok(approved)
    }
}

impl Proposal {
    /// A proposal of this content; `issued_at` is the moment at which the publisher will sign, so that officers
    /// approve before it.
    ///
    /// # Errors
    /// [`ApprovalError::Format`] if the content breaks a rule.
    pub fn new(content: &Content) -> Result<Proposal, ApprovalError> {
        Proposal::open(&content.to_payload().map_err(ApprovalError::Format)?)
    }

    /// Reads a proposal, as an officer gets it.
    ///
    /// # Errors
    /// [`ApprovalError::Format`] if it is over the cap or breaks a rule.
    pub fn open(payload: &[u8]) -> Result<Proposal, ApprovalError> {
        if payload.len() > MAX_CATALOGUE {
            return Err(ApprovalError::Format(Fault::not_conformant("the proposal is over the cap")));
        }
        let content = Content::from_payload(payload).map_err(ApprovalError::Format)?;
        Ok(Proposal { content, payload: payload.to_vec() })
    }

    /// What is proposed: officers look at its [`diff`](crate::diff::diff) to the published version.
    #[must_use]
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// The bytes, to be kept and handed to the officers.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// SHA-256 of the payload: what an officer approves, and reads out over the telephone.
    #[must_use]
    pub fn digest(&self) -> Digest {
        name_digest(&[&self.payload])
    }

    /// One officer's approval at `at`: COSE_Sign1 over version, digest and time.
    ///
    /// # Errors
    /// [`SignError`] from the signer.
    pub fn approve(&self, at: UnixTime, officer: &dyn Signer) -> Result<Vec<u8>, SignError> {
        let mut w = Writer::default();
        w.map(3).int(1).uint(self.content.version).int(2).bytes(&self.digest()).int(3).int(at.0);
        sign1(TYP_CATALOGUE_APPROVAL, &w.into_bytes(), officer)
    }

    /// Signs the proposal with the catalogue key, if enough officers approved it and it follows `held`.
    ///
    /// # Errors
    /// [`ApprovalError`]; nothing is signed then.
    pub fn sign(
        &self,
        held: Option<&Catalogue>,
        officers: &Officers,
        approvals: &[impl AsRef<[u8]>],
        signer: &dyn Signer,
    ) -> Result<Vec<u8>, ApprovalError> {
        if officers.keys.iter().any(|(_, key)| key == signer.public_key()) {
            return Err(ApprovalError::PublisherIsOfficer);
        }
        officers.check(&self.payload, approvals)?;
        let does_not_follow = |what| Err(ApprovalError::DoesNotFollow(Fault::not_conformant(what)));
        let (version, previous) =
            held.map_or((Some(1), None), |held| (held.version().checked_add(1), Some(*held.digest())));
        if version != Some(self.content.version) {
            return does_not_follow("the version is not the next one");
        }
        if previous != self.content.previous {
            return does_not_follow("the previous digest is not the one of the published version");
        }
        if let Some(held) = held {
            held.content().check_successor(&self.content).map_err(ApprovalError::DoesNotFollow)?;
        }
        catalogue::sign(&self.content, signer).map_err(ApprovalError::Sign)
    }
}

fn read(payload: &[u8]) -> Result<(u64, Digest, UnixTime), Fault> {
    let reader = &mut Reader::new(payload);
    let (mut version, mut digest, mut time) = (None, None, None);
    let mut map = reader.map()?;
    while let Some(key) = map.next_int(reader)? {
        match key {
            1 => version = Some(reader.uint()?),
            2 => digest = Some(reader.byte_array::<32>()?),
            3 => time = Some(reader.time()?),
            _ => return Err(Fault::not_conformant("an unknown key in an approval")),
        }
    }
    reader.end()?;
    match (version, digest, time) {
        (Some(version), Some(digest), Some(time)) => Ok((version, digest, time)),
        _ => Err(Fault::not_conformant("a required key is missing in an approval")),
    }
}

impl fmt::Display for ApprovalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApprovalError::Officers => f.write_str(
                "复核人员设置不当：至少两人，密钥各不相同 / two different officers at least must approve",
            ),
            ApprovalError::Format(fault) => write!(f, "格式错误 / not of the format: {fault}"),
            ApprovalError::OtherProposal(at) => {
                write!(f, "第 {} 份复核针对的是另一份提案 / approval {0} is of another proposal", at + 1)
            }
            ApprovalError::NotAnOfficer(at) => {
                write!(f, "第 {} 份复核不是复核人员所签 / approval {0} is by no officer", at + 1)
            }
            ApprovalError::InFuture(at) => {
                write!(f, "第 {} 份复核晚于签发时间 / approval {0} is later than the version", at + 1)
            }
            ApprovalError::TooFew { have, need } => {
                write!(f, "复核人数不足：{have}/{need} / {have} of {need} officers approved")
            }
            ApprovalError::PublisherIsOfficer => {
                f.write_str("目录密钥不能同时是复核密钥 / the catalogue key must not be an officer's key")
            }
            ApprovalError::DoesNotFollow(fault) => {
                write!(f, "与已发布版本不衔接 / does not follow the published version: {fault}")
            }
            ApprovalError::Sign(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ApprovalError {}
