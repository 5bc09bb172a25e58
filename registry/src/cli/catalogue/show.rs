//! `catalogue check` and `catalogue show`.

use std::fmt::Write as _;

use anyhow::Result;
use licence_catalogue::{CatalogueData, Finding, Release};
use licence_spec::catalogue::{Catalogue, Content};
use serde_json::json;

use super::CheckOptions;
use super::compare::published;
use crate::cli::data::{Place, print, print_json};
use licence_node::node::clock::Clock;
use licence_node::publication::catalogue_data::{borrowed, files_of};

/// Checks the data, their worked cases, and whether they may follow a published version; false if anything is wrong.
pub(super) fn check(options: &CheckOptions) -> Result<bool> {
    let files = files_of(options.source.folder.as_deref())?;
    let loaded = CatalogueData::load(borrowed(&files));
    let (data, mut findings) = match loaded {
        Ok(data) => (Some(data), Vec::new()),
        Err(findings) => (None, findings.0),
    };
    let mut cases = Vec::new();
    if let Some(data) = &data {
        cases = wrong_cases(data);
        findings.extend_from_slice(data.slips());
        let place = options.data.as_ref().map(|data| Place { data: data.clone() });
        if let Some(held) = place.map(|place| published(&place)).transpose()?.flatten() {
            findings.extend(follows(data, &held));
        }
    }
    let well = findings.is_empty() && cases.is_empty();
    if options.json {
        print_json(&json!({"ok": well, "findings": findings, "cases": cases}))?;
        return Ok(well);
    }
    findings.iter().try_for_each(|finding| print(&finding.to_string()))?;
    cases.iter().try_for_each(|case| print(case))?;
    if let Some(data) = data.filter(|_| well) {
        let counts =
            (data.types().len(), data.authorities().len(), data.service_items().len(), data.cases().len());
        print(&format!(
            "正确 right：证照类型 types {}，机关 authorities {}，事项 service items {}，算例 worked cases {}",
            counts.0, counts.1, counts.2, counts.3
        ))?;
    }
    Ok(well)
}

/// Worked cases that come out otherwise than they say.
fn wrong_cases(data: &CatalogueData) -> Vec<String> {
    let now = Clock::system().now();
    let content = data.compile(&Release::after(None, now, now));
    let mut wrong = Vec::new();
    for case in data.cases() {
        let Some(item) = content.service_item(&case.service_item) else { continue };
        let differences = case.differences(&case.ask(&content, item));
        wrong.extend(
            differences.into_iter().map(|text| format!("{}: {}: {text}", case.service_item, case.name)),
        );
    }
    wrong
}

fn follows(data: &CatalogueData, held: &Catalogue) -> Vec<Finding> {
    let now = Clock::system().now();
    data.check_successor(held, &Release::after(Some(held), now, now))
}

/// Prints the catalogue as three tables.
pub(super) fn show(data: &CatalogueData) -> Result<()> {
    let now = Clock::system().now();
    let content = data.compile(&Release::after(None, now, now));
    print(&format!("{}\n{}\n{}", types(&content), authorities(data), items(&content)))
}

fn types(content: &Content) -> String {
    let mut text = format!("证照类型 licence types ({})\n", content.types.len());
    for kind in &content.types {
        let mark = if kind.is_provisional() { "暂定" } else { "    " };
        let fields = kind.newest().map_or(0, |revision| revision.fields.len());
        // Cannot fail: a String takes everything that is written to it; so below.
        let _never = writeln!(text, "  {:<22} {mark} {:>2} 项  {}", kind.code(), fields, kind.name);
    }
    text
}

fn authorities(data: &CatalogueData) -> String {
    let mut text = format!("机关 authorities ({})\n", data.authorities().len());
    for authority in data.authorities() {
        let mark = if authority.synthetic { "合成" } else { "    " };
        let types = authority.vcts.len();
        let _never = writeln!(
            text,
            "  {:<15} {} {mark} {types:>2} 类  {}",
            authority.node, authority.code, authority.name
        );
    }
    text
}

fn items(content: &Content) -> String {
    let mut text = format!("事项 service items ({})\n", content.service_items.len());
    for item in &content.service_items {
        let _never = writeln!(text, "  {:<12} {:>2} 份材料  {}", item.code, item.materials.len(), item.name);
    }
    text
}
