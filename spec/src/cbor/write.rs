//! The writer of the one allowed encoding.

use alloc::vec::Vec;
use cbor4ii::core::enc::{Encode, Write};
use cbor4ii::core::types;
use core::convert::Infallible;

/// Writes items one after the other in their shortest form. Callers write map keys in ascending order of their
/// encodings; every object that is written here is read back by [`super::Reader`] in tests.
#[derive(Debug, Default)]
pub struct Writer(Sink);

#[derive(Debug, Default)]
struct Sink(Vec<u8>);

impl Write for Sink {
    type Error = Infallible;

    fn push(&mut self, input: &[u8]) -> Result<(), Infallible> {
        self.0.extend_from_slice(input);
        Ok(())
    }
}

impl Writer {
    /// A writer with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Writer {
        Writer(Sink(Vec::with_capacity(capacity)))
    }

    /// The bytes written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0.0
    }

    fn put(&mut self, item: &impl Encode) -> &mut Writer {
        // Cannot fail: the sink is a vector, and none of the items below is wider than the format allows.
        let _ = item.encode(&mut self.0);
        self
    }

    /// An integer.
    pub fn int(&mut self, value: i64) -> &mut Writer {
        self.put(&value)
    }

    /// An integer that is not negative.
    pub fn uint(&mut self, value: u64) -> &mut Writer {
        self.put(&value)
    }

    /// A byte string.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Writer {
        self.put(&types::Bytes(value))
    }

    /// A text.
    pub fn text(&mut self, value: &str) -> &mut Writer {
        self.put(&value)
    }

    /// `true` or `false`.
    pub fn bool(&mut self, value: bool) -> &mut Writer {
        self.put(&value)
    }

    /// `null`.
    pub fn null(&mut self) -> &mut Writer {
        self.put(&types::Null)
    }

    /// The head of an array of `items` items, which follow.
    pub fn array(&mut self, items: usize) -> &mut Writer {
        // Cannot fail: writing to a vector.
        let _ = types::Array::bounded(items, &mut self.0);
        self
    }

    /// The head of a map of `pairs` pairs, which follow with ascending keys.
    pub fn map(&mut self, pairs: usize) -> &mut Writer {
        // Cannot fail: writing to a vector.
        let _ = types::Map::bounded(pairs, &mut self.0);
        self
    }

    /// The head of a tag; the tagged item follows.
    pub fn tag(&mut self, number: u64) -> &mut Writer {
        self.put(&types::Tag(number, types::Nothing))
    }

    /// Bytes that are already one encoded item.
    pub fn encoded(&mut self, item: &[u8]) -> &mut Writer {
        self.0.0.extend_from_slice(item);
        self
    }
}
