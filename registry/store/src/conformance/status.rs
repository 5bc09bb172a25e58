//! Status lists, tokens, changes: nothing forgotten, nothing undone.

use licence_spec::status::Status;

use super::{Open, make, read, refused, write};
use crate::{Conflict, IndexLease, StatusChangeRow, StatusListRow, StatusValue, Store};

/// A store with list 1 of 10 entries and licences 0 to 4.
fn with_licences(open: Open<'_>) -> Box<dyn Store> {
    let store = open();
    let licences: Vec<_> = (0..5).map(make::licence).collect();
    write(&*store, |write| {
        write.add_status_lists(&[make::list(1, 10)])?;
        write.add_licences(&licences)
    });
    store
}

fn list(store: &dyn Store) -> StatusListRow {
    read(store, |read| read.status_list(1)).unwrap()
}

fn change(store: &dyn Store, log_index: u64, licence: u32, previous: u8, value: u8) -> StatusChangeRow {
    let row = make::change(log_index, &make::licence(licence), previous, value);
    write(store, |write| write.change_statuses(std::slice::from_ref(&row)));
    row
}

pub(super) fn a_change_sets_status_successor_and_revision_together(open: Open<'_>) {
    let store = with_licences(open);
    let (old, new) = (make::licence(3), make::licence(4));
    let superseded = StatusChangeRow { successor: Some(new.digest), ..make::change(20, &old, 0, 3) };
    write(&*store, |write| write.change_statuses(std::slice::from_ref(&superseded)));
    let revoked = change(&*store, 21, 1, 0, 1);
    let kept = read(&*store, |read| read.licence(&old.digest)).unwrap();
    assert_eq!((kept.status, kept.successor), (Status::Superseded, Some(new.digest)));
    assert_eq!(read(&*store, |read| read.status_changes(&old.digest)), std::slice::from_ref(&superseded));
    let now = read(&*store, |read| read.list_revision(1)).unwrap();
    assert_eq!(now.revision, 2);
    assert_eq!(
        now.values,
        [
            StatusValue { index: 1, value: Status::Invalid },
            StatusValue { index: 3, value: Status::Superseded }
        ]
    );
    assert_eq!(list(&*store).dirty_since, Some(superseded.recorded_at), "the oldest change counts");
    assert!(superseded.recorded_at < revoked.recorded_at);
}

pub(super) fn a_change_decided_on_an_old_status_is_refused(open: Open<'_>) {
    let store = with_licences(open);
    let first = change(&*store, 20, 1, 0, 2);
    let late = make::change(21, &make::licence(1), 0, 1);
    let unknown = make::change(22, &make::licence(9), 0, 1);
    let good = make::change(23, &make::licence(2), 0, 1);
    for bad in [late, unknown] {
        let error = refused(&*store, |write| write.change_statuses(&[good.clone(), bad.clone()]));
        assert_eq!(error, Conflict::StatusMoved { expected: Status::Valid }.into());
    }
    assert_eq!(read(&*store, |read| read.status_changes_from(0, 9)), [first]);
    assert_eq!(read(&*store, |read| read.licence(&make::licence(2).digest)).unwrap().status, Status::Valid);
    assert_eq!(list(&*store).revision, 1);
}

pub(super) fn one_licence_may_change_twice_in_one_call(open: Open<'_>) {
    let store = with_licences(open);
    let licence = make::licence(2);
    let rows = [make::change(20, &licence, 0, 2), make::change(21, &licence, 2, 0)];
    write(&*store, |write| write.change_statuses(&rows));
    assert_eq!(read(&*store, |read| read.status_changes(&licence.digest)), rows);
    let now = read(&*store, |read| read.list_revision(1)).unwrap();
    assert_eq!((now.revision, now.values), (2, vec![]));
}

pub(super) fn a_status_change_is_recorded_once(open: Open<'_>) {
    let store = with_licences(open);
    let held = change(&*store, 20, 1, 0, 2);
    let same_digest = StatusChangeRow { digest: held.digest, ..make::change(21, &make::licence(2), 0, 1) };
    let same_leaf = StatusChangeRow { log_index: 20, ..make::change(22, &make::licence(2), 0, 1) };
    for row in [same_digest, same_leaf] {
        let error = refused(&*store, |write| write.change_statuses(std::slice::from_ref(&row)));
        assert_eq!(error, Conflict::StatusChangeExists.into());
    }
    assert_eq!(read(&*store, |read| read.licence(&make::licence(2).digest)).unwrap().status, Status::Valid);
}

