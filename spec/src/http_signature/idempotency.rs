//! Idempotency-Key: doing a thing once though it is asked for twice. Used by signed requests of nodes and by clients
//! with tokens alike. Semantics are this project's; draft-ietf-httpapi-idempotency-key-header-07 has expired.

use alloc::format;
use alloc::string::String;
use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::HttpSignatureFault;
use crate::suite::{Digest, sha256};

/// Longest key, characters.
pub const MAX_IDEMPOTENCY_KEY: usize = 64;

/// The value of an `Idempotency-Key`, without its quotation marks: 1 to 64 characters `[A-Za-z0-9._:-]`.
/// `Display` gives the header value, with quotation marks. Its scope is one caller: two callers may use the same value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads a header value, a quoted string.
    ///
    /// # Errors
    /// [`HttpSignatureFault::IdempotencyKeySyntax`].
    pub fn parse(header: &str) -> Result<IdempotencyKey, HttpSignatureFault> {
        let value = header.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        value.map_or(Err(HttpSignatureFault::IdempotencyKeySyntax), IdempotencyKey::new)
    }

    /// A key with this value, which carries no quotation marks.
    ///
    /// # Errors
    /// [`HttpSignatureFault::IdempotencyKeySyntax`].
    pub fn new(value: &str) -> Result<IdempotencyKey, HttpSignatureFault> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        if (1..=MAX_IDEMPOTENCY_KEY).contains(&value.len()) && value.bytes().all(allowed) {
            Ok(IdempotencyKey(value.into()))
        } else {
            Err(HttpSignatureFault::IdempotencyKeySyntax)
        }
    }

    /// The value without quotation marks: what is stored, beside the caller.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// The fingerprint of a request: SHA-256 of method LF target URI LF `sha-256=:<base64 digest of the body>:`.
#[must_use]
pub fn fingerprint(method: &str, target_uri: &str, body_digest: &Digest) -> Digest {
    let digest = digest_text(body_digest);
    sha256(&[method.as_bytes(), b"\n", target_uri.as_bytes(), b"\n", digest.as_bytes()])
}

/// How far the first request with a key has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordState {
    /// Its effect is not decided yet.
    Running,
    /// Its answer is stored.
    Done,
}

/// What a node does with a request under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The key is new for this caller: do it, and store key, fingerprint and answer in the transaction of the effect.
    Do,
    /// Answer again with the stored status and body, byte for byte, and `Idempotency-Replayed: true`.
    Replay,
}

/// Decides about a request with this fingerprint, given what is stored under the caller and the key.
///
/// # Errors
/// [`HttpSignatureFault::IdempotencyKeyReused`] for another fingerprint, else
/// [`HttpSignatureFault::IdempotencyKeyInUse`] while the first request runs (with `Retry-After`).
pub fn decide(
    stored: Option<(&Digest, RecordState)>,
    fingerprint: &Digest,
) -> Result<Decision, HttpSignatureFault> {
    match stored {
        None => Ok(Decision::Do),
        Some((other, _)) if other != fingerprint => Err(HttpSignatureFault::IdempotencyKeyReused),
        Some((_, RecordState::Running)) => Err(HttpSignatureFault::IdempotencyKeyInUse),
        Some((_, RecordState::Done)) => Ok(Decision::Replay),
    }
}

/// `sha-256=:<base64>:` (RFC 9530).
pub(super) fn digest_text(digest: &Digest) -> String {
    format!("sha-256=:{}:", STANDARD.encode(digest))
}

/// Reads exactly one SHA-256 digest; a header that also has other algorithms is refused.
pub(super) fn read_digest_text(header: &str) -> Option<Digest> {
    let text = header.strip_prefix("sha-256=:")?.strip_suffix(':')?;
    // 32 bytes are 44 characters; nothing longer is decoded.
    STANDARD.decode(Some(text).filter(|text| text.len() == 44)?).ok()?.try_into().ok()
}
