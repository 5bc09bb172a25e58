//! A sheet as CSV: one file a sheet, UTF-8, with or without the BOM that spreadsheets write.

use csv::{ReaderBuilder, WriterBuilder};

use super::{Cell, CellFinding, MAX_CSV, MAX_ROWS, Sheet};

/// The byte order mark of UTF-8.
const BOM: &[u8] = &[0xef, 0xbb, 0xbf];

/// What a file is that is not UTF-8.
fn kind_of(bytes: &[u8]) -> &'static str {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        "the file is UTF-16 (Unicode 文本), not UTF-8"
    } else {
        "the file is not UTF-8; perhaps it is GBK (ANSI), as spreadsheets save plain CSV"
    }
}

impl Sheet {
    /// Reads a CSV file as the sheet `name`. All cells are texts.
    ///
    /// # Errors
    /// One finding: over 64 MiB, more than 100,000 rows, not UTF-8, or not CSV.
    pub fn from_csv(name: &str, bytes: &[u8]) -> Result<Sheet, CellFinding> {
        let finding = |row: Option<usize>, rule, message: String, hint| CellFinding {
            sheet: name.to_owned(),
            row,
            column: None,
            rule,
            message,
            hint,
        };
        if bytes.len() > MAX_CSV {
            return Err(finding(None, "file-too-large", "the file is over 64 MiB".into(), "split it"));
        }
        let text = std::str::from_utf8(bytes.strip_prefix(BOM).unwrap_or(bytes));
        let hint = "save it as CSV UTF-8 (逗号分隔)";
        let text = text.map_err(|_| finding(None, "not-utf8", kind_of(bytes).into(), hint))?;
        let first = text.lines().next().unwrap_or_default();
        if !first.contains(',') && (first.contains('\t') || first.contains(';')) {
            let message = "the parts of a row are separated by tabs or semicolons".into();
            return Err(finding(Some(1), "csv", message, "save it with commas between"));
        }
        let mut sheet = Sheet { name: name.to_owned(), ..Sheet::default() };
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        for record in reader.records() {
            let row = sheet.rows.len() + 1;
            if sheet.rows.len() == MAX_ROWS {
                let hint = "at most 100,000 rows and their titles";
                return Err(finding(None, "too-many-rows", format!("more than {MAX_ROWS} rows"), hint));
            }
            let record =
                record.map_err(|error| finding(Some(row), "csv", error.to_string(), "correct the row"))?;
            let cell = |text: &str| if text.is_empty() { Cell::Empty } else { Cell::Text(text.to_owned()) };
            sheet.rows.push(record.iter().map(cell).collect());
        }
        Ok(sheet)
    }

    /// The sheet as CSV, with the BOM without which spreadsheets take it for GBK. Numbers and truth values are written as texts, formulas and errors as nothing.
    #[must_use]
    pub fn to_csv(&self) -> Vec<u8> {
        let mut writer = WriterBuilder::new().flexible(true).from_writer(BOM.to_vec());
        for row in &self.rows {
            let texts = row.iter().map(|cell| match cell {
                Cell::Text(text) => text.clone(),
                Cell::Number(number) => number.to_string(),
                Cell::Bool(value) => value.to_string(),
                Cell::Empty | Cell::Formula | Cell::Error => String::new(),
            });
            // Cannot fail: the writer is flexible and writes to memory.
            let _ = writer.write_record(texts);
        }
        writer.into_inner().unwrap_or_default()
    }
}
