//! Where the catalogue's data come from: a folder of TOML files, or what the program carries.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use licence_catalogue::{CatalogueData, embedded, embedded_files};

use crate::node::config::Config;

/// Most files of a data folder: 500 types, 5,000 service items with cases, and room.
const MAX_FILES: usize = 16_384;
/// Longest file, bytes.
const MAX_FILE: u64 = 1_048_576;

/// Path below the folder and bytes of every file.
pub type Files = Vec<(String, Vec<u8>)>;

/// The data that a node's configuration names.
pub fn of_node(directory: &Path, config: &Config) -> Result<CatalogueData> {
    let folder = config.catalogue_folder.as_ref().map(|folder| directory.join(folder));
    data(folder.as_deref())
}

/// The data of a folder, or of the program; all findings in the error.
pub fn data(folder: Option<&Path>) -> Result<CatalogueData> {
    let loaded = match folder {
        None => embedded(),
        Some(folder) => CatalogueData::load(borrowed(&files(folder)?)),
    };
    loaded.map_err(|findings| anyhow::anyhow!("目录数据有误 / the catalogue's data are wrong:\n{findings}"))
}

/// The files of a folder, or of the program.
pub fn files_of(folder: Option<&Path>) -> Result<Files> {
    match folder {
        Some(folder) => files(folder),
        None => Ok(embedded_files().map(|(path, bytes)| (path.to_owned(), bytes.to_vec())).collect()),
    }
}

/// As the catalogue takes them.
pub fn borrowed(files: &Files) -> impl Iterator<Item = (&str, &[u8])> {
    files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
}

fn files(folder: &Path) -> Result<Files> {
    let mut found = Files::new();
    let named = || format!("{}", folder.display());
    for entry in fs::read_dir(folder).with_context(named)? {
        let entry = entry.with_context(named)?;
        let name = entry.file_name();
        let name = name
            .to_str()
            .with_context(|| format!("{}: 文件名 / a file name is not UTF-8", folder.display()))?;
        // Two levels, as the catalogue has them; links are not followed, so that there is no way out of the folder.
        if entry.file_type()?.is_dir() {
            for inner in fs::read_dir(entry.path()).with_context(named)? {
                let inner = inner.with_context(named)?;
                if let Some(own) =
                    inner.file_name().to_str().filter(|_| inner.file_type().is_ok_and(|kind| kind.is_file()))
                {
                    take(&mut found, format!("{name}/{own}"), &inner.path())?;
                }
            }
        } else if entry.file_type()?.is_file() {
            take(&mut found, name.to_owned(), &entry.path())?;
        }
    }
    ensure!(!found.is_empty(), "{0} 中没有目录数据 / {0} holds no catalogue data", folder.display());
    found.sort();
    Ok(found)
}

fn take(found: &mut Files, name: String, path: &Path) -> Result<()> {
    if !name.ends_with(".toml") {
        return Ok(());
    }
    let named = || format!("{}", path.display());
    if found.len() == MAX_FILES || fs::metadata(path).with_context(named)?.len() > MAX_FILE {
        bail!("{0} 过大或文件过多 / {0} is too large, or there are too many files", path.display());
    }
    found.push((name, fs::read(path).with_context(named)?));
    Ok(())
}
