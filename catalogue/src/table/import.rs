//! Rows to files, loaded as any files are; findings told at the cells.

mod items;
mod types;

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Facts, state};
use super::rows::{self, Row};
use super::toml_text::{TomlText, array, quoted};
use super::{CellFinding, MAX_FINDINGS, Place, Sheet};
use crate::{CatalogueData, Finding};

/// What an import gives: the files that the rows became, and everything that was loaded.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Path below the data folder and text, ascending by path.
    pub files: Vec<(String, String)>,
    /// The data of these files and of those that were handed in beside them.
    pub data: CatalogueData,
    /// Slips of the pen in names ([`CatalogueData::slips`]), at their cells.
    pub slips: Vec<CellFinding>,
}

/// Reads a workbook of the template. `beside` are files that belong to the catalogue and stand in no sheet:
/// `common-fields.toml` always, worked cases and files of others if wanted.
///
/// # Errors
/// Every finding, of sheets first, then of their order of loading; nothing is taken over then. At most
/// [`MAX_FINDINGS`] are told.
pub fn import(sheets: &[Sheet], beside: &[(&str, &[u8])]) -> Result<Imported, Vec<CellFinding>> {
    let mut findings = Vec::new();
    let rows = rows::read(sheets, &mut findings);
    let made = if findings.is_empty() { build(&rows, &mut findings) } else { BTreeMap::new() };
    for path in beside.iter().map(|(path, _)| *path).filter(|path| made.contains_key(*path)) {
        findings.push(CellFinding {
            sheet: path.to_owned(),
            row: None,
            column: None,
            rule: "duplicate-file",
            message: "the file is made by the workbook and handed in beside it".to_owned(),
            hint: "leave one of them out",
        });
    }
    if findings.is_empty() {
        let files = made.iter().map(|(path, file)| (path.as_str(), file.text.as_bytes()));
        match CatalogueData::load(files.chain(beside.iter().copied())) {
            Ok(data) => {
                let slips = data.slips().iter().map(|slip| at_cell(&made, slip.clone())).collect();
                let files = made.into_iter().map(|(path, file)| (path, file.text)).collect();
                return Ok(Imported { files, data, slips });
            }
            Err(found) => findings.extend(found.0.into_iter().map(|finding| at_cell(&made, finding))),
        }
    }
    findings.truncate(MAX_FINDINGS);
    Err(findings)
}

/// The same finding at the cell that its line was made of.
fn at_cell(made: &BTreeMap<String, TomlText>, finding: Finding) -> CellFinding {
    let Finding { file, line, rule, message, hint } = finding;
    let place = made.get(&file).and_then(|text| text.places.get(line?.checked_sub(1)?));
    match place {
        Some(place) => refined(*place, rule).finding(rule, message, hint),
        None => CellFinding { sheet: file, row: line, column: None, rule, message, hint },
    }
}

/// One line can stand for several cells: the rule says which of them is meant.
fn refined(place: Place, rule: &str) -> Place {
    use super::template::{AUTHORITIES, FIELDS, ITEMS, MATERIALS};
    let (template, title) = match (place.sheet, rule) {
        ("信息项", "duplicate-name" | "name-missing") => (FIELDS, "名称"),
        ("信息项", "length") => (FIELDS, "最大长度"),
        ("信息项", "options") => (FIELDS, "可选值"),
        ("信息项", "source-missing") => (FIELDS, "来源"),
        ("机关", "name-missing" | "synthetic-name") => (AUTHORITIES, "机关名称"),
        ("机关", "roles") => (AUTHORITIES, "密钥用途"),
        ("机关", "rival-issuers") => (AUTHORITIES, "证照类型代码"),
        ("事项", "name-missing") => (ITEMS, "事项名称"),
        ("材料", "name-differs") => (MATERIALS, "材料名称"),
        ("材料", "reason-without-field") => (MATERIALS, "敏感项理由"),
        _ => return place,
    };
    Place { column: template.column(title), ..place }
}

/// The files by path.
fn build(rows: &[Vec<Row>], findings: &mut Vec<CellFinding>) -> BTreeMap<String, TomlText> {
    let [types, revisions, fields, facts, authorities, items, materials, choices] = rows else {
        // Cannot happen: `rows::read` gives one list for each sheet of the template.
        return BTreeMap::new();
    };
    // State and source of what is not handed in say nothing here.
    let absent = types.is_empty() || items.is_empty();
    let here = |file: &str| types.iter().chain(items).any(|row| row.text("文件") == file);
    let facts: Vec<&Row> = facts.iter().filter(|row| !absent || here(row.text("文件"))).collect();
    let facts = Facts::read(&facts, |file, item| is_fact(types, revisions, items, file, item), findings);
    let mut made = BTreeMap::new();
    types::build(&mut made, types, revisions, fields, &facts, findings);
    items::build(&mut made, items, materials, choices, &facts, findings);
    build_authorities(&mut made, authorities, findings);
    made
}

