//! The index of other nodes' licences: told once, in order, one log apart from the other.

use licence_spec::status::Status;

use super::make::{DAY, digest, index_change, index_reject, indexed, stretch};
use super::{Open, read, refused, write};
use crate::{
    Conflict, INDEX_CHANGE, INDEX_LICENCE, IndexCount, IndexCursor, IndexDay, IndexLicenceRow, IndexStretch,
    Store, StoreError,
};

const A: &str = "fs.elic.example/log";
const B: &str = "zj.elic.example/log";

fn add(store: &dyn Store, stretch: &IndexStretch) {
    write(store, |write| write.add_index(stretch));
}

fn cursors(store: &dyn Store) -> Vec<(String, u64)> {
    let cursors = read(store, |read| read.index_cursors());
    cursors.into_iter().map(|IndexCursor { origin, next }| (origin, next)).collect()
}

pub(super) fn what_was_told_of_a_log_reads_back(open: Open<'_>) {
    let store = open();
    let (one, two) = (digest(1, 1), digest(1, 2));
    let mut first = indexed(A, 3);
    first.holders = vec![two, one, two];
    let mut told = stretch(A, (0, 20), vec![first.clone(), indexed(A, 5)], vec![]);
    told.changes = vec![index_change(A, 7, digest(9, 9), 1)];
    told.rejects = vec![index_reject(A, 4, true), index_reject(A, 6, false)];
    add(&*store, &told);
    first.holders = vec![one, two];
    read(&*store, |read| {
        assert_eq!(read.index_licences_from(A, 0, 10)?, [first.clone(), indexed(A, 5)]);
        assert_eq!(read.index_licences_from(A, 4, 10)?, [indexed(A, 5)]);
        assert_eq!(read.index_licences_from(A, 0, 1)?, [first.clone()]);
        assert_eq!(read.index_place(A, &first.digest)?, Some(3));
        assert_eq!(read.index_place(B, &first.digest)?, None, "another log");
        assert_eq!(read.index_place(A, &digest(9, 77))?, None);
        assert_eq!(read.index_changes_from(A, 0, 10)?, told.changes);
        assert_eq!(read.index_changes_from(A, 8, 10)?, []);
        assert_eq!(read.index_rejects_from(A, 0, 10)?, told.rejects);
        assert_eq!(read.index_rejects_from(A, 5, 10)?, told.rejects[1..]);
        assert_eq!(read.index_reject_counts()?, [(A.to_owned(), 2)]);
        assert_eq!(read.index_licences_from(B, 0, 10)?, []);
        assert_eq!(read.newest_indexed_of_holder(&two, &[&first.vct], 10)?, [first.clone()]);
        Ok(())
    });
    assert_eq!(cursors(&*store), [(A.to_owned(), 20)]);
}

pub(super) fn a_stretch_is_told_once_and_none_is_left_out(open: Open<'_>) {
    let store = open();
    add(&*store, &stretch(A, (0, 5), vec![indexed(A, 1)], vec![]));
    let moved = |expected, found| StoreError::from(Conflict::IndexMoved { expected, found });
    let again = stretch(A, (0, 5), vec![indexed(A, 1)], vec![]);
    assert_eq!(refused(&*store, |write| write.add_index(&again)), moved(0, 5));
    let gap = stretch(A, (6, 9), vec![indexed(A, 7)], vec![]);
    assert_eq!(refused(&*store, |write| write.add_index(&gap)), moved(6, 5));
    let elsewhere = stretch(B, (5, 9), vec![], vec![]);
    assert_eq!(refused(&*store, |write| write.add_index(&elsewhere)), moved(5, 0));
    let back = stretch(A, (5, 4), vec![], vec![]);
    assert!(matches!(refused(&*store, |write| write.add_index(&back)), StoreError::OutOfRange(_)));
    let twice = stretch(A, (5, 9), vec![indexed(A, 6), indexed(A, 1)], vec![]);
    assert_eq!(refused(&*store, |write| write.add_index(&twice)), Conflict::IndexExists.into());
    assert_eq!(cursors(&*store), [(A.to_owned(), 5)]);
    assert_eq!(read(&*store, |read| read.index_licences_from(A, 0, 9)), [indexed(A, 1)]);
    add(&*store, &stretch(A, (5, 9), vec![indexed(A, 6)], vec![]));
    add(&*store, &stretch(A, (9, 9), vec![], vec![]));
    assert_eq!(cursors(&*store), [(A.to_owned(), 9)]);
}

pub(super) fn changes_move_licences_of_their_own_log_in_order(open: Open<'_>) {
    let store = open();
    add(&*store, &stretch(B, (0, 2), vec![indexed(B, 1)], vec![]));
    let licence = digest(0xd2, 1);
    let mut superseded = index_change(A, 4, licence, 3);
    superseded.successor = Some(digest(7, 7));
    let changes = vec![index_change(A, 2, licence, 2), superseded, index_change(A, 6, licence, 1)];
    add(&*store, &stretch(A, (0, 9), vec![indexed(A, 1)], changes));
    let moved = IndexLicenceRow { status: Status::Invalid, successor: Some(digest(7, 7)), ..indexed(A, 1) };
    assert_eq!(read(&*store, |read| read.index_licences_from(A, 0, 9)), [moved]);
    assert_eq!(read(&*store, |read| read.index_licences_from(B, 0, 9)), [indexed(B, 1)]);
    add(&*store, &stretch(A, (9, 12), vec![], vec![index_change(A, 10, licence, 0)]));
    assert_eq!(read(&*store, |read| read.index_licences_from(A, 0, 9))[0].status, Status::Valid);
}

