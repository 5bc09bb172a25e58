//! The strict pull reader.

use cbor4ii::core::dec::{Decode, Error, Read, Reference};
use cbor4ii::core::types;
use core::convert::Infallible;

use super::{Fault, check_text};
use crate::numbers::{MAX_DEPTH, MAX_INTEGER, MAX_TIME};
use crate::time::UnixTime;

/// What kind of item comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An integer of either sign.
    Integer,
    /// A byte string.
    Bytes,
    /// A text string.
    Text,
    /// An array.
    Array,
    /// A map.
    Map,
    /// A tag.
    Tag,
    /// `true` or `false`.
    Bool,
    /// `null`.
    Null,
}

/// A map key: an integer or a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key<'a> {
    /// An integer key.
    Int(i64),
    /// A text key.
    Text(&'a str),
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Read<'a> for Cursor<'a> {
    type Error = Infallible;

    fn fill<'short>(&'short mut self, _want: usize) -> Result<Reference<'a, 'short>, Infallible> {
        Ok(Reference::Long(self.0))
    }

    fn advance(&mut self, n: usize) {
        self.0 = self.0.get(n..).unwrap_or_default();
    }
}

/// Reads one item after the other and refuses whatever is not its only allowed encoding.
///
/// Depth is counted by itself: each open array or map knows how many items it still wants.
pub struct Reader<'a> {
    cursor: Cursor<'a>,
    /// Items still wanted by each open array, map or tag; the innermost is last.
    wanted: [u64; MAX_DEPTH],
    depth: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the first byte. The caller has checked the length cap of the object.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { cursor: Cursor(bytes), wanted: [0; MAX_DEPTH], depth: 0 }
    }

    /// The kind of the next item.
    ///
    /// # Errors
    /// Unreadable at the end of the input, at a reserved head or a stray break; not conformant for floats,
    /// `undefined`, other simple values and indefinite lengths.
    pub fn kind(&self) -> Result<Kind, Fault> {
        let Some(&head) = self.cursor.0.first() else {
            return Err(Fault::unreadable("the input ends too early"));
        };
        match (head >> 5, head & 0x1f) {
            (_, 28..=30) => Err(Fault::unreadable("a reserved head")),
            (7, 31) => Err(Fault::unreadable("a stray break")),
            (0 | 1 | 6, 31) => Err(Fault::unreadable("an integer or tag of indefinite length")),
            (2..=5, 31) => Err(Fault::not_conformant("an indefinite length")),
            (0 | 1, _) => Ok(Kind::Integer),
            (2, _) => Ok(Kind::Bytes),
            (3, _) => Ok(Kind::Text),
            (4, _) => Ok(Kind::Array),
            (5, _) => Ok(Kind::Map),
            (6, _) => Ok(Kind::Tag),
            (_, 20 | 21) => Ok(Kind::Bool),
            (_, 22) => Ok(Kind::Null),
            (_, low) => Err(self.refused_simple(low)),
        }
    }

    /// Floats and simple values are never conformant, but a cut or ill-formed one is unreadable first.
    fn refused_simple(&self, low: u8) -> Fault {
        let rest = self.cursor.0.get(1..).unwrap_or_default();
        let needed = match low {
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => 0,
        };
        match rest.first() {
            _ if rest.len() < needed => Fault::unreadable("the input ends too early"),
            Some(0..=31) if low == 24 => Fault::unreadable("an ill-formed simple value"),
            _ => Fault::not_conformant("a float, undefined or another simple value"),
        }
    }

    fn expect(&self, kind: Kind, what: &'static str) -> Result<(), Fault> {
        let found = self.kind()?;
        if found == kind {
            return Ok(());
        }
        // A container that announces more than is left is not well-formed, which ranks before being unexpected.
        let mut probe = Reader::new(self.cursor.0);
        match found {
            Kind::Array => probe.array().map(drop)?,
            Kind::Map => probe.map().map(drop)?,
            Kind::Bytes => probe.bytes().map(drop)?,
            _ => {}
        }
        Err(Fault::not_conformant(what))
    }

    /// Runs one decoder and checks that its head was the shortest one for `argument`.
    fn head<T>(
        &mut self,
        decode: impl FnOnce(&mut Cursor<'a>) -> Result<T, Error<Infallible>>,
        argument: impl FnOnce(&T) -> u64,
        body: impl FnOnce(&T) -> usize,
    ) -> Result<T, Fault> {
        let before = self.cursor.0.len();
        let value = decode(&mut self.cursor).map_err(|error| match error {
            Error::CastOverflow { .. } | Error::ArithmeticOverflow { .. } => {
                Fault::not_conformant("an integer is too large")
            }
            _ => Fault::unreadable("the input ends too early"),
        })?;
        let used = before - self.cursor.0.len() - body(&value);
        if used == shortest_head(argument(&value)) {
            Ok(value)
        } else {
            Err(Fault::not_conformant("a head is not in its shortest form"))
        }
    }

    /// One item of the innermost open array, map or tag has been read.
    fn item_done(&mut self) {
        if let Some(top) = self.depth.checked_sub(1).and_then(|top| self.wanted.get_mut(top)) {
            *top = top.saturating_sub(1);
        }
        while let Some(top) = self.depth.checked_sub(1) {
            if self.wanted.get(top).is_some_and(|wanted| *wanted > 0) {
                break;
            }
            self.depth = top;
        }
    }

    /// Opens a container that wants `items` items; it counts as one item of its parent.
    fn open(&mut self, items: u64) -> Result<(), Fault> {
        if let Some(top) = self.depth.checked_sub(1).and_then(|top| self.wanted.get_mut(top)) {
            *top = top.saturating_sub(1);
        }
        let Some(slot) = self.wanted.get_mut(self.depth) else {
            return Err(Fault::not_conformant("nested too deeply"));
        };
        // One more than wanted: `item_done` below takes it away again and closes empty containers.
        *slot = items + 1;
        self.depth += 1;
        self.item_done();
        Ok(())
    }

    /// An integer within -(2^53 - 1) ..= 2^53 - 1.
    ///
    /// # Errors
    /// See [`Reader::kind`]; not conformant if the next item is something else or the integer is too large.
    pub fn int(&mut self) -> Result<i64, Fault> {
        self.expect(Kind::Integer, "an integer is expected")?;
        let negative = self.cursor.0.first().is_some_and(|head| head >> 5 == 1);
        let magnitude = if negative {
            self.head(|c| types::Negative::<u64>::decode(c).map(|n| n.0), |n| *n, |_| 0)?
        } else {
            self.head(u64::decode, |n| *n, |_| 0)?
        };
        let too_large = Fault::not_conformant("an integer is beyond 2^53 - 1");
        let magnitude = i64::try_from(magnitude).map_err(|_| too_large)?;
        let value = if negative { -1 - magnitude } else { magnitude };
        if !(-MAX_INTEGER..=MAX_INTEGER).contains(&value) {
            return Err(too_large);
        }
        self.item_done();
        Ok(value)
    }

    /// An integer that is not negative.
    ///
    /// # Errors
    /// As [`Reader::int`]; not conformant below zero.
    pub fn uint(&mut self) -> Result<u64, Fault> {
        u64::try_from(self.int()?).map_err(|_| Fault::not_conformant("a number is negative"))
    }

    /// A time, 0 ..= 253402300799.
    ///
    /// # Errors
    /// As [`Reader::int`]; not conformant outside the range.
    pub fn time(&mut self) -> Result<UnixTime, Fault> {
        let value = self.int()?;
        if (0..=MAX_TIME).contains(&value) {
            Ok(UnixTime(value))
        } else {
            Err(Fault::not_conformant("a time is out of range"))
        }
    }

    /// A byte string, borrowed from the input.
    ///
    /// # Errors
    /// See [`Reader::kind`]; unreadable if fewer bytes follow than announced.
    pub fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        self.expect(Kind::Bytes, "a byte string is expected")?;
        let bytes =
            self.head(|c| types::Bytes::<&'a [u8]>::decode(c).map(|b| b.0), |b| b.len() as u64, |b| b.len())?;
        self.item_done();
        Ok(bytes)
    }

    /// A byte string of exactly `N` bytes.
    ///
    /// # Errors
    /// As [`Reader::bytes`]; not conformant if the length differs.
    pub fn byte_array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.bytes()?.try_into().map_err(|_| Fault::not_conformant("a byte string has the wrong length"))
    }

    /// A text, borrowed from the input: UTF-8, NFC, without control characters.
    ///
    /// # Errors
    /// See [`Reader::kind`] and [`check_text`].
    pub fn text(&mut self) -> Result<&'a str, Fault> {
        self.expect(Kind::Text, "a text is expected")?;
        let bytes = self.head(
            |c| types::UncheckedStr::<&'a [u8]>::decode(c).map(|t| t.0),
            |b| b.len() as u64,
            |b| b.len(),
        )?;
        let text = core::str::from_utf8(bytes).map_err(|_| Fault::not_conformant("a text is not UTF-8"))?;
        check_text(text)?;
        self.item_done();
        Ok(text)
    }

    /// A text of 1 to `longest` characters.
    ///
    /// # Errors
    /// As [`Reader::text`]; not conformant if it is empty or longer.
    pub fn short_text(&mut self, longest: usize) -> Result<&'a str, Fault> {
        let text = self.text()?;
        // Every character has at least one byte, so most texts are decided without counting.
        if text.is_empty() || (text.len() > longest && text.chars().count() > longest) {
            return Err(Fault::not_conformant("a text is empty or too long"));
        }
        Ok(text)
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// See [`Reader::kind`].
    pub fn bool(&mut self) -> Result<bool, Fault> {
        self.expect(Kind::Bool, "true or false is expected")?;
        let value = self.cursor.0.first() == Some(&0xf5);
        self.cursor.advance(1);
        self.item_done();
        Ok(value)
    }

    /// Takes a `null` if one comes next, and tells whether it did.
    ///
    /// # Errors
    /// See [`Reader::kind`].
    pub fn null(&mut self) -> Result<bool, Fault> {
        if self.kind()? != Kind::Null {
            return Ok(false);
        }
        self.cursor.advance(1);
        self.item_done();
        Ok(true)
    }

    /// The head of an array; its items follow. Returns their number.
    ///
    /// # Errors
    /// See [`Reader::kind`]; unreadable if more items are announced than bytes are left.
    pub fn array(&mut self) -> Result<usize, Fault> {
        self.expect(Kind::Array, "an array is expected")?;
        let items = self.head(|c| types::Array::len(c).map(|n| n.unwrap_or(0)), |n| *n as u64, |_| 0)?;
        self.announced(items)?;
        self.open(items as u64)?;
        Ok(items)
    }

    /// The head of an array of exactly `N` items.
    ///
    /// # Errors
    /// As [`Reader::array`]; not conformant if the number differs.
    pub fn array_of(&mut self, items: usize) -> Result<(), Fault> {
        if self.array()? == items {
            Ok(())
        } else {
            Err(Fault::not_conformant("an array has the wrong length"))
        }
    }

    /// The head of a map; its keys are read with [`MapReader::next`].
    ///
    /// # Errors
    /// See [`Reader::kind`]; unreadable if more pairs are announced than bytes are left.
    pub fn map(&mut self) -> Result<MapReader<'a>, Fault> {
        self.expect(Kind::Map, "a map is expected")?;
        let pairs = self.head(|c| types::Map::len(c).map(|n| n.unwrap_or(0)), |n| *n as u64, |_| 0)?;
        self.announced(pairs.saturating_mul(2))?;
        self.open(2 * pairs as u64)?;
        Ok(MapReader { left: pairs, last: &[] })
    }

    /// A tag, which must be `number`; the tagged item follows.
    ///
    /// # Errors
    /// See [`Reader::kind`]; not conformant for any other tag.
    pub fn tag(&mut self, number: u64) -> Result<(), Fault> {
        self.expect(Kind::Tag, "the tag is missing")?;
        let found = self.head(types::Tag::tag, |n| *n, |_| 0)?;
        if found != number {
            return Err(Fault::not_conformant("another tag is expected"));
        }
        self.open(1)
    }

    fn announced(&self, items: usize) -> Result<(), Fault> {
        if items > self.cursor.0.len() {
            return Err(Fault::unreadable("more items are announced than bytes are left"));
        }
        Ok(())
    }

    /// The bytes that have not been read yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.cursor.0
    }

    /// Reads over one whole item of any allowed kind, checking every rule but tags, which are refused.
    ///
    /// # Errors
    /// See the readers of the single kinds.
    pub fn skip(&mut self) -> Result<(), Fault> {
        let floor = self.depth;
        loop {
            self.skip_head()?;
            if self.depth <= floor {
                return Ok(());
            }
        }
    }

    /// Reads one leaf, or the head of a container. Map keys are checked by reading the map whole, as its depth is
    /// bounded by the reader.
    fn skip_head(&mut self) -> Result<(), Fault> {
        match self.kind()? {
            Kind::Integer => self.int().map(drop),
            Kind::Bytes => self.bytes().map(drop),
            Kind::Text => self.text().map(drop),
            Kind::Bool => self.bool().map(drop),
            Kind::Null => self.null().map(drop),
            Kind::Array => self.array().map(drop),
            Kind::Map => {
                let mut map = self.map()?;
                while map.next(self)?.is_some() {
                    self.skip()?;
                }
                Ok(())
            }
            Kind::Tag => Err(Fault::not_conformant("a tag inside an object")),
        }
    }

    /// Says that nothing may follow.
    ///
    /// # Errors
    /// Not conformant if a byte is left.
    pub fn end(&self) -> Result<(), Fault> {
        if self.cursor.0.is_empty() { Ok(()) } else { Err(Fault::not_conformant("bytes follow the object")) }
    }
}

