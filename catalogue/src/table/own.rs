//! What a city hands in by itself: which groups of files its sheets make, and whether the rows are its own.

use std::collections::{BTreeMap, BTreeSet};

use super::template::{AUTHORITIES, CHOICES, FIELDS, ITEMS, MATERIALS, REVISIONS, TYPES, Template};
use super::{Cell, CellFinding, MAX_FINDINGS, Place, Sheet};

/// A group of files, and the sheets that it is made of; the first sheet owns the files.
struct Group {
    folder: &'static str,
    sheets: &'static [Template],
    /// Title of the cell that says whose a row is.
    whose: Option<&'static str>,
}

const GROUPS: [Group; 3] = [
    Group { folder: "licence-types/", sheets: &[TYPES, REVISIONS, FIELDS], whose: None },
    Group { folder: "authorities/", sheets: &[AUTHORITIES], whose: Some("节点") },
    Group { folder: "service-items/", sheets: &[ITEMS, MATERIALS, CHOICES], whose: Some("实施地区") },
];

fn text<'a>(row: &'a [Cell], template: &Template, title: &str) -> &'a str {
    match row.get(template.column(title)) {
        Some(Cell::Text(text)) => text,
        _ => "",
    }
}

fn rows<'a>(sheets: &'a [Sheet], template: &'a Template) -> impl Iterator<Item = (usize, &'a [Cell])> {
    let sheet = sheets.iter().find(|sheet| sheet.name == template.name);
    let filled = |(_, row): &(usize, &[Cell])| row.iter().any(|cell| *cell != Cell::Empty);
    sheet
        .into_iter()
        .flat_map(|sheet| sheet.rows.iter().map(Vec::as_slice).enumerate().skip(1))
        .filter(filled)
}

/// The folders of files, such as `authorities/`, of which no sheet is among these: a workbook that lacks them leaves them as
/// they are.
#[must_use]
pub fn untouched(sheets: &[Sheet]) -> Vec<&'static str> {
    let absent = |group: &&Group| {
        !group.sheets.iter().any(|template| sheets.iter().any(|sheet| sheet.name == template.name))
    };
    GROUPS.iter().filter(absent).map(|group| group.folder).collect()
}

/// The files that these sheets make, by their path below the data folder.
#[must_use]
pub fn paths(sheets: &[Sheet]) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for group in &GROUPS {
        for template in group.sheets.iter().take(1) {
            let made = rows(sheets, template).map(|(_, row)| text(row, template, "文件"));
            paths.extend(made.map(|file| format!("{}{file}.toml", group.folder)));
        }
    }
    paths
}

/// Checks that everything in the sheets belongs to this node: authorities of the node, service items of its region, and no file of
/// somebody else's among `base`, the sheets of what is there already. Types belong to the province.
#[must_use]
pub fn foreign(sheets: &[Sheet], base: &[Sheet], node: &str) -> Vec<CellFinding> {
    let mut findings = Vec::new();
    for group in &GROUPS {
        let Some(template) = group.sheets.first() else { continue };
        let whose = group.whose.unwrap_or("文件");
        let held: BTreeMap<&str, &str> = rows(base, template)
            .map(|(_, row)| (text(row, template, "文件"), text(row, template, whose)))
            .collect();
        let others = |row: &[Cell]| {
            let before = held.get(text(row, template, "文件"));
            !is_own(group, node, text(row, template, whose))
                || before.is_some_and(|before| !is_own(group, node, before))
        };
        for (row, _) in rows(sheets, template).filter(|(_, row)| others(row)) {
            let place = Place { sheet: template.name, row, column: template.column(whose) };
            let message = format!("the row is not of node {node}");
            findings.push(place.finding("not-own", message, "hand in the rows of the node alone"));
        }
    }
    findings.truncate(MAX_FINDINGS);
    findings
}

/// Whether a node id, or a region, is that of the node: 440600 has all of 4406.
fn is_own(group: &Group, node: &str, whose: &str) -> bool {
    match group.whose {
        None => false,
        Some("节点") => whose == node,
        Some(_) => {
            let digits = node.split('-').next().unwrap_or(node);
            let prefix = digits.strip_suffix("0000").or_else(|| digits.strip_suffix("00")).unwrap_or(digits);
            !prefix.is_empty() && whose.starts_with(prefix)
        }
    }
}
