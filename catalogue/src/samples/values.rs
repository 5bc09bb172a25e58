//! Values of face items: of the right kind, from one character to the limit.

use licence_spec::catalogue::{Field, FieldKind};
use licence_spec::numbers::MAX_FIELD_TEXT;
use licence_spec::time::CivilDate;

use super::{SplitMix64, text};
use crate::issue::NamedValue;

/// Usual lengths, characters; one value in 50 takes the whole length of its field.
const USUAL: u64 = 24;
const WHOLE_LENGTH: u64 = 50;
/// Longest character of the pool, bytes: a text of the whole length must fit a field of a credential.
const WIDEST: usize = 4;
const POOL: [char; 32] = [
    '示', '例', '路', '号', '市', '区', '街', '道', '工', '程', '项', '目', '甲', '乙', '丙', '丁', '一',
    '二', '三', '十', '东', '南', '西', '北', '中', '心', '（', '）', '㛃', '𬭎', '䶮', 'A',
];

/// A value that fits the field.
pub(super) fn make(rng: &mut SplitMix64, field: &Field, issued: CivilDate) -> NamedValue {
    match field.kind {
        FieldKind::Text => one(rng, field),
        FieldKind::Date => text(CivilDate::from_days(issued.days() - rng.below(10_000) as i64).to_string()),
        FieldKind::Uint => NamedValue::Int(1 + rng.below(1_000_000) as i64),
        FieldKind::Bool => NamedValue::Bool(rng.one_in(2)),
        FieldKind::List => list(rng, field),
        FieldKind::Digest => text((0..4).map(|_| format!("{:016x}", rng.next())).collect::<String>()),
        FieldKind::Table => NamedValue::List((0..1 + rng.below(4)).map(|_| list(rng, field)).collect()),
    }
}

fn list(rng: &mut SplitMix64, field: &Field) -> NamedValue {
    NamedValue::List((0..1 + rng.below(3)).map(|_| one(rng, field)).collect())
}

fn one(rng: &mut SplitMix64, field: &Field) -> NamedValue {
    if let Some(option) = rng.pick(&field.options) {
        return text(option.clone());
    }
    let most =
        (MAX_FIELD_TEXT / WIDEST).min(if field.max == 0 { usize::MAX } else { field.max.into() }) as u64;
    let length = if rng.one_in(WHOLE_LENGTH) { most } else { 1 + rng.below(USUAL.min(most)) };
    text((0..length).filter_map(|_| rng.pick(&POOL)).collect::<String>())
}
