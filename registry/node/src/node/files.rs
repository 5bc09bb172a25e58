//! Files that only this user may read, and files that are never overwritten.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Makes a folder, and those above it, that only this user may enter.
///
/// # Errors
/// What the system said.
pub fn private_folder(path: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a new file, fsynced; an existing one is never overwritten.
///
/// # Errors
/// What the system said, with the path.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let named = || format!("{}", path.display());
    let mut file = fs::File::create_new(path).with_context(named)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).with_context(named)
}
