//! Which face items are names of persons, names of parties, days that have passed, or numbers of persons: the catalogue's
//! format has no flag for that, so the names of the shipped items decide. `catalogue/tests/issue.rs` holds them to the data.

use licence_spec::catalogue::{Field, FieldKind};
use licence_spec::text::{TextFault, check_name, check_person_name};

use super::build::check_lines;

/// Items that hold the name of a person.
const PERSONS: [&str; 8] =
    ["姓名", "法定代表人", "负责人", "企业负责人", "户主姓名", "监护人", "母亲姓名", "父亲姓名"];
/// Items that hold the name of a person or an organisation.
const PARTIES: [&str; 9] =
    ["义务人", "建设单位", "用地单位", "聘用单位", "聘用企业", "服务单位", "企业名称", "产权方", "出租方"];
/// Days of what has happened before a licence is issued.
const PAST: [&str; 4] = ["出生日期", "成立日期", "登记日期", "初次领证日期"];
/// Numbers that are 公民身份号码.
const RESIDENT_IDS: [&str; 2] = ["公民身份号码", "社会保障号码"];

fn of(names: &[&str], field: &Field) -> bool {
    names.contains(&field.name.as_str())
}

/// The rule of the texts of an item.
pub(super) fn text_check(field: &Field) -> fn(&str) -> Result<(), TextFault> {
    match field.kind {
        FieldKind::Text if of(&PERSONS, field) => check_person_name,
        FieldKind::Text if of(&PARTIES, field) => check_name,
        _ => check_lines,
    }
}

/// Whether the item is a day that has passed when the licence is issued.
pub(super) fn is_past(field: &Field) -> bool {
    field.kind == FieldKind::Date && of(&PAST, field)
}

/// Whether the item is a 公民身份号码.
pub(super) fn is_resident_id(field: &Field) -> bool {
    field.kind == FieldKind::Text && of(&RESIDENT_IDS, field)
}
