//! A backup of a node in one sealed file: a tar archive of fixed names, whose manifest says what must be in it.
//!
//! Archive: `manifest.json`, then exactly the files that it lists, in its order: `registry.sqlite3`, `config.toml`, `keys/<name>.pem`.
//! In scope: making and checking such a file over readers and writers. Out of scope: the seal (`sealed`), files and their names
//! on disk (`cli::backup`), a passphrase of the keys, which is never in it.
//! Whoever hands over a file may know its passphrase: names, kinds, sizes and counts are held against limits before anything is read.

pub mod sealed;

use std::io::{self, Read, Write};

use licence_spec::suite::Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::node::encoding::digest_text;
use crate::node::rng::Rng;
use crate::upkeep::backup::sealed::{Cost, Opening, SealError, Sealing};

/// What a manifest says that it is.
pub const FORMAT: &str = "elic-backup/1";
/// The database.
pub const DATABASE: &str = "registry.sqlite3";
/// The configuration.
pub const CONFIG: &str = "config.toml";
/// The folder of the keys.
pub const KEYS: &str = "keys/";
/// Longest configuration or key file, bytes.
pub const MAX_SMALL_FILE: u64 = 65_536;
/// Most keys.
pub const MAX_KEYS: usize = 4_096;

const MANIFEST: &str = "manifest.json";
/// Longest manifest, bytes: 4,096 keys of 200 bytes each, and room.
const MAX_MANIFEST: u64 = 1 << 20;
/// The empty block that ends an archive, bytes.
const END: u64 = 512;
/// Longest name of a key file, bytes: with its folder it fits into the head of a tar entry.
const MAX_KEY_NAME: usize = 90;

/// What a backup is of, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// `province` or `city`.
    pub role: String,
    /// Division code of the node.
    pub region: String,
    /// Name of its log.
    pub origin: String,
    /// Version of the program that made it.
    pub program: String,
    /// Schema version of the database.
    pub schema: i64,
    /// Number of leaves of the log.
    pub log_size: u64,
    /// Root of the log, `sha-256:` and hex.
    pub log_root: String,
    /// When it was made, Unix seconds.
    pub made_at: i64,
    /// The files, in their order.
    pub files: Vec<Part>,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Its length, bytes.
    pub size: u64,
    /// `sha-256:` and hex.
    pub digest: String,
}

/// Why a backup could not be made or is not good.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The seal is broken, or the passphrase is another.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Reading or writing failed.
    #[error("读写失败 / reading or writing failed: {0}")]
    Io(#[source] io::Error),
    /// What is sealed is no backup as this program makes them.
    #[error("备份内容不符合格式 / the backup does not have the form of one: {0}")]
    Shape(&'static str),
    /// A file is another one than the manifest says.
    #[error("文件 {0} 与清单不符 / file {0} is not the one that the manifest lists")]
    Differs(String),
}

impl From<io::Error> for BackupError {
    fn from(error: io::Error) -> Self {
        // The reader of archives wraps what the seal says.
        let mut cause = error.get_ref().map(|inner| inner as &(dyn std::error::Error + 'static));
        while let Some(inner) = cause {
            if let Some(seal) = inner.downcast_ref::<SealError>() {
                return BackupError::Seal(*seal);
            }
            cause = match inner.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
                Some(deeper) => Some(deeper),
                None => inner.source(),
            };
        }
        BackupError::Io(error)
    }
}

/// Counts and hashes what is read through it.
struct Measured<R> {
    from: R,
    size: u64,
    hash: Sha256,
}

impl<R: Read> Measured<R> {
    fn new(from: R) -> Self {
        Self { from, size: 0, hash: Sha256::new() }
    }

    fn part(self, name: &str) -> Part {
        let digest: Digest = self.hash.finalize().into();
        Part { name: name.to_owned(), size: self.size, digest: digest_text(&digest) }
    }
}

impl<R: Read> Read for Measured<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let length = self.from.read(to)?;
        self.hash.update(&to[..length]);
        self.size += length as u64;
        Ok(length)
    }
}

/// Reads a file to its end and says what the manifest must say of it.
///
/// # Errors
/// That of `from`.
pub fn measure(name: &str, from: impl Read) -> io::Result<Part> {
    let mut measured = Measured::new(from);
    io::copy(&mut measured, &mut io::sink())?;
    Ok(measured.part(name))
}

/// Whether a file of `keys/` may be in a backup: letters, digits, dots, dashes and underscores, with `.pem` at its end.
#[must_use]
pub fn is_key_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    name.len() <= MAX_KEY_NAME && name.ends_with(".pem") && !name.starts_with('.') && name.bytes().all(plain)
}

impl Manifest {
    /// # Errors
    /// [`BackupError::Shape`].
    fn check(&self) -> Result<(), BackupError> {
        if self.format != FORMAT {
            return Err(BackupError::Shape("format"));
        }
        let [database, config, keys @ ..] = self.files.as_slice() else {
            return Err(BackupError::Shape("files are missing"));
        };
        if database.name != DATABASE || config.name != CONFIG {
            return Err(BackupError::Shape("names of files"));
        }
        let named = |part: &Part| part.name.strip_prefix(KEYS).is_some_and(is_key_name);
        if keys.len() > MAX_KEYS || !keys.iter().all(named) || !keys.is_sorted_by(|a, b| a.name < b.name) {
            return Err(BackupError::Shape("names of keys"));
        }
        match self.files[1..].iter().all(|part| part.size <= MAX_SMALL_FILE) {
            true => Ok(()),
            false => Err(BackupError::Shape("sizes of files")),
        }
    }
}

