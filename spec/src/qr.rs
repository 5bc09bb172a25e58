//! QR texts: a licence or view as `EL1:`, or a reference to one as `EL1R:`.
//!
//! In scope: the strict text form (Base45 over zlib), its limits, and which QR version a text needs. Out of scope:
//! pictures (the node draws them, the clerk's tool reads them) and fetching what a reference names.
//! Format: spec/qr.md; vectors in spec/vectors/generated-examples/qr, rfc9285/ and dgc-testdata/.

mod base45;
mod fit;

pub use base45::{decode as base45_decode, encode as base45_encode};
pub use fit::{Fit, Level, fit, level_for, version_at_m};

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::cbor::{Fault, FaultKind, Reader, Writer};
use crate::cose::Sign1;
use crate::numbers::{CTI_BYTES, MAX_LICENCE};
use crate::suite::Digest;
use crate::trust::is_host;
use crate::verdict::Code;
use crate::zlib::{self, InflateError};

/// Longest text: QR version 30 at level M holds 1,994 alphanumeric characters (ISO/IEC 18004 table 7).
pub const MAX_QR_TEXT: usize = 1_994;
/// Prefix of an object.
pub const PREFIX_OBJECT: &str = "EL1:";
/// Prefix of a reference.
pub const PREFIX_REFERENCE: &str = "EL1R:";
/// The version number inside a reference.
const REFERENCE_VERSION: u64 = 1;

/// A reference to a licence that lies on a node of its issuer. The cti acts as the ticket.
#[derive(Clone, PartialEq, Eq)]
pub struct Reference {
    /// Random id of the licence.
    pub cti: [u8; CTI_BYTES],
    /// Statement digest of the licence.
    pub digest: Digest,
    /// Host that has it.
    pub host: String,
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The cti is a bearer value: never printed.
        write!(f, "Reference({})", self.host)
    }
}

/// What a QR text holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QrContent {
    /// The bytes of a licence or view, not looked at yet.
    Object(Vec<u8>),
    /// Where to fetch a licence.
    Reference(Reference),
}

/// Why a text cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QrFault {
    /// Not this form at all, or damaged: scan again.
    Unreadable,
    /// A later version.
    VersionUnsupported,
    /// The form, but against the profile.
    NotConformant,
}

impl QrFault {
    /// The stable code.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            QrFault::Unreadable => Code::Unreadable,
            QrFault::VersionUnsupported => Code::VersionUnsupported,
            QrFault::NotConformant => Code::NotConformant,
        }
    }
}

impl fmt::Display for QrFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code().en())
    }
}

impl core::error::Error for QrFault {}

/// A scanned text without what a scanner or an editor adds around it: byte order mark, CR, LF, TAB and blanks at both ends, and
/// an AIM identifier such as `]Q1`. Base45 has the blank among its characters, but no encoding ends with one: the last
/// character of three stands for at most 65,535 / 2,025 = 32, of two for at most 5, and the blank for 36.
#[must_use]
pub fn without_transport(text: &str) -> &str {
    let is_around = |c: char| matches!(c, '\u{feff}' | '\r' | '\n' | '\t' | ' ');
    let text = text.trim_matches(is_around);
    match text.as_bytes() {
        // ISO/IEC 15424: a bracket, the letter of the symbology and one modifier.
        [b']', letter, modifier, ..] if letter.is_ascii_alphabetic() && modifier.is_ascii_alphanumeric() => {
            text[3..].trim_start_matches(is_around)
        }
        _ => text,
    }
}

/// Whether a scanned text is one of ours by its beginning: `EL`, a digit, perhaps an R, a colon. Others that merely begin
/// with EL are somebody else's.
#[must_use]
pub fn is_ours(text: &str) -> bool {
    let Some(rest) = without_transport(text).strip_prefix("EL") else { return false };
    let Some(rest) = rest.strip_prefix(|c: char| c.is_ascii_digit()) else { return false };
    rest.starts_with(':') || rest.starts_with("R:")
}

/// The text that a scanner typed, if these bytes are one: UTF-8, something of it left without the transport, and no control
/// character inside; one that begins like ours is one in any case, so that the answer to a damaged one is to scan again.
/// The bytes of a licence or view are never text: after tag, array and head of the protected header comes `a3`, which
/// stands alone there and so is no UTF-8.
#[must_use]
pub fn scanned(bytes: &[u8]) -> Option<&str> {
    let text = core::str::from_utf8(bytes).ok()?;
    let bare = without_transport(text);
    (is_ours(bare) || (!bare.is_empty() && !bare.contains(char::is_control))).then_some(text)
}

