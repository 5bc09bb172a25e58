//! What stands between these data and production: invented codes, each at its place.

use toml::Spanned;

use super::{Parsed, at};
use crate::Finding;
use crate::source::{File, State};

/// One finding for every provisional type, synthetic authority and synthetic service item, in the order of files.
pub(super) fn collect(parsed: &Parsed) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in parsed.types.iter().filter(|file| file.content.code.state == State::Provisional) {
        let message = format!("{} has no confirmed code", file.content.name.value.get_ref());
        let hint = "put the real code in its place once it is confirmed; production does not issue the type";
        findings.push(found(file, &file.content.code.value, "provisional-type", message, hint));
    }
    for file in &parsed.authorities {
        for entry in file.content.authorities.iter().filter(|entry| entry.synthetic) {
            let hint = "put the authority of the city in its place";
            let message = format!("{} has an invented code", entry.name);
            findings.push(found(file, &entry.code, "synthetic-authority", message, hint));
        }
    }
    for file in parsed.service_items.iter().filter(|file| file.content.synthetic) {
        let message = format!("{} has an invented code", file.content.name);
        let hint = "put the item of the city's service guide in its place";
        findings.push(found(file, &file.content.code, "synthetic-item", message, hint));
    }
    findings
}

fn found<T>(
    file: &File<T>,
    code: &Spanned<String>,
    rule: &'static str,
    message: String,
    hint: &'static str,
) -> Finding {
    at(&file.path, Some(file.line(&code.span())), rule, message, hint)
}
