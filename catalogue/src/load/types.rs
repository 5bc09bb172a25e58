//! `licence-types/*.toml` to types of the signed catalogue.

use std::collections::BTreeMap;

use licence_spec::catalogue::{
    Field, LicenceType, MAX_LIFE_S, META_DEFINING, META_DEFINING_CODE, META_DEFINING_LEVEL, META_EN,
    META_FACE_STATE, META_HOLDER, META_HOLDERS, META_ISSUE, META_ISSUING_LEVEL, META_KIND, META_LEGAL_BASIS,
    META_PROVINCIAL_CODE, META_REFERENCE_ONLY, META_VALIDITY, Revision,
};
use licence_spec::identifiers::{CatalogueCode, TypeCode};
use licence_spec::numbers::{MAX_FIELD_ITEMS, MAX_FIELDS};
use licence_spec::time::CivilDate;
use toml::Spanned;

use super::{Check, common};
use crate::Finding;
use crate::source::{Fact, FieldEntry, File, RevisionEntry, State, TypeFile};
use crate::succession::{TypePlace, shrinks};

/// 证照定义机构级别 and 证照颁发机构级别 (spec/domain.md §4.1).
const DEFINING_LEVELS: [&str; 5] = ["1 国家级", "2 省部级", "3 地市级", "4 区县级", "5 其他"];
const ISSUING_LEVELS: [&str; 6] = ["国家级", "省级", "地市级", "区县级", "乡镇级", "其他"];
const KINDS: [&str; 5] = ["证件执照", "证明文件", "批文批复", "鉴定报告", "办事结果"];
/// First key of the face items of a type (spec/credential.md).
const FIRST_FACE_KEY: u8 = 24;
const DAY_S: i64 = 86_400;

/// All types, ascending by vct.
pub(super) fn resolve(
    files: &[File<TypeFile>],
    sets: &BTreeMap<u64, Vec<Field>>,
    findings: &mut Vec<Finding>,
) -> Vec<LicenceType> {
    let mut types: Vec<LicenceType> = Vec::new();
    for file in files {
        let mut check = Check { file, findings };
        let Some(vct) = vct(&mut check) else { continue };
        if types.iter().any(|t| t.vct == vct) {
            let message =
                format!("the type {} stands in another file, too", file.content.code.value.get_ref());
            check.at(&file.content.code.value, "duplicate-type", message, "one file a type");
        }
        facts(&mut check);
        let revisions = revisions(&mut check, sets);
        let name = file.content.name.value.get_ref().clone();
        types.push(LicenceType { vct, name, revisions, metadata: metadata(&file.content) });
    }
    types.sort_by(|a, b| a.vct.cmp(&b.vct));
    types
}

/// Where the type of this file stands; `None` if its code is none.
pub(super) fn place(file: &File<TypeFile>) -> Option<TypePlace> {
    let code = &file.content.code.value;
    let revision = |entry: &RevisionEntry| {
        let field = |field: &FieldEntry| (*field.key.get_ref(), file.line(&field.key.span()));
        (file.line(&entry.number.span()), entry.fields.iter().map(field).collect())
    };
    Some(TypePlace {
        vct: TypeCode::parse(code.get_ref()).ok()?.vct(),
        file: file.path.clone(),
        code: file.line(&code.span()),
        revisions: file.content.revisions.iter().map(revision).collect(),
    })
}

fn vct(check: &mut Check<'_, TypeFile>) -> Option<String> {
    let code = &check.file.content.code;
    let parsed = match TypeCode::parse(code.value.get_ref()) {
        Ok(parsed) => parsed,
        Err(error) => {
            let hint = "21 characters (cn), 9 digits (gd), or ZD and 4 digits (zd, provisional)";
            check.at(&code.value, "type-code", error.to_string(), hint);
            return None;
        }
    };
    let reserved = matches!(parsed, TypeCode::Provisional(_));
    if reserved != (code.state == State::Provisional) || code.state == State::Inferred {
        let hint = "a code is sourced, or one of the reserved codes ZD0000 to ZD9999 and provisional";
        check.at(&code.value, "code-unconfirmed", "the type code has no source", hint);
    }
    Some(parsed.vct())
}

