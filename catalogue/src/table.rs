//! The catalogue in spreadsheets: sheets of cells to the publisher's files, and back.
//!
//! In scope: the template, what a sheet may hold, rows to TOML files, findings by sheet, row and column, files to rows, and
//! CSV. Out of scope: reading and writing .xlsx (the command line), files, and every rule of content: the files that rows
//! become are loaded like any others ([`CatalogueData::load`](crate::CatalogueData::load)), and a finding at a line is
//! told at the cell that the line was made of. Nothing is taken over unless all is right.
//! Document: spec/catalogue.md §8.

mod csv;
mod export;
mod facts;
mod import;
mod own;
mod rows;
mod template;
mod toml_text;

use std::fmt;

use crate::words;

pub use export::export;
pub use import::{Imported, import};
pub use own::{foreign, paths, untouched};
pub use template::{Column, Kind, SHEETS, Template, template};

/// Most sheets of a workbook.
pub const MAX_SHEETS: usize = 32;
/// Most rows of a sheet, with its titles.
pub const MAX_ROWS: usize = 100_001;
/// Most columns of a sheet.
pub const MAX_COLUMNS: usize = 64;
/// Longest text of a cell, characters.
pub const MAX_CELL: usize = 8_192;
/// Largest CSV file, bytes.
pub const MAX_CSV: usize = 64 * 1024 * 1024;
/// Most findings that are told at once; a broken sheet would repeat itself.
pub const MAX_FINDINGS: usize = 1_000;

/// What stands in a cell. Dates of a spreadsheet are numbers to it: [`Cell::Number`].
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// A text.
    Text(String),
    /// A number, or a date as a serial number.
    Number(f64),
    /// A truth value.
    Bool(bool),
    /// A formula, whatever its value.
    Formula,
    /// An error value such as `#REF!`.
    Error,
}

/// One sheet, as a reader of spreadsheets or CSV hands it in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    /// Its name, such as 证照类型.
    pub name: String,
    /// Whether the workbook hides it.
    pub hidden: bool,
    /// What of it nobody sees, as far as it can hold content.
    pub unseen: Vec<Unseen>,
    /// Top left corners of merged cells: row and column, from 0.
    pub merged: Vec<(usize, usize)>,
    /// The rows; the first one holds the titles of the columns. Rows may be shorter than the first.
    pub rows: Vec<Vec<Cell>>,
}

/// A part of a sheet that whoever looks at it does not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unseen {
    /// A row, from 0, hidden by hand, by an outline or by a filter, or without height.
    Row(usize),
    /// A column, from 0.
    Column(usize),
    /// A filter is set, whether it hides anything now or not.
    Filter,
}

/// What is wrong, and in which cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellFinding {
    /// Name of the sheet; of a file, for what was handed in beside the sheets.
    pub sheet: String,
    /// Row as the spreadsheet counts it, from 1.
    pub row: Option<usize>,
    /// Column as the spreadsheet names it: A, B, ... AA.
    pub column: Option<String>,
    /// Short stable name of the rule.
    pub rule: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: &'static str,
}

impl fmt::Display for CellFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sheet)?;
        if let (Some(column), Some(row)) = (&self.column, self.row) {
            write!(f, "!{column}{row}")?;
        } else if let Some(row) = self.row {
            write!(f, ":{row}")?;
        }
        write!(f, ": {}: {} / {} ({})", self.rule, words::zh(self.rule), self.message, self.hint)
    }
}

impl serde::Serialize for CellFinding {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut out = serializer.serialize_struct("CellFinding", 7)?;
        out.serialize_field("sheet", &self.sheet)?;
        out.serialize_field("row", &self.row)?;
        out.serialize_field("column", &self.column)?;
        out.serialize_field("rule", self.rule)?;
        out.serialize_field("zh", words::zh(self.rule))?;
        out.serialize_field("message", &self.message)?;
        out.serialize_field("hint", self.hint)?;
        out.end()
    }
}

/// A cell: sheet of the template, row from 0, column from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) sheet: &'static str,
    pub(crate) row: usize,
    pub(crate) column: usize,
}

impl Place {
    fn finding(self, rule: &'static str, message: impl Into<String>, hint: &'static str) -> CellFinding {
        CellFinding {
            sheet: self.sheet.to_owned(),
            row: Some(self.row + 1),
            column: Some(column_name(self.column)),
            rule,
            message: message.into(),
            hint,
        }
    }
}

/// A, B, ... Z, AA, AB, ...
fn column_name(column: usize) -> String {
    let letter = |n: usize| char::from(b'A' + u8::try_from(n % 26).unwrap_or(0));
    match column / 26 {
        0 => letter(column).to_string(),
        more => format!("{}{}", letter(more - 1), letter(column)),
    }
}
