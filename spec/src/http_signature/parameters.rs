//! `Signature-Input` and `Signature`, in the one serialisation that this profile allows.
//!
//! A header that parses as a Structured Field and whose canonical serialisation equals itself is exactly a header that
//! this reader takes, so no general Structured Fields parser is needed.

use alloc::format;
use alloc::string::String;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::{HttpSignatureFault, LABEL, MAX_HEADER, MAX_SIGNATURE_LIFE_S};
use crate::suite::{Digest, SignatureBytes, Suite};
use crate::time::UnixTime;

/// Bytes of a nonce; 22 characters in base64url.
pub const NONCE_BYTES: usize = 16;
/// Longest key id that is read at all; the right one has 64 characters, and all others are `signature-key`.
const MAX_KEY_ID: usize = 128;

/// The parameters of the one signature.
pub(super) struct Parameters<'a> {
    pub(super) created: UnixTime,
    pub(super) expires: UnixTime,
    pub(super) nonce: [u8; NONCE_BYTES],
    /// Everything after `elic=`: the value of `@signature-params`.
    pub(super) text: &'a str,
    key_id: &'a str,
}

impl<'a> Parameters<'a> {
    /// Reads the header and requires exactly these components and this order of parameters.
    pub(super) fn read(
        header: Option<&'a str>,
        components: &str,
    ) -> Result<Parameters<'a>, HttpSignatureFault> {
        let header = header.filter(|header| header.len() <= MAX_HEADER);
        header.and_then(|header| read_input(header, components)).ok_or(HttpSignatureFault::SignatureInput)
    }

    /// The key id as a full thumbprint; `None` if it is not 64 lower-case hexadecimal digits.
    pub(super) fn thumbprint(&self) -> Option<Digest> {
        let mut thumbprint = [0; 32];
        if self.key_id.len() != 64 {
            return None;
        }
        for (byte, pair) in thumbprint.iter_mut().zip(self.key_id.as_bytes().chunks_exact(2)) {
            *byte = hex_value(pair[0])? << 4 | hex_value(pair[1])?;
        }
        Some(thumbprint)
    }
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn read_input<'a>(header: &'a str, components: &str) -> Option<Parameters<'a>> {
    let text = header.strip_prefix(LABEL)?.strip_prefix('=')?;
    let rest = text.strip_prefix(components)?.strip_prefix(";created=")?;
    let (created, rest) = read_time(rest)?;
    let (expires, rest) = read_time(rest.strip_prefix(";expires=")?)?;
    let (key_id, rest) = rest.strip_prefix(";keyid=\"")?.split_once('"')?;
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    if key_id.len() > MAX_KEY_ID || !key_id.bytes().all(is_plain) {
        return None;
    }
    let (nonce, rest) = rest.strip_prefix(";alg=\"ed25519\";nonce=\"")?.split_once('"')?;
    let nonce = URL_SAFE_NO_PAD.decode(nonce).ok()?.try_into().ok()?;
    (rest == ";tag=\"elicence\"").then_some(Parameters { created, expires, nonce, text, key_id })
}

/// An integer as Structured Fields serialise it: 1 to 15 digits without leading zeros.
fn read_time(text: &str) -> Option<(UnixTime, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let canonical = digits == "0" || !digits.starts_with('0');
    // An empty text is no number, so `parse` refuses it.
    let seconds = digits.parse().ok().filter(|_| canonical && digits.len() <= 15)?;
    Some((UnixTime(seconds), rest))
}

/// The 64 bytes of `elic=:<base64>:`.
pub(super) fn read_signature(header: Option<&str>) -> Result<SignatureBytes, HttpSignatureFault> {
    let read = |header: &str| {
        let text = header.strip_prefix(LABEL)?.strip_prefix("=:")?.strip_suffix(':')?;
        // 64 bytes are 88 characters; nothing longer is decoded.
        let bytes = STANDARD.decode(Some(text).filter(|text| text.len() == 88)?).ok()?;
        SignatureBytes::new(Suite::Ed25519, &bytes)
    };
    header.and_then(read).ok_or(HttpSignatureFault::SignatureInput)
}

/// The value of `@signature-params` for a life of 300 s.
pub(super) fn write(
    components: &str,
    created: UnixTime,
    thumbprint: &Digest,
    nonce: [u8; NONCE_BYTES],
) -> String {
    let key_id: String = thumbprint.iter().map(|byte| format!("{byte:02x}")).collect();
    let (expires, nonce) = (created.plus(MAX_SIGNATURE_LIFE_S), URL_SAFE_NO_PAD.encode(nonce));
    format!(
        "{components};created={};expires={};keyid=\"{key_id}\";alg=\"ed25519\";nonce=\"{nonce}\";tag=\"elicence\"",
        created.0, expires.0
    )
}