fn facts(check: &mut Check<'_, TypeFile>) {
    let file = &check.file.content;
    let all = [
        &file.code,
        &file.name,
        &file.kind,
        &file.authority,
        &file.defining_level,
        &file.holder,
        &file.validity,
        &file.issuing_level,
        &file.holders,
    ];
    for fact in
        all.into_iter().chain(&file.provincial_code).chain(&file.defining_code).chain(&file.legal_basis)
    {
        present(check, fact);
    }
    if !KINDS.contains(&file.kind.value.get_ref().as_str()) {
        check.at(
            &file.kind.value,
            "kind",
            "an unknown kind of licence",
            "one of the five kinds of spec/domain.md §3.3",
        );
    }
    if let Some(defining) = &file.defining_code
        && !file.code.value.get_ref().starts_with(defining.value.get_ref().as_str())
    {
        let hint = "they are the first 18 characters of the type code";
        check.at(&defining.value, "defining-code", "the defining code does not fit the type code", hint);
    }
    if let Some(code) = &file.provincial_code
        && CatalogueCode::parse(code.value.get_ref()).is_err()
    {
        check.at(&code.value, "provincial-code", "not a provincial catalogue code", "nine digits");
    }
    levels(check);
    if file.en.is_empty() {
        check.at(&file.name.value, "name-missing", "the English name is missing", "give en");
    }
}

fn levels(check: &mut Check<'_, TypeFile>) {
    let file = &check.file.content;
    if !DEFINING_LEVELS.contains(&file.defining_level.value.get_ref().as_str()) {
        check.at(
            &file.defining_level.value,
            "level",
            "an unknown level",
            "1 国家级 to 5 其他 (spec/domain.md §4.1)",
        );
    }
    let issuing = file.issuing_level.value.get_ref();
    if !issuing.split('、').all(|level| ISSUING_LEVELS.contains(&level)) {
        let hint = "国家级, 省级, 地市级, 区县级, 乡镇级 or 其他, several with 、 between";
        check.at(&file.issuing_level.value, "level", "an unknown level of the issuing authority", hint);
    }
    let range = file.holders.value.get_ref();
    let (few, many) = range.split_once('-').unwrap_or((range, range));
    let number = |text: &str| text.parse::<usize>().ok().filter(|n| (1..=MAX_FIELD_ITEMS).contains(n));
    if number(few).is_none() || number(many).is_none() || number(few) > number(many) {
        check.at(&file.holders.value, "holders", "not a number of holders", "such as 1, 2 or 1-64");
    }
}

fn present(check: &mut Check<'_, TypeFile>, fact: &Fact<Spanned<String>>) {
    if fact.value.get_ref().is_empty() || fact.source.is_empty() {
        check.at(&fact.value, "source-missing", "a fact without value or source", "say what and from where");
    }
}

fn revisions(check: &mut Check<'_, TypeFile>, sets: &BTreeMap<u64, Vec<Field>>) -> Vec<Revision> {
    let mut revisions: Vec<Revision> = Vec::new();
    let mut last_date = None;
    for (expected, entry) in (1..).zip(&check.file.content.revisions) {
        let number = *entry.number.get_ref();
        if number != expected {
            check.at(
                &entry.number,
                "revision-gap",
                format!("revision {number} stands at place {expected}"),
                "1, 2, 3 ...",
            );
        }
        let date = CivilDate::parse(entry.in_force.get_ref());
        if date.is_none() || date <= last_date {
            check.at(&entry.in_force, "revision-date", "not a later real day", "YYYY-MM-DD, ascending");
        }
        last_date = date.or(last_date);
        let revision = revision(check, entry, sets);
        if let Some(before) = revisions.last() {
            meaning_kept(check, before, &revision, entry);
        }
        revisions.push(revision);
    }
    if revisions.is_empty() {
        check.at(&check.file.content.code.value, "revision-gap", "no revision", "give the field list");
    }
    revisions
}