pub(super) fn an_entry_that_no_licence_has_is_ended_for_good(open: Open<'_>) {
    let store = with_licences(open);
    change(&*store, 20, 1, 0, 2);
    let (row, later) = (make::ended(21, 7), make::ended(23, 0x6));
    write(&*store, |write| write.end_indexes(&[row.clone(), later.clone()]));
    let now = read(&*store, |read| read.list_revision(1)).unwrap();
    assert_eq!(now.revision, 3);
    let value = |index, value| StatusValue { index, value };
    assert_eq!(
        now.values,
        [value(1, Status::Suspended), value(6, Status::Invalid), value(7, Status::Invalid)],
        "ascending, with those of licences"
    );
    assert!(list(&*store).dirty_since.is_some());
    assert_eq!(read(&*store, |read| read.ended_indexes(1)), [6, 7]);
    assert_eq!(read(&*store, |read| read.ended_indexes(2)), []);
    assert_eq!(read(&*store, |read| read.ended_indexes_from(0, 1)), std::slice::from_ref(&row));
    assert_eq!(read(&*store, |read| read.ended_indexes_from(22, 9)), [later]);
    assert_eq!(read(&*store, |read| read.status_changes(&row.licence)), []);
    let error = refused(&*store, |write| write.end_indexes(&[make::ended(30, 7)]));
    assert_eq!(error, Conflict::StatusChangeExists.into());
    // Whoever is given the entry by a race is refused: the licence would be revoked from its birth.
    let error = refused(&*store, |write| write.add_licences(&[make::licence(7)]));
    assert_eq!(error, Conflict::LicenceExists.into());
    write(&*store, |write| write.add_licences(&[make::licence(8)]));
    assert_eq!(read(&*store, |read| read.licence_by_status_index(1, 7)), None);
    let found = read(&*store, |read| read.licence_by_status_index(1, 8)).unwrap();
    assert_eq!(found.digest, make::licence(8).digest);
}

pub(super) fn an_entry_of_a_licence_or_of_no_list_is_not_ended(open: Open<'_>) {
    let store = with_licences(open);
    let error = refused(&*store, |write| write.end_indexes(&[make::ended(20, 3)]));
    assert_eq!(error, Conflict::LicenceExists.into());
    let mut no_list = make::ended(20, 7);
    no_list.list = 2;
    for row in [no_list, make::ended(20, 10)] {
        let error = refused(&*store, |write| write.end_indexes(std::slice::from_ref(&row)));
        assert_eq!(error, Conflict::Dangling.into());
    }
    assert_eq!(read(&*store, |read| read.list_revision(1)).unwrap().revision, 0);
}

pub(super) fn status_lists_are_unique(open: Open<'_>) {
    let store = open();
    let held = make::list(1, 8);
    write(&*store, |write| write.add_status_lists(&[make::list(2, 8), held.clone()]));
    let same_uri = StatusListRow { uri: held.uri.clone(), ..make::list(3, 8) };
    for row in [make::list(1, 8), same_uri] {
        let error = refused(&*store, |write| write.add_status_lists(&[make::list(4, 8), row.clone()]));
        assert_eq!(error, Conflict::StatusListExists.into());
    }
    assert_eq!(read(&*store, |read| read.status_lists()), [held.clone(), make::list(2, 8)]);
    assert_eq!(read(&*store, |read| read.status_list_by_uri(&held.uri)), Some(held));
}

pub(super) fn indexes_are_leased_once_and_only_to_the_end_of_the_list(open: Open<'_>) {
    let store = open();
    write(&*store, |write| write.add_status_lists(&[make::list(1, 10), make::list(2, 10)]));
    let lease = |count| write(&*store, |write| write.lease_status_indexes(1, count));
    assert_eq!(lease(4), IndexLease { first: 0, count: 4 });
    assert_eq!(lease(0), IndexLease { first: 4, count: 0 });
    assert_eq!(lease(5), IndexLease { first: 4, count: 5 });
    assert_eq!(lease(5), IndexLease { first: 9, count: 1 });
    assert_eq!(lease(u32::MAX), IndexLease { first: 10, count: 0 });
    let error = refused(&*store, |write| write.lease_status_indexes(3, 1));
    assert_eq!(error, Conflict::Dangling.into());
    assert_eq!(
        read(&*store, |read| read.status_list(2)).unwrap().next_counter,
        0,
        "lists count on their own"
    );
}

pub(super) fn a_closed_list_leases_nothing(open: Open<'_>) {
    let store = with_licences(open);
    assert!(write(&*store, |write| write.close_status_list(1)));
    assert!(write(&*store, |write| write.close_status_list(1)));
    assert!(!write(&*store, |write| write.close_status_list(2)));
    assert!(!list(&*store).open);
    assert_eq!(write(&*store, |write| write.lease_status_indexes(1, 3)).count, 0);
}

pub(super) fn the_token_of_a_time_is_the_newest_one_signed_by_then(open: Open<'_>) {
    let store = with_licences(open);
    write(&*store, |write| write.add_status_tokens(&[make::token(100, 0, 50), make::token(200, 0, 51)]));
    let at = |time| read(&*store, |read| read.status_token_at(1, time)).map(|token| token.iat);
    assert_eq!(
        [at(99), at(100), at(199), at(200), at(i64::MAX)],
        [None, Some(100), Some(100), Some(200), Some(200)]
    );
    assert_eq!(read(&*store, |read| read.status_token(1)), Some(make::token(200, 0, 51)));
    let list = list(&*store);
    assert_eq!(
        (list.token_iat, list.token_exp, list.token_revision),
        (Some(200), Some(200 + 86_400), Some(0))
    );
}

