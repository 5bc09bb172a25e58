//! What changed in licence types.

use std::collections::BTreeSet;

use licence_spec::catalogue::{
    Content, Field, FieldKind, LicenceType, META_HOLDER, META_HOLDERS, META_ISSUE, Revision,
};

use super::{Changes, Effect, Entry, Fate, pairs};

/// Every type that differs, ascending by vct.
pub(super) fn entries(before: &Content, after: &Content) -> Vec<Entry> {
    let of = |(old, new): (Option<&LicenceType>, Option<&LicenceType>)| {
        let named = new.or(old)?;
        let (fate, changes) = match (old, new) {
            (Some(old), Some(new)) => (Fate::Changed, changes(old, new)),
            (None, _) => (Fate::Added, Changes::default()),
            (_, None) => (Fate::Removed, Changes::default()),
        };
        (fate != Fate::Changed || !changes.0.is_empty()).then(|| Entry {
            id: named.vct.clone(),
            name: named.name.clone(),
            fate,
            changes: changes.0,
            touches: accepted_by(&named.vct, before, after),
        })
    };
    pairs(&before.types, &after.types, |t| t.vct.as_str()).into_iter().filter_map(of).collect()
}

fn accepted_by(vct: &str, before: &Content, after: &Content) -> Vec<String> {
    let items = before.service_items.iter().chain(&after.service_items);
    let codes: BTreeSet<&String> =
        items.filter(|item| item.accepted(vct).is_some()).map(|item| &item.code).collect();
    codes.into_iter().cloned().collect()
}

fn changes(old: &LicenceType, new: &LicenceType) -> Changes {
    let mut found = Changes::default();
    found.compare("name", ("名称", "name"), Effect::Words, Some(old.name.clone()), Some(new.name.clone()));
    let effect = |key: &str| match key {
        META_ISSUE | META_HOLDER | META_HOLDERS => Effect::Issue,
        _ => Effect::Words,
    };
    found.compare_pairs("metadata", ("元数据", "metadata"), effect, &old.metadata, &new.metadata);
    for (before, after) in pairs(&old.revisions, &new.revisions, |r| r.number) {
        match (before, after) {
            (Some(before), Some(after)) => fields(&mut found, before, after),
            (None, Some(after)) => {
                let number = Some(after.number.to_string());
                found.compare(
                    format!("revisions/{}", after.number),
                    ("版次", "revision"),
                    Effect::Issue,
                    None,
                    number,
                );
                // What a new revision means is told against the one that it takes the place of.
                let previous = new.revision(after.number.saturating_sub(1));
                previous.into_iter().for_each(|previous| fields(&mut found, previous, after));
            }
            (Some(before), None) => {
                let number = Some(before.number.to_string());
                found.compare(
                    format!("revisions/{}", before.number),
                    ("版次", "revision"),
                    Effect::Issue,
                    number,
                    None,
                );
            }
            (None, None) => {}
        }
    }
    found
}

fn fields(found: &mut Changes, before: &Revision, after: &Revision) {
    let path = format!("revisions/{}", after.number);
    let life = |r: &Revision| Some(r.longest_life_s.to_string());
    let names = ("最长有效秒数", "longest life in seconds");
    found.compare(format!("{path}/longest_life"), names, Effect::Issue, life(before), life(after));
    for (old, new) in pairs(&before.fields, &after.fields, |f| f.key) {
        let Some(named) = new.or(old) else { continue };
        let names = (format!("照面信息项“{}”", named.name), format!("field {}", named.name));
        let path = format!("{path}/fields/{}", named.key);
        found.compare(path, (&names.0, &names.1), Effect::Issue, old.map(shape), new.map(shape));
    }
}

/// A field in a few words: kind, length, flags, options.
fn shape(field: &Field) -> String {
    let kind = match field.kind {
        FieldKind::Text => "text",
        FieldKind::Date => "date",
        FieldKind::Uint => "uint",
        FieldKind::Bool => "bool",
        FieldKind::List => "list",
        FieldKind::Digest => "digest",
        FieldKind::Table => "table",
    };
    let mut words = vec![format!("{} {kind}", field.name)];
    if field.max > 0 {
        words.push(format!("max {}", field.max));
    }
    let flags = [(field.required, "required"), (field.sensitive, "sensitive"), (field.on_face, "face")];
    words.extend(flags.iter().filter(|(set, _)| *set).map(|(_, word)| (*word).to_owned()));
    words.extend(field.en.iter().map(|en| format!("“{en}”")));
    if !field.options.is_empty() {
        words.push(format!("options {}", field.options.join("|")));
    }
    words.join(", ")
}
