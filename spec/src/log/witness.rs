//! The witness: may this checkpoint be cosigned?
//!
//! In scope: the body of C2SP tlog-witness `add-checkpoint`, the decision over it, the cosignature afterwards.
//! Out of scope: HTTP, and storing the newest head. The caller does, in one transaction and in this order: read the
//! stored head, [`AddCheckpoint::decide`], store [`Accepted::head`]; commit; only then [`Accepted::cosign`].
//! Otherwise a crash, or a second request in between, would let one witness sign two trees.
//! Format: spec/log.md §9; vectors in spec/vectors/torchwood-witness/ and log/.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::checkpoint::Checkpoint;
use super::cosignature::WitnessKey;
use super::merkle::{Hash, MAX_PROOF_HASHES, TreeHead, verify_consistency};
use super::note::{self, LogKey, MAX_NOTE, Note};
use super::text::{decimal, hash, take_line};
use crate::suite::{SignError, Signer};
use crate::time::UnixTime;

/// Longest request body, bytes: the `old` line, 63 hashes of 45 bytes, a blank line and a checkpoint.
pub const MAX_ADD_CHECKPOINT: usize = 4 + 20 + 1 + MAX_PROOF_HASHES * 45 + 1 + MAX_NOTE;

/// Why a witness does not sign. Each has one HTTP status: [`Refusal::status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 400: not the body of the call, over a limit, or `old` above the size of the checkpoint.
    Malformed,
    /// 404: no log of this origin is watched.
    UnknownOrigin,
    /// 403: no trusted key of the log signed, a line of one does not verify, or the signature lines are not well-formed.
    NotSigned,
    /// 409: `old` is not the stored size, which the answer tells.
    Conflict {
        /// The size stored for this origin; 0 if none is.
        stored: u64,
    },
    /// 422: the proof does not lead from the stored tree to this one.
    Inconsistent,
    /// 422: the log signed another tree of the stored size. Keep the request as evidence, and alarm.
    Fork,
}

impl Refusal {
    /// The HTTP status of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Refusal::Malformed => 400,
            Refusal::NotSigned => 403,
            Refusal::UnknownOrigin => 404,
            Refusal::Conflict { .. } => 409,
            Refusal::Inconsistent | Refusal::Fork => 422,
        }
    }

    /// The body that the call prescribes, of type [`SIZE_MEDIA_TYPE`]: the stored size and LF for a conflict.
    #[must_use]
    pub fn body(self) -> Option<String> {
        match self {
            Refusal::Conflict { stored } => Some(alloc::format!("{stored}\n")),
            _ => None,
        }
    }
}

/// Media type of the body of a 409.
pub const SIZE_MEDIA_TYPE: &str = "text/x.tlog.size";

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Malformed => f.write_str("not an add-checkpoint request"),
            Refusal::UnknownOrigin => f.write_str("this log is not watched here"),
            Refusal::NotSigned => f.write_str("no good signature of a trusted key of the log"),
            Refusal::Conflict { stored } => write!(f, "the checkpoint stored here has {stored} leaves"),
            Refusal::Inconsistent => f.write_str("the consistency proof does not hold"),
            Refusal::Fork => f.write_str("the log signed another tree of the same size"),
        }
    }
}

impl core::error::Error for Refusal {}

/// A well-formed `add-checkpoint` request. Nothing in it is checked against the log yet.
#[derive(Clone, Debug)]
pub struct AddCheckpoint<'a> {
    old: u64,
    proof: Vec<Hash>,
    bytes: &'a str,
    checkpoint: Checkpoint<'a>,
    text: &'a str,
    /// `None` if the signature lines are not well-formed: then nobody signed.
    note: Option<Note<'a>>,
}

impl<'a> AddCheckpoint<'a> {
    /// Parses a request body of at most [`MAX_ADD_CHECKPOINT`] bytes: `old <n>`, up to 63 hashes, a blank line, the
    /// checkpoint.
    ///
    /// # Errors
    /// [`Refusal::Malformed`]
    pub fn parse(body: &'a [u8]) -> Result<AddCheckpoint<'a>, Refusal> {
        if body.len() > MAX_ADD_CHECKPOINT {
            return Err(Refusal::Malformed);
        }
        parse(body).ok_or(Refusal::Malformed)
    }

    /// The origin that the request claims, to look up the keys of the log and the stored head.
    #[must_use]
    pub const fn origin(&self) -> &'a str {
        self.checkpoint.origin
    }

