//! `service-cases/*.toml` to [`WorkedCase`], and their run against the data that was loaded with them.

use std::collections::BTreeMap;

use licence_spec::catalogue::{Field, FieldKind, LicenceType, ServiceItem};
use licence_spec::cbor::Writer;
use licence_spec::credential::FieldMap;
use licence_spec::identifiers::{HolderCode, HolderCodeType, LICENCE_ID_ROOT};
use licence_spec::time::{CivilDate, UnixTime};
use licence_spec::verdict::Code;
use toml::{Spanned, Value};

use super::Check;
use crate::cases::{Expected, OwnedSubject, WorkedCase, WorkedLicence};
use crate::fit::FitResult;
use crate::source::{CaseEntry, CaseLicence, CasesFile, File};
use crate::{CatalogueData, Finding, Release};

/// The cases of all files; those with findings are left out.
pub(super) fn resolve(
    files: &[File<CasesFile>],
    types: &[LicenceType],
    items: &[ServiceItem],
    findings: &mut Vec<Finding>,
) -> Vec<WorkedCase> {
    let mut cases = Vec::new();
    for file in files {
        let mut check = Check { file, findings };
        let code = &file.content.service_item;
        if !items.iter().any(|item| item.code == *code.get_ref()) {
            let message = format!("no service item {}", code.get_ref());
            check.at(code, "unknown-item", message, "add its file first");
            continue;
        }
        cases.extend(file.content.cases.iter().filter_map(|entry| case(&mut check, entry, types)));
    }
    cases
}

/// Asks every case; what differs is a finding at the case.
pub(super) fn run(data: &CatalogueData, findings: &mut Vec<Finding>) {
    let mut contents = BTreeMap::new();
    for case in data.cases() {
        let content = contents.entry(case.today.days()).or_insert_with(|| {
            let day = case.today.begins();
            data.compile(&Release { version: 1, issued_at: UnixTime(0), in_force_from: day, previous: None })
        });
        let entries = || data.service_items().iter().filter(|item| item.code == case.service_item);
        // A case may well ask on a day on which the item is no longer in force.
        let Some(item) =
            entries().find(|item| item.is_in_force_on(case.today)).or_else(|| entries().next_back())
        else {
            continue;
        };
        for difference in case.differences(&case.ask(content, item)) {
            let (path, line) = &case.place;
            let message = format!("{}: {difference}", case.name);
            findings.push(super::at(
                path,
                Some(*line),
                "case-differs",
                message,
                "correct the item or the case",
            ));
        }
    }
}

fn case(check: &mut Check<'_, CasesFile>, entry: &CaseEntry, types: &[LicenceType]) -> Option<WorkedCase> {
    let today = CivilDate::parse(entry.today.get_ref());
    if today.is_none() {
        check.at(&entry.today, "dates", "not a real day", "YYYY-MM-DD");
    }
    let licences: Vec<_> = entry.licences.iter().map(|l| licence(check, l, types)).collect();
    let materials: Vec<_> = entry
        .expected
        .materials
        .iter()
        .map(|(code, text)| {
            let (result, reason) = text.get_ref().split_once(':').unwrap_or((text.get_ref(), ""));
            let reason = (!reason.is_empty()).then(|| code_named(check, text, reason));
            let result = result_named(result);
            if result.is_none() {
                check.at(
                    text,
                    "case",
                    "not a result",
                    "MET, NOT_MET or UNDECIDED, and :CODE of the first reason",
                );
            }
            Some((code.clone(), result?, reason.flatten()))
        })
        .collect();
    let subjects = entry.subjects.iter().map(|s| OwnedSubject {
        role: s.role,
        code_type: s.code_type.clone(),
        code: s.code.clone(),
    });
    Some(WorkedCase {
        place: (check.file.path.clone(), check.file.line(&entry.name.span())),
        service_item: check.file.content.service_item.get_ref().clone(),
        name: entry.name.get_ref().clone(),
        today: today?,
        subjects: subjects.collect(),
        licences: licences.into_iter().collect::<Option<_>>()?,
        expected: Expected {
            result: entry.expected.result,
            materials: materials.into_iter().collect::<Option<_>>()?,
        },
    })
}

fn result_named(text: &str) -> Option<FitResult> {
    match text {
        "MET" => Some(FitResult::Met),
        "UNDECIDED" => Some(FitResult::Undecided),
        "NOT_MET" => Some(FitResult::NotMet),
        _ => None,
    }
}

fn code_named(check: &mut Check<'_, CasesFile>, place: &Spanned<String>, text: &str) -> Option<Code> {
    let code = Code::from_str_exact(text);
    if code.is_none() {
        check.at(place, "case", format!("no code {text}"), "a code of spec/verdict.md");
    }
    code
}

