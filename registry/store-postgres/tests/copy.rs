//! A node that has outgrown its file: all of it from SQLite to PostgreSQL, and back.
#![allow(clippy::unwrap_used, reason = "tests")]

mod cluster;

use cluster::{Cluster, name_of};
use licence_spec::log::merkle::{TreeHead, leaf_hash};
use licence_spec::log::tiled_tree::TileEdge;
use licence_spec::status::Status;
use licence_store::conformance::{make, read, write};
use licence_store::{
    Copied, CopyError, LeafRow, LicenceRow, LogHead, NodeRow, StatusChangeRow, Store, StoreError, TileKey,
    TileRow, copy,
};
use licence_store_postgres::PostgresStore;
use licence_store_sqlite::SqliteStore;

const LEAVES: u64 = 3_000;

fn sqlite() -> SqliteStore {
    SqliteStore::open_in_memory().unwrap()
}

fn postgres() -> (PostgresStore, String) {
    let url = Cluster::shared().database();
    (PostgresStore::open(&url).unwrap(), url)
}

/// A log with a true tree, as a node writes it.
fn write_log(store: &dyn Store, leaves: u64) {
    let mut edge = TileEdge::default();
    let mut tiles = Vec::new();
    let row = |level, index, hashes| TileRow { key: TileKey { level, index }, hashes };
    let leaf = |index: u64| {
        let entry = format!("entry {index} 证照").into_bytes();
        LeafRow { index, hash: leaf_hash(&entry), entry }
    };
    let leaves: Vec<_> = (0..leaves).map(leaf).collect();
    for leaf in &leaves {
        edge.push(&leaf.hash, |tile, hashes| tiles.push(row(tile.level(), tile.index(), hashes)));
    }
    tiles.extend(edge.partial_tiles().map(|(tile, hashes)| row(tile.level(), tile.index(), hashes.to_vec())));
    let head = LogHead { origin: make::ORIGIN.into(), size: edge.size(), root: edge.root() };
    write(store, |write| {
        write.create_log(make::ORIGIN, &TreeHead::EMPTY.root)?;
        write.append_log(0, &leaves, &tiles, &head)
    });
}

/// Licences 0 to 1,199; then changes and tokens that take turns in the log, a list that is closed and one that is dirty.
fn write_licences(store: &dyn Store) {
    let licences: Vec<_> = (0..1_200)
        .map(|n| LicenceRow {
            holders: vec![make::digest(9, 9), make::digest(0x40, n.into())],
            ..make::licence(n)
        })
        .collect();
    write(store, |write| {
        write.add_status_lists(&[make::list(1, 4_096), make::list(2, 64)])?;
        write.lease_status_indexes(1, 1_200)?;
        write.lease_status_indexes(2, 5)?;
        write.close_status_list(2)?;
        write.add_licences(&licences)
    });
    for round in 0..30 {
        let at = 1_200 + round * 30;
        let old = &licences[round as usize];
        let replaced =
            StatusChangeRow { successor: Some(licences[900].digest), ..make::change(at + 2, old, 2, 3) };
        let other: Vec<_> =
            (3..20).map(|n| make::change(at + n, &licences[(round * 17 + n) as usize + 100], 0, 1)).collect();
        // The last token misses the last change, and all from round 11 on show the entry that was ended between two tokens.
        let shown = (round + 1) * 19 - u64::from(round == 29) + u64::from(round > 10);
        write(store, |write| {
            write.change_statuses(&[make::change(at, old, 0, 2), replaced.clone()])?;
            write.change_statuses(&other)?;
            write.add_status_tokens(&[make::token(1_000 + round as i64, shown, at + 20)])?;
            match round {
                10 => write.end_indexes(&[make::ended(at + 25, 4_000)]),
                29 => write.end_indexes(&[make::ended(at + 25, 3_000)]),
                _ => Ok(()),
            }
        });
    }
}

