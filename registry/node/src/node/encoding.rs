//! Bytes as text, in the one way of the API: base64url without padding; digests as `sha-256:` and hex, as in verdicts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Base64url without padding.
#[must_use]
pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads base64url without padding, strictly; `None` for anything else.
#[must_use]
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// A SHA-256 digest as verdicts, answers and receipts write it: `sha-256:` and 64 hex digits.
#[must_use]
pub fn digest_text(digest: &[u8; 32]) -> String {
    format!("sha-256:{}", hex::encode(digest))
}
