//! `catalogue import`, `export` and `template`: a city keeps its catalogue in spreadsheets.
//!
//! Nothing is taken over unless all is right: the new folder is made whole under another name and renamed at the end.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use licence_catalogue::table::{self, CellFinding, Imported, MAX_CSV, Sheet};
use serde_json::json;

use super::{SourceOptions, workbook};
use crate::cli::data::{print, print_json};
use licence_node::node::files::write_new;
use licence_node::publication::catalogue_data::{Files, borrowed, files_of};

/// What to import.
#[derive(Args)]
pub(in crate::cli) struct ImportOptions {
    /// 一个 .xlsx，或每表一个 .csv（文件名为表名），或放 .csv 的文件夹 / one .xlsx, or one .csv a sheet, named after it, or a folder of them
    #[arg(required = true, value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    /// 新的数据文件夹 / the new data folder
    #[arg(long, value_name = "DIR", required_unless_present = "dry_run")]
    out: Option<PathBuf>,
    /// 只检查，不写入 / check only, write nothing
    #[arg(long)]
    dry_run: bool,
    /// 沿用其公共项、算例和未提交各类内容的数据文件夹；缺省为程序自带 / folder whose common fields, worked cases and groups that are not
    /// handed in are kept; absent: those of the program, without its cases
    #[arg(long, value_name = "DIR")]
    beside: Option<PathBuf>,
    /// 只提交该节点自己的机关和事项，其余沿用 / only this node's own authorities and service items are handed in; all others are kept
    #[arg(long, value_name = "NODE")]
    node: Option<String>,
    /// 以 JSON 输出 / print JSON
    #[arg(long)]
    json: bool,
}

/// What to export.
#[derive(Args)]
pub(in crate::cli) struct ExportOptions {
    #[command(flatten)]
    source: SourceOptions,
    /// 新的 .xlsx 文件，或放 .csv 的新文件夹 / a new .xlsx file, or a new folder for .csv files
    #[arg(long, value_name = "FILE|DIR")]
    out: PathBuf,
}

/// Where the template goes.
#[derive(Args)]
pub(in crate::cli) struct TemplateOptions {
    /// 新的 .xlsx 文件，或放 .csv 的新文件夹 / a new .xlsx file, or a new folder for .csv files
    #[arg(long, value_name = "FILE|DIR")]
    out: PathBuf,
}

/// Imports; false, with every finding, if something is wrong.
pub(super) fn import(options: &ImportOptions) -> Result<bool> {
    let base = files_of(options.beside.as_deref())?;
    let (imported, beside) = match sheets(&options.files)? {
        Ok(sheets) => {
            let beside = beside(&base, &sheets, options);
            let foreign = match &options.node {
                Some(node) => table::foreign(&sheets, &exported(&base)?, node),
                None => Vec::new(),
            };
            let imported = if foreign.is_empty() {
                table::import(&sheets, &borrowed(&beside).collect::<Vec<_>>())
            } else {
                Err(foreign)
            };
            (imported, beside)
        }
        Err(finding) => (Err(vec![finding]), Files::new()),
    };
    let (types, items, findings) = match &imported {
        Ok(imported) => (imported.data.types().len(), imported.data.service_items().len(), Vec::new()),
        Err(findings) => (0, 0, findings.clone()),
    };
    let well = findings.is_empty();
    let slips = imported.as_ref().map_or(&[][..], |imported| &imported.slips);
    let target = options.out.as_deref().filter(|_| !options.dry_run);
    if let (Ok(imported), Some(target)) = (&imported, target) {
        write_folder(target, imported, &beside)?;
    }
    if options.json {
        print_json(
            &json!({"ok": well, "types": types, "service_items": items, "findings": findings, "slips": slips}),
        )?;
    } else if well {
        slips.iter().try_for_each(|slip| print(&format!("提示 note: {slip}")))?;
        let done = target.map_or("仅检查 checked only".to_owned(), |target| {
            format!("写入 written to {}", target.display())
        });
        print(&format!("正确 right：证照类型 types {types}，事项 service items {items}；{done}"))?;
    } else {
        findings.iter().try_for_each(|finding| print(&finding.to_string()))?;
        print(&format!("{} 处有误，未写入任何内容 / {0} findings, nothing was written", findings.len()))?;
    }
    Ok(well)
}

