//! Cosignatures: which witnesses saw this checkpoint, and when?
//!
//! In scope: C2SP cosignature/v1, made and checked: Ed25519 over a time and the checkpoint text (type 04).
//! Out of scope: whether a witness may sign (`witness`), how many are needed (`policy`), ML-DSA cosignatures (type 06),
//! which are ignored as unknown keys.
//! Format: spec/log.md §6; vectors in spec/vectors/sunlight-skylight/ and log/.

use alloc::string::String;
use core::fmt::{self, Write as _};

use super::note::{NamedKey, Note, NoteError, SignatureKind, VkeyError};
use crate::numbers::MAX_TIME;
use crate::suite::{PublicKey, SignError, SignatureBytes, Signer};
use crate::time::UnixTime;

/// The key of a witness: name and Ed25519 key (type 04). One key per witness, never the key of a log or of a mirror.
#[derive(Clone, PartialEq, Eq)]
pub struct WitnessKey(NamedKey);

impl WitnessKey {
    /// The key of the witness of this name.
    ///
    /// # Errors
    /// [`VkeyError::Syntax`] for a name with spaces, plus signs or control characters, empty or too long.
    pub fn new(name: &str, key: PublicKey) -> Result<WitnessKey, VkeyError> {
        NamedKey::new(name, SignatureKind::Cosignature, key).map(WitnessKey)
    }

    /// Parses a vkey of type 04.
    ///
    /// # Errors
    /// [`VkeyError`] says what is wrong with it.
    pub fn parse(vkey: &str) -> Result<WitnessKey, VkeyError> {
        NamedKey::parse(vkey, SignatureKind::Cosignature).map(WitnessKey)
    }

    /// The name of the witness.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// The public key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        self.0.key()
    }

    /// Cosigns a checkpoint text and gives the signature line. The witness has stored the checkpoint before.
    ///
    /// # Errors
    /// [`SignError`] if the signer holds another key or gives no signature, or the time lies before 1970 or after 9999.
    pub fn cosign(&self, text: &str, time: UnixTime, signer: &dyn Signer) -> Result<String, SignError> {
        if signer.public_key() != self.public_key() {
            return Err(SignError("the signer holds another key than the witness"));
        }
        let seconds = seconds(time).ok_or(SignError("the time of a cosignature is out of range"))?;
        let mut signature = [0; 72];
        let (front, back) = signature.split_at_mut(8);
        front.copy_from_slice(&seconds.to_be_bytes());
        back.copy_from_slice(signer.sign(message(seconds, text).as_bytes())?.as_bytes());
        Ok(self.0.line(&signature))
    }
}

fn seconds(time: UnixTime) -> Option<u64> {
    u64::try_from(time.0).ok().filter(|_| time.0 <= MAX_TIME)
}

/// What a cosignature signs: header line, time line, checkpoint text.
fn message(seconds: u64, text: &str) -> String {
    let mut message = String::with_capacity(48 + text.len());
    // Cannot fail: writing to a string.
    let _ = write!(message, "cosignature/v1\ntime {seconds}\n{text}");
    message
}

/// The vkey.
impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WitnessKey({})", self.0)
    }
}

impl Note<'_> {
    /// When the witness cosigned the text: the newest time if it did so more than once, `None` if it did not.
    /// A line of this key that does not verify spoils the note, and so does a time after 9999.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`]
    pub fn cosigned_at(&self, key: &WitnessKey) -> Result<Option<UnixTime>, NoteError> {
        self.cosigned_times(key, UnixTime::max)
    }

    /// As [`Note::cosigned_at`], but the oldest time.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`]
    pub fn first_cosigned_at(&self, key: &WitnessKey) -> Result<Option<UnixTime>, NoteError> {
        self.cosigned_times(key, UnixTime::min)
    }

    fn cosigned_times(
        &self,
        key: &WitnessKey,
        choose: fn(UnixTime, UnixTime) -> UnixTime,
    ) -> Result<Option<UnixTime>, NoteError> {
        let mut chosen = None;
        for line in self.signatures_of(&key.0) {
            let time = verify(key.public_key(), line, self.text()).ok_or(NoteError::BadSignature)?;
            chosen = Some(chosen.map_or(time, |held| choose(held, time)));
        }
        Ok(chosen)
    }
}

fn verify(key: &PublicKey, line: &[u8], text: &str) -> Option<UnixTime> {
    let (seconds, signature) = line.split_first_chunk::<8>()?;
    let seconds = u64::from_be_bytes(*seconds);
    let time = UnixTime(i64::try_from(seconds).ok().filter(|seconds| *seconds <= MAX_TIME)?);
    let signature = SignatureBytes::new(key.suite(), signature)?;
    key.verify_strict(message(seconds, text).as_bytes(), &signature).then_some(time)
}
