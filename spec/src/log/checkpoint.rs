//! Checkpoints: what does a log say about itself, and did it say so?
//!
//! In scope: the three lines of a C2SP tlog-checkpoint, written and read; a checkpoint inside a signed note.
//! Out of scope: signatures as such (`note`, `cosignature`), whether one checkpoint extends another (`merkle`).
//! Off-spec: extension lines, which C2SP allows and advises against, are refused (spec/log.md §5).
//! Format: spec/log.md §5; vectors in spec/vectors/tessera-log/ and log/.

use alloc::string::String;
use core::fmt::{self, Write as _};

use super::merkle::{EMPTY_ROOT, MAX_TREE_SIZE, TreeHead};
use super::note::{LogKey, Note, NoteError};
use super::text::{decimal, hash, push_base64, take_line};
use crate::suite::{SignError, Signer};

/// Why a checkpoint is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointError {
    /// It is no signed note, or a known key does not verify.
    Note(NoteError),
    /// The text has not exactly three lines, or one of them is not what it must be.
    Body,
    /// No line of the log's own key.
    NotSigned,
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckpointError::Note(error) => error.fmt(f),
            CheckpointError::Body => f.write_str("the text of the note is no checkpoint"),
            CheckpointError::NotSigned => f.write_str("the log did not sign the checkpoint"),
        }
    }
}

impl core::error::Error for CheckpointError {}

impl From<NoteError> for CheckpointError {
    fn from(error: NoteError) -> CheckpointError {
        CheckpointError::Note(error)
    }
}

/// The text of a checkpoint: origin, size and root. It says nothing about signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint<'a> {
    /// Which log: one line, not empty. In this standard it equals the name of the log's key.
    pub origin: &'a str,
    /// Size and root.
    pub head: TreeHead,
}

impl<'a> Checkpoint<'a> {
    /// Parses the text of a note: exactly three lines. A tree without leaves has the root of one.
    ///
    /// # Errors
    /// [`CheckpointError::Body`]
    pub fn parse(text: &'a str) -> Result<Checkpoint<'a>, CheckpointError> {
        parse_body(text).ok_or(CheckpointError::Body)
    }

    /// The three lines, ready to sign.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.origin.len() + 68);
        // Cannot fail: writing to a string.
        let _ = write!(text, "{}\n{}\n", self.origin, self.head.size);
        push_base64(&mut text, &self.head.root);
        text.push('\n');
        text
    }

    /// The whole note: text, blank line, signature line of the log.
    ///
    /// The caller has made sure that this head extends every head that the log signed before.
    ///
    /// # Errors
    /// [`SignError`] if the key has another name than the origin, or the signer gives no signature.
    pub fn sign(&self, key: &LogKey, signer: &dyn Signer) -> Result<String, SignError> {
        if key.name() != self.origin {
            return Err(SignError("the key has another name than the log"));
        }
        let mut note = self.text();
        let line = key.sign(&note, signer)?;
        note.push('\n');
        note.push_str(&line);
        Ok(note)
    }
}

fn parse_body(text: &str) -> Option<Checkpoint<'_>> {
    let mut rest = text;
    let origin = take_line(&mut rest).filter(|origin| !origin.is_empty())?;
    let size = take_line(&mut rest).and_then(decimal).filter(|size| *size <= MAX_TREE_SIZE)?;
    let root = take_line(&mut rest).and_then(hash)?;
    let empty_is_empty = size != 0 || root == EMPTY_ROOT;
    (rest.is_empty() && empty_is_empty).then_some(Checkpoint { origin, head: TreeHead { size, root } })
}

/// A checkpoint in its note. Signatures have still to be asked for, here or through [`SignedCheckpoint::note`].
#[derive(Clone, Debug)]
pub struct SignedCheckpoint<'a> {
    checkpoint: Checkpoint<'a>,
    note: Note<'a>,
}

impl<'a> SignedCheckpoint<'a> {
    /// Parses a signed note whose text is a checkpoint.
    ///
    /// # Errors
    /// [`CheckpointError::Note`] or [`CheckpointError::Body`].
    pub fn parse(bytes: &'a [u8]) -> Result<SignedCheckpoint<'a>, CheckpointError> {
        let note = Note::parse(bytes)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        Ok(SignedCheckpoint { checkpoint, note })
    }

    /// Parses a checkpoint and checks that it comes from the log of this key: same name, good signature. This is how a
    /// mirror takes a checkpoint.
    ///
    /// # Errors
    /// [`CheckpointError::NotSigned`] for another origin too; else as [`SignedCheckpoint::parse`].
    pub fn open(bytes: &'a [u8], key: &LogKey) -> Result<SignedCheckpoint<'a>, CheckpointError> {
        let signed = SignedCheckpoint::parse(bytes)?;
        if signed.origin() == key.name() && signed.note.is_signed_by(key)? {
            Ok(signed)
        } else {
            Err(CheckpointError::NotSigned)
        }
    }

    /// The origin line.
    #[must_use]
    pub const fn origin(&self) -> &'a str {
        self.checkpoint.origin
    }

    /// Size and root.
    #[must_use]
    pub const fn head(&self) -> TreeHead {
        self.checkpoint.head
    }

    /// The note, for its text and signatures.
    #[must_use]
    pub const fn note(&self) -> &Note<'a> {
        &self.note
    }
}
