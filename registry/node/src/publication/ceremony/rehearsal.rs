//! A rehearsal, in which the keys of all officers lie in one folder.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::Officers;
use crate::node::encoding::base64url;
use crate::node::files::{private_folder, write_new};
use crate::node::rng::Rng;

/// Name of the file with the officers' public keys, beside their key files.
pub const OFFICERS_FILE: &str = "officers.toml";

/// Makes the officers' keys, a file of public keys for each, and one for the province's configuration; their names and public keys.
///
/// # Errors
/// If a file is there already or cannot be written.
pub fn appoint(folder: &Path, passphrase: &str, rng: &Rng) -> Result<Vec<(String, String)>> {
    let keys = folder.join("keys");
    private_folder(&keys).with_context(|| format!("{}", keys.display()))?;
    let officers = Officers::appoint(&keys, passphrase, rng)?;
    for officer in &officers {
        write_new(&folder.join(format!("{}.toml", officer.name)), officer.to_toml().as_bytes())?;
    }
    let named: Vec<_> =
        officers.into_iter().map(|officer| (officer.name, base64url(officer.approval.bytes()))).collect();
    let table: toml::Table =
        named.iter().map(|(name, key)| (name.clone(), toml::Value::String(key.clone()))).collect();
    write_new(&folder.join(OFFICERS_FILE), table.to_string().as_bytes())?;
    Ok(named)
}
