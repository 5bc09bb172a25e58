//! Do these fields fit the field list of the type? Every answer here is `SCHEMA_MISMATCH` in a verdict.

use core::fmt;

use super::{ALWAYS_SHOWN, Accepted, Field, FieldKind, Revision, common};
use crate::credential::{FieldMap, Value};
use crate::time::CivilDate;

/// How a field breaks the field list of its revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldFaultKind {
    /// The revision has no such key.
    Unknown,
    /// The service item may not see this key.
    NotAllowed,
    /// A required key is missing.
    Missing,
    /// The value is not of the kind of the field; also a date that names no real day.
    WrongKind,
    /// A text, an item or a cell is longer than the field allows.
    TooLong,
    /// A text or an item is none of the options of the field.
    NotAnOption,
    /// Holders' names, code types and codes (3, 4, 5) differ in number, or are none.
    HoldersUneven,
    /// A common item (0 to 23) has not the form that the standard gives it.
    WrongForm,
}

impl FieldFaultKind {
    /// Words for people, without any of the data.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            FieldFaultKind::Unknown => "the type has no such field",
            FieldFaultKind::NotAllowed => "the service item may not see the field",
            FieldFaultKind::Missing => "the field is missing",
            FieldFaultKind::WrongKind => "the value is of the wrong kind",
            FieldFaultKind::TooLong => "the value is too long",
            FieldFaultKind::NotAnOption => "the value is none of the options",
            FieldFaultKind::HoldersUneven => "holders, code types and codes differ in number",
            FieldFaultKind::WrongForm => "a common item has another form than the standard gives it",
        }
    }
}

/// The first breach of a field list. It names the key, never the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// The field.
    pub key: u8,
    /// What is wrong with it.
    pub kind: FieldFaultKind,
}

impl fmt::Display for FieldFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "field {}: {}", self.key, self.kind.what())
    }
}

impl core::error::Error for FieldFault {}

impl Revision {
    /// Checks the fields of a full licence: every key known, of its kind and length, every required key there.
    ///
    /// # Errors
    /// The first [`FieldFault`] in ascending order of keys, forms of common items last.
    pub fn check(&self, fields: &FieldMap<'_>) -> Result<(), FieldFault> {
        let mut listed = self.fields.iter();
        // Both sides ascend, so one walk over the list meets every field or finds it unknown.
        for (key, value) in fields.iter() {
            loop {
                match listed.next() {
                    Some(field) if field.key < key => required(field)?,
                    Some(field) if field.key == key => break check_value(field, value)?,
                    _ => return Err(FieldFault { key, kind: FieldFaultKind::Unknown }),
                }
            }
        }
        listed.try_for_each(required)?;
        common::check(fields)
    }

    /// Checks the fields of a view: a subset of what the service item may see, 0 and 7 there; nothing else is required.
    ///
    /// # Errors
    /// The first [`FieldFault`] in ascending order of keys, then missing ones, forms of common items last.
    pub fn check_view(&self, fields: &FieldMap<'_>, accepted: &Accepted) -> Result<(), FieldFault> {
        for (key, value) in fields.iter() {
            if accepted.fields.binary_search(&key).is_err() {
                return Err(FieldFault { key, kind: FieldFaultKind::NotAllowed });
            }
            let field = self.field(key).ok_or(FieldFault { key, kind: FieldFaultKind::Unknown })?;
            check_value(field, value)?;
        }
        for key in ALWAYS_SHOWN {
            fields.get(key).ok_or(FieldFault { key, kind: FieldFaultKind::Missing })?;
        }
        common::check(fields)
    }
}

fn required(field: &Field) -> Result<(), FieldFault> {
    if field.required { Err(FieldFault { key: field.key, kind: FieldFaultKind::Missing }) } else { Ok(()) }
}

fn check_value(field: &Field, value: &Value<'_>) -> Result<(), FieldFault> {
    let max = usize::from(field.max);
    let fault = |kind| FieldFault { key: field.key, kind };
    let kind_fits = match (field.kind, value) {
        (FieldKind::Text, Value::Text(_)) | (FieldKind::Bool, Value::Bool(_)) => true,
        (FieldKind::Date, Value::Text(text)) => CivilDate::parse(text).is_some(),
        (FieldKind::Uint, Value::Int(value)) => *value >= 0,
        (FieldKind::Digest, Value::Bytes(bytes)) => bytes.len() == 32,
        (FieldKind::List, Value::List(items)) => items.iter().all(|item| item.as_text().is_some()),
        (FieldKind::Table, Value::List(rows)) => rows.iter().all(is_row),
        _ => false,
    };
    if !kind_fits {
        return Err(fault(FieldFaultKind::WrongKind));
    }
    if max > 0 && !fits(value, max) {
        return Err(fault(FieldFaultKind::TooLong));
    }
    if field.options.is_empty() || is_option(field, value) {
        Ok(())
    } else {
        Err(fault(FieldFaultKind::NotAnOption))
    }
}

fn is_option(field: &Field, value: &Value<'_>) -> bool {
    let listed = |text: &str| field.options.iter().any(|option| option == text);
    match value {
        Value::Text(text) => listed(text),
        Value::List(items) => items.iter().all(|item| item.as_text().is_some_and(listed)),
        _ => false,
    }
}

fn is_row(row: &Value<'_>) -> bool {
    row.as_list().is_some_and(|cells| cells.iter().all(|cell| cell.as_text().is_some()))
}

/// Whether no text in the value has more than `max` characters. Depth is that of the field kinds, at most 2.
fn fits(value: &Value<'_>, max: usize) -> bool {
    match value {
        // A character has at least one byte, so short texts need no counting.
        Value::Text(text) => text.len() <= max || text.chars().count() <= max,
        Value::List(items) => items.iter().all(|item| fits(item, max)),
        Value::Int(_) | Value::Bool(_) | Value::Bytes(_) => true,
    }
}
