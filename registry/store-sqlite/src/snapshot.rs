//! A copy of the database as it is at one moment, made beside a node that goes on writing: what a backup holds.
//!
//! In scope: the copy, a look at whether it is sound, and its end. Out of scope: where it goes and how it is sealed.
//! The copy lies in the data directory, which holds the same data anyway, and is gone when the value is dropped; one that a killed
//! process has left is replaced by the next.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use licence_store::{LogHead, NodeRow, ReadLog as _, ReadNode as _, Result, StoreError};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::directory::{private_file, unavailable};
use crate::errors::store_error;
use crate::pool::Pool;
use crate::session::Session;
use crate::{DATABASE_FILE, PATIENCE, READER, connect, migrations};

/// Held while a copy exists, so that two backups do not write into one.
const LOCK_FILE: &str = "backup.lock";
const COPY_FILE: &str = "backup.unfinished";

/// A copy of a node's database.
#[derive(Debug)]
pub struct Snapshot {
    path: PathBuf,
    /// Whose database it is.
    pub node: NodeRow,
    /// Head of its log, of the same moment as all other rows.
    pub head: LogHead,
    /// Its schema version.
    pub schema: i64,
    _lock: File,
}

impl Snapshot {
    /// Copies the database of a data directory, whether a node runs on it or not; needs as much room again in the directory.
    ///
    /// The copy is checked page by page (`quick_check`): damage is found now, not when it is needed.
    /// # Errors
    /// [`StoreError::Locked`] if another copy is being made; [`StoreError::Full`] without room; [`StoreError::Corrupt`] if the
    /// database is damaged, not ours or of no node yet; [`StoreError::Newer`]; [`StoreError::Unavailable`].
    pub fn take(directory: &Path) -> Result<Self> {
        let lock = lock(directory)?;
        let path = directory.join(COPY_FILE);
        remove(&path).map_err(|error| unavailable(&path, &error))?;
        match copy(&directory.join(DATABASE_FILE), &path) {
            Ok((node, head, schema)) => Ok(Self { path, node, head, schema, _lock: lock }),
            Err(error) => {
                // The first error says more; the next copy removes it.
                let _left = remove(&path);
                Err(error)
            }
        }
    }

    /// Where the copy is: one file, complete without side files.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next copy.
        let _left = remove(&self.path);
    }
}

fn lock(directory: &Path) -> Result<File> {
    let path = directory.join(LOCK_FILE);
    let lock = private_file(&path).map_err(|error| unavailable(&path, &error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path, process: None }),
        Err(TryLockError::Error(error)) => Err(unavailable(&path, &error)),
    }
}

/// Removes a copy with its side files.
fn remove(path: &Path) -> io::Result<()> {
    for side in ["", "-journal", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(side);
        match fs::remove_file(&name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(NodeRow, LogHead, i64)> {
    let source = connect(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    source.execute_batch(READER).map_err(store_error)?;
    let schema = migrations::check(&source)?;
    if schema == 0 {
        return Err(StoreError::Corrupt("the database is empty".into()));
    }
    let pool = Pool::new(vec![source], PATIENCE);
    // The copy is made inside this read transaction, so head and pages are of one moment.
    let session = Session::snapshot(pool.checkout()?)?;
    let of_no_node = || StoreError::Corrupt("the database belongs to no node yet".into());
    let (node, head) = (session.node()?.ok_or_else(of_no_node)?, session.log_head()?.ok_or_else(of_no_node)?);
    drop(private_file(to).map_err(|error| unavailable(to, &error))?);
    let mut target = connect(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // A copy that is cut off is thrown away: it needs neither fsync nor journal.
    target.execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;").map_err(store_error)?;
    copy_pages(session.connection(), &mut target)?;
    drop(session);
    // The copied header says write-ahead log; without it the copy is one file.
    target.pragma_update(None, "journal_mode", "DELETE").map_err(store_error)?;
    check(&target)?;
    target.close().map_err(|(_, error)| store_error(error))?;
    Ok((node, head, schema))
}

/// All pages in one step: in steps, each commit of the node would begin the copy anew.
fn copy_pages(source: &Connection, target: &mut Connection) -> Result<()> {
    let backup = Backup::new(source, target).map_err(store_error)?;
    match backup.step(-1).map_err(store_error)? {
        StepResult::Done => Ok(()),
        other => Err(StoreError::Unavailable(format!("SQLite's backup ended with {other:?}"))),
    }
}

fn check(copy: &Connection) -> Result<()> {
    let found: String = copy.query_row("PRAGMA quick_check(1)", (), |row| row.get(0)).map_err(store_error)?;
    match found.as_str() {
        "ok" => Ok(()),
        _ => Err(StoreError::Corrupt(found)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use licence_store::Store as _;
    use licence_store::conformance::{make, read, write};

    use super::*;
    use crate::SqliteStore;

    fn node() -> NodeRow {
        NodeRow { role: "city".into(), region: "440100".into(), created_at: 1 }
    }

    #[test]
    fn a_copy_beside_an_open_store_holds_its_commits_and_goes_away() {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(directory.path()).unwrap();
        assert!(matches!(Snapshot::take(directory.path()), Err(StoreError::Corrupt(_))), "no node yet");
        write(&store, |write| {
            write.create_node(&node())?;
            write.create_log("gz.elic.example/log", &[7; 32])?;
            write.put_documents(&[make::document("trust", "list", 1)])
        });
        // An open read and a write that comes later are not in the way.
        let reading = store.read().unwrap();
        let snapshot = Snapshot::take(directory.path()).unwrap();
        drop(reading);
        write(&store, |write| write.put_documents(&[make::document("trust", "list", 2)]));
        assert_eq!((&snapshot.node, snapshot.head.size), (&node(), 0));
        assert!(matches!(Snapshot::take(directory.path()), Err(StoreError::Locked { .. })));
        let elsewhere = tempfile::tempdir().unwrap();
        fs::copy(snapshot.path(), elsewhere.path().join(DATABASE_FILE)).unwrap();
        let copied = SqliteStore::open(elsewhere.path()).unwrap();
        assert_eq!(read(&copied, |read| read.document("trust", "list")).unwrap().version, 1);
        let path = snapshot.path().to_owned();
        drop(snapshot);
        assert!(!path.exists());
        drop(Snapshot::take(directory.path()).unwrap());
    }

    #[test]
    fn a_damaged_database_is_not_copied() {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(directory.path()).unwrap();
        write(&store, |write| {
            write.create_node(&node())?;
            write.create_log("gz.elic.example/log", &[7; 32])?;
            write.put_documents(&[make::document("trust", "list", 1)])
        });
        drop(store);
        let path = directory.path().join(DATABASE_FILE);
        let mut bytes = fs::read(&path).unwrap();
        let at = bytes.len() - 4_096;
        bytes[at..].fill(0xff);
        fs::write(&path, bytes).unwrap();
        let refused = Snapshot::take(directory.path()).unwrap_err();
        assert!(matches!(refused, StoreError::Corrupt(_)), "{refused}");
        assert!(!directory.path().join(COPY_FILE).exists());
    }
}