/// Writes a sealed backup; what it was written to, not flushed. `open` gives the content of each file of the manifest, in order.
///
/// # Errors
/// [`BackupError::Shape`] for a manifest that [`check`] would refuse; [`BackupError::Differs`] if a file is not as the manifest says;
/// [`BackupError::Io`].
pub fn write<W: Write>(
    to: W,
    (passphrase, cost, rng): (&str, Cost, &Rng),
    manifest: &Manifest,
    open: &mut dyn FnMut(&Part) -> io::Result<Box<dyn Read>>,
) -> Result<W, BackupError> {
    manifest.check()?;
    let mut archive = tar::Builder::new(Sealing::begin(to, passphrase, cost, rng)?);
    let json = serde_json::to_vec(manifest).map_err(io::Error::from)?;
    archive.append(&header(MANIFEST, json.len() as u64, manifest.made_at)?, json.as_slice())?;
    for part in &manifest.files {
        let mut content = Measured::new(open(part)?.take(part.size));
        archive.append(&header(&part.name, part.size, manifest.made_at)?, &mut content)?;
        if content.part(&part.name) != *part {
            return Err(BackupError::Differs(part.name.clone()));
        }
    }
    Ok(archive.into_inner()?.finish()?)
}

fn header(name: &str, size: u64, time: i64) -> io::Result<tar::Header> {
    let mut header = tar::Header::new_gnu();
    header.set_path(name)?;
    header.set_size(size);
    header.set_mode(0o600);
    header.set_mtime(u64::try_from(time).unwrap_or(0));
    header.set_cksum();
    Ok(header)
}

/// Opens a sealed backup and checks all of it against its manifest; nothing is unpacked, and at most 2 MiB are held besides the seal.
///
/// # Errors
/// [`BackupError`].
pub fn check(from: impl Read, passphrase: &str) -> Result<Manifest, BackupError> {
    read(from, passphrase, &mut |_, _, content| io::copy(content, &mut io::sink()).map(drop))
}

/// Takes one file of a backup: manifest, file, content.
pub type Take<'a> = &'a mut dyn FnMut(&Manifest, &Part, &mut dyn Read) -> io::Result<()>;

/// As [`check`], and hands over the content of each file, in order. `take` reads it to its end. What it has taken is worth nothing
/// before this returns: a file may turn out to be another one than the manifest says only when all of it has been read.
///
/// # Errors
/// [`BackupError`]; that of `take` as [`BackupError::Io`].
pub fn read(from: impl Read, passphrase: &str, take: Take<'_>) -> Result<Manifest, BackupError> {
    let mut archive = tar::Archive::new(Opening::begin(from, passphrase)?);
    // Raw: a long name or a sparse map would be read whole into memory; here they are entries of a kind that is refused.
    let mut entries = archive.entries()?.raw(true);
    let manifest = read_manifest(&mut entries)?;
    for part in &manifest.files {
        let entry = next(&mut entries, &part.name)?;
        if entry.size() != part.size {
            return Err(BackupError::Differs(part.name.clone()));
        }
        let mut content = Measured::new(entry);
        take(&manifest, part, &mut content)?;
        if content.part(&part.name) != *part {
            return Err(BackupError::Differs(part.name.clone()));
        }
    }
    if entries.next().transpose()?.is_some() {
        return Err(BackupError::Shape("files that the manifest does not list"));
    }
    // The first of the two empty blocks at the end has been read. Reading on to the very end is what finds that the last
    // chunk is there.
    let mut end = Vec::new();
    archive.into_inner().take(END + 1).read_to_end(&mut end)?;
    match end.len() as u64 == END && end.iter().all(|byte| *byte == 0) {
        true => Ok(manifest),
        false => Err(BackupError::Shape("bytes after the archive")),
    }
}

fn read_manifest<R: Read>(entries: &mut tar::Entries<'_, R>) -> Result<Manifest, BackupError> {
    let entry = next(entries, MANIFEST)?;
    if entry.size() > MAX_MANIFEST {
        return Err(BackupError::Shape("the manifest is too long"));
    }
    let mut text = Vec::new();
    entry.take(MAX_MANIFEST).read_to_end(&mut text)?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|_| BackupError::Shape("the manifest does not read"))?;
    manifest.check()?;
    Ok(manifest)
}

/// The next entry, which must be a plain file of this name.
fn next<'a, R: Read>(
    entries: &mut tar::Entries<'a, R>,
    name: &str,
) -> Result<tar::Entry<'a, R>, BackupError> {
    let entry = entries.next().transpose()?.ok_or(BackupError::Shape("files are missing"))?;
    let plain = entry.header().entry_type() == tar::EntryType::Regular;
    match plain && *entry.path_bytes() == *name.as_bytes() {
        true => Ok(entry),
        false => Err(BackupError::Shape("an entry of another name or kind")),
    }
}

#[cfg(test)]
mod tests;
