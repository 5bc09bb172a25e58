//! Where every fact is from: what a publisher and a city operator look through before they rely on the data.

use toml::Spanned;

use super::Parsed;
use crate::Note;
use crate::source::{Fact, FieldEntry, State};

/// One note a fact, in the order of files.
pub(super) fn collect(parsed: &Parsed) -> Vec<Note> {
    let mut notes = Vec::new();
    if let Some(file) = &parsed.common {
        file.content.sets.iter().flat_map(|set| &set.fields).for_each(|f| notes.push(field(&file.path, f)));
    }
    for file in &parsed.types {
        let t = &file.content;
        let facts = [
            ("code", Some(&t.code)),
            ("provincial_code", t.provincial_code.as_ref()),
            ("name", Some(&t.name)),
            ("kind", Some(&t.kind)),
            ("defining_code", t.defining_code.as_ref()),
            ("authority", Some(&t.authority)),
            ("defining_level", Some(&t.defining_level)),
            ("holder", Some(&t.holder)),
            ("validity", Some(&t.validity)),
            ("issuing_level", Some(&t.issuing_level)),
            ("holders", Some(&t.holders)),
            ("legal_basis", t.legal_basis.as_ref()),
        ];
        notes.extend(facts.into_iter().filter_map(|(what, fact)| Some(noted(&file.path, what, fact?))));
        for revision in &t.revisions {
            let life = &revision.longest_life_days;
            let what = format!("revisions[{}].longest_life_days", revision.number.get_ref());
            notes.push(note(&file.path, what, life.state, &life.source));
            revision.fields.iter().for_each(|f| notes.push(field(&file.path, f)));
        }
    }
    for file in &parsed.authorities {
        for entry in &file.content.authorities {
            let what = format!("authority {}{}", entry.code.get_ref(), synthetic(entry.synthetic));
            notes.push(note(&file.path, what, entry.state, &entry.source));
        }
    }
    for file in &parsed.service_items {
        let item = &file.content;
        let what = format!("service item {}{}", item.code.get_ref(), synthetic(item.synthetic));
        notes.push(note(&file.path, what, item.state, &item.source));
        notes.extend(item.legal_basis.iter().map(|fact| noted(&file.path, "legal_basis", fact)));
    }
    notes
}

const fn synthetic(yes: bool) -> &'static str {
    if yes { " (synthetic code)" } else { "" }
}

fn noted(path: &str, what: &str, fact: &Fact<Spanned<String>>) -> Note {
    note(path, format!("{what} = {}", fact.value.get_ref()), fact.state, &fact.source)
}

fn field(path: &str, entry: &FieldEntry) -> Note {
    let extra = entry.note.as_ref().map_or_else(String::new, |text| format!(" ({text})"));
    note(path, format!("field {} {}{extra}", entry.key.get_ref(), entry.name), entry.state, &entry.source)
}

fn note(path: &str, what: String, state: State, source: &str) -> Note {
    Note { file: path.into(), what, state, source: source.into() }
}
