//! What only a database on disk has: restarts, crashes, the lock, and files that are not ours.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use licence_store::conformance::{make, read, write};
use licence_store::{Store, StoreError};
use licence_store_sqlite::{DATABASE_FILE, SqliteStore};

/// Says to the test binary that it is the process to be killed, and where its data lies.
const CHILD: &str = "LICENCE_STORE_TEST_CHILD";

fn open(directory: &Path) -> SqliteStore {
    SqliteStore::open(directory).unwrap()
}

#[test]
fn a_write_commits_beside_an_open_read() {
    let directory = tempfile::tempdir().unwrap();
    licence_store::conformance::a_write_commits_beside_an_open_read(&open(directory.path()));
}

/// One issue: licence, leaf, tile and head together.
fn issue(store: &dyn Store, n: u32) {
    write(store, |write| issue_in(write, n));
}

fn issue_in(write: &mut dyn licence_store::Write, n: u32) -> licence_store::Result<()> {
    let index = u64::from(n);
    write.add_licences(&[make::licence(n)])?;
    let tile = make::tile(index / 256, index % 256 + 1);
    write.append_log(index, &[make::leaf(index)], &[tile], &make::head(index + 1))
}

fn prepare(store: &dyn Store) {
    write(store, |write| {
        write.add_status_lists(&[make::list(1, 1 << 20)])?;
        write.create_log(make::ORIGIN, &make::digest(0x4e, 0))
    });
}

/// Every invariant that a crash could break; answers the number of licences.
fn whole(store: &dyn Store) -> u64 {
    read(store, |read| {
        let size = read.log_head()?.map_or(0, |head| head.size);
        let leaves = read.log_leaves(0, u32::MAX)?;
        assert_eq!(leaves.len() as u64, size, "leaves and head");
        let licences = read.licences_from(0, u32::MAX)?;
        let indexes: Vec<_> = licences.iter().map(|row| row.log_index).collect();
        assert_eq!(indexes, (0..size).collect::<Vec<_>>(), "licences and leaves");
        if let Some(last) = size.checked_sub(1) {
            let tile = make::tile(last / 256, last % 256 + 1);
            assert_eq!(read.log_tiles(&[tile.key])?, [Some(tile.hashes)], "tile and head");
        }
        Ok(size)
    })
}

#[test]
fn committed_data_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path());
    prepare(&first);
    (0..300).for_each(|n| issue(&first, n));
    drop(first);
    let second = open(directory.path());
    assert_eq!(whole(&second), 300);
    issue(&second, 300);
    assert_eq!(whole(&second), 301);
}

/// The process that the next two tests kill; does nothing in an ordinary run.
#[test]
#[expect(clippy::disallowed_methods, reason = "how a parent process speaks to its child")]
fn child_process() {
    let Ok(directory) = std::env::var(CHILD) else { return };
    let store = open(Path::new(&directory));
    let say = |text: String| {
        let mut out = std::io::stdout().lock();
        // A parent that is gone ends the child.
        writeln!(out, "{text}").and_then(|()| out.flush()).unwrap();
    };
    let start = whole(&store) as u32;
    if start > 0 {
        write(&store, |write| {
            (start..start + 500).try_for_each(|n| issue_in(write, n))?;
            say("ack half".into());
            loop {
                std::thread::park();
            }
        })
    }
    prepare(&store);
    for n in 0.. {
        issue(&store, n);
        say(format!("ack {n}"));
    }
}

/// Starts [`child_process`] on `directory` and waits for `acks` lines of acknowledgement.
fn child_with(directory: &Path, acks: usize) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_process", "--nocapture"])
        .env(CHILD, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let seen = lines.map_while(Result::ok).filter(|line| line.contains("ack ")).take(acks).count();
    assert_eq!(seen, acks, "the child ended early");
    child
}

/// Ends the child as a power cut would: SIGKILL.
fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_killed_process_loses_no_acknowledged_licence_and_no_half() {
    let directory = tempfile::tempdir().unwrap();
    kill(child_with(directory.path(), 150));
    let kept = whole(&open(directory.path()));
    assert!(kept >= 150, "{kept} of 150 acknowledged licences");

    // Now in the middle of a transaction of 500, which is in SQLite's hands and not committed.
    kill(child_with(directory.path(), 1));
    let store = open(directory.path());
    assert_eq!(whole(&store), kept);
    issue(&store, kept as u32);
    assert_eq!(whole(&store), kept + 1);
}