fn is_fact(types: &[Row], revisions: &[Row], items: &[Row], file: &str, item: &str) -> bool {
    let of = |row: &&Row| row.text("文件") == file;
    let given =
        |row: &Row| row.template.columns.iter().any(|column| column.title == item) && row.get(item).is_some();
    let life = |row: &Row| item.strip_prefix("最长有效天数 ") == Some(row.text("版次"));
    types.iter().find(of).is_some_and(given)
        || items.iter().find(of).is_some_and(given)
        || revisions.iter().filter(of).any(life)
}

/// The rows of a sheet by their file, in the order of the sheet.
fn by_file<'a>(rows: &'a [Row], findings: &mut Vec<CellFinding>) -> BTreeMap<&'a str, Vec<&'a Row>> {
    let mut files: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let file = row.text("文件");
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if file.is_empty() || file.len() > 64 || !file.bytes().all(fits) {
            let hint = "1 to 64 of a-z, 0-9 and -";
            findings.push(row.place("文件").finding("file-name", "not a name of a file", hint));
        }
        files.entry(file).or_default().push(row);
    }
    files
}

/// Rows whose file has no row in the sheet that owns it.
fn orphans(owner: &str, owners: &[Row], rows: &[Row], findings: &mut Vec<CellFinding>) {
    if let Some(row) = rows.first().filter(|_| owners.is_empty()) {
        let message = format!("the sheet {owner} is not here, or empty: {} rows belong to it", rows.len());
        findings.push(row.place("文件").finding("sheet-missing", message, "hand in both sheets"));
        return;
    }
    let known: BTreeSet<&str> = owners.iter().map(|row| row.text("文件")).collect();
    for row in rows.iter().filter(|row| !known.contains(row.text("文件"))) {
        let message = format!("{} has no row of its own", row.text("文件"));
        findings.push(row.place("文件").finding(
            "unknown-file",
            message,
            "add it to the sheet of its kind first",
        ));
    }
}

/// Tells the second row of a sheet in which a file has one.
fn single(rows: &[&Row], findings: &mut Vec<CellFinding>) {
    for row in rows.iter().skip(1) {
        findings.push(row.place("文件").finding(
            "duplicate-row",
            "the file has a row already",
            "one row each",
        ));
    }
}

/// Tells where a row says something else than the first one of its group.
fn same(rows: &[&Row], titles: &[&str], findings: &mut Vec<CellFinding>) {
    let Some((first, others)) = rows.split_first() else { return };
    for row in others {
        for title in titles.iter().filter(|title| row.get(title) != first.get(title)) {
            let message = format!("row {} says something else", first.number + 1);
            let hint = "rows of one thing repeat what they have in common";
            findings.push(row.place(title).finding("row-differs", message, hint));
        }
    }
}

fn build_authorities(made: &mut BTreeMap<String, TomlText>, rows: &[Row], findings: &mut Vec<CellFinding>) {
    for (file, rows) in by_file(rows, findings) {
        let mut out = TomlText::default();
        same(&rows, &["节点", "主机"], findings);
        let Some(first) = rows.first() else { continue };
        out.text(first.place("节点"), "node", first.text("节点"));
        out.text(first.place("主机"), "host", first.text("主机"));
        for row in &rows {
            out.line(row.place("机关代码"), "[[authorities]]");
            out.text(row.place("机关代码"), "code", row.text("机关代码"));
            out.line(row.place("合成代码"), &format!("synthetic = {}", row.yes("合成代码")));
            out.text(row.place("机关名称"), "name", row.text("机关名称"));
            out.text(row.place("英文名称"), "en", row.text("英文名称"));
            for (title, key) in [("密钥用途", "roles"), ("地区", "regions"), ("证照类型代码", "issues")]
            {
                out.line(row.place(title), &format!("{key} = {}", array(row.list(title))));
            }
            for (title, key) in
                [("启用日期", "in_force"), ("停用日期", "until"), ("前任机关代码", "predecessor")]
            {
                if let Some(text) = row.get(title) {
                    out.text(row.place(title), key, text);
                }
            }
            grounds(&mut out, row);
        }
        made.insert(format!("authorities/{file}.toml"), out);
    }
}

/// State and source of a whole row.
fn grounds(out: &mut TomlText, row: &Row) {
    out.text(row.place("依据状态"), "state", state(row.text("依据状态")));
    out.text(row.place("来源"), "source", row.text("来源"));
}

/// A line `key = { value = …, … }` for a text cell; none for an empty one.
fn fact(out: &mut TomlText, facts: &Facts<'_>, row: &Row, title: &str, key: &str) {
    if let Some(text) = row.get(title) {
        out.line(row.place(title), &facts.line(row.text("文件"), title, key, &quoted(text)));
    }
}
