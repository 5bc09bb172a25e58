//! Licences: found by every name, issued once.

use licence_spec::status::Status;

use super::{Open, make, read, refused, write};
use crate::{Conflict, LicenceCount, LicenceRow, Store, StoredCredential, Taken};

/// Makes a row collide with one that is held.
type Clash = fn(&mut LicenceRow, &LicenceRow);

/// A store with list 1 of 4,096 entries.
fn with_list(open: Open<'_>) -> Box<dyn Store> {
    let store = open();
    write(&*store, |write| write.add_status_lists(&[make::list(1, 4096)]));
    store
}

fn add(store: &dyn Store, rows: &[LicenceRow]) {
    write(store, |write| write.add_licences(rows));
}

pub(super) fn a_licence_reads_back_by_every_name_as_it_was_written(open: Open<'_>) {
    let store = with_list(open);
    let mut row = make::licence(7);
    row.holders = vec![make::digest(1, 1), make::digest(1, 2), make::digest(2, 1)];
    row.number = "粤\u{20BB7}字 '\"; DROP TABLE licences;-- %_\\ \u{0301}".into();
    row.predecessor = Some(make::digest(9, 9));
    row.issued_at = -1;
    add(&*store, &[row.clone(), make::licence(8)]);
    let row = Some(row);
    read(&*store, |read| {
        let wanted = row.as_ref().unwrap();
        assert_eq!(read.licence(&wanted.digest)?, row);
        assert_eq!(read.licence_by_id(&wanted.id)?, row);
        assert_eq!(read.licence_by_cti(&wanted.cti)?, row);
        assert_eq!(read.licence_by_number(&wanted.authority, &wanted.vct, &wanted.number)?, row);
        assert_eq!(
            read.newest_of_holder(&make::digest(1, 2), &[&wanted.vct], Status::Valid, 10)?,
            row.clone().into_iter().collect::<Vec<_>>()
        );
        assert_eq!(read.licence(&make::digest(0xd1, 9))?, None);
        assert_eq!(read.licence_by_number(&wanted.authority, &wanted.vct, "")?, None);
        assert_eq!(read.licence_count()?, 2);
        Ok(())
    });
}

pub(super) fn whatever_is_unique_is_refused_the_second_time(open: Open<'_>) {
    let store = with_list(open);
    let held = make::licence(1);
    add(&*store, std::slice::from_ref(&held));
    let clashes: [(&str, Clash); 6] = [
        ("digest", |row, held| row.digest = held.digest),
        ("id", |row, held| row.id = held.id.clone()),
        ("cti", |row, held| row.cti = held.cti),
        ("status index", |row, held| row.status_index = held.status_index),
        ("log index", |row, held| row.log_index = held.log_index),
        ("number", |row, held| row.number = held.number.clone()),
    ];
    for (what, clash) in clashes {
        let mut row = make::licence(2);
        clash(&mut row, &held);
        let error = refused(&*store, |write| write.add_licences(&[make::licence(3), row.clone()]));
        assert_eq!(error, Conflict::LicenceExists.into(), "{what}");
        assert_eq!(read(&*store, |read| read.licence_count()), 1, "{what}");
    }
}

pub(super) fn a_new_version_of_a_number_becomes_the_newest(open: Open<'_>) {
    let store = with_list(open);
    let first = make::licence(1);
    let second = LicenceRow {
        number: first.number.clone(),
        version: 2,
        predecessor: Some(first.digest),
        ..make::licence(2)
    };
    // Out of order on purpose: the version decides, not the time of writing.
    add(&*store, &[second.clone(), first.clone()]);
    let newest = read(&*store, |read| read.licence_by_number(&first.authority, &first.vct, &first.number));
    assert_eq!(newest, Some(second));
}

pub(super) fn names_are_compared_byte_by_byte(open: Open<'_>) {
    let store = with_list(open);
    let names = ["Ångström", "A\u{030A}ngstro\u{0308}m", "ångström", "Ångström ", "１", "1"];
    let rows: Vec<_> =
        (0..).zip(names).map(|(n, id)| LicenceRow { id: id.into(), ..make::licence(n) }).collect();
    add(&*store, &rows);
    for row in rows {
        assert_eq!(read(&*store, |read| read.licence_by_id(&row.id)), Some(row));
    }
}