/// What is kept of the files that are there: common fields always; groups of which no sheet is handed in; for one node everything that its
/// sheets do not make; worked cases if a folder is named, or all service items stay.
fn beside(base: &Files, sheets: &[Sheet], options: &ImportOptions) -> Files {
    let (untouched, made) = (table::untouched(sheets), table::paths(sheets));
    let items_stay = untouched.contains(&"service-items/");
    let kept = |path: &str| {
        if path.starts_with("service-cases/") {
            options.beside.is_some() || options.node.is_some() || items_stay
        } else if options.node.is_some() {
            !made.contains(path)
        } else {
            path == "common-fields.toml" || untouched.iter().any(|folder| path.starts_with(folder))
        }
    };
    base.iter().filter(|(path, _)| kept(path)).cloned().collect()
}

/// Files as sheets.
fn exported(files: &Files) -> Result<Vec<Sheet>> {
    table::export(borrowed(files)).map_err(|findings| anyhow::anyhow!("{findings}"))
}

/// The files that are named, and those of folders that are: `export` writes a folder of CSV files.
fn listed(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let named = || format!("{}", path.display());
        let entries = fs::read_dir(path).with_context(named)?.collect::<std::io::Result<Vec<_>>>();
        let mut found: Vec<PathBuf> = entries.with_context(named)?.iter().map(fs::DirEntry::path).collect();
        found.retain(|file| file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv")));
        if found.is_empty() {
            bail!("{0} 中没有 .csv 文件 / {0} holds no .csv file", path.display());
        }
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

fn sheets(files: &[PathBuf]) -> Result<Result<Vec<Sheet>, CellFinding>> {
    let mut sheets = Vec::new();
    for path in &listed(files)? {
        let ending =
            path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        match ending.as_str() {
            "xlsx" => sheets.extend(workbook::read(path)?),
            "csv" => {
                let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
                match Sheet::from_csv(name, &csv(path)?) {
                    Ok(sheet) => sheets.push(sheet),
                    Err(finding) => return Ok(Err(finding)),
                }
            }
            "xlsm" | "xls" | "xlsb" => {
                bail!("{0}：请另存为 .xlsx / {0}: save it as .xlsx, which can hold no macro", path.display())
            }
            _ => bail!("{0} 不是 .xlsx 或 .csv / {0} is neither .xlsx nor .csv", path.display()),
        }
    }
    Ok(Ok(sheets))
}

fn csv(path: &Path) -> Result<Vec<u8>> {
    use std::io::Read as _;
    let named = || format!("{}", path.display());
    let mut bytes = Vec::new();
    let file = fs::File::open(path).with_context(named)?;
    // One byte more than allowed: the reader of CSV refuses it by its length.
    file.take(MAX_CSV as u64 + 1).read_to_end(&mut bytes).with_context(named)?;
    Ok(bytes)
}

/// Writes the folder under another name, fsynced, and renames it.
fn write_folder(target: &Path, imported: &Imported, beside: &Files) -> Result<()> {
    let named = || format!("{}", target.display());
    if target.exists() {
        bail!("{0} 已存在 / {0} exists already", target.display());
    }
    let mut draft = target.as_os_str().to_owned();
    draft.push(".draft");
    let draft = PathBuf::from(draft);
    // Left by an import that was cut off.
    let _absent = fs::remove_dir_all(&draft);
    let own = imported.files.iter().map(|(path, text)| (path.as_str(), text.as_bytes()));
    for (path, bytes) in own.chain(borrowed(beside)) {
        let path = draft.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(named)?;
        }
        write_new(&path, bytes)?;
    }
    fs::rename(&draft, target).with_context(named)
}

pub(super) fn export(options: &ExportOptions) -> Result<()> {
    let files = files_of(options.source.folder.as_deref())?;
    write_sheets(&options.out, &exported(&files)?)
}

pub(super) fn template(options: &TemplateOptions) -> Result<()> {
    write_sheets(&options.out, &table::template())
}

fn write_sheets(out: &Path, sheets: &[Sheet]) -> Result<()> {
    if out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("xlsx")) {
        write_new(out, &workbook::write(sheets)?)?;
    } else {
        fs::create_dir(out).with_context(|| format!("{}", out.display()))?;
        for sheet in sheets {
            write_new(&out.join(format!("{}.csv", sheet.name)), &sheet.to_csv())?;
        }
    }
    print(&format!("写入 written to {}", out.display()))
}