const fn shortest_head(argument: u64) -> usize {
    match argument {
        0..=23 => 1,
        24..=0xff => 2,
        0x100..=0xffff => 3,
        0x1_0000..=0xffff_ffff => 5,
        _ => 9,
    }
}

/// The keys of one map, strictly ascending by their encodings.
pub struct MapReader<'a> {
    left: usize,
    last: &'a [u8],
}

impl<'a> MapReader<'a> {
    /// The next key, or `None` after the last pair. The caller reads the value from `reader`.
    ///
    /// # Errors
    /// Not conformant if a key is out of order, stands twice, or is neither integer nor text.
    pub fn next(&mut self, reader: &mut Reader<'a>) -> Result<Option<Key<'a>>, Fault> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let before = reader.rest();
        let key = match reader.kind()? {
            Kind::Integer => Key::Int(reader.int()?),
            Kind::Text => Key::Text(reader.text()?),
            _ => return Err(Fault::not_conformant("a map key is neither integer nor text")),
        };
        let encoded = before.get(..before.len() - reader.rest().len()).unwrap_or_default();
        if encoded <= self.last {
            return Err(Fault::not_conformant("map keys are doubled or out of order"));
        }
        self.last = encoded;
        Ok(Some(key))
    }

    /// As [`MapReader::next`], for maps whose keys are all integers.
    ///
    /// # Errors
    /// As [`MapReader::next`]; not conformant for a text key.
    pub fn next_int(&mut self, reader: &mut Reader<'a>) -> Result<Option<i64>, Fault> {
        match self.next(reader)? {
            Some(Key::Int(key)) => Ok(Some(key)),
            Some(Key::Text(_)) => Err(Fault::not_conformant("a key is a text where integers are wanted")),
            None => Ok(None),
        }
    }
}