fn licence(
    check: &mut Check<'_, CasesFile>,
    entry: &CaseLicence,
    types: &[LicenceType],
) -> Option<WorkedLicence> {
    let code = &entry.type_code;
    let Some(licence_type) = types.iter().find(|t| t.code() == code.get_ref()) else {
        check.at(code, "unknown-type", format!("no type {}", code.get_ref()), "add its file first");
        return None;
    };
    for holder in &entry.holders {
        let kind = holder.get_ref().split_once(':').and_then(|(kind, code)| {
            HolderCodeType::from_code(kind).map(|kind| HolderCode::parse(kind, code).is_ok())
        });
        if kind != Some(true) {
            let hint = "code type, colon, code: 001:91440101MA9XXXXX36";
            check.at(holder, "holder-code", "not a holder's code, or its check digit is wrong", hint);
        }
    }
    let verdict = entry.verdict.as_ref().and_then(|text| code_named(check, text, text.get_ref()));
    let fields = encoded(entry, licence_type);
    let revision = licence_type.newest()?;
    let fits =
        FieldMap::parse(&fields).is_ok_and(|map| entry.without.is_empty() == revision.check(&map).is_ok());
    let unknown = |name: &&String| revision.field_named(name).is_none();
    if !fits || entry.fields.keys().chain(&entry.without).any(|name| unknown(&name)) {
        let message = "the fields of the licence do not fit the type (or `without` leaves nothing out)";
        check.at(
            code,
            "case",
            message,
            "name fields of the type's newest revision, with values of their kind",
        );
        return None;
    }
    Some(WorkedLicence { vct: licence_type.vct.clone(), fields, verdict })
}

/// The field map of the licence: common items, what the case states, and something for every other required field.
fn encoded(entry: &CaseLicence, licence_type: &LicenceType) -> Vec<u8> {
    let mut writer = Writer::default();
    let revision = licence_type.newest();
    let all: Vec<_> = revision.into_iter().flat_map(|r| &r.fields).collect();
    let wanted = |field: &&&Field| {
        !entry.without.contains(&field.name)
            && (field.required || field.key == 4 || entry.fields.contains_key(&field.name))
    };
    let fields: Vec<_> = all.iter().filter(wanted).collect();
    writer.map(fields.len());
    for field in fields {
        writer.uint(field.key.into());
        match entry.fields.get(&field.name) {
            Some(value) => write_value(&mut writer, value),
            None => write_own(&mut writer, field, entry, revision.map_or(1, |r| r.number)),
        }
    }
    writer.into_bytes()
}

fn write_value(writer: &mut Writer, value: &Value) {
    match value {
        Value::Integer(value) => writer.int(*value),
        Value::Boolean(value) => writer.bool(*value),
        Value::Array(items) => {
            writer.array(items.len());
            items.iter().for_each(|item| write_value(writer, item));
            writer
        }
        Value::String(text) => writer.text(text),
        // Of no kind that a field has: the check of the revision finds it.
        _ => writer.bool(false),
    };
}

fn write_own(writer: &mut Writer, field: &Field, entry: &CaseLicence, revision: u64) {
    let holders = |writer: &mut Writer, of: fn(&str) -> &str| {
        writer.array(entry.holders.len());
        for holder in &entry.holders {
            writer.text(of(holder.get_ref()));
        }
    };
    match field.key {
        0 => drop(writer.uint(revision)),
        1 => drop(writer.text(&format!("{LICENCE_ID_ROOT}.EXAMPLE"))),
        3 => holders(writer, |_| "示例"),
        4 => holders(writer, |holder| holder.split_once(':').map_or("", |(kind, _)| kind)),
        5 => holders(writer, |holder| holder.split_once(':').map_or("", |(_, code)| code)),
        7 => drop(writer.text(&entry.area_code)),
        8 => drop(writer.text(&entry.issued_on)),
        _ => sample(writer, field, &entry.issued_on),
    }
}

/// Something of the right kind.
fn sample(writer: &mut Writer, field: &Field, date: &str) {
    let text = field.options.first().map_or("示例", String::as_str);
    match field.kind {
        FieldKind::Text => writer.text(text),
        FieldKind::Date => writer.text(date),
        FieldKind::Uint => writer.uint(1),
        FieldKind::Bool => writer.bool(true),
        FieldKind::List => writer.array(1).text(text),
        FieldKind::Digest => writer.bytes(&[0; 32]),
        FieldKind::Table => writer.array(1).array(1).text(text),
    };
}