/// One of everything, more than a page of what may be many.
fn node() -> SqliteStore {
    let store = sqlite();
    write_log(&store, LEAVES);
    write_licences(&store);
    let receipts: Vec<_> = (0..1_100).map(make::receipt).collect();
    let answers: Vec<_> = (0..700).map(|n| make::answer("client-1", &format!("k-{n}"), n)).collect();
    // The oldest were dropped; the last ones are of another month.
    let audit: Vec<_> = (11..=900).map(|n| make::audit(n, 1_795_424_500 + n as i64 * 900)).collect();
    let documents: Vec<_> =
        (0..20).map(|n| make::document(["trust", "目录"][n % 2], &format!("{n}"), n as u64)).collect();
    write(&store, |write| {
        write.create_node(&NodeRow { role: "province".into(), region: "440000".into(), created_at: 7 })?;
        write.put_documents(&documents)?;
        write.add_clients(&[make::client(1), make::client(2)])?;
        write.revoke_client("client-2", 99)?;
        write.add_receipts(&receipts)?;
        write.add_idempotent_answers(&answers)?;
        write.append_audit(&audit)?;
        write.lease("numbers", u32::MAX)?;
        write.lease("numbers", 77)?;
        write.lease("空", 0).map(drop)
    });
    write_index(&store);
    store
}

/// 1,200 licences and 600 changes of one log, more than a page of both, with a reject; a reject of another; a third told to be empty.
fn write_index(store: &dyn Store) {
    let (a, b) = ("fs.elic.example/log", "zj.elic.example/log");
    let licences = (0..1_200).map(|n| make::indexed(a, n * 2)).collect();
    let changes = (0..600).map(|n| make::index_change(a, n * 4 + 1, make::indexed(a, n).digest, 1)).collect();
    let mut told = make::stretch(a, (0, 3_000), licences, changes);
    told.rejects = vec![make::index_reject(a, 2_999, false)];
    let mut other = make::stretch(b, (0, 9), vec![], vec![]);
    other.rejects = vec![make::index_reject(b, 4, true)];
    write(store, |write| {
        write.add_index(&told)?;
        write.add_index(&other)?;
        write.add_index(&make::stretch("sz.elic.example/log", (0, 0), vec![], vec![]))
    });
}

const ALL: Copied = Copied {
    licences: 1_200,
    status_changes: 570,
    ended_indexes: 2,
    status_lists: 2,
    status_tokens: 30,
    leaves: LEAVES,
    documents: 20,
    clients: 2,
    receipts: 1_100,
    answers: 700,
    counters: 2,
    index: 1_802,
    audit: 890,
};

#[test]
fn a_node_moves_to_postgresql_and_back_with_nothing_lost_or_changed() {
    let source = node();
    let (target, _) = postgres();
    let mut told = Vec::new();
    assert_eq!(copy(&source, &target, &mut |what, done| told.push((what, done))), Ok(ALL));
    for last in [("licences", 1_200), ("status", 600), ("log", LEAVES), ("receipts", 1_100), ("compare", 0)] {
        assert!(told.contains(&last), "{last:?} in {told:?}");
    }
    read(&target, |read| {
        let list = read.status_list(1)?.unwrap();
        // Every change and every entry that was ended makes a new revision.
        assert_eq!((list.next_counter, list.revision, list.open), (1_200, 572, true));
        assert_eq!(
            list.dirty_since,
            Some(make::change(1_200 + 29 * 30, &make::licence(29), 0, 2).recorded_at)
        );
        assert!(!read.status_list(2)?.unwrap().open);
        let replaced = read.licence(&make::licence(3).digest)?.unwrap();
        assert_eq!(
            (replaced.status, replaced.successor),
            (Status::Superseded, Some(make::licence(900).digest))
        );
        let vct = make::licence(1).vct;
        assert_eq!(read.newest_of_holder(&make::digest(9, 9), &[&vct], Status::Valid, 500)?.len(), 500);
        assert_eq!(read.node()?.unwrap().region, "440000");
        Ok(())
    });
    // Nothing is given out again.
    assert_eq!(write(&target, |write| write.lease("numbers", 1)), u64::from(u32::MAX) + 77);
    write(&source, |write| write.lease("numbers", 1));
    let back = sqlite();
    assert_eq!(copy(&target, &back, &mut |_, _| {}), Ok(ALL));
    assert_eq!(copy(&source, &sqlite(), &mut |_, _| {}), Ok(ALL));
}

