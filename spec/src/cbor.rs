//! Strict deterministic CBOR: the only way in which this standard reads and writes objects.
//!
//! In scope: a pull reader that refuses everything but the one encoding of a value, and a writer of that encoding.
//! Out of scope: what the values mean. Built on the primitives of `cbor4ii::core`, whose own `Value` and serde layer
//! accept duplicate keys, long heads and indefinite lengths and so cannot be used here (spec/cbor.md).
//! Format: spec/cbor.md; vectors in spec/vectors/rfc8949/.

mod read;
mod write;

pub use read::{Key, Kind, MapReader, Reader};
pub use write::Writer;

use core::fmt;

/// Which of the two structural answers a fault gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Not well-formed: cut short, reserved heads, a stray break.
    Unreadable,
    /// Well-formed so far, but against the profile.
    NotConformant,
}

/// The first breach met while reading, with words for people. It never carries what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Unreadable or not conformant.
    pub kind: FaultKind,
    /// What is wrong, in English, without any of the data.
    pub what: &'static str,
}

impl Fault {
    /// A fault that means: this is no well-formed object.
    #[must_use]
    pub const fn unreadable(what: &'static str) -> Fault {
        Fault { kind: FaultKind::Unreadable, what }
    }

    /// A fault that means: well-formed, but not this profile.
    #[must_use]
    pub const fn not_conformant(what: &'static str) -> Fault {
        Fault { kind: FaultKind::NotConformant, what }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl core::error::Error for Fault {}

/// Checks the text rule of spec/cbor.md §9: NFC, no control character but LF, no bidirectional override.
///
/// # Errors
/// Not conformant, with the rule that is broken.
pub fn check_text(text: &str) -> Result<(), Fault> {
    let mut common = true;
    for character in text.chars() {
        match character {
            '\n' | ' '..='~' => {}
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => {
                return Err(Fault::not_conformant("a text holds a control character"));
            }
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                return Err(Fault::not_conformant("a text holds a bidirectional control"));
            }
            // Blocks that NFC leaves alone whatever stands beside them: no decompositions, no combining marks.
            '\u{4e00}'..='\u{9fff}' | '\u{3001}'..='\u{3029}' | '\u{ff01}'..='\u{ff60}' => {}
            _ => common = false,
        }
    }
    if common || unicode_normalization::is_nfc(text) {
        Ok(())
    } else {
        Err(Fault::not_conformant("a text is not in Unicode normal form C"))
    }
}
