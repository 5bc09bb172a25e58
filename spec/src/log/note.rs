//! Signed notes: which keys signed this text?
//!
//! In scope: C2SP signed-note, verifier keys (vkeys), log signatures (type 01). Out of scope: timestamped signatures
//! of witnesses (`cosignature`), what the text says (`checkpoint`), which key to ask for (`trust`, `policy`).
//! A text counts only after a signature of a known key was checked; lines of unknown keys are passed over.
//! Format: spec/log.md §4; vectors in spec/vectors/tessera-log/, sunlight-skylight/ and log/.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::text::{base64, is_key_name, push_base64, take_line};
use crate::numbers::MAX_CHECKPOINT;
use crate::suite::{KeyError, PublicKey, SignError, SignatureBytes, Signer, Suite, sha256};

/// Longest signed note, bytes. The notes of this standard are checkpoints.
pub const MAX_NOTE: usize = MAX_CHECKPOINT;
/// Most signature lines in a note; C2SP signed-note asks for 16 at least.
pub const MAX_NOTE_LINES: usize = 32;
/// Longest key name that we take as a known key, bytes: that of a DNS name, which it usually is.
pub const MAX_KEY_NAME: usize = 255;
/// Longest signature of a kind that we know, bytes: time and Ed25519 signature of a cosignature.
const MAX_KNOWN_SIGNATURE: usize = 8 + 64;
/// What every signature line begins with: em dash, space.
const LINE_START: &str = "— ";

/// The four bytes that, with the name, say which key made a signature line. Short on purpose: a hint, no fingerprint.
pub type NoteKeyId = [u8; 4];

/// The kinds of note signatures that this standard knows. All others are unknown keys and are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureKind {
    /// 01: Ed25519 over the text, by a log.
    Log,
    /// 04: Ed25519 over a time and the text, by a witness (C2SP tlog-cosignature).
    Cosignature,
}

impl SignatureKind {
    /// The type byte in key ids and vkeys.
    const fn byte(self) -> u8 {
        match self {
            SignatureKind::Log => 0x01,
            SignatureKind::Cosignature => 0x04,
        }
    }

    /// The suite of its keys and signatures.
    const fn suite(self) -> Suite {
        match self {
            SignatureKind::Log | SignatureKind::Cosignature => Suite::Ed25519,
        }
    }
}

/// Why a vkey is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VkeyError {
    /// Not `name+hexid+base64`, or a name that no key may have, or one longer than [`MAX_KEY_NAME`].
    Syntax,
    /// A type of signature that this standard does not use in this place.
    Kind,
    /// The key id is not the one of this name and key.
    KeyId,
    /// The public key fails the import check.
    Key(KeyError),
}

impl fmt::Display for VkeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VkeyError::Syntax => f.write_str("not a verifier key"),
            VkeyError::Kind => f.write_str("the verifier key has another signature type"),
            VkeyError::KeyId => f.write_str("the key id does not belong to this name and key"),
            VkeyError::Key(error) => write!(f, "the verifier key is not usable: {error}"),
        }
    }
}

impl core::error::Error for VkeyError {}

/// A named public key with its id, of either kind. [`LogKey`] and `WitnessKey` say which.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct NamedKey {
    name: String,
    id: NoteKeyId,
    kind: SignatureKind,
    key: PublicKey,
}

impl NamedKey {
    pub(super) fn new(name: &str, kind: SignatureKind, key: PublicKey) -> Result<NamedKey, VkeyError> {
        if !is_key_name(name) || name.len() > MAX_KEY_NAME {
            return Err(VkeyError::Syntax);
        }
        let [a, b, c, d, ..] = sha256(&[name.as_bytes(), b"\n", &[kind.byte()], key.bytes()]);
        Ok(NamedKey { name: name.to_owned(), id: [a, b, c, d], kind, key })
    }

