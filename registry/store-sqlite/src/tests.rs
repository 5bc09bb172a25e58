//! What needs a look inside: a full disk, the one connection in memory, and how writes are made durable.
#![allow(clippy::unwrap_used, reason = "tests")]

use licence_store::conformance::{make, read, refused, write};
use licence_store::{Store as _, StoreError};

use super::SqliteStore;

/// Invariant 1 of ARCHITECTURE.md: a full disk loses nothing that was acknowledged, and ends when there is room again.
#[test]
fn a_full_disk_refuses_the_write_and_keeps_the_rest() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    write(&store, |write| write.put_documents(&[make::document("trust", "list", 1)]));
    let pages = |count: i64| {
        let writer = store.writer.checkout().unwrap();
        writer.pragma_update_and_check(None, "max_page_count", count, |_| Ok(())).unwrap();
    };
    pages(1);
    let large = licence_store::DocumentRow { bytes: vec![1; 1 << 20], ..make::document("trust", "list", 2) };
    let error = refused(&store, |write| {
        write.add_clients(&[make::client(1)])?;
        write.put_documents(std::slice::from_ref(&large))
    });
    assert!(matches!(error, StoreError::Full(_)), "{error}");
    assert!(!error.retryable());
    assert_eq!(read(&store, |read| read.clients()), []);
    assert_eq!(read(&store, |read| read.document("trust", "list")), Some(make::document("trust", "list", 1)));
    pages(1 << 20);
    write(&store, |write| write.put_documents(std::slice::from_ref(&large)));
}

#[test]
fn a_thread_that_holds_the_only_connection_is_told_so_at_once() {
    let store = SqliteStore::open_in_memory().unwrap();
    let held = store.read().unwrap();
    let error = refused(&store, |write| write.lease("numbers", 1));
    assert!(
        matches!(&error, StoreError::Unavailable(text) if text.contains("drop its read first")),
        "{error}"
    );
    drop(held);
    write(&store, |write| write.lease("numbers", 1));
}

#[test]
fn the_writer_is_durable_and_readers_cannot_write() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    let writer = store.writer.checkout().unwrap();
    let pragma = |name| writer.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    // 2 is FULL: the write-ahead log is fsynced at every commit.
    assert_eq!(pragma("synchronous"), 2);
    assert_eq!(pragma("foreign_keys"), 1);
    let mode: String = writer.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    let reader = store.readers.checkout().unwrap();
    assert!(reader.execute_batch("DELETE FROM documents").is_err());
}

/// The partial and unique indexes serve the queries that run in the group commit or over whole lists.
#[test]
fn no_frequent_query_reads_a_whole_table() {
    let store = SqliteStore::open_in_memory().unwrap();
    let connection = store.writer.checkout().unwrap();
    let queries = [
        (
            "SELECT status_index, status FROM licences WHERE status_list = 1 AND status <> 0 ORDER BY status_index",
            "licences_not_valid",
        ),
        (
            "SELECT 1 FROM licences WHERE number = '' AND authority = '' AND vct = '' AND version = 1",
            "sqlite_autoindex_licences",
        ),
        (
            "SELECT licence FROM licence_holders WHERE holder = x'' AND licence >= 1 ORDER BY licence",
            "licence_holders_by_holder",
        ),
        (
            "SELECT bytes FROM status_tokens WHERE list = 1 AND iat <= 5 ORDER BY iat DESC LIMIT 1",
            "sqlite_autoindex_status_tokens",
        ),
        (
            "SELECT caller FROM idempotent_answers WHERE created_at < 5 ORDER BY created_at LIMIT 2",
            "idempotent_answers_by_age",
        ),
        (
            "SELECT record FROM status_changes WHERE licence = x'' ORDER BY log_index",
            "status_changes_by_licence",
        ),
    ];
    for (query, index) in queries {
        let plan: Vec<String> = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {query}"))
            .unwrap()
            .query_map((), |row| row.get(3))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert!(
            plan.len() == 1 && plan[0].starts_with("SEARCH") && plan[0].contains(index),
            "{query}: {plan:?}"
        );
    }
}
