//! Log proofs: is this leaf in the log, and did enough witnesses see it there?
//!
//! In scope: the `.tlog-proof` text, read and written, and its verification in the fixed order of spec/log.md §7.
//! Out of scope: making the leaf out of an object (`entry`), which logs an issuer has (`trust`), what a fault means for
//! a licence (`verify`).
//! Format: spec/log.md §7; vectors in spec/vectors/log/.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use super::checkpoint::{CheckpointError, SignedCheckpoint};
use super::merkle::{self, Hash, MAX_PROOF_HASHES, MerkleError, TreeHead};
use super::note::{LogKey, NoteError};
use super::policy::{Cosigners, Policy};
use super::text::{decimal, hash, push_base64, take_line};
use crate::numbers::MAX_LOG_PROOF;
use crate::suite::{Digest, name_digest};
use crate::time::UnixTime;

/// The first line.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Why a log proof proves nothing: the detail of `LOG_PROOF_INVALID`, for logs and tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofFault {
    /// More than [`MAX_LOG_PROOF`] bytes.
    TooLong,
    /// Not the text of a proof.
    Syntax,
    /// More than [`MAX_PROOF_HASHES`] hashes.
    TooManyHashes,
    /// The checkpoint in it is refused, or not signed by a log that was named.
    Checkpoint(CheckpointError),
    /// The hashes do not lead from the leaf to the root.
    Inclusion(MerkleError),
}

impl fmt::Display for ProofFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProofFault::TooLong => f.write_str("the log proof is longer than 32768 bytes"),
            ProofFault::Syntax => f.write_str("not a log proof"),
            ProofFault::TooManyHashes => f.write_str("the log proof has more than 63 hashes"),
            ProofFault::Checkpoint(error) => error.fmt(f),
            ProofFault::Inclusion(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ProofFault {}

impl From<CheckpointError> for ProofFault {
    fn from(error: CheckpointError) -> ProofFault {
        ProofFault::Checkpoint(error)
    }
}

impl From<NoteError> for ProofFault {
    fn from(error: NoteError) -> ProofFault {
        ProofFault::Checkpoint(CheckpointError::Note(error))
    }
}

/// What a proof did not show. The three kinds have a code of spec/verdict.md each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogFault {
    /// `LOG_PROOF_INVALID`: it shows nothing, or something else.
    Invalid(ProofFault),
    /// `LOG_SPLIT_VIEW`: the log signed two trees of one size. Keep both as evidence.
    SplitView {
        /// The origin of both.
        origin: String,
        /// The head in the proof.
        presented: TreeHead,
        /// The head that was stored.
        stored: TreeHead,
    },
    /// `CHECKPOINT_QUORUM_MISSING`: the leaf is in the log, but too few witnesses saw the checkpoint. A policy may let
    /// it pass with a warning, so what was shown is here.
    QuorumMissing(VerifiedProof),
}

impl fmt::Display for LogFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogFault::Invalid(fault) => fault.fmt(f),
            LogFault::SplitView { .. } => f.write_str("the log signed two trees of one size"),
            LogFault::QuorumMissing(_) => f.write_str("too few witnesses cosigned the checkpoint"),
        }
    }
}

impl core::error::Error for LogFault {}

impl<F: Into<ProofFault>> From<F> for LogFault {
    fn from(fault: F) -> LogFault {
        LogFault::Invalid(fault.into())
    }
}

/// What a log proof has shown. Only [`LogProof::verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedProof {
    origin: String,
    head: TreeHead,
    index: u64,
    digest: Digest,
    cosigners: Cosigners,
}

impl VerifiedProof {
    /// The origin of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Size and root of the tree in which the leaf was found.
    #[must_use]
    pub const fn head(&self) -> TreeHead {
        self.head
    }

    /// The index of the leaf, from 0. Keys that were compromised are good below a cut in this number.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// SHA-256 of the whole `.tlog-proof` text.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The witnesses of the policy that cosigned.
    #[must_use]
    pub const fn cosigners(&self) -> Cosigners {
        self.cosigners
    }
}

/// A well-formed log proof, not verified yet.
#[derive(Clone, Debug)]
pub struct LogProof<'a> {
    bytes: &'a [u8],
    index: u64,
    hashes: Vec<Hash>,
    checkpoint: SignedCheckpoint<'a>,
}

