//! Files to checked data: parse, then validate and resolve. Whoever holds a [`CatalogueData`] holds checked data.

mod authorities;
mod cases;
mod common;
mod notes;
mod production;
mod service_items;
mod texts;
mod types;

use licence_spec::catalogue::{LicenceType, ServiceItem};
use serde::de::DeserializeOwned;

use crate::source::{File, TypeFile};
use crate::succession::TypePlace;
use crate::{Authority, Finding, Findings, Note, WorkedCase, source};

/// Largest file of the publisher, bytes; the largest shipped one has 6 KiB.
pub(crate) const MAX_FILE: usize = 262_144;
/// Most files of one catalogue.
pub(crate) const MAX_FILES: usize = 10_000;

/// The publisher's data, checked and resolved: types and service items in the shape of the signed catalogue, and the
/// authorities from which the trust list is made.
#[derive(Clone, Debug)]
pub struct CatalogueData {
    types: Vec<LicenceType>,
    service_items: Vec<ServiceItem>,
    authorities: Vec<Authority>,
    cases: Vec<WorkedCase>,
    notes: Vec<Note>,
    production: Vec<Finding>,
    slips: Vec<Finding>,
    pub(crate) places: Vec<TypePlace>,
}

impl CatalogueData {
    /// Loads files given as (path, bytes). Paths are those below `data/`: `common-fields.toml`, `licence-types/*.toml`,
    /// `authorities/*.toml`, `service-items/*.toml`, `service-cases/*.toml`.
    ///
    /// # Errors
    /// [`Findings`] with everything that is wrong, in the order of files; nothing is taken over unless all is right.
    /// Faults that hide others (a file that does not parse) hide what depends on them.
    pub fn load<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<CatalogueData, Findings> {
        let mut findings = Vec::new();
        let parsed = Parsed::read(files, &mut findings);
        if !findings.is_empty() {
            return Err(Findings(findings));
        }
        let sets = common::resolve(parsed.common.as_ref(), &mut findings);
        let types = types::resolve(&parsed.types, &sets, &mut findings);
        let sound_types = findings.is_empty();
        let authorities = authorities::resolve(&parsed.authorities, &types, &mut findings);
        let service_items = service_items::resolve(&parsed.service_items, &types, &mut findings);
        if !sound_types {
            // What a broken type has not, others miss: only the type's own findings help.
            findings.retain(|f| !matches!(f.rule, "unknown-type" | "unknown-field"));
        }
        let places = parsed.types.iter().filter_map(types::place).collect();
        let mut data = CatalogueData {
            types,
            service_items,
            authorities,
            cases: Vec::new(),
            notes: notes::collect(&parsed),
            production: production::collect(&parsed),
            slips: parsed.slips,
            places,
        };
        data.slips.extend(service_items::slips(&parsed.service_items, &data.types));
        // Cases are read and asked of sound data alone: a broken item would only repeat its own finding.
        if findings.is_empty() {
            data.cases = cases::resolve(&parsed.cases, &data.types, &data.service_items, &mut findings);
        }
        if findings.is_empty() {
            cases::run(&data, &mut findings);
        }
        if findings.is_empty() {
            Ok(data)
        } else {
            findings.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
            Err(Findings(findings))
        }
    }

    /// The licence types, ascending by vct.
    #[must_use]
    pub fn types(&self) -> &[LicenceType] {
        &self.types
    }

    /// The service items, ascending by code and then by date; one code may come several times, one period each.
    #[must_use]
    pub fn service_items(&self) -> &[ServiceItem] {
        &self.service_items
    }

    /// The authorities, in the order of files.
    #[must_use]
    pub fn authorities(&self) -> &[Authority] {
        &self.authorities
    }

    /// The worked cases, in the order of files.
    #[must_use]
    pub fn cases(&self) -> &[WorkedCase] {
        &self.cases
    }

    /// Where every fact is from, in the order of files.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// What these data may not be used for in production: provisional types, which no node issues there, and synthetic
    /// authorities and service items, which a city puts its own in place of. Empty if nothing is left to replace.
    #[must_use]
    pub fn production_findings(&self) -> &[Finding] {
        &self.production
    }

    /// Slips of the pen in names: a word twice in a row, a material that is not named after what it takes. The data may be used; who
    /// publishes mends them first.
    #[must_use]
    pub fn slips(&self) -> &[Finding] {
        &self.slips
    }