pub(super) fn a_status_token_never_goes_backwards(open: Open<'_>) {
    let store = with_licences(open);
    let held = make::token(100, 0, 50);
    write(&*store, |write| write.add_status_tokens(std::slice::from_ref(&held)));
    write(&*store, |write| write.add_status_tokens(std::slice::from_ref(&held)));
    for row in [make::token(99, 0, 51), make::token(100, 0, 52)] {
        let error = refused(&*store, |write| write.add_status_tokens(std::slice::from_ref(&row)));
        assert_eq!(error, Conflict::TokenNotNewer { held: 100 }.into());
    }
    let error = refused(&*store, |write| write.add_status_tokens(&[make::token(101, 0, 50)]));
    assert_eq!(error, Conflict::LeafExists.into(), "two tokens cannot share a leaf");
    assert_eq!(read(&*store, |read| read.status_tokens_from(0, 9)), [held]);
}

pub(super) fn a_token_that_was_signed_ahead_gives_way(open: Open<'_>) {
    let store = with_licences(open);
    write(&*store, |write| write.add_status_tokens(&[make::token(100_000, 0, 50)]));
    let near = refused(&*store, |write| write.add_status_tokens(&[make::token(100_000 - 60, 0, 51)]));
    assert_eq!(near, Conflict::TokenNotNewer { held: 100_000 }.into(), "clocks may differ by so much");
    write(&*store, |write| write.add_status_tokens(&[make::token(200, 0, 51)]));
    assert_eq!(read(&*store, |read| read.status_token(1)), Some(make::token(200, 0, 51)));
    assert_eq!(list(&*store).token_iat, Some(200));
    let back = refused(&*store, |write| write.add_status_tokens(&[make::token(199, 0, 52)]));
    assert_eq!(back, Conflict::TokenNotNewer { held: 200 }.into());
    assert_eq!(read(&*store, |read| read.status_tokens_from(0, 9)).len(), 2, "its row and its leaf stay");
}

pub(super) fn a_change_while_a_token_is_signed_leaves_the_list_dirty(open: Open<'_>) {
    let store = with_licences(open);
    let first = change(&*store, 20, 1, 0, 1);
    let seen = read(&*store, |read| read.list_revision(1)).unwrap().revision;
    change(&*store, 21, 2, 0, 1);
    write(&*store, |write| write.add_status_tokens(&[make::token(100, seen, 50)]));
    assert_eq!(list(&*store).dirty_since, Some(first.recorded_at));
    let seen = read(&*store, |read| read.list_revision(1)).unwrap().revision;
    write(&*store, |write| write.add_status_tokens(&[make::token(101, seen, 51)]));
    assert_eq!(list(&*store).dirty_since, None);
    assert_eq!(list(&*store).token_revision, Some(seen));
    let next = change(&*store, 22, 3, 0, 1);
    assert_eq!(list(&*store).dirty_since, Some(next.recorded_at));
}

pub(super) fn a_later_token_of_an_older_revision_is_refused(open: Open<'_>) {
    let store = with_licences(open);
    change(&*store, 20, 1, 0, 1);
    write(&*store, |write| write.add_status_tokens(&[make::token(100, 1, 50)]));
    let error = refused(&*store, |write| write.add_status_tokens(&[make::token(101, 0, 51)]));
    assert_eq!(error, Conflict::TokenNotNewer { held: 100 }.into(), "it would undo the revocation");
}

pub(super) fn a_token_of_a_list_or_revision_that_is_not_there_is_refused(open: Open<'_>) {
    let store = with_licences(open);
    let mut no_list = make::token(100, 0, 50);
    no_list.list = 2;
    for row in [no_list, make::token(100, 1, 50)] {
        let error = refused(&*store, |write| write.add_status_tokens(std::slice::from_ref(&row)));
        assert_eq!(error, Conflict::Dangling.into());
    }
}

pub(super) fn changes_and_tokens_come_in_log_order_and_pages(open: Open<'_>) {
    let store = with_licences(open);
    for (log_index, licence) in [(20, 3), (22, 1), (24, 2)] {
        change(&*store, log_index, licence, 0, 1);
    }
    write(&*store, |write| write.add_status_tokens(&[make::token(100, 3, 30), make::token(101, 3, 32)]));
    let changes = |from, limit| {
        let rows = read(&*store, |read| read.status_changes_from(from, limit));
        rows.iter().map(|row| row.log_index).collect::<Vec<_>>()
    };
    assert_eq!(changes(0, 2), [20, 22]);
    assert_eq!(changes(21, 9), [22, 24]);
    let tokens = |from, limit| {
        let rows = read(&*store, |read| read.status_tokens_from(from, limit));
        rows.iter().map(|row| row.log_index).collect::<Vec<_>>()
    };
    assert_eq!(tokens(0, 1), [30]);
    assert_eq!(tokens(31, 9), [32]);
}
