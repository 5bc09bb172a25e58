//! The common items of a licence, fields 0 to 23: they mean the same in every type, and have one form in every type.
//!
//! In scope: the form of each. Out of scope: kinds and lengths that a revision sets (`fields`), check digits of holders'
//! codes (an issuer's question: of published identifiers some break their own rule, spec/identifiers.md §1).
//! Format: spec/credential.md §4.

use super::{FieldFault, FieldFaultKind};
use crate::credential::{FieldMap, Value};
use crate::identifiers::{HolderCodeType, LICENCE_ID_ROOT, MAX_LICENCE_ID_CHARS, is_holder_code};
use crate::time::CivilDate;

/// The last common key; 14 to 23 are reserved.
const LAST_COMMON: u8 = 23;
/// The fields whose lists speak of the same holders: names, code types, codes.
const HOLDERS: [u8; 3] = [3, 4, 5];

/// Checks the form of every common item that is there, and that names, code types and codes are of one number.
///
/// # Errors
/// The first [`FieldFault`] in ascending order of keys, the number of holders last.
pub(super) fn check(fields: &FieldMap<'_>) -> Result<(), FieldFault> {
    for (key, value) in fields.iter().take_while(|(key, _)| *key <= LAST_COMMON) {
        if !has_form(key, value) {
            return Err(FieldFault { key, kind: FieldFaultKind::WrongForm });
        }
    }
    holders(fields)
}

fn has_form(key: u8, value: &Value<'_>) -> bool {
    let text = |fits: fn(&str) -> bool| value.as_text().is_some_and(fits);
    let each = |fits: fn(&str) -> bool| {
        value.as_list().is_some_and(|items| items.iter().all(|item| item.as_text().is_some_and(fits)))
    };
    match key {
        // The reader of the field map has asked for a revision from 1 on.
        0 => true,
        1 => text(is_dotted_id),
        2 | 6 => text(is_told),
        3 => each(is_told),
        4 => each(|kind| HolderCodeType::from_code(kind).is_some()),
        5 => each(is_holder_code),
        7 => text(|area| (6..=12).contains(&area.len()) && area.bytes().all(|byte| byte.is_ascii_digit())),
        8..=10 => text(|day| CivilDate::parse(day).is_some()),
        11 => matches!(value, Value::Int(version) if *version >= 0),
        12 => matches!(value, Value::Bytes(digest) if digest.len() == 32),
        13 => value.as_list().is_some_and(|rows| rows.iter().all(is_attachment)),
        _ => false,
    }
}

/// 电子证照标识 as far as all of them agree: below the root, within the width of the field. Parts and check characters of
/// imported ones differ (spec/identifiers.md §1).
fn is_dotted_id(id: &str) -> bool {
    let rest = id.strip_prefix(LICENCE_ID_ROOT).and_then(|rest| rest.strip_prefix('.'));
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic()))
        && id.len() <= MAX_LICENCE_ID_CHARS
}

/// Whether a text says anything.
fn is_told(text: &str) -> bool {
    !text.trim().is_empty()
}

/// `[media type, SHA-256 in hex, SM3 in hex or ""]`.
fn is_attachment(row: &Value<'_>) -> bool {
    let Some([media, sha256, sm3]) = row.as_list() else { return false };
    let (Some(media), Some(sha256), Some(sm3)) = (media.as_text(), sha256.as_text(), sm3.as_text()) else {
        return false;
    };
    let is_hash = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts = media.split_once('/').filter(|(kind, sub)| !kind.is_empty() && !sub.is_empty());
    parts.is_some()
        && media.bytes().all(|byte| byte.is_ascii_graphic())
        && is_hash(sha256)
        && (sm3.is_empty() || is_hash(sm3))
}

/// Keys 3, 4 and 5 speak of the same holders, one each in the same place.
fn holders(fields: &FieldMap<'_>) -> Result<(), FieldFault> {
    let mut first = None;
    for key in HOLDERS {
        let Some(count) = fields.get(key).and_then(Value::as_list).map(<[_]>::len) else { continue };
        if count == 0 || *first.get_or_insert(count) != count {
            return Err(FieldFault { key, kind: FieldFaultKind::HoldersUneven });
        }
    }
    Ok(())
}
