//! The data directory: made for this user alone, and held by one process at a time.
//!
//! A node whose database is elsewhere holds its directory in the same way, for its keys and its socket.
//! The lock is the operating system's (it ends with the process, however that ends); the number inside the file is a hint for people.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use licence_store::{Result, StoreError};

const LOCK_FILE: &str = "lock";

/// A data directory that this process holds until the value is dropped.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Makes the directory if it is missing, and locks it.
    /// # Errors
    /// [`StoreError::Locked`] if another store, of this process or another, holds it; [`StoreError::Unavailable`] if it cannot be made.
    pub fn hold(path: &Path) -> Result<Self> {
        private_directories(path).map_err(|error| unavailable(path, &error))?;
        let mut lock = private_file(&path.join(LOCK_FILE)).map_err(|error| unavailable(path, &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked { path: path.into(), process: read_process(&mut lock) });
            }
            Err(TryLockError::Error(error)) => return Err(unavailable(path, &error)),
        }
        // The number only helps people: failing to write it (disk full) must not stop a node.
        let _ = write_process(&mut lock);
        Ok(Self { path: path.into(), _lock: lock })
    }

    /// Path of a file in it, made empty and private if it is missing; SQLite gives its side files the same rights.
    pub(crate) fn private_file(&self, name: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        private_file(&path).map_err(|error| unavailable(&path, &error))?;
        Ok(path)
    }

    /// Bytes that are free for this user where the directory lies; `None` if the system does not say.
    pub(crate) fn room(&self) -> Option<u64> {
        let system = rustix::fs::statvfs(&self.path).ok()?;
        Some(system.f_bavail.saturating_mul(system.f_frsize))
    }

    /// Makes the names of new files durable, as fsync of the files alone does not.
    pub(crate) fn sync(&self) -> Result<()> {
        if cfg!(unix) {
            let directory = File::open(&self.path).and_then(|directory| directory.sync_all());
            directory.map_err(|error| unavailable(&self.path, &error))?;
        }
        Ok(())
    }
}

pub(crate) fn unavailable(path: &Path, error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull => StoreError::Full(format!("{}: {error}", path.display())),
        _ => StoreError::Unavailable(format!("{}: {error}", path.display())),
    }
}

fn private_directories(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn write_process(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())
}

fn read_process(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    // 10 digits and a line feed are the longest that `write_process` writes.
    lock.take(11).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
