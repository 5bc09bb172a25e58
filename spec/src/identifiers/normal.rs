//! Codes and names as people type them: one normal form, and one comparison.
//!
//! In scope: what is transport in a code (blanks around it, full width, small letters) and in a name (NFD, blanks, a
//! separator of another font). Out of scope: which texts may be signed (the issuer refuses what is untidy).
//! Format: spec/identifiers.md §5.1; vectors in spec/vectors/identifiers/asked.json.

use alloc::string::String;

use unicode_normalization::UnicodeNormalization as _;

/// The separator between the parts of a person's name: U+00B7.
pub const NAME_SEPARATOR: char = '\u{b7}';
/// Dots and points that are written in its place (民委发〔2016〕33号 asks for U+00B7 alone): read as it where names are compared,
/// refused where one is signed ([`crate::text::check_name`]).
pub const NAME_SEPARATOR_VARIANTS: [char; 29] = [
    '\u{2022}',
    '\u{2023}',
    '\u{2024}',
    '\u{2027}',
    '\u{2043}',
    '\u{204c}',
    '\u{204d}',
    '\u{2219}',
    '\u{22c4}',
    '\u{22c5}',
    '\u{25aa}',
    '\u{25cf}',
    '\u{25e6}',
    '\u{26ab}',
    '\u{2981}',
    '\u{2e30}',
    '\u{2e31}',
    '\u{2e33}',
    '\u{3002}',
    '\u{30fb}',
    '\u{318d}',
    '\u{16eb}',
    '\u{1427}',
    '\u{a78f}',
    '\u{fe52}',
    '\u{ff0e}',
    '\u{ff61}',
    '\u{ff65}',
    '\u{10101}',
];

/// A code in its normal form: full width as half width, nothing blank around it, capitals. Two codes are the same if
/// their normal forms are; whether it *is* a code is another question ([`super::AskedCode`]).
#[must_use]
pub fn normal_code(text: &str) -> String {
    let narrow: String = text.chars().map(half_width).collect();
    narrow.trim_matches(is_blank).chars().map(|c| c.to_ascii_uppercase()).collect()
}

/// A name in its normal form: NFC, nothing blank around it, U+00B7 for every separator of another font.
#[must_use]
pub fn normal_name(text: &str) -> String {
    let unify = |c: char| if NAME_SEPARATOR_VARIANTS.contains(&c) { NAME_SEPARATOR } else { c };
    text.trim_matches(is_blank).nfc().map(unify).collect()
}

/// Whether two texts are the same name.
#[must_use]
pub fn same_name(a: &str, b: &str) -> bool {
    a == b || normal_name(a) == normal_name(b)
}

/// White space, the full-width space among it, and the byte order mark that editors leave behind.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

/// The half-width form of a full-width character; all others as they are.
fn half_width(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        // Cannot fail: U+FF01 to U+FF5E less 0xFEE0 are the graphic characters of ASCII.
        '！'..='～' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    }
}

/// Whether a character cannot stand in a code: blank, control, or nothing that a reader would see.
pub(super) fn is_unseen(c: char) -> bool {
    is_blank(c)
        || c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fffd}'
            | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{e007f}' | '\u{f0000}'..='\u{10ffff}')
}
