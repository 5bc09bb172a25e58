//! A sheet as CSV: one file a sheet, UTF-8, with or without the BOM that spreadsheets write.

use csv::{ReaderBuilder, WriterBuilder};

use super::{Cell, CellFinding, MAX_CSV, MAX_ROWS, Sheet};

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
        let text = std::str::from_utf8(bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes));
        let hint = "save it as CSV UTF-8";
        let text = text.map_err(|_| finding(None, "not-utf8", "the file is not UTF-8".into(), hint))?;
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

    /// The sheet as CSV, without a BOM. Numbers and truth values are written as texts, formulas and errors as nothing.
    #[must_use]
    pub fn to_csv(&self) -> Vec<u8> {
        let mut writer = WriterBuilder::new().flexible(true).from_writer(Vec::new());
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