    /// The authority with this code.
    #[must_use]
    pub fn authority(&self, code: &str) -> Option<&Authority> {
        self.authorities.iter().find(|a| a.code == code)
    }

    /// The authorities whose keys this node holds, such as `440100`.
    pub fn authorities_of_node<'a>(&'a self, node: &'a str) -> impl Iterator<Item = &'a Authority> {
        self.authorities.iter().filter(move |a| a.node == node)
    }
}

/// The files as they stand, before their content is checked.
#[derive(Default)]
pub(crate) struct Parsed {
    common: Option<File<source::CommonFile>>,
    pub(crate) types: Vec<File<TypeFile>>,
    pub(crate) authorities: Vec<File<source::AuthoritiesFile>>,
    pub(crate) service_items: Vec<File<source::ServiceItemFile>>,
    cases: Vec<File<source::CasesFile>>,
    slips: Vec<Finding>,
}

impl Parsed {
    pub(crate) fn read<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        findings: &mut Vec<Finding>,
    ) -> Parsed {
        let mut parsed = Parsed::default();
        let mut files: Vec<_> = files.into_iter().take(MAX_FILES + 1).collect();
        if files.len() > MAX_FILES {
            findings.push(at(
                "",
                None,
                "too-many-files",
                "more files than a catalogue may have",
                "split the catalogue",
            ));
        }
        files.sort_by_key(|(path, _)| *path);
        for (path, bytes) in files {
            let Some(text) = readable(path, bytes, findings) else { continue };
            match path.split_once('/') {
                None if path == "common-fields.toml" => {
                    parsed.common = parse(path, text, findings, &mut parsed.slips);
                }
                Some(("licence-types", _)) => {
                    parsed.types.extend(parse(path, text, findings, &mut parsed.slips));
                }
                Some(("authorities", _)) => {
                    parsed.authorities.extend(parse(path, text, findings, &mut parsed.slips));
                }
                Some(("service-items", _)) => {
                    parsed.service_items.extend(parse(path, text, findings, &mut parsed.slips));
                }
                Some(("service-cases", _)) => {
                    parsed.cases.extend(parse(path, text, findings, &mut parsed.slips));
                }
                _ => findings.push(at(
                    path,
                    None,
                    "unknown-file",
                    "no such kind of file",
                    "see spec/catalogue.md §6",
                )),
            }
        }
        parsed
    }
}

/// The text of a file, if it may be parsed at all.
fn readable<'a>(path: &str, bytes: &'a [u8], findings: &mut Vec<Finding>) -> Option<&'a str> {
    if bytes.len() > MAX_FILE {
        findings.push(at(path, None, "file-too-large", "the file is over 256 KiB", "split it"));
        return None;
    }
    if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        findings.push(at(
            path,
            Some(1),
            "byte-order-mark",
            "the file begins with a BOM",
            "save it as UTF-8 without BOM",
        ));
        return None;
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        findings.push(at(path, None, "not-utf8", "the file is not UTF-8", "save it as UTF-8"));
        return None;
    };
    // Texts of the catalogue are signed: they must already be what may be signed.
    texts::lines(path, text, findings).then_some(text)
}

fn parse<T: DeserializeOwned>(
    path: &str,
    text: &str,
    findings: &mut Vec<Finding>,
    slips: &mut Vec<Finding>,
) -> Option<File<T>> {
    match toml::from_str(text) {
        Ok(content) => {
            texts::values(path, text, findings, slips);
            Some(File { path: path.into(), text: text.into(), content })
        }
        Err(error) => {
            let line = error.span().map(|span| source::line_at(text, span.start));
            findings.push(at(
                path,
                line,
                "toml",
                error.message(),
                "see spec/catalogue.md §6 for the keys of each file",
            ));
            None
        }
    }
}

/// A finding at a line.
fn at(
    path: &str,
    line: Option<usize>,
    rule: &'static str,
    message: impl Into<String>,
    hint: &'static str,
) -> Finding {
    Finding { file: path.into(), line, rule, message: message.into(), hint }
}

/// Collects the findings of one file.
struct Check<'a, T> {
    file: &'a File<T>,
    findings: &'a mut Vec<Finding>,
}

impl<T> Check<'_, T> {
    /// Notes a finding at a spanned value.
    fn at<V>(
        &mut self,
        place: &toml::Spanned<V>,
        rule: &'static str,
        message: impl Into<String>,
        hint: &'static str,
    ) {
        let line = Some(self.file.line(&place.span()));
        self.findings.push(at(&self.file.path, line, rule, message, hint));
    }
}