/// Reads a scanned text; what is transport around it is taken off ([`without_transport`]).
///
/// # Errors
/// [`QrFault`]. Faults of the text and of zlib are unreadable; more than 64 KiB inflated, or a broken reference, is not
/// conformant.
pub fn read(text: &str) -> Result<QrContent, QrFault> {
    let text = without_transport(text);
    if let Some(body) = text.strip_prefix(PREFIX_REFERENCE) {
        return read_reference(bounded(text, body)?).map(QrContent::Reference);
    }
    if let Some(body) = text.strip_prefix(PREFIX_OBJECT) {
        let stream = base45_decode(bounded(text, body)?).ok_or(QrFault::Unreadable)?;
        return match zlib::inflate(&stream, MAX_LICENCE) {
            Ok(bytes) => Ok(QrContent::Object(bytes)),
            Err(InflateError::TooLong) => Err(QrFault::NotConformant),
            Err(_) => Err(QrFault::Unreadable),
        };
    }
    Err(if is_later_version(text) { QrFault::VersionUnsupported } else { QrFault::Unreadable })
}

fn bounded<'a>(text: &str, body: &'a str) -> Result<&'a str, QrFault> {
    if text.len() > MAX_QR_TEXT { Err(QrFault::NotConformant) } else { Ok(body) }
}

/// `EL2:` … `EL9:`, and the same with an R.
fn is_later_version(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("EL") else { return false };
    let mut characters = rest.chars();
    characters.next().is_some_and(|digit| ('2'..='9').contains(&digit))
        && matches!(characters.as_str(), rest if rest.starts_with(':') || rest.starts_with("R:"))
}

/// `[1, cti, statement digest, host]`.
fn read_reference(body: &str) -> Result<Reference, QrFault> {
    let bytes = base45_decode(body).ok_or(QrFault::Unreadable)?;
    let mut reader = Reader::new(&bytes);
    let fault = |fault: Fault| match fault.kind {
        FaultKind::Unreadable => QrFault::Unreadable,
        FaultKind::NotConformant => QrFault::NotConformant,
    };
    let items = reader.array().map_err(fault)?;
    if reader.uint().map_err(fault)? != REFERENCE_VERSION {
        return Err(QrFault::VersionUnsupported);
    }
    if items != 4 {
        return Err(QrFault::NotConformant);
    }
    let cti = reader.byte_array().map_err(fault)?;
    let digest = reader.byte_array().map_err(fault)?;
    let host = reader.text().map_err(fault)?;
    reader.end().map_err(fault)?;
    if !is_host(host) {
        return Err(QrFault::NotConformant);
    }
    Ok(Reference { cti, digest, host: String::from(host) })
}

/// The QR text of a licence or view; a log proof in its header is left out.
///
/// # Errors
/// Not conformant if the bytes are no COSE_Sign1, or if the text would be longer than [`MAX_QR_TEXT`]: then use a view
/// or the reference form.
pub fn write_object(bytes: &[u8]) -> Result<String, Fault> {
    let statement = Sign1::parse(bytes, MAX_LICENCE)?.statement();
    let text = alloc::format!("{PREFIX_OBJECT}{}", base45_encode(&zlib::deflate(&statement)));
    if text.len() > MAX_QR_TEXT {
        return Err(Fault::not_conformant("the licence is too long for a QR code"));
    }
    Ok(text)
}

/// The QR text of a reference.
#[must_use]
pub fn write_reference(reference: &Reference) -> String {
    let mut writer = Writer::default();
    writer
        .array(4)
        .uint(REFERENCE_VERSION)
        .bytes(&reference.cti)
        .bytes(&reference.digest)
        .text(&reference.host);
    alloc::format!("{PREFIX_REFERENCE}{}", base45_encode(&writer.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_one_character_too_long_is_refused() {
        let body = "0".repeat(MAX_QR_TEXT - PREFIX_OBJECT.len());
        // At the limit the text is looked at, and found not to be zlib; one above it is refused by its length.
        assert_eq!(read(&alloc::format!("EL1:{body}")), Err(QrFault::Unreadable));
        assert_eq!(read(&alloc::format!("EL1:{body}0")), Err(QrFault::NotConformant));
    }

    #[test]
    fn a_reference_round_trips() {
        let reference = Reference { cti: [7; 16], digest: [9; 32], host: "gz.elic.example".into() };
        assert_eq!(read(&write_reference(&reference)), Ok(QrContent::Reference(reference)));
    }

    #[test]
    fn the_level_changes_where_version_25_at_q_is_full() {
        assert_eq!([level_for(1_041), level_for(1_042)], [Some(Level::Q), Some(Level::M)]);
        assert_eq!([level_for(1_994), level_for(1_995)], [Some(Level::M), None]);
    }
}
