//! Base45 (RFC 9285), strict: one text for one byte string.

use alloc::string::String;
use alloc::vec::Vec;

const ALPHABET: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

fn value(character: u8) -> Option<u32> {
    ALPHABET.iter().position(|known| *known == character).and_then(|at| u32::try_from(at).ok())
}

fn digit(number: u32) -> char {
    // Cannot fail: the remainder is below the length of the alphabet.
    ALPHABET.get(number as usize % 45).map_or('0', |byte| char::from(*byte))
}

/// Encodes bytes: three characters for two bytes, two for a last single one.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(2) * 3);
    for pair in bytes.chunks(2) {
        let number = pair.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
        text.push(digit(number));
        text.push(digit(number / 45));
        if pair.len() == 2 {
            text.push(digit(number / 2_025));
        }
    }
    text
}

/// Decodes a text; `None` for a character outside the alphabet, a length of 1 modulo 3, a triplet above 65,535 or a
/// pair above 255.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 3 * 2 + 1);
    for group in text.as_bytes().chunks(3) {
        let mut number = 0;
        for character in group.iter().rev() {
            number = number * 45 + value(*character)?;
        }
        match group.len() {
            3 => bytes.extend_from_slice(&u16::try_from(number).ok()?.to_be_bytes()),
            2 => bytes.push(u8::try_from(number).ok()?),
            _ => return None,
        }
    }
    Some(bytes)
}
