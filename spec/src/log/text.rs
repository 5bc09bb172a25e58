//! The small grammar that all text formats of the log share: lines, decimals, Base64, names.
//! In scope: strict reading and writing of these. Out of scope: what a line means (`note`, `checkpoint`, `proof` …).

use alloc::string::String;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::merkle::Hash;

/// Takes the text up to the next LF, without it. `None` if no LF is left: every line of these formats ends in one.
pub(super) fn take_line<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let (line, tail) = rest.split_once('\n')?;
    *rest = tail;
    Some(line)
}

/// A decimal number without sign or leading zero.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    text.parse().ok()
}

/// Decodes standard Base64 (RFC 4648 §4) into the front of `buffer` and gives the part that was filled. Padding is
/// required, spare bits are zero. `None` also if the buffer is too small.
pub(super) fn base64<'b>(text: &str, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let length = STANDARD.decode_slice(text, buffer).ok()?;
    buffer.get(..length)
}

/// A hash in Base64: exactly 32 bytes.
pub(super) fn hash(text: &str) -> Option<Hash> {
    // One whole group more than a hash has, so that a hash that is too long is seen as such.
    let mut buffer = [0; 36];
    Hash::try_from(base64(text, &mut buffer)?).ok()
}

/// Appends bytes in standard Base64.
pub(super) fn push_base64(out: &mut String, bytes: &[u8]) {
    STANDARD.encode_string(bytes, out);
}

/// Whether a text may be the name of a key: not empty, no Unicode space, no plus sign, no character below U+0020
/// (C2SP signed-note).
pub(super) fn is_key_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c < ' ' || c == '+')
}
