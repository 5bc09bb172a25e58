//! Field values under their names, as they come in JSON.

use std::fmt;

use licence_spec::numbers::MAX_FIELDS;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// A value as JSON has it. What no field can hold is kept as [`NamedValue::Other`], so that the answer can name the
/// field. `Debug` hides the content.
#[derive(Clone, PartialEq, Eq)]
pub enum NamedValue {
    /// A string.
    Text(String),
    /// An integer within 64 bits.
    Int(i64),
    /// `true` or `false`.
    Bool(bool),
    /// An array.
    List(Vec<NamedValue>),
    /// `null`, a fraction, an object or a larger number: never right.
    Other,
}

impl fmt::Debug for NamedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NamedValue(…)")
    }
}

impl<'de> Deserialize<'de> for NamedValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<NamedValue, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = NamedValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<NamedValue, E> {
        Ok(NamedValue::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<NamedValue, E> {
        Ok(NamedValue::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<NamedValue, E> {
        Ok(i64::try_from(value).map_or(NamedValue::Other, NamedValue::Int))
    }

    fn visit_f64<E>(self, _: f64) -> Result<NamedValue, E> {
        Ok(NamedValue::Other)
    }

    fn visit_str<E>(self, value: &str) -> Result<NamedValue, E> {
        Ok(NamedValue::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<NamedValue, E> {
        Ok(NamedValue::Text(value))
    }

    fn visit_unit<E>(self) -> Result<NamedValue, E> {
        Ok(NamedValue::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<NamedValue, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(NamedValue::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<NamedValue, A::Error> {
        while pairs.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(NamedValue::Other)
    }
}

/// The `fields` member of an issue request: at most 64 names, none twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedFields(Vec<(String, NamedValue)>);

impl NamedFields {
    /// The value under this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&NamedValue> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// All names and values, in the order of the request.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &NamedValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Adds a value under a name that is not there yet.
    pub(crate) fn push(&mut self, name: &str, value: NamedValue) {
        self.0.push((name.to_owned(), value));
    }

    /// Sets a text, for callers that hold values and no JSON.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> NamedFields {
        self.0.retain(|(own, _)| own != name);
        self.0.push((name.to_owned(), NamedValue::Text(value.to_owned())));
        self
    }
}

impl Serialize for NamedValue {
    /// As JSON has it; what no field can hold as `null`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            NamedValue::Text(text) => serializer.serialize_str(text),
            NamedValue::Int(value) => serializer.serialize_i64(*value),
            NamedValue::Bool(value) => serializer.serialize_bool(*value),
            NamedValue::List(items) => serializer.collect_seq(items),
            NamedValue::Other => serializer.serialize_unit(),
        }
    }
}

impl Serialize for NamedFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for NamedFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<NamedFields, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = NamedFields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of fields by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<NamedFields, A::Error> {
        let mut fields = NamedFields::default();
        while let Some((name, value)) = pairs.next_entry::<String, NamedValue>()? {
            if fields.get(&name).is_some() {
                return Err(A::Error::custom("a field stands twice"));
            }
            if fields.0.len() == MAX_FIELDS {
                return Err(A::Error::custom("more than 64 fields"));
            }
            fields.0.push((name, value));
        }
        Ok(fields)
    }
}
