//! From cells to rows of checked texts: what a sheet as such may hold, whatever the rows mean.

use std::borrow::Cow;

use licence_spec::text::{Lines, check_written, nfc};
use licence_spec::time::CivilDate;

use super::template::{Column, Kind, SHEETS, Template};
use super::{
    Cell, CellFinding, MAX_CELL, MAX_COLUMNS, MAX_FINDINGS, MAX_ROWS, MAX_SHEETS, Place, Sheet, Unseen,
};

/// Day 0 of a spreadsheet's serial numbers: 1899-12-30, so that days from March 1900 on are right.
const SERIAL_DAY_0: i64 = -25_569;
/// Greatest whole number that a cell holds exactly.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// One row whose cells were checked by the kinds of their columns.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) template: Template,
    /// From 0, titles included.
    pub(super) number: usize,
    cells: Vec<Option<String>>,
}

impl Row {
    /// The text under this title; `None` if the cell is empty.
    pub(super) fn get(&self, title: &str) -> Option<&str> {
        self.cells.get(self.template.column(title)).and_then(Option::as_deref)
    }

    /// The text under this title, empty if there is none.
    pub(super) fn text(&self, title: &str) -> &str {
        self.get(title).unwrap_or_default()
    }

    /// The parts of a list, with 、 between.
    pub(super) fn list(&self, title: &str) -> impl Iterator<Item = &str> {
        self.get(title).into_iter().flat_map(|text| text.split('、'))
    }

    /// The lines of a cell.
    pub(super) fn lines(&self, title: &str) -> impl Iterator<Item = &str> {
        self.get(title).into_iter().flat_map(str::lines)
    }

    /// Whether 是 stands there.
    pub(super) fn yes(&self, title: &str) -> bool {
        self.get(title).is_some()
    }

    pub(super) fn place(&self, title: &str) -> Place {
        Place { sheet: self.template.name, row: self.number, column: self.template.column(title) }
    }
}

/// The rows of every sheet, in the order of [`SHEETS`].
pub(super) fn read(sheets: &[Sheet], findings: &mut Vec<CellFinding>) -> Vec<Vec<Row>> {
    if sheets.len() > MAX_SHEETS {
        findings.push(whole(
            "",
            "too-many-sheets",
            "more sheets than a workbook may have",
            "take the template",
        ));
        return SHEETS.map(|_| Vec::new()).to_vec();
    }
    for (at, sheet) in sheets.iter().enumerate() {
        if sheet.hidden {
            let hint = "show the sheet or delete it: what nobody sees is not taken over";
            findings.push(whole(&sheet.name, "hidden-sheet", "the sheet is hidden", hint));
        }
        if !SHEETS.iter().any(|template| template.name == sheet.name) {
            let hint = "take the sheets of the template: catalogue export writes them";
            findings.push(whole(&sheet.name, "unknown-sheet", "the template has no such sheet", hint));
        }
        if sheets.iter().take(at).any(|before| before.name == sheet.name) {
            findings.push(whole(
                &sheet.name,
                "duplicate-sheet",
                "the sheet stands twice",
                "put them together",
            ));
        }
    }
    let rows = |template: &Template| match sheets.iter().find(|sheet| sheet.name == template.name) {
        Some(sheet) => sheet_rows(*template, sheet, findings),
        None => Vec::new(),
    };
    SHEETS.iter().map(rows).collect()
}

fn whole(sheet: &str, rule: &'static str, message: &str, hint: &'static str) -> CellFinding {
    CellFinding { sheet: sheet.to_owned(), row: None, column: None, rule, message: message.to_owned(), hint }
}

fn sheet_rows(template: Template, sheet: &Sheet, findings: &mut Vec<CellFinding>) -> Vec<Row> {
    if sheet.rows.len() > MAX_ROWS {
        let message = format!("{} rows", sheet.rows.len());
        findings.push(whole(
            template.name,
            "too-many-rows",
            &message,
            "at most 100,000 rows and their titles",
        ));
        return Vec::new();
    }
    for (row, column) in &sheet.merged {
        let place = Place { sheet: template.name, row: *row, column: *column };
        findings.push(place.finding(
            "merged-cells",
            "cells are merged here",
            "split them and fill each cell",
        ));
    }
    unseen(template, sheet, findings);
    if !titles(template, sheet, findings) {
        return Vec::new();
    }
    let mut rows = Vec::new();
    for (number, cells) in sheet.rows.iter().enumerate().skip(1) {
        if findings.len() >= MAX_FINDINGS {
            break;
        }
        if cells.iter().any(|cell| *cell != Cell::Empty) {
            rows.push(row(template, number, cells, findings));
        }
    }
    rows
}