    /// `name+hexid+base64(type, key)`; the id is eight lower-case hex digits.
    pub(super) fn parse(vkey: &str, kind: SignatureKind) -> Result<NamedKey, VkeyError> {
        // Neither name nor hex digits hold a plus sign; Base64 may.
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VkeyError::Syntax);
        };
        let mut buffer = [0; 36];
        // The first group tells the kind, so that a longer key of another kind is named for what it is.
        match encoded.get(..4).and_then(|group| base64(group, &mut buffer)) {
            Some([found, ..]) if *found == kind.byte() => {}
            Some([_, ..]) => return Err(VkeyError::Kind),
            _ => return Err(VkeyError::Syntax),
        }
        let Some((_, key)) = base64(encoded, &mut buffer).and_then(<[u8]>::split_first) else {
            return Err(VkeyError::Syntax);
        };
        let named = NamedKey::new(name, kind, PublicKey::import(kind.suite(), key).map_err(VkeyError::Key)?)?;
        if named.id_hex() == id.as_bytes() { Ok(named) } else { Err(VkeyError::KeyId) }
    }

    fn id_hex(&self) -> [u8; 8] {
        let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble & 0xf)];
        let [a, b, c, d] = self.id;
        [a >> 4, a, b >> 4, b, c >> 4, c, d >> 4, d].map(digit)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// A signature line of this key: em dash, name, Base64 of id and signature, LF.
    pub(super) fn line(&self, signature: &[u8]) -> String {
        let mut blob = Vec::with_capacity(self.id.len() + signature.len());
        blob.extend_from_slice(&self.id);
        blob.extend_from_slice(signature);
        let mut line =
            String::with_capacity(LINE_START.len() + self.name.len() + 2 + blob.len().div_ceil(3) * 4);
        line.push_str(LINE_START);
        line.push_str(&self.name);
        line.push(' ');
        push_base64(&mut line, &blob);
        line.push('\n');
        line
    }
}

/// The vkey.
impl fmt::Display for NamedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blob = [&[self.kind.byte()], self.key.bytes()].concat();
        let mut encoded = String::new();
        push_base64(&mut encoded, &blob);
        write!(f, "{}+{}+{encoded}", self.name, self.id_hex().escape_ascii())
    }
}

/// The key of a log: name, which is the log's origin, and Ed25519 key (type 01).
#[derive(Clone, PartialEq, Eq)]
pub struct LogKey(NamedKey);

impl LogKey {
    /// The key of the log of this name.
    ///
    /// # Errors
    /// [`VkeyError::Syntax`] for a name with spaces, plus signs or control characters, empty or too long.
    pub fn new(name: &str, key: PublicKey) -> Result<LogKey, VkeyError> {
        NamedKey::new(name, SignatureKind::Log, key).map(LogKey)
    }

    /// Parses a vkey of type 01.
    ///
    /// # Errors
    /// [`VkeyError`] says what is wrong with it.
    pub fn parse(vkey: &str) -> Result<LogKey, VkeyError> {
        NamedKey::parse(vkey, SignatureKind::Log).map(LogKey)
    }

    /// The name of the key, which is the origin of the log.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// The public key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        self.0.key()
    }

    /// Signs a note text and gives the signature line. The text must end in LF. The log signs only after everything
    /// that the text says is on disk.
    ///
    /// # Errors
    /// [`SignError`] if the signer holds another key or gives no signature.
    pub fn sign(&self, text: &str, signer: &dyn Signer) -> Result<String, SignError> {
        if signer.public_key() != self.public_key() {
            return Err(SignError("the signer holds another key than the log"));
        }
        Ok(self.0.line(signer.sign(text.as_bytes())?.as_bytes()))
    }
}

/// The vkey.
impl fmt::Display for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogKey({})", self.0)
    }
}

/// Why a note is refused as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteError {
    /// More than [`MAX_NOTE`] bytes.
    TooLong,
    /// Not UTF-8, or a control character other than LF.
    Characters,
    /// No text, no blank line before the signatures, no signature, no final LF, or a line of another form.
    Syntax,
    /// More than [`MAX_NOTE_LINES`] signature lines.
    TooManyLines,
    /// A line of a known key does not verify.
    BadSignature,
}

impl fmt::Display for NoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoteError::TooLong => "the note is longer than 16384 bytes",
            NoteError::Characters => "the note holds characters that it must not",
            NoteError::Syntax => "not a signed note",
            NoteError::TooManyLines => "the note has more than 32 signature lines",
            NoteError::BadSignature => "a signature of a known key does not verify",
        })
    }
}

impl core::error::Error for NoteError {}

/// A well-formed signed note. Nothing in it is true until a signature was asked for.
#[derive(Clone, Debug)]
pub struct Note<'a> {
    text: &'a str,
    lines: Vec<Line<'a>>,
}

