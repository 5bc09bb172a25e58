//! `choices` of a service item: either-or between materials.

use licence_spec::catalogue::{Choice, Material};

use toml::Spanned;

use crate::load::Check;
use crate::source::ServiceItemFile;

/// The choices, ascending by name; every way ascending.
pub(super) fn resolve(check: &mut Check<'_, ServiceItemFile>, materials: &[Material]) -> Vec<Choice> {
    let mut choices: Vec<Choice> = Vec::new();
    let mut taken: Vec<&str> = Vec::new();
    for entry in &check.file.content.choices {
        if entry.name.get_ref().is_empty() || choices.iter().any(|c| c.name == *entry.name.get_ref()) {
            check.at(&entry.name, "choice", "the choice has no name of its own", "name what is chosen");
        }
        if entry.ways.len() < 2 || entry.ways.iter().any(Vec::is_empty) {
            let hint = "two ways at least, each a list of material codes";
            check.at(&entry.name, "choice", "the choice leaves no choice", hint);
        }
        let same = |a: &[Spanned<String>], b: &[Spanned<String>]| {
            a.len() == b.len() && a.iter().all(|code| b.iter().any(|other| other.get_ref() == code.get_ref()))
        };
        for (at, way) in entry.ways.iter().enumerate() {
            if let (Some(first), true) =
                (way.first(), entry.ways.iter().take(at).any(|before| same(before, way)))
            {
                check.at(first, "choice", "the way stands twice", "say what the other way is");
            }
        }
        for code in entry.ways.iter().flatten() {
            if !materials.iter().any(|m| m.code == *code.get_ref()) {
                let message = format!("no material {}", code.get_ref());
                check.at(code, "unknown-material", message, "name a material of this item");
            }
            if taken.contains(&code.get_ref().as_str()) {
                let hint = "a material stands in one choice only";
                check.at(code, "choice", "the material stands in an earlier choice", hint);
            }
        }
        taken.extend(entry.ways.iter().flatten().map(|code| code.get_ref().as_str()));
        let way = |way: &Vec<Spanned<String>>| {
            let mut codes: Vec<String> = way.iter().map(|code| code.get_ref().clone()).collect();
            codes.sort();
            codes.dedup();
            codes
        };
        choices
            .push(Choice { name: entry.name.get_ref().clone(), ways: entry.ways.iter().map(way).collect() });
    }
    choices.sort_by(|a, b| a.name.cmp(&b.name));
    choices
}