impl<'a> LogProof<'a> {
    /// Parses a `.tlog-proof` text of at most [`MAX_LOG_PROOF`] bytes. An `extra` line must be Base64 and is not kept:
    /// nothing authenticates it.
    ///
    /// # Errors
    /// [`ProofFault`], but never [`ProofFault::Inclusion`].
    pub fn parse(bytes: &'a [u8]) -> Result<LogProof<'a>, ProofFault> {
        if bytes.len() > MAX_LOG_PROOF {
            return Err(ProofFault::TooLong);
        }
        let text = core::str::from_utf8(bytes).map_err(|_| ProofFault::Syntax)?;
        let mut rest = text;
        let index = parse_head(&mut rest).ok_or(ProofFault::Syntax)?;
        let mut hashes = Vec::new();
        loop {
            let line = take_line(&mut rest).ok_or(ProofFault::Syntax)?;
            if line.is_empty() {
                break;
            }
            if hashes.len() == MAX_PROOF_HASHES {
                return Err(ProofFault::TooManyHashes);
            }
            hashes.push(hash(line).ok_or(ProofFault::Syntax)?);
        }
        let checkpoint = SignedCheckpoint::parse(rest.as_bytes())?;
        Ok(LogProof { bytes, index, hashes, checkpoint })
    }

    /// The origin that the proof claims, to look up keys and the stored head. Not verified.
    #[must_use]
    pub const fn origin(&self) -> &'a str {
        self.checkpoint.origin()
    }

    /// The index that the proof claims. Not verified.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Whether at least one witness, and a quorum of `policy`, cosigned the checkpoint before this moment. A policy that asks for
    /// no witness is not met by none: nothing else dates a checkpoint.
    #[must_use]
    pub fn is_cosigned_before(&self, policy: &Policy, time: UnixTime) -> bool {
        let cosigners = policy.cosigners_before(self.checkpoint.note(), time);
        cosigners.is_ok_and(|cosigners| cosigners.count() > 0 && policy.is_met_by(cosigners))
    }

    /// Verifies, in this order: origin known; signature of the log; every line of a known witness; inclusion of
    /// `leaf`; the same tree as the stored one; quorum.
    ///
    /// `keys` are those of the logs of the issuer's entry; those of another name than the origin are passed over.
    /// `stored` is the newest head that was seen of this origin, if any; only an equal size can contradict it here.
    ///
    /// # Errors
    /// [`LogFault`]: the first that is found.
    pub fn verify<'k>(
        &self,
        leaf: &Hash,
        keys: impl IntoIterator<Item = &'k LogKey>,
        policy: &Policy,
        stored: Option<&TreeHead>,
    ) -> Result<VerifiedProof, LogFault> {
        let (note, head) = (self.checkpoint.note(), self.checkpoint.head());
        let mut signed = false;
        for key in keys.into_iter().filter(|key| key.name() == self.origin()) {
            signed |= note.is_signed_by(key)?;
        }
        if !signed {
            return Err(CheckpointError::NotSigned.into());
        }
        let cosigners = policy.cosigners(note)?;
        merkle::verify_inclusion(self.index, leaf, &self.hashes, &head).map_err(ProofFault::Inclusion)?;
        let origin = String::from(self.origin());
        // Before the quorum: a missed quorum may be a warning, two trees of one size are an alarm in any case.
        if let Some(stored) = stored.filter(|stored| stored.size == head.size && stored.root != head.root) {
            return Err(LogFault::SplitView { origin, presented: head, stored: *stored });
        }
        let digest = name_digest(&[self.bytes]);
        let proof = VerifiedProof { origin, head, index: self.index, digest, cosigners };
        if policy.is_met_by(cosigners) { Ok(proof) } else { Err(LogFault::QuorumMissing(proof)) }
    }
}

/// Header, optional extra line, index.
fn parse_head(rest: &mut &str) -> Option<u64> {
    take_line(rest).filter(|line| *line == HEADER)?;
    let mut line = take_line(rest)?;
    if let Some(extra) = line.strip_prefix("extra ") {
        let mut buffer = alloc::vec![0; extra.len()];
        super::text::base64(extra, &mut buffer)?;
        line = take_line(rest)?;
    }
    decimal(line.strip_prefix("index ")?)
}

/// Writes a `.tlog-proof` text: the hashes from leaf to root, then the checkpoint note as it was signed.
#[must_use]
pub fn format_proof(index: u64, hashes: &[Hash], checkpoint: &str) -> String {
    let mut text = String::with_capacity(HEADER.len() + 32 + hashes.len() * 45 + checkpoint.len());
    // Cannot fail: writing to a string.
    let _ = write!(text, "{HEADER}\nindex {index}\n");
    for hash in hashes {
        push_base64(&mut text, hash);
        text.push('\n');
    }
    text.push('\n');
    text.push_str(checkpoint);
    text
}