pub(super) fn a_digest_claimed_by_one_log_keeps_no_other_out(open: Open<'_>) {
    let store = open();
    add(&*store, &stretch(A, (0, 2), vec![indexed(A, 1)], vec![]));
    add(&*store, &stretch(B, (0, 2), vec![indexed(B, 1)], vec![]));
    assert_eq!(read(&*store, |read| read.index_licences_from(B, 0, 9)), [indexed(B, 1)]);
    // Nor does a log that tells one licence twice block itself.
    let again = IndexLicenceRow { digest: digest(0xd2, 1), ..indexed(A, 3) };
    add(&*store, &stretch(A, (2, 4), vec![again], vec![]));
    assert_eq!(read(&*store, |read| read.index_licences_from(A, 0, 9)).len(), 2);
}

pub(super) fn the_newest_indexed_licences_of_a_holder_come_first(open: Open<'_>) {
    let store = open();
    let of = |origin, n: u64, issued_at| IndexLicenceRow {
        holders: vec![digest(0x40, 99)],
        vct: (if n.is_multiple_of(2) { "a" } else { "b" }).into(),
        issued_at,
        ..indexed(origin, n)
    };
    let ended = vec![index_change(B, 12, of(B, 8, 0).digest, 1)];
    add(&*store, &stretch(B, (0, 20), vec![of(B, 2, 30), of(B, 8, 99), of(B, 11, 50)], ended));
    add(&*store, &stretch(A, (0, 20), vec![of(A, 4, 40), indexed(A, 5), of(A, 9, 10)], vec![]));
    let newest = |types: &[&str], limit| {
        let rows = read(&*store, |read| read.newest_indexed_of_holder(&digest(0x40, 99), types, limit));
        rows.into_iter().map(|row| (row.origin, row.log_index)).collect::<Vec<_>>()
    };
    let all = [(B, 11), (A, 4), (B, 2), (A, 9)].map(|(origin, index)| (origin.to_owned(), index));
    assert_eq!(newest(&["a", "b"], 9), all, "what has ended is left out");
    assert_eq!(newest(&["a", "b"], 3), all[..3]);
    assert_eq!(newest(&["a", "b"], 0), []);
    assert_eq!(newest(&["a"], 9), all[1..3]);
    assert_eq!(newest(&[], 9), []);
}

pub(super) fn days_are_counted_from_leaves_and_from_rows(open: Open<'_>) {
    let store = open();
    let mut told = stretch(A, (0, 9), vec![indexed(A, 1), indexed(A, 2)], vec![]);
    told.changes = vec![index_change(A, 5, digest(1, 1), 1)];
    told.rejects = vec![index_reject(A, 3, true), index_reject(A, 4, false)];
    let day = |day, kind, logged| IndexDay { day, kind, logged };
    told.logged = vec![day(DAY, INDEX_LICENCE, 3), day(DAY + 1, INDEX_CHANGE, 1)];
    add(&*store, &told);
    let mut later = stretch(A, (9, 12), vec![indexed(A, 10)], vec![]);
    // A leaf that is neither kept nor rejected: that is what the count is for.
    later.logged = vec![day(DAY, INDEX_LICENCE, 2)];
    add(&*store, &later);
    add(&*store, &stretch(B, (0, 9), vec![indexed(B, 1)], vec![]));
    let count = |day, kind, logged, kept, rejected| IndexCount { day, kind, logged, kept, rejected };
    let counts = read(&*store, |read| read.index_counts(A));
    assert_eq!(counts, [count(DAY, INDEX_LICENCE, 5, 3, 1), count(DAY + 1, INDEX_CHANGE, 1, 1, 0)]);
    assert_eq!(read(&*store, |read| read.index_counts(B)), [count(DAY, INDEX_LICENCE, 1, 1, 0)]);
}

pub(super) fn a_forgotten_index_is_told_anew(open: Open<'_>) {
    let store = open();
    let mut told = stretch(A, (0, 9), vec![indexed(A, 1)], vec![index_change(A, 2, digest(0xd2, 1), 1)]);
    told.rejects = vec![index_reject(A, 3, true)];
    add(&*store, &told);
    add(&*store, &stretch(B, (0, 9), vec![indexed(B, 1)], vec![]));
    assert!(write(&*store, |write| write.forget_index(A)));
    assert!(!write(&*store, |write| write.forget_index(A)));
    assert_eq!(cursors(&*store), [(B.to_owned(), 9)]);
    read(&*store, |read| {
        assert_eq!(
            read.newest_indexed_of_holder(&digest(0x40, 1), &[&indexed(B, 1).vct], 9)?,
            [indexed(B, 1)]
        );
        assert_eq!(read.index_counts(A)?, []);
        assert_eq!(read.index_reject_counts()?, []);
        Ok(())
    });
    add(&*store, &told);
    assert_eq!(cursors(&*store), [(A.to_owned(), 9), (B.to_owned(), 9)]);
}
