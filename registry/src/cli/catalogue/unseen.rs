//! What of a workbook's sheets nobody sees: hidden rows and columns, and filters. The reader of workbooks does not tell, so the parts
//! of the sheets are read for these marks alone.
//!
//! In scope: marks of rows (`hidden`, no height), columns and filters, by the name of the sheet. Out of scope: limits of size, which are
//! checked before; what a hidden row is worth (`licence_catalogue::table`).

use std::collections::BTreeMap;
use std::io::{BufReader, Cursor};

use anyhow::{Context as _, Result};
use licence_catalogue::table::{MAX_COLUMNS, MAX_ROWS, Unseen};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use zip::ZipArchive;

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// What nobody sees of each sheet, by its name.
///
/// # Errors
/// If the workbook, its relations or a sheet cannot be read: then nobody can say what it hides.
pub(super) fn read(bytes: &[u8]) -> Result<BTreeMap<String, Vec<Unseen>>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).context("不是 .xlsx 文件 / is no .xlsx file")?;
    let mut targets = BTreeMap::new();
    each(&mut archive, "xl/_rels/workbook.xml.rels", |name, element| {
        if let ("Relationship", Some(id), Some(target)) =
            (name, attribute(element, "Id"), attribute(element, "Target"))
        {
            targets.insert(id, target);
        }
    })?;
    let mut sheets = Vec::new();
    each(&mut archive, "xl/workbook.xml", |name, element| {
        if let ("sheet", Some(own), Some(id)) = (name, attribute(element, "name"), attribute(element, "id")) {
            sheets.push((own, id));
        }
    })?;
    let mut unseen = BTreeMap::new();
    for (name, id) in sheets {
        let target = targets.get(&id).context("工作簿缺少工作表 / the workbook lacks a sheet")?;
        let path = match target.strip_prefix('/') {
            Some(absolute) => absolute.to_owned(),
            None => format!("xl/{}", target.trim_start_matches("./")),
        };
        unseen.insert(name, sheet(&mut archive, &path)?);
    }
    Ok(unseen)
}

fn sheet(archive: &mut Archive<'_>, path: &str) -> Result<Vec<Unseen>> {
    let (mut unseen, mut next_row) = (Vec::new(), 1);
    each(archive, path, |name, element| match name {
        "row" => {
            // A row without a number follows the one before.
            let row = number(element, "r").unwrap_or(next_row);
            next_row = row + 1;
            if row <= MAX_ROWS && is_hidden(element, "ht") {
                unseen.push(Unseen::Row(row.saturating_sub(1)));
            }
        }
        "col" if is_hidden(element, "width") => {
            let (first, last) = (number(element, "min").unwrap_or(1), number(element, "max").unwrap_or(1));
            let columns = first.max(1)..=last.min(MAX_COLUMNS);
            unseen.extend(columns.map(|column| Unseen::Column(column - 1)));
        }
        "autoFilter" if !unseen.contains(&Unseen::Filter) => unseen.push(Unseen::Filter),
        _ => {}
    })?;
    Ok(unseen)
}

/// Hidden by its mark, or by a size of nothing.
fn is_hidden(element: &BytesStart<'_>, size: &str) -> bool {
    let set = |value: String| value == "1" || value.eq_ignore_ascii_case("true");
    let nothing = |value: String| value.trim().parse::<f64>().is_ok_and(|size| size <= 0.0);
    attribute(element, "hidden").is_some_and(set) || attribute(element, size).is_some_and(nothing)
}

fn number(element: &BytesStart<'_>, name: &str) -> Option<usize> {
    attribute(element, name)?.trim().parse().ok()
}

/// The value of an attribute, whatever prefix its name has.
fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.attributes().flatten().find(|one| one.key.local_name().as_ref() == name)?;
    found.normalized_value(XmlVersion::Implicit1_0).ok().map(std::borrow::Cow::into_owned)
}

/// Hands every element of a part over, by its name without prefix.
fn each(archive: &mut Archive<'_>, path: &str, mut take: impl FnMut(&str, &BytesStart<'_>)) -> Result<()> {
    let damaged = || format!("工作簿已损坏 / the workbook is damaged: {path}");
    let part = archive.by_name(path).with_context(damaged)?;
    let mut reader = Reader::from_reader(BufReader::new(part));
    let mut buffer = Vec::new();
    loop {
        match reader.read_event_into(&mut buffer).with_context(damaged)? {
            Event::Start(element) | Event::Empty(element) => {
                take(element.local_name().as_ref(), &element);
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
        buffer.clear();
    }
}