#[test]
fn an_empty_node_is_copied_too() {
    let (target, _) = postgres();
    assert_eq!(copy(&sqlite(), &target, &mut |_, _| {}), Ok(Copied::default()));
}

#[test]
fn a_target_that_holds_anything_is_refused_and_left_alone() {
    let (target, _) = postgres();
    write(&target, |write| write.add_receipts(&[make::receipt(1)]));
    assert_eq!(copy(&node(), &target, &mut |_, _| {}), Err(CopyError::NotEmpty("receipts")));
    assert_eq!(read(&target, |read| read.licence_count()), 0);
}

#[test]
fn a_log_whose_entries_do_not_give_its_hashes_is_not_copied() {
    let source = sqlite();
    write(&source, |write| {
        write.create_log(make::ORIGIN, &TreeHead::EMPTY.root)?;
        write.append_log(0, &[make::leaf(0)], &[make::tile(0, 1)], &make::head(1))
    });
    let (target, _) = postgres();
    assert_eq!(copy(&source, &target, &mut |_, _| {}), Err(CopyError::Damaged { what: "log_leaves", at: 0 }));
}

#[test]
fn a_log_whose_tiles_or_root_are_not_those_of_its_entries_is_not_copied() {
    let entry = b"entry".to_vec();
    let leaf = LeafRow { index: 0, hash: leaf_hash(&entry), entry };
    let good = TileRow { key: TileKey { level: 0, index: 0 }, hashes: leaf.hash.to_vec() };
    for (tile, what) in [(make::tile(0, 1), ("log_tiles", 0)), (good, ("log_head", 1))] {
        let source = sqlite();
        write(&source, |write| {
            write.create_log(make::ORIGIN, &TreeHead::EMPTY.root)?;
            write.append_log(0, std::slice::from_ref(&leaf), std::slice::from_ref(&tile), &make::head(1))
        });
        let (target, _) = postgres();
        let wanted = CopyError::Damaged { what: what.0, at: what.1 };
        assert_eq!(copy(&source, &target, &mut |_, _| {}), Err(wanted));
    }
}

/// Whatever changes in the target while it is being filled is found at the end, and the copy stays without an owner.
#[test]
fn a_row_that_differs_at_the_end_is_found() {
    let changes = [
        ("UPDATE receipts SET made_at = made_at + 1 WHERE client = 'client-1'", "receipts"),
        ("DELETE FROM status_changes WHERE log_index = 1203", "status_changes"),
        ("UPDATE licences SET status = 0 WHERE log_index = 3", "licences"),
        ("UPDATE counters SET next = 1", "counters"),
        ("UPDATE log_leaves SET entry = '' WHERE idx = 2999", "log_leaves"),
        ("UPDATE status_lists SET dirty_since = NULL", "status_lists"),
        (
            "INSERT INTO documents SELECT 'z', name, version, iat, digest, bytes, stored_at FROM documents LIMIT 1",
            "documents",
        ),
    ];
    let source = node();
    for (sql, table) in changes {
        let (target, url) = postgres();
        let outcome = copy(&source, &target, &mut |what, _| {
            if what == "compare" {
                Cluster::shared().sql(name_of(&url), sql);
            }
        });
        assert_eq!(outcome, Err(CopyError::Differs(table)), "{sql}");
        assert_eq!(read(&target, |read| read.node()), None);
    }
}

#[test]
fn a_target_that_goes_away_ends_the_copy_with_its_cause() {
    let cluster = Cluster::start();
    let target = PostgresStore::open(&cluster.database()).unwrap();
    let mut stopped = false;
    let outcome = copy(&node(), &target, &mut |what, _| {
        if what == "status" && !stopped {
            cluster.stop();
            stopped = true;
        }
    });
    assert!(matches!(outcome, Err(CopyError::Store(StoreError::Unavailable(_)))), "{outcome:?}");
}
