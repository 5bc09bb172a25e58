//! Constraints on field values: the closed set of comparisons that a service item may ask for.
//!
//! In scope: one comparison of one field. Out of scope: anything that combines them; there is no rule language
//! (spec/decisions/0031).

use alloc::string::String;
use alloc::vec::Vec;

use super::FieldKind;
use crate::credential::{FieldMap, Value};
use crate::time::CivilDate;

/// One comparison of one field of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// The type whose licences it concerns: one of the material's alternatives.
    pub vct: String,
    /// The field, one that the alternative requires.
    pub key: u8,
    /// What must hold.
    pub comparison: Comparison,
}

/// The closed set of comparisons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// 1: the text is one of these; of a list, one item is.
    OneOf(Vec<String>),
    /// 2: the text contains this; of a list, one item does.
    Contains(String),
    /// 3: the number is not smaller.
    AtLeast(u64),
    /// 4: the number is not greater.
    AtMost(u64),
    /// 5: the day is this one or a later one.
    NotBefore(CivilDate),
    /// 6: the day is this one or an earlier one.
    NotAfter(CivilDate),
}

impl Comparison {
    /// The number on the wire.
    #[must_use]
    pub const fn number(&self) -> u8 {
        match self {
            Comparison::OneOf(_) => 1,
            Comparison::Contains(_) => 2,
            Comparison::AtLeast(_) => 3,
            Comparison::AtMost(_) => 4,
            Comparison::NotBefore(_) => 5,
            Comparison::NotAfter(_) => 6,
        }
    }

    /// Whether fields of this kind can be compared so.
    #[must_use]
    pub const fn takes(&self, kind: FieldKind) -> bool {
        match self {
            Comparison::OneOf(_) | Comparison::Contains(_) => {
                matches!(kind, FieldKind::Text | FieldKind::List)
            }
            Comparison::AtLeast(_) | Comparison::AtMost(_) => matches!(kind, FieldKind::Uint),
            Comparison::NotBefore(_) | Comparison::NotAfter(_) => matches!(kind, FieldKind::Date),
        }
    }

    /// Whether a value satisfies it; a value of another kind never does.
    #[must_use]
    pub fn holds(&self, value: &Value<'_>) -> bool {
        match self {
            Comparison::OneOf(texts) => some_text(value, |text| texts.iter().any(|own| own == text)),
            Comparison::Contains(part) => some_text(value, |text| text.contains(part.as_str())),
            Comparison::AtLeast(least) => number(value).is_some_and(|value| value >= *least),
            Comparison::AtMost(most) => number(value).is_some_and(|value| value <= *most),
            Comparison::NotBefore(day) => date(value).is_some_and(|value| value >= *day),
            Comparison::NotAfter(day) => date(value).is_some_and(|value| value <= *day),
        }
    }
}

impl Constraint {
    /// Whether these fields satisfy it; an absent field never does.
    #[must_use]
    pub fn holds(&self, fields: &FieldMap<'_>) -> bool {
        fields.get(self.key).is_some_and(|value| self.comparison.holds(value))
    }
}

fn some_text(value: &Value<'_>, wanted: impl Fn(&str) -> bool) -> bool {
    match value {
        Value::Text(text) => wanted(text),
        Value::List(items) => items.iter().filter_map(Value::as_text).any(wanted),
        _ => false,
    }
}

fn number(value: &Value<'_>) -> Option<u64> {
    match value {
        Value::Int(value) => u64::try_from(*value).ok(),
        _ => None,
    }
}

fn date(value: &Value<'_>) -> Option<CivilDate> {
    value.as_text().and_then(CivilDate::parse)
}