/// What nobody sees is not taken over: one finding a kind, at the first place, with all places that fit in a line.
fn unseen(template: Template, sheet: &Sheet, findings: &mut Vec<CellFinding>) {
    const TOLD: usize = 10;
    let rows = sheet.unseen.iter().filter_map(|part| match part {
        Unseen::Row(row) if *row < sheet.rows.len() => Some(*row),
        _ => None,
    });
    let columns = sheet.unseen.iter().filter_map(|part| match part {
        Unseen::Column(column) if *column < template.columns.len() => Some(*column),
        _ => None,
    });
    let (rows, columns): (Vec<usize>, Vec<usize>) = (rows.collect(), columns.collect());
    let list = |all: &[usize], name: fn(usize) -> String| {
        let told: Vec<String> = all.iter().take(TOLD).map(|at| name(*at)).collect();
        format!("hidden: {}{}", told.join(", "), if all.len() > TOLD { " …" } else { "" })
    };
    if let Some(first) = rows.first() {
        let place = Place { sheet: template.name, row: *first, column: 0 };
        let message = format!("{} rows are {}", rows.len(), list(&rows, |row| (row + 1).to_string()));
        findings.push(place.finding(
            "hidden-row",
            message,
            "show the rows or delete them, and clear filters",
        ));
    }
    if let Some(first) = columns.first() {
        let place = Place { sheet: template.name, row: 0, column: *first };
        let message = format!("{} columns are {}", columns.len(), list(&columns, super::column_name));
        findings.push(place.finding("hidden-column", message, "show the columns"));
    }
    if sheet.unseen.contains(&Unseen::Filter) {
        findings.push(whole(template.name, "filter", "a filter is set", "clear the filter of the sheet"));
    }
}

/// Whether the first row holds exactly the titles of the template.
fn titles(template: Template, sheet: &Sheet, findings: &mut Vec<CellFinding>) -> bool {
    let first: &[Cell] = sheet.rows.first().map(Vec::as_slice).unwrap_or_default();
    let before = findings.len();
    for (column, cell) in first.iter().enumerate().take(MAX_COLUMNS.saturating_add(1)) {
        let expected = template.columns.get(column).map(|column| column.title);
        let fits = match cell {
            Cell::Empty => expected.is_none(),
            Cell::Text(text) => Some(text.as_str()) == expected,
            _ => false,
        };
        if !fits {
            let place = Place { sheet: template.name, row: 0, column };
            let message = format!("the title should be {}", expected.unwrap_or("empty"));
            findings.push(place.finding("titles", message, "take the first row of the template"));
        }
    }
    if first.len() < template.columns.len() {
        let place = Place { sheet: template.name, row: 0, column: first.len() };
        findings.push(place.finding("titles", "titles are missing", "take the first row of the template"));
    }
    findings.len() == before
}

fn row(template: Template, number: usize, cells: &[Cell], findings: &mut Vec<CellFinding>) -> Row {
    let mut texts = Vec::with_capacity(template.columns.len());
    for (at, column) in template.columns.iter().enumerate() {
        let place = Place { sheet: template.name, row: number, column: at };
        let checked = match cells.get(at).unwrap_or(&Cell::Empty) {
            Cell::Empty if column.required => {
                Err(place.finding("cell-missing", format!("{} is empty", column.title), "fill the cell"))
            }
            Cell::Empty => Ok(None),
            cell => text_of(cell, column, place).map(Some),
        };
        texts.push(checked.unwrap_or_else(|finding| {
            findings.push(finding);
            None
        }));
    }
    let beyond = |(at, cell): &(usize, &Cell)| *at >= template.columns.len() && **cell != Cell::Empty;
    if let Some((at, _)) = cells.iter().enumerate().find(beyond) {
        let place = Place { sheet: template.name, row: number, column: at };
        findings.push(place.finding("extra-cell", "a cell beyond the last column", "clear it"));
    }
    Row { template, number, cells: texts }
}

/// The text of a cell that is not empty, by the kind of its column.
fn text_of(cell: &Cell, column: &Column, place: Place) -> Result<String, CellFinding> {
    match cell {
        Cell::Formula => Err(place.finding("formula", "a formula", "paste its value")),
        Cell::Error => Err(place.finding("error-value", "an error value", "correct the cell")),
        Cell::Bool(_) => Err(place.finding("not-text", "a truth value", "write 是, or leave the cell empty")),
        Cell::Empty => Ok(String::new()),
        Cell::Number(number) => number_text(*number, column.kind, place),
        Cell::Text(text) => {
            let text = tidy(text);
            plain(&text, place)?;
            let day = if column.kind == Kind::Date { day(&text) } else { None };
            let text = day.map_or(text, Cow::Owned);
            of_kind(&text, column.kind, place)?;
            Ok(text.into_owned())
        }
    }
}