/// What a case looks at is what the holder has now: the newest first, of the types that are wanted, in one status.
pub(super) fn the_newest_licences_of_a_holder_come_first(open: Open<'_>) {
    let store = with_list(open);
    let holder = make::digest(0x40, 99);
    let of = |n: u32, vct: &str| LicenceRow { vct: vct.into(), holders: vec![holder], ..make::licence(n) };
    let lost = LicenceRow { credential: StoredCredential::Lost, ..of(9, "a") };
    add(&*store, &[of(5, "a"), of(2, "b"), of(7, "a"), lost, of(1, "c"), make::licence(11)]);
    write(&*store, |write| write.change_statuses(&[make::change(30, &of(5, "a"), 0, 2)]));
    let newest = |types: &[&str], status, limit| {
        let rows = read(&*store, |read| read.newest_of_holder(&holder, types, status, limit));
        rows.iter().map(|row| row.log_index).collect::<Vec<_>>()
    };
    assert_eq!(newest(&["a", "b", "c"], Status::Valid, 9), [7, 2, 1]);
    assert_eq!(newest(&["a", "b", "c"], Status::Valid, 2), [7, 2], "cut at the oldest");
    assert_eq!(newest(&["a", "b", "c"], Status::Valid, 0), []);
    assert_eq!(newest(&["b"], Status::Valid, 9), [2]);
    assert_eq!(newest(&["a", "b"], Status::Suspended, 9), [5]);
    assert_eq!(newest(&[], Status::Valid, 9), []);
    assert_eq!(newest(&["d"], Status::Valid, 9), []);
}

pub(super) fn the_feed_of_licences_comes_in_log_order_and_pages(open: Open<'_>) {
    let store = with_list(open);
    add(&*store, &[30, 10, 20].map(make::licence));
    let page = |from, limit| {
        let rows = read(&*store, |read| read.licences_from(from, limit));
        rows.iter().map(|row| row.log_index).collect::<Vec<_>>()
    };
    assert_eq!(page(0, 2), [10, 20]);
    assert_eq!(page(21, 2), [30]);
    assert_eq!(page(20, 9), [20, 30]);
    assert_eq!(page(31, 9), []);
}

pub(super) fn licences_are_counted_by_type_and_status(open: Open<'_>) {
    let store = with_list(open);
    assert_eq!(read(&*store, |read| read.licence_counts()), []);
    let of = |n: u32, vct: &str| LicenceRow { vct: vct.into(), ..make::licence(n) };
    let rows =
        [of(1, "urn:elic:cn:B"), of(2, "urn:elic:cn:A"), of(3, "urn:elic:cn:B"), of(4, "urn:elic:cn:B")];
    add(&*store, &rows);
    write(&*store, |write| write.change_statuses(&[make::change(9, &rows[2], 0, 1)]));
    let count = |vct: &str, status, licences| LicenceCount { vct: vct.into(), status, licences };
    let expected = [
        count("urn:elic:cn:A", Status::Valid, 1),
        count("urn:elic:cn:B", Status::Valid, 2),
        count("urn:elic:cn:B", Status::Invalid, 1),
    ];
    assert_eq!(read(&*store, |read| read.licence_counts()), expected);
}

pub(super) fn taken_names_are_seen_in_the_table_and_in_the_batch(open: Open<'_>) {
    let store = with_list(open);
    let held = make::licence(1);
    add(&*store, std::slice::from_ref(&held));
    let batch = [
        LicenceRow { number: held.number.clone(), ..make::licence(2) },
        LicenceRow { id: held.id.clone(), ..make::licence(3) },
        make::licence(4),
        LicenceRow { number: make::licence(4).number, ..make::licence(5) },
        LicenceRow { number: held.number.clone(), version: 2, ..make::licence(6) },
        // Its number was asked for by row 0, which is refused and so takes nothing.
        LicenceRow { number: held.number.clone(), authority: "B".into(), ..make::licence(2) },
    ];
    let taken = write(&*store, |write| write.taken_licences(&batch));
    assert_eq!(taken, [Some(Taken::Number), Some(Taken::Id), None, Some(Taken::Number), None, None]);
    let good = [batch[2].clone(), batch[4].clone(), batch[5].clone()];
    add(&*store, &good);
}

pub(super) fn a_licence_needs_its_status_list(open: Open<'_>) {
    let store = with_list(open);
    let row = LicenceRow { status_list: 2, ..make::licence(1) };
    let error = refused(&*store, |write| write.add_licences(std::slice::from_ref(&row)));
    assert_eq!(error, Conflict::Dangling.into());
}

pub(super) fn a_holder_named_twice_is_kept_once(open: Open<'_>) {
    let store = with_list(open);
    let (one, two) = (make::digest(1, 1), make::digest(1, 2));
    let row = LicenceRow { holders: vec![two, one, two], ..make::licence(1) };
    add(&*store, std::slice::from_ref(&row));
    let kept = read(&*store, |read| read.licence(&row.digest)).unwrap();
    assert_eq!(kept.holders, [one, two]);
}

pub(super) fn a_batch_of_two_thousand_licences_is_kept_whole(open: Open<'_>) {
    let store = with_list(open);
    let rows: Vec<_> = (0..2000).map(make::licence).collect();
    add(&*store, &rows);
    assert_eq!(read(&*store, |read| read.licence_count()), 2000);
    assert_eq!(read(&*store, |read| read.licences_from(0, 5000)), rows);
}