/// One signature line. A signature longer than any that we know is kept by its length alone.
#[derive(Clone, Debug)]
struct Line<'a> {
    name: &'a str,
    id: NoteKeyId,
    signature: [u8; MAX_KNOWN_SIGNATURE],
    length: usize,
}

impl<'a> Note<'a> {
    /// Parses a signed note: at most [`MAX_NOTE`] bytes and [`MAX_NOTE_LINES`] signature lines, every line well-formed
    /// whether its key is known or not.
    ///
    /// # Errors
    /// [`NoteError`], but never [`NoteError::BadSignature`].
    pub fn parse(bytes: &'a [u8]) -> Result<Note<'a>, NoteError> {
        let (text, signatures) = split(bytes)?;
        Note::of_parts(text, signatures)
    }

    /// The note of a text and its signature lines, as [`split`] gave them.
    pub(super) fn of_parts(text: &'a str, signatures: &'a str) -> Result<Note<'a>, NoteError> {
        Ok(Note { text, lines: parse_lines(signatures)? })
    }

    /// The text that is signed, with its final LF.
    #[must_use]
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// Whether the log signed the text. A line of this key that does not verify spoils the note.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`]
    pub fn is_signed_by(&self, key: &LogKey) -> Result<bool, NoteError> {
        let mut signed = false;
        for signature in self.signatures_of(&key.0) {
            let good = SignatureBytes::new(key.public_key().suite(), signature)
                .is_some_and(|signature| key.public_key().verify_strict(self.text.as_bytes(), &signature));
            if !good {
                return Err(NoteError::BadSignature);
            }
            signed = true;
        }
        Ok(signed)
    }

    /// The signatures that claim to be of this key: same name and same id.
    pub(super) fn signatures_of<'s>(&'s self, key: &'s NamedKey) -> impl Iterator<Item = &'s [u8]> {
        self.lines
            .iter()
            .filter(|line| line.name == key.name && line.id == key.id)
            // Too long for any known kind: an empty signature, which never verifies.
            .map(|line| line.signature.get(..line.length).unwrap_or_default())
    }
}

/// Text and signature lines, the latter not looked at yet.
pub(super) fn split(bytes: &[u8]) -> Result<(&str, &str), NoteError> {
    if bytes.len() > MAX_NOTE {
        return Err(NoteError::TooLong);
    }
    let note = core::str::from_utf8(bytes).map_err(|_| NoteError::Characters)?;
    if note.bytes().any(|byte| byte < b' ' && byte != b'\n') {
        return Err(NoteError::Characters);
    }
    // The last blank line parts text and signatures: the text may have blank lines, the signatures not.
    let blank = note.rfind("\n\n").ok_or(NoteError::Syntax)?;
    Ok((&note[..=blank], &note[blank + 2..]))
}

fn parse_lines(mut rest: &str) -> Result<Vec<Line<'_>>, NoteError> {
    let mut lines = Vec::new();
    while !rest.is_empty() {
        if lines.len() == MAX_NOTE_LINES {
            return Err(NoteError::TooManyLines);
        }
        let line = take_line(&mut rest).and_then(parse_line).ok_or(NoteError::Syntax)?;
        lines.push(line);
    }
    if lines.is_empty() { Err(NoteError::Syntax) } else { Ok(lines) }
}

fn parse_line(line: &str) -> Option<Line<'_>> {
    let (name, encoded) = line.strip_prefix(LINE_START)?.split_once(' ')?;
    if !is_key_name(name) {
        return None;
    }
    // 16 KiB of note bound this buffer; lines of known kinds need 76 bytes of it.
    let mut long;
    let mut short = [0; 96];
    let buffer = if encoded.len() <= 128 {
        &mut short[..]
    } else {
        long = alloc::vec![0; encoded.len()];
        &mut long[..]
    };
    let (id, found) = base64(encoded, buffer)?.split_first_chunk::<4>()?;
    if found.is_empty() {
        return None;
    }
    let mut signature = [0; MAX_KNOWN_SIGNATURE];
    if let Some(front) = signature.get_mut(..found.len()) {
        front.copy_from_slice(found);
    }
    Some(Line { name, id: *id, signature, length: found.len() })
}