/// CR LF, which spreadsheets keep of pasted text, as LF; in normal form C, as the issuer signs texts.
fn tidy(text: &str) -> Cow<'_, str> {
    if text.contains("\r\n") { Cow::Owned(nfc(&text.replace("\r\n", "\n")).into_owned()) } else { nfc(text) }
}

/// A day as people write it, year first, as `YYYY-MM-DD`: `2026/10/26`, `2026.1.5`, `2026年1月5日`, `20261026`; a time of day of
/// zeros, which spreadsheets add, is cut off.
fn day(text: &str) -> Option<String> {
    let zero = ["T00:00:00", " 00:00:00", " 0:00:00", " 00:00", " 0:00"];
    let text = zero.iter().find_map(|time| text.strip_suffix(time)).unwrap_or(text);
    let number = |part: &str, longest: usize| {
        let fits = (1..=longest).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if fits { part.parse::<u16>().ok() } else { None }
    };
    let (year, month, day) = if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        (text.get(..4)?, text.get(4..6)?, text.get(6..)?)
    } else if let Some(text) = text.strip_suffix('日') {
        let (year, rest) = text.split_once('年')?;
        let (month, day) = rest.split_once('月')?;
        (year, month, day)
    } else {
        let mark = text.chars().find(|c| matches!(c, '/' | '.' | '-'))?;
        let (year, rest) = text.split_once(mark)?;
        let (month, day) = rest.split_once(mark)?;
        (year, month, day)
    };
    if year.len() != 4 {
        return None;
    }
    let made = format!("{:04}-{:02}-{:02}", number(year, 4)?, number(month, 2)?, number(day, 2)?);
    CivilDate::parse(&made).map(|_| made)
}

fn number_text(number: f64, kind: Kind, place: Place) -> Result<String, CellFinding> {
    let exact = number.fract() == 0.0 && (0.0..MAX_EXACT).contains(&number);
    match kind {
        Kind::Number if exact => Ok(format!("{number}")),
        Kind::Number => Err(place.finding("number", "not a whole number from 0 on", "write a whole number")),
        Kind::Date => {
            // Saturating cast: what is no day is refused by the range of civil dates below.
            let day = CivilDate::from_days(
                (number.floor() as i64).saturating_add(SERIAL_DAY_0).clamp(-700_000, 2_900_000),
            );
            let message = format!("a date as a serial number: {number} is {day}");
            Err(place.finding("date-number", message, "format the cell as text and write YYYY-MM-DD"))
        }
        _ => {
            let hint =
                "format the cell as text: numbers lose leading zeros and the last digits of long codes";
            Err(place.finding("number-for-text", format!("the number {number} where a text is wanted"), hint))
        }
    }
}

/// Rules for every text.
fn plain(text: &str, place: Place) -> Result<(), CellFinding> {
    if text.chars().count() > MAX_CELL {
        return Err(place.finding("cell-too-long", "more than 8,192 characters", "shorten the text"));
    }
    if text.trim() != text {
        let message = format!("blanks around “{}”", text.trim());
        return Err(place.finding("blanks", message, "delete blanks before and behind the text"));
    }
    let hint = "delete the character, or write it as spec/text.md says";
    check_written(text, Lines::Several).map_err(|fault| place.finding("text-rule", fault.to_string(), hint))
}

fn of_kind(text: &str, kind: Kind, place: Place) -> Result<(), CellFinding> {
    let full_width = || text.chars().any(|c| matches!(c, '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ'));
    if matches!(kind, Kind::Code | Kind::Number | Kind::Date) && full_width() {
        let message = format!("full-width digits or letters: write {}", half_width(text));
        return Err(place.finding("full-width", message, "write digits and letters in half width"));
    }
    let fits = match kind {
        Kind::Text | Kind::Code | Kind::Lines => true,
        Kind::Number => text.len() <= 16 && text.bytes().all(|b| b.is_ascii_digit()),
        Kind::Date => CivilDate::parse(text).is_some(),
        Kind::Yes => text == "是",
        Kind::Word(words) => words.contains(&text),
    };
    if fits {
        return Ok(());
    }
    Err(match kind {
        Kind::Number => {
            place.finding("number", format!("“{text}” is no whole number"), "write a whole number")
        }
        Kind::Date => place.finding("date", format!("“{text}” is no real day"), "write YYYY-MM-DD"),
        Kind::Yes => place.finding("word", format!("“{text}”"), "write 是, or leave the cell empty"),
        Kind::Word(words) => place.finding(
            "word",
            format!("“{text}” is none of {}", words.join("、")),
            "take a word of the list",
        ),
        Kind::Text | Kind::Code | Kind::Lines => place.finding("word", text, "correct the cell"),
    })
}

fn half_width(text: &str) -> String {
    let narrow = |c: char| match c {
        '！'..='～' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    };
    text.chars().map(narrow).collect()
}
