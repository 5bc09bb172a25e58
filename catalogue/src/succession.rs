//! May these data follow the catalogue that is published? Findings with file and line, before anybody signs.
//!
//! In scope: what the format refuses in a next version (spec/catalogue.md §4), told at its place, and fields that
//! shrink. Out of scope: what changed rightly, which [`crate::diff`] tells.

use licence_spec::catalogue::{Catalogue, Field, LicenceType, Revision};

use crate::{CatalogueData, Finding, Release};

/// Where a type stands in the publisher's files.
#[derive(Clone, Debug)]
pub(crate) struct TypePlace {
    pub(crate) vct: String,
    pub(crate) file: String,
    /// Line of its code.
    pub(crate) code: usize,
    /// Of each revision: line of its number, and line of each of its own fields by key.
    pub(crate) revisions: Vec<(usize, Vec<(u8, usize)>)>,
}

impl CatalogueData {
    /// What forbids `release` of these data to follow `held`; empty if nothing does.
    #[must_use]
    pub fn check_successor(&self, held: &Catalogue, release: &Release) -> Vec<Finding> {
        let mut findings = version(held, release);
        let next = self.compile(release);
        for published in &held.content().types {
            match next.licence_type(&published.vct) {
                Some(offered) => self.revisions(published, offered, &mut findings),
                None => findings.push(finding(
                    "licence-types",
                    None,
                    "type-gone",
                    format!("the published type {} ({}) is gone", published.name, published.code()),
                    "put its file back: licences of the type must stay readable",
                )),
            }
        }
        findings
    }

    fn revisions(&self, published: &LicenceType, offered: &LicenceType, findings: &mut Vec<Finding>) {
        let place = self.places.iter().find(|place| place.vct == published.vct);
        let file = place.map_or("licence-types", |place| place.file.as_str());
        for (at, before) in published.revisions.iter().enumerate() {
            let lines = place.and_then(|place| place.revisions.get(at));
            let Some(now) = offered.revisions.get(at) else {
                let message =
                    format!("the published revision {} of {} is gone", before.number, published.name);
                let hint = "put it back; new fields go into a further revision";
                findings.push(finding(file, place.map(|p| p.code), "revision-gone", message, hint));
                continue;
            };
            for (key, what) in changes(before, now) {
                let line = lines.map(|(number, fields)| {
                    fields.iter().find(|(own, _)| Some(*own) == key).map_or(*number, |(_, line)| *line)
                });
                let rule = if what.shrunk { "field-shrunk" } else { "revision-changed" };
                let message = format!("revision {} of {}: {}", before.number, published.name, what.text);
                let hint = "leave the published revision as it is and write the change into a further one";
                findings.push(finding(file, line, rule, message, hint));
            }
        }
    }
}

fn version(held: &Catalogue, release: &Release) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |rule, message, hint| findings.push(finding("release", None, rule, message, hint));
    if held.version().checked_add(1) != Some(release.version) {
        let message = format!("version {} cannot follow version {}", release.version, held.version());
        add("version-skipped", message, "take the next number");
    }
    if release.previous != Some(*held.digest()) {
        let message = "the previous digest is not that of the published version".to_owned();
        add("previous-digest", message, "chain to the version that is published");
    }
    if release.issued_at < held.content().issued_at {
        let message = "the version is signed before the one that it follows".to_owned();
        add("release-time", message, "check the clock of the publisher");
    }
    findings
}

struct Change {
    shrunk: bool,
    text: String,
}

/// What differs between a published revision and the one that stands in its place, by key of the field.
fn changes(before: &Revision, now: &Revision) -> Vec<(Option<u8>, Change)> {
    let mut found = Vec::new();
    let whole = |text: String| (None, Change { shrunk: false, text });
    if before.longest_life_s != now.longest_life_s {
        found.push(whole("the longest life was changed".into()));
    }
    if before.in_force_from != now.in_force_from {
        found.push(whole("the date in force was changed".into()));
    }
    for field in &before.fields {
        match now.field(field.key) {
            None => found.push(whole(format!("the field {} {} is gone", field.key, field.name))),
            Some(same) if same == field => {}
            Some(other) => found.push((Some(field.key), changed(field, other))),
        }
    }
    let new = now.fields.iter().filter(|field| before.field(field.key).is_none());
    found.extend(new.map(|field| {
        (
            Some(field.key),
            Change { shrunk: false, text: format!("the field {} {} is new", field.key, field.name) },
        )
    }));
    found
}

fn changed(before: &Field, now: &Field) -> Change {
    if shrinks(before, now) {
        let text =
            format!("the field {} {} shrinks from {} to {}", before.key, before.name, before.max, now.max);
        return Change { shrunk: true, text };
    }
    Change { shrunk: false, text: format!("the field {} {} was changed", before.key, before.name) }
}

/// Whether values that fitted before may be too long now; 0 sets no limit.
pub(crate) const fn shrinks(before: &Field, now: &Field) -> bool {
    now.max != 0 && (before.max == 0 || now.max < before.max)
}

fn finding(
    file: &str,
    line: Option<usize>,
    rule: &'static str,
    message: String,
    hint: &'static str,
) -> Finding {
    Finding { file: file.to_owned(), line, rule, message, hint }
}
