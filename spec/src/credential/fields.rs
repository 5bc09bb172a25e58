//! The fields of a licence, and of a view.

use alloc::vec::Vec;
use core::fmt;

use crate::cbor::{Fault, Kind, Reader};
use crate::numbers::{
    MAX_FIELD_BYTES, MAX_FIELD_ITEMS, MAX_FIELD_KEY, MAX_FIELD_ROWS, MAX_FIELD_TEXT, MAX_FIELDS,
};

/// The value of a field. `Debug` hides it: it may be a name or an identity number.
#[derive(Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// A text of at most 4,096 bytes.
    Text(&'a str),
    /// An integer.
    Int(i64),
    /// A truth value.
    Bool(bool),
    /// At most 64 bytes.
    Bytes(&'a [u8]),
    /// A list of at most 64 items, or a table of at most 256 rows.
    List(Vec<Value<'a>>),
}

impl<'a> Value<'a> {
    /// The text, if it is one.
    #[must_use]
    pub const fn as_text(&self) -> Option<&'a str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items, if it is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Value<'a>]> {
        match self {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    fn read(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
        match reader.kind()? {
            Kind::Integer => Ok(Value::Int(reader.int()?)),
            Kind::Bool => Ok(Value::Bool(reader.bool()?)),
            Kind::Text => {
                let text = reader.text()?;
                if text.len() > MAX_FIELD_TEXT {
                    return Err(Fault::not_conformant("a field text is too long"));
                }
                Ok(Value::Text(text))
            }
            Kind::Bytes => {
                let bytes = reader.bytes()?;
                if bytes.len() > MAX_FIELD_BYTES {
                    return Err(Fault::not_conformant("a field byte string is too long"));
                }
                Ok(Value::Bytes(bytes))
            }
            Kind::Array => Value::read_list(reader),
            Kind::Null | Kind::Map | Kind::Tag => {
                Err(Fault::not_conformant("a field holds null, a map or a tag"))
            }
        }
    }

    /// Recursion is bounded by the reader's depth.
    fn read_list(reader: &mut Reader<'a>) -> Result<Value<'a>, Fault> {
        let count = reader.array()?;
        if count > MAX_FIELD_ROWS {
            return Err(Fault::not_conformant("a field list is too long"));
        }
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(Value::read(reader)?);
        }
        let is_table = items.iter().all(|item| matches!(item, Value::List(_)));
        if count > MAX_FIELD_ITEMS && !is_table {
            return Err(Fault::not_conformant("a field list is too long"));
        }
        Ok(Value::List(items))
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Value::Text(_) => "Text(…)",
            Value::Int(_) => "Int(…)",
            Value::Bool(_) => "Bool(…)",
            Value::Bytes(_) => "Bytes(…)",
            Value::List(_) => "List(…)",
        })
    }
}

/// The field map of a licence or view: keys 0-255, ascending, at most 64; key 0, the revision, is always there.
#[derive(Clone, Default)]
pub struct FieldMap<'a> {
    entries: Vec<(u8, Value<'a>)>,
    encoded: &'a [u8],
}

impl<'a> FieldMap<'a> {
    /// Reads a field map that stands alone.
    ///
    /// # Errors
    /// Unreadable or not conformant by spec/credential.md §4.
    pub fn parse(bytes: &'a [u8]) -> Result<FieldMap<'a>, Fault> {
        let mut reader = Reader::new(bytes);
        let fields = FieldMap::read(&mut reader)?;
        reader.end()?;
        Ok(fields)
    }

    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<FieldMap<'a>, Fault> {
        let before = reader.rest();
        let mut map = reader.map()?;
        let mut entries = Vec::with_capacity(24);
        while let Some(key) = map.next_int(reader)? {
            if !(0..=MAX_FIELD_KEY).contains(&key) || entries.len() == MAX_FIELDS {
                return Err(Fault::not_conformant(
                    "a field key is out of range, or there are too many fields",
                ));
            }
            // Cannot truncate: the range was checked above.
            entries.push((key as u8, Value::read(reader)?));
        }
        let encoded = before.get(..before.len() - reader.rest().len()).unwrap_or_default();
        match entries.first() {
            Some((0, Value::Int(revision))) if *revision >= 1 => Ok(FieldMap { entries, encoded }),
            _ => Err(Fault::not_conformant("field 0, the revision, is missing or wrong")),
        }
    }

    /// The revision of the type's field list, 1 or more.
    #[must_use]
    pub fn revision(&self) -> u64 {
        match self.get(0) {
            Some(Value::Int(revision)) => u64::try_from(*revision).unwrap_or(0),
            _ => 0,
        }
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, key: u8) -> Option<&Value<'a>> {
        self.entries
            .binary_search_by_key(&key, |(key, _)| *key)
            .ok()
            .and_then(|at| self.entries.get(at))
            .map(|(_, v)| v)
    }

    /// The text of a field, if it is there and a text.
    #[must_use]
    pub fn text(&self, key: u8) -> Option<&'a str> {
        self.get(key).and_then(Value::as_text)
    }

    /// The texts of a list field; empty if it is absent or holds anything else.
    #[must_use]
    pub fn texts(&self, key: u8) -> Vec<&'a str> {
        let items = self.get(key).and_then(Value::as_list).unwrap_or_default();
        items.iter().filter_map(Value::as_text).collect()
    }

    /// All fields in ascending order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &Value<'a>)> {
        self.entries.iter().map(|(key, value)| (*key, value))
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no field at all, which only a default map has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The received bytes of the map.
    #[must_use]
    pub const fn encoded(&self) -> &'a [u8] {
        self.encoded
    }
}

impl fmt::Debug for FieldMap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|(key, _)| key)).finish()
    }
}