    /// Size and root that the request claims; nothing is checked yet.
    #[must_use]
    pub const fn head(&self) -> TreeHead {
        self.checkpoint.head
    }

    /// The checkpoint note as it came, to store it and, after a [`Refusal::Fork`], to keep it as evidence.
    #[must_use]
    pub const fn note(&self) -> &'a str {
        self.bytes
    }

    /// Decides. `keys` are the trusted keys of the log of this origin, none if it is not watched; `stored` is the head
    /// that this witness cosigned last for the origin, `None` before the first.
    ///
    /// The keys need not have the origin for a name: logs of others may differ there (C2SP tlog-checkpoint).
    ///
    /// # Errors
    /// [`Refusal`], the first that is found, in the order of C2SP tlog-witness.
    pub fn decide<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k LogKey>,
        stored: Option<TreeHead>,
    ) -> Result<Accepted<'a>, Refusal> {
        self.check_signature(keys)?;
        let new = self.checkpoint.head;
        if self.old > new.size {
            return Err(Refusal::Malformed);
        }
        let stored = stored.unwrap_or(TreeHead::EMPTY);
        if self.old != stored.size {
            return Err(Refusal::Conflict { stored: stored.size });
        }
        // Versions of tlog-witness differ, 409 or 422: a fork must not look like a harmless race (spec/log.md §12).
        if stored.size == new.size && stored.root != new.root {
            return Err(Refusal::Fork);
        }
        verify_consistency(&stored, &new, &self.proof).map_err(|_| Refusal::Inconsistent)?;
        Ok(Accepted { origin: self.origin(), text: self.text, head: new })
    }

    fn check_signature<'k>(&self, keys: impl IntoIterator<Item = &'k LogKey>) -> Result<(), Refusal> {
        let (mut known, mut signed) = (false, false);
        for key in keys {
            known = true;
            let note = self.note.as_ref().ok_or(Refusal::NotSigned)?;
            signed |= note.is_signed_by(key).map_err(|_| Refusal::NotSigned)?;
        }
        match (known, signed) {
            (false, _) => Err(Refusal::UnknownOrigin),
            (true, false) => Err(Refusal::NotSigned),
            (true, true) => Ok(()),
        }
    }
}

fn parse(body: &[u8]) -> Option<AddCheckpoint<'_>> {
    let mut rest = core::str::from_utf8(body).ok()?;
    let old = decimal(take_line(&mut rest)?.strip_prefix("old ")?)?;
    let mut proof = Vec::new();
    loop {
        let line = take_line(&mut rest)?;
        if line.is_empty() {
            break;
        }
        if proof.len() == MAX_PROOF_HASHES {
            return None;
        }
        proof.push(hash(line)?);
    }
    let (text, signatures) = note::split(rest.as_bytes()).ok()?;
    let checkpoint = Checkpoint::parse(text).ok()?;
    let note = Note::of_parts(text, signatures).ok();
    Some(AddCheckpoint { old, proof, bytes: rest, checkpoint, text, note })
}

/// A checkpoint that the witness may cosign once [`Accepted::head`] is stored durably.
#[derive(Clone, Debug)]
pub struct Accepted<'a> {
    origin: &'a str,
    text: &'a str,
    head: TreeHead,
}

impl Accepted<'_> {
    /// The origin under which to store.
    #[must_use]
    pub const fn origin(&self) -> &str {
        self.origin
    }

    /// The head to store: never smaller than the stored one, and an extension of it.
    #[must_use]
    pub const fn head(&self) -> TreeHead {
        self.head
    }

    /// The body of the 200 answer: one signature line. Call it after the head has been stored.
    ///
    /// # Errors
    /// [`SignError`] as [`WitnessKey::cosign`].
    pub fn cosign(&self, key: &WitnessKey, time: UnixTime, signer: &dyn Signer) -> Result<String, SignError> {
        key.cosign(self.text, time, signer)
    }
}
