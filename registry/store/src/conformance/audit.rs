//! The audit: rows that follow on, are found, and are dropped from the oldest on.

use super::{Open, make, read, refused, write};
use crate::{AuditFilter, AuditRow, Conflict, Store};

/// A moment of 2026-12-01, Unix seconds.
const DAY: i64 = 1_796_083_200;
/// Seconds of a month, about.
const MONTH_S: i64 = 31 * 86_400;

fn rows(numbers: std::ops::RangeInclusive<u64>) -> Vec<AuditRow> {
    numbers.map(|number| make::audit(number, DAY + number as i64)).collect()
}

fn all(store: &dyn Store) -> Vec<AuditRow> {
    read(store, |read| read.audit_rows(0, &AuditFilter::default(), 1_000))
}

pub(super) fn rows_follow_on_without_a_gap(open: Open<'_>) {
    let store = open();
    assert_eq!(read(&*store, |read| read.audit_head()), None);
    write(&*store, |write| write.append_audit(&rows(1..=3)));
    write(&*store, |write| write.append_audit(&rows(4..=4)));
    assert_eq!(all(&*store), rows(1..=4));
    assert_eq!(read(&*store, |read| read.audit_head()), Some((4, make::digest(0xad, 4))));
    for (offered, expected, found) in [(4..=4, 4, 5), (6..=6, 6, 5), (1..=1, 1, 5)] {
        let error = refused(&*store, |write| write.append_audit(&rows(offered.clone())));
        assert_eq!(error, Conflict::AuditMoved { expected, found }.into());
    }
    let gap = [rows(5..=5), rows(7..=7)].concat();
    let error = refused(&*store, |write| write.append_audit(&gap));
    assert_eq!(error, Conflict::AuditMoved { expected: 7, found: 6 }.into());
    assert_eq!(all(&*store), rows(1..=4), "nothing of a refused batch is kept");
}

pub(super) fn rows_are_found_by_time_caller_case_and_licence(open: Open<'_>) {
    let store = open();
    let written = rows(1..=60);
    write(&*store, |write| write.append_audit(&written));
    let (licence, none) = (make::digest(0xd1, 2), AuditFilter::default());
    for filter in [
        none,
        AuditFilter { from: Some(DAY + 10), ..none },
        AuditFilter { to: Some(DAY + 10), ..none },
        AuditFilter { from: Some(DAY + 10), to: Some(DAY + 40), who: Some("desk-1"), ..none },
        AuditFilter { case_number: Some("2026-3"), ..none },
        AuditFilter { case_number: Some("2026-3"), who: Some("desk-2"), from: Some(DAY + 20), ..none },
        AuditFilter { licence: Some(&licence), ..none },
        AuditFilter { licence: Some(&licence), case_number: Some("2026-2"), ..none },
        AuditFilter { who: Some("desk-9"), ..none },
    ] {
        let fits = |row: &&AuditRow| {
            filter.from.is_none_or(|from| row.time >= from)
                && filter.to.is_none_or(|to| row.time < to)
                && filter.who.is_none_or(|who| row.who == who)
                && filter.case_number.is_none_or(|case| row.case_number.as_deref() == Some(case))
                && filter.licence.is_none_or(|licence| row.licence.as_ref() == Some(licence))
        };
        let expected: Vec<AuditRow> = written.iter().filter(fits).cloned().collect();
        let mut found: Vec<AuditRow> = Vec::new();
        loop {
            let after = found.last().map_or(0, |row| row.number);
            let page = read(&*store, |read| read.audit_rows(after, &filter, 7));
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert_eq!(found, expected, "{filter:?}");
    }
}

pub(super) fn rows_of_many_months_are_kept_and_dropped_up_to_the_newest(open: Open<'_>) {
    let store = open();
    // A clock that was set back for a while, and the end of a year.
    let months = [0, 1, 2, 1, 13, 14];
    let rows: Vec<AuditRow> =
        (1..).zip(months).map(|(number, month)| make::audit(number, DAY + month * MONTH_S)).collect();
    write(&*store, |write| write.append_audit(&rows[..2]));
    write(&*store, |write| write.append_audit(&rows[2..]));
    assert_eq!(all(&*store), rows);
    assert_eq!(write(&*store, |write| write.drop_audit(3)), 3);
    assert_eq!(write(&*store, |write| write.drop_audit(3)), 0);
    assert_eq!(all(&*store), rows[3..]);
    assert_eq!(write(&*store, |write| write.drop_audit(100)), 2, "the newest row stays");
    assert_eq!(all(&*store), rows[5..]);
    assert_eq!(read(&*store, |read| read.audit_head()), Some((6, make::digest(0xad, 6))));
    write(&*store, |write| write.append_audit(&[make::audit(7, DAY)]));
    assert_eq!(all(&*store).len(), 2);
}

pub(super) fn an_audit_may_begin_where_another_was_cut(open: Open<'_>) {
    let store = open();
    write(&*store, |write| write.append_audit(&rows(41..=42)));
    assert_eq!(all(&*store), rows(41..=42));
    let error = refused(&*store, |write| write.append_audit(&rows(44..=44)));
    assert_eq!(error, Conflict::AuditMoved { expected: 44, found: 43 }.into());
}
