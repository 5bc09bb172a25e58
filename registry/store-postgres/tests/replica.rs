//! A hot standby: what may be stale is read there, and whatever it lacks, or when it is away, from the primary.
#![allow(clippy::unwrap_used, reason = "tests")]

mod cluster;

use cluster::{Cluster, name_of};
use licence_store::conformance::{make, write};
use licence_store::{Store, read_copy_first};
use licence_store_postgres::PostgresStore;

fn version(store: &dyn Store, name: &str) -> Option<u64> {
    read_copy_first(store, |read| read.document("trust", name)).unwrap().map(|row| row.version)
}

fn put(store: &dyn Store, name: &str, version: u64) {
    write(store, |write| write.put_documents(&[make::document("trust", name, version)]));
}

#[test]
fn a_standby_is_read_first_and_the_primary_answers_for_what_it_lacks() {
    let primary = Cluster::start();
    let url = primary.database();
    let name = name_of(&url);
    drop(PostgresStore::open(&url).unwrap());
    let standby = primary.standby();
    let store = PostgresStore::open(&url).unwrap().with_replica(&standby.url(name)).unwrap();
    assert!(PostgresStore::open(&url).unwrap().replica().is_none(), "without one there is none");
    put(&store, "list", 1);
    // All that is committed so far has come over; from now on nothing does.
    let sent = primary.sql("postgres", "SELECT pg_current_wal_lsn()");
    let reached = format!("SELECT pg_last_wal_replay_lsn() >= '{sent}'");
    standby.until(name, &reached, "t");
    standby.sql(name, "SELECT pg_wal_replay_pause()");
    standby.until(name, "SELECT pg_get_wal_replay_pause_state()", "paused");
    put(&store, "list", 2);
    put(&store, "new", 7);
    assert_eq!(version(&store, "list"), Some(1), "from the standby, which lags");
    assert_eq!(store.read().unwrap().document("trust", "list").unwrap().unwrap().version, 2);
    assert_eq!(version(&store, "new"), Some(7), "what the standby lacks comes from the primary");
    assert_eq!(version(&store, "none"), None);
    standby.stop();
    assert_eq!(version(&store, "list"), Some(2), "without the standby");
    assert!(store.replica().is_none(), "left alone for a while");
    put(&store, "list", 3);
    assert_eq!(version(&store, "list"), Some(3));
}

#[test]
fn a_standby_that_was_never_there_is_no_obstacle() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let nowhere = "postgres:///elic?host=/nowhere&user=elic";
    let store = PostgresStore::open(&url).unwrap().with_replica(nowhere).unwrap();
    put(&store, "list", 1);
    assert_eq!(version(&store, "list"), Some(1));
    assert!(PostgresStore::open(&url).unwrap().with_replica("nonsense").is_err());
}