fn revision(
    check: &mut Check<'_, TypeFile>,
    entry: &RevisionEntry,
    sets: &BTreeMap<u64, Vec<Field>>,
) -> Revision {
    let mut fields = sets.get(entry.common.get_ref()).cloned().unwrap_or_else(|| {
        let message = format!("no common set {}", entry.common.get_ref());
        check.at(&entry.common, "common-unknown", message, "name a set of common-fields.toml");
        Vec::new()
    });
    for name in &entry.mandatory {
        match fields.iter_mut().find(|field| field.name == *name.get_ref()) {
            Some(field) => field.required = true,
            None => {
                let message = format!("no common item {}", name.get_ref());
                check.at(name, "common-unknown", message, "name an item of the common set");
            }
        }
    }
    for field in &entry.fields {
        if *field.key.get_ref() < FIRST_FACE_KEY {
            let message = format!("key {} belongs to the common items", field.key.get_ref());
            check.at(&field.key, "reserved-key", message, "face items begin at 24");
        }
        common::push(check, &mut fields, field);
    }
    fields.sort_by_key(|field| field.key);
    if fields.len() > MAX_FIELDS {
        check.at(&entry.number, "too-many-fields", "more than 64 fields", "a credential carries at most 64");
    }
    let days = &entry.longest_life_days;
    let longest_life_s = days.value.get_ref().saturating_mul(DAY_S);
    if !(1..=MAX_LIFE_S).contains(&longest_life_s) || days.source.is_empty() {
        check.at(
            &days.value,
            "life",
            "the longest life is out of range or lacks its source",
            "1 day to 100 years",
        );
    }
    let in_force_from = CivilDate::parse(entry.in_force.get_ref());
    Revision { number: *entry.number.get_ref(), fields, longest_life_s, in_force_from }
}

/// Fields never change their meaning: a key that comes back has the same name and kind, and takes what it took.
fn meaning_kept(check: &mut Check<'_, TypeFile>, before: &Revision, now: &Revision, entry: &RevisionEntry) {
    for field in &now.fields {
        let Some(old) = before.field(field.key) else { continue };
        let own = entry.fields.iter().find(|own| *own.key.get_ref() == field.key);
        let mut found = |rule, message: String| match own {
            Some(own) => check.at(&own.key, rule, message, "retire the key and take a new one"),
            None => check.at(&entry.number, rule, message, "retire the key and take a new one"),
        };
        if (old.kind, &old.name) != (field.kind, &field.name) {
            found("key-reused", format!("key {} changes its meaning", field.key));
        } else if shrinks(old, field) {
            found("field-shrunk", format!("key {} shrinks from {} to {}", field.key, old.max, field.max));
        }
    }
}

/// What people and issue rules need, beside the field lists.
fn metadata(file: &TypeFile) -> Vec<(String, String)> {
    let mut pairs = vec![
        (META_EN, file.en.clone()),
        (META_KIND, file.kind.value.get_ref().clone()),
        (META_HOLDER, file.holder.value.get_ref().clone()),
        (META_DEFINING_LEVEL, file.defining_level.value.get_ref().clone()),
        (META_FACE_STATE, weakest(file).zh().to_owned()),
        (META_DEFINING, file.authority.value.get_ref().clone()),
        (META_ISSUING_LEVEL, file.issuing_level.value.get_ref().clone()),
        (META_HOLDERS, file.holders.value.get_ref().clone()),
        (META_VALIDITY, file.validity.value.get_ref().clone()),
    ];
    let optional = |key, fact: &Option<Fact<Spanned<String>>>| {
        fact.as_ref().map(|fact| (key, fact.value.get_ref().clone()))
    };
    pairs.extend(optional(META_DEFINING_CODE, &file.defining_code));
    pairs.extend(optional(META_PROVINCIAL_CODE, &file.provincial_code));
    pairs.extend(optional(META_LEGAL_BASIS, &file.legal_basis));
    pairs.extend(file.reference_only.then(|| (META_ISSUE, META_REFERENCE_ONLY.to_owned())));
    sorted(pairs)
}

/// Metadata in the order of the wire: text keys sort by length first.
pub(super) fn sorted(mut pairs: Vec<(&str, String)>) -> Vec<(String, String)> {
    pairs.sort_by(|(a, _), (b, _)| (a.len(), *a).cmp(&(b.len(), *b)));
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The state of the least known face item: what a reader may build on.
fn weakest(file: &TypeFile) -> State {
    let states: Vec<_> = file.revisions.iter().flat_map(|r| &r.fields).map(|f| f.state).collect();
    [State::Provisional, State::Inferred].into_iter().find(|s| states.contains(s)).unwrap_or(State::Sourced)
}