#[test]
fn a_second_process_is_told_who_holds_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let child = child_with(directory.path(), 1);
    let error = SqliteStore::open(directory.path()).unwrap_err();
    assert_eq!(error, StoreError::Locked { path: directory.path().into(), process: Some(child.id()) });
    assert!(error.to_string().contains("in use by another process"), "{error}");
    kill(child);
    open(directory.path());
}

#[test]
fn a_second_store_in_the_same_process_is_refused_until_the_first_is_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path());
    assert!(matches!(SqliteStore::open(directory.path()), Err(StoreError::Locked { .. })));
    drop(first);
    open(directory.path());
}

#[test]
fn a_newer_database_is_refused_and_left_untouched() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let path = directory.path().join(DATABASE_FILE);
    let raw = rusqlite::Connection::open(&path).unwrap();
    let known: i64 = raw.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    raw.execute_batch(&format!("PRAGMA journal_mode = DELETE; PRAGMA user_version = {}", known + 1)).unwrap();
    drop(raw);
    let before = fs::read(&path).unwrap();
    let error = SqliteStore::open(directory.path()).unwrap_err();
    assert_eq!(error, StoreError::Newer { found: known + 1, known });
    assert!(fs::read(&path).unwrap() == before, "the file was changed");
}

#[test]
fn a_database_of_another_program_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let raw = rusqlite::Connection::open(directory.path().join(DATABASE_FILE)).unwrap();
    raw.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(raw);
    assert!(matches!(SqliteStore::open(directory.path()), Err(StoreError::Corrupt(_))));
}

#[test]
fn a_file_that_is_no_database_is_corrupt() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(DATABASE_FILE), [0xa5; 8192]).unwrap();
    assert!(matches!(SqliteStore::open(directory.path()), Err(StoreError::Corrupt(_))));
}

#[test]
fn a_damaged_database_answers_corrupt_and_never_panics() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    prepare(&store);
    (0..50).for_each(|n| issue(&store, n));
    drop(store);
    let path = directory.path().join(DATABASE_FILE);
    let mut bytes = fs::read(&path).unwrap();
    // All but the header and the schema on the first pages.
    let schema = 4096 * 4;
    bytes[schema..].iter_mut().for_each(|byte| *byte = byte.wrapping_add(0x5b));
    fs::write(&path, bytes).unwrap();
    let outcome = SqliteStore::open(directory.path()).and_then(|store| {
        let read = store.read()?;
        read.licences_from(0, 100)?;
        read.log_leaves(0, 100)
    });
    assert!(matches!(outcome, Err(StoreError::Corrupt(_))), "{outcome:?}");
}

#[test]
fn a_cell_of_the_wrong_length_is_corrupt() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    write(&store, |write| write.put_documents(&[make::document("trust", "list", 1)]));
    drop(store);
    let raw = rusqlite::Connection::open(directory.path().join(DATABASE_FILE)).unwrap();
    raw.execute_batch("PRAGMA ignore_check_constraints = ON; UPDATE documents SET digest = x'00'").unwrap();
    drop(raw);
    let store = open(directory.path());
    let outcome = store.read().unwrap().document("trust", "list");
    assert!(matches!(outcome, Err(StoreError::Corrupt(_))), "{outcome:?}");
}

#[test]
fn a_directory_that_cannot_be_made_is_unavailable() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let error = SqliteStore::open(&file).unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable(text) if text.contains("file")), "{error}");
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let store = open(&data);
    prepare(&store);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for entry in fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

/// A person with `sqlite3` or a backup must wait; a transaction that has begun never fails half-way for them.
#[test]
fn a_transaction_holds_the_write_lock_from_its_first_moment() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let outsider = rusqlite::Connection::open(directory.path().join(DATABASE_FILE)).unwrap();
    outsider.busy_timeout(std::time::Duration::ZERO).unwrap();
    write(&store, |write| {
        assert!(outsider.execute_batch("BEGIN IMMEDIATE").is_err(), "an outsider got the write lock");
        write.lease("numbers", 1)
    });
    outsider.execute_batch("BEGIN IMMEDIATE; ROLLBACK").unwrap();
}
