//! The statement about rows that were dropped after their time: a signed note of the node's log key.
//!
//! Five lines: a word, the origin of the log, the number of the newest row that was dropped, the digest of the chain after it, the time
//! of that row. It has more lines than a checkpoint and begins otherwise, so that neither can be taken for the other.

use alloc::format;
use alloc::string::String;

use crate::log::note::{LogKey, MAX_NOTE, Note};
use crate::suite::{Digest, SignError, Signer};
use crate::time::UnixTime;

/// Longest statement, bytes.
pub const MAX_DROPPED: usize = MAX_NOTE;
/// The first line.
const WORD: &str = "elic-audit-dropped/v1";

/// All rows up to one were dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Number of the newest row that was dropped.
    pub through: u64,
    /// Digest of the chain after it.
    pub head: Digest,
    /// Its time.
    pub time: UnixTime,
}

/// Why a statement says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DroppedError {
    /// It is not signed by this log's key.
    Signature,
    /// It is signed and is no statement about this log's rows.
    Form,
}

impl Dropped {
    /// Signs the statement.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, key: &LogKey, signer: &dyn Signer) -> Result<String, SignError> {
        let text = self.text(key.name());
        let line = key.sign(&text, signer)?;
        Ok(format!("{text}\n{line}"))
    }

    pub(super) fn text(&self, origin: &str) -> String {
        let mut head = String::with_capacity(64);
        for byte in self.head {
            head.push_str(&format!("{byte:02x}"));
        }
        format!("{WORD}\n{origin}\n{}\n{head}\n{}\n", self.through, self.time.0)
    }

    /// Reads a statement that this key has signed.
    ///
    /// # Errors
    /// [`DroppedError`].
    pub fn open(bytes: &[u8], key: &LogKey) -> Result<Dropped, DroppedError> {
        let note = Note::parse(bytes).map_err(|_| DroppedError::Signature)?;
        match note.is_signed_by(key) {
            Ok(true) => {}
            Ok(false) | Err(_) => return Err(DroppedError::Signature),
        }
        let read = || {
            let mut lines = note.text().lines().skip(2);
            let (through, head, time) = (lines.next()?, lines.next()?, lines.next()?);
            let read = Dropped {
                through: through.parse().ok()?,
                head: digest(head)?,
                time: UnixTime(time.parse().ok()?),
            };
            // Only the one spelling: what is written again must be what was read.
            (read.text(key.name()) == note.text()).then_some(read)
        };
        read().ok_or(DroppedError::Form)
    }
}

fn digest(hex: &str) -> Option<Digest> {
    let mut digest = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()?;
    }
    Some(digest)
}
