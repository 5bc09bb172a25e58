//! `common-fields.toml`, and what every field entry must satisfy.

use std::collections::BTreeMap;

use licence_spec::catalogue::{ALWAYS_LISTED, Field, FieldKind, MAX_NAME, MAX_OPTION, MAX_OPTIONS};
use licence_spec::numbers::MAX_FIELD_TEXT;

use super::{Check, at};
use crate::Finding;
use crate::source::{CommonFile, FieldEntry, File, FlagName};

/// The kinds of the common keys (spec/credential.md): they mean the same in every type.
const COMMON_KINDS: [FieldKind; 14] = [
    FieldKind::Uint,
    FieldKind::Text,
    FieldKind::Text,
    FieldKind::List,
    FieldKind::List,
    FieldKind::List,
    FieldKind::Text,
    FieldKind::Text,
    FieldKind::Date,
    FieldKind::Date,
    FieldKind::Date,
    FieldKind::Uint,
    FieldKind::Digest,
    FieldKind::Table,
];

/// The common field sets by number.
pub(super) fn resolve(
    file: Option<&File<CommonFile>>,
    findings: &mut Vec<Finding>,
) -> BTreeMap<u64, Vec<Field>> {
    let mut sets = BTreeMap::new();
    let Some(file) = file else {
        let hint = "hand in common-fields.toml";
        findings.push(at("common-fields.toml", None, "file-missing", "the common fields are missing", hint));
        return sets;
    };
    let mut check = Check { file, findings };
    for set in &file.content.sets {
        let mut fields = Vec::new();
        for entry in &set.fields {
            let key = *entry.key.get_ref();
            match COMMON_KINDS.get(usize::from(key)) {
                None => check.at(&entry.key, "reserved-key", format!("key {key} is reserved"), "use 0 to 13"),
                Some(kind) if *kind != entry.kind.kind() => {
                    check.at(
                        &entry.key,
                        "common-kind",
                        format!("key {key} has another kind"),
                        "see spec/credential.md",
                    );
                }
                Some(_) => {}
            }
            push(&mut check, &mut fields, entry);
        }
        fields.sort_by_key(|field: &Field| field.key);
        for key in ALWAYS_LISTED {
            let missing = !fields.iter().any(|f| f.key == key);
            if let (true, Some(first)) = (missing, set.fields.first()) {
                check.at(
                    &first.key,
                    "common-missing",
                    format!("key {key} is missing"),
                    "every licence has it",
                );
            }
        }
        if sets.insert(set.number, fields).is_some()
            && let Some(first) = set.fields.first()
        {
            check.at(
                &first.key,
                "duplicate-set",
                format!("set {} stands twice", set.number),
                "number it anew",
            );
        }
    }
    sets
}

/// Checks one field entry and adds it.
pub(super) fn push<T>(check: &mut Check<'_, T>, fields: &mut Vec<Field>, entry: &FieldEntry) {
    let key = *entry.key.get_ref();
    if fields.iter().any(|f| f.key == key) {
        check.at(
            &entry.key,
            "duplicate-key",
            format!("key {key} stands twice"),
            "a key belongs to one field for ever",
        );
    }
    if fields.iter().any(|f| f.name == entry.name) {
        let message = format!("the name {} stands twice", entry.name);
        check.at(
            &entry.key,
            "duplicate-name",
            message,
            "the API names fields: names are unique within a type",
        );
    }
    if entry.name.is_empty() || entry.name.chars().count() > MAX_NAME || entry.en.is_empty() {
        check.at(&entry.key, "name-missing", format!("key {key} lacks a name"), "give name and en");
    }
    if entry.source.is_empty() || entry.note.as_ref().is_some_and(String::is_empty) {
        check.at(
            &entry.key,
            "source-missing",
            format!("key {key} lacks its source"),
            "say where the field is from",
        );
    }
    let bounded = matches!(entry.kind.kind(), FieldKind::Text | FieldKind::List | FieldKind::Table);
    if usize::from(entry.max) > MAX_FIELD_TEXT || (bounded && entry.max == 0) {
        check.at(
            &entry.key,
            "length",
            format!("key {key} has no usable max"),
            "text takes 1 to 4096 characters",
        );
    }
    options(check, entry);
    let has = |flag| entry.flags.contains(&flag);
    fields.push(Field {
        key,
        kind: entry.kind.kind(),
        name: entry.name.clone(),
        required: has(FlagName::Required),
        sensitive: has(FlagName::Sensitive),
        on_face: has(FlagName::Face),
        max: entry.max,
        en: Some(entry.en.clone()),
        options: entry.options.clone(),
    });
}

/// A closed list of values: of texts alone, each once and within the length of the field.
fn options<T>(check: &mut Check<'_, T>, entry: &FieldEntry) {
    let (key, options) = (*entry.key.get_ref(), &entry.options);
    let closed = matches!(entry.kind.kind(), FieldKind::Text | FieldKind::List);
    let bad = |option: &String| {
        let length = option.chars().count();
        length == 0 || length > usize::from(entry.max) || length > MAX_OPTION
    };
    let doubled = options.iter().enumerate().any(|(at, o)| options.iter().take(at).any(|before| before == o));
    if !options.is_empty() && (!closed || doubled || options.len() > MAX_OPTIONS || options.iter().any(bad)) {
        let message = format!("the options of key {key} are doubled, too long, or not of a text or list");
        check.at(&entry.key, "options", message, "list each value once, within the length of the field");
    }
}
