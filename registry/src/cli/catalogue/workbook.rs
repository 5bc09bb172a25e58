//! .xlsx files to sheets of cells and back. A workbook comes from outside: it is bounded before and while it is unpacked.
//!
//! In scope: what a cell is. Out of scope: what it means (`licence_catalogue::table`).

use std::io::{Cursor, Read as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use calamine::{Data, Reader as _, SheetVisible, Xlsx};
use licence_catalogue::table::{Cell, MAX_COLUMNS, MAX_ROWS, MAX_SHEETS, Sheet};
use rust_xlsxwriter::{Format, Workbook};

use super::unseen;

/// Largest .xlsx file, bytes.
const MAX_FILE: u64 = 32 * 1024 * 1024;
/// Most bytes that all parts of a workbook may unpack to: 5,000 rows take about 5 MiB.
const MAX_UNPACKED: u64 = 256 * 1024 * 1024;
/// Most parts of a workbook.
const MAX_PARTS: usize = 1_024;

/// Reads all sheets of a workbook.
///
/// # Errors
/// If it is no workbook, too large, or holds a macro.
pub(super) fn read(path: &Path) -> Result<Vec<Sheet>> {
    let named = || format!("{}", path.display());
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).with_context(named)?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).with_context(named)?;
    ensure!(bytes.len() as u64 <= MAX_FILE, "{0} 超过 32 MiB / {0} is larger than 32 MiB", path.display());
    check_parts(&bytes).with_context(named)?;
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes.as_slice()))
        .map_err(|error| anyhow::anyhow!("{error}"))
        .with_context(named)?;
    let sheets: Vec<(String, bool)> = workbook
        .sheets_metadata()
        .iter()
        .map(|sheet| (sheet.name.clone(), sheet.visible != SheetVisible::Visible))
        .collect();
    ensure!(sheets.len() <= MAX_SHEETS, "工作表过多 / too many sheets: {}", sheets.len());
    let mut unseen = unseen::read(&bytes).with_context(named)?;
    let read = |(name, hidden): (String, bool)| {
        let unseen = unseen.remove(&name).unwrap_or_default();
        Ok(Sheet { hidden, unseen, ..sheet(&mut workbook, name).with_context(named)? })
    };
    sheets.into_iter().map(read).collect()
}

/// Unpacks every part once, counting, before a reader that does not count gets them.
fn check_parts(bytes: &[u8]) -> Result<()> {
    let mut archive =
        zip::ZipArchive::new(Cursor::new(bytes)).context("不是 .xlsx 文件 / is no .xlsx file")?;
    ensure!(archive.len() <= MAX_PARTS, "工作簿部件过多 / the workbook has too many parts");
    let mut unpacked = 0;
    for at in 0..archive.len() {
        let part = archive.by_index(at).context("工作簿已损坏 / the workbook is damaged")?;
        let name = part.name().context("工作簿已损坏 / the workbook is damaged")?;
        if name.to_ascii_lowercase().contains("vbaproject") {
            bail!(
                "macro: 工作簿含宏，请另存为 .xlsx / the workbook holds a macro: save it as .xlsx without one"
            );
        }
        let mut rest = part.take(MAX_UNPACKED + 1 - unpacked);
        unpacked += std::io::copy(&mut rest, &mut std::io::sink())
            .context("工作簿已损坏 / the workbook is damaged")?;
        ensure!(
            unpacked <= MAX_UNPACKED,
            "too-large: 工作簿解压后过大 / the workbook unpacks to more than 256 MiB"
        );
    }
    Ok(())
}

fn sheet(workbook: &mut Xlsx<Cursor<&[u8]>>, name: String) -> Result<Sheet> {
    let wrong = |error: calamine::XlsxError| anyhow::anyhow!("工作表 sheet {name}: {error}");
    let values = workbook.worksheet_range(&name).map_err(wrong)?;
    let formulas = workbook.worksheet_formula(&name).map_err(wrong)?;
    let merged = workbook.merge_cells_by_sheet_name(&name).map_err(wrong)?;
    let merged = merged.iter().map(|region| (region.start.0 as usize, region.start.1 as usize)).collect();
    let (height, width) =
        values.end().map_or((0, 0), |(row, column)| (row as usize + 1, column as usize + 1));
    // One more than allowed is enough to be told; the rest is not built.
    let (height, width) = (height.min(MAX_ROWS + 1), width.min(MAX_COLUMNS + 1));
    let cell = |row: usize, column: usize| {
        // Cannot be cut off: both are below 2^20.
        let at = (row as u32, column as u32);
        match formulas.get_value(at) {
            Some(formula) if !formula.is_empty() => Cell::Formula,
            _ => values.get_value(at).map_or(Cell::Empty, value),
        }
    };
    let mut rows: Vec<Vec<Cell>> =
        (0..height).map(|row| (0..width).map(|column| cell(row, column)).collect()).collect();
    // Rows that were only formatted say nothing; but a sheet that was cut off here must still be too long.
    while rows.len() <= MAX_ROWS && rows.last().is_some_and(|row| row.iter().all(|cell| *cell == Cell::Empty))
    {
        rows.pop();
    }
    Ok(Sheet { name, merged, rows, ..Sheet::default() })
}

fn value(value: &Data) -> Cell {
    match value {
        Data::Empty => Cell::Empty,
        Data::Int(number) => Cell::Number(*number as f64),
        Data::Float(number) => Cell::Number(*number),
        Data::String(text) if text.is_empty() => Cell::Empty,
        Data::String(text) => Cell::Text(text.clone()),
        Data::Bool(set) => Cell::Bool(*set),
        // A date of a spreadsheet is a number with a format.
        Data::DateTime(moment) => Cell::Number(moment.as_f64()),
        Data::DateTimeIso(text) | Data::DurationIso(text) => Cell::Text(text.clone()),
        Data::Error(_) => Cell::Error,
    }
}

/// Writes sheets as a workbook; every cell is a text, so that codes keep their leading zeros.
///
/// # Errors
/// If the file cannot be made.
pub(super) fn write(sheets: &[Sheet]) -> Result<Vec<u8>> {
    let mut workbook = Workbook::new();
    let (bold, text) = (Format::new().set_bold(), Format::new().set_num_format("@"));
    for sheet in sheets {
        let page = workbook.add_worksheet().set_name(&sheet.name)?;
        page.set_freeze_panes(1, 0)?;
        for (row, cells) in (0u32..).zip(&sheet.rows) {
            for (column, cell) in (0u16..).zip(cells) {
                let format = if row == 0 { &bold } else { &text };
                match cell {
                    Cell::Text(own) => page.write_string_with_format(row, column, own, format)?,
                    Cell::Number(own) => page.write_number(row, column, *own)?,
                    _ => page,
                };
            }
        }
    }
    Ok(workbook.save_to_buffer()?)
}
