//! Signed documents never go backwards.

use super::{Open, make, read, refused, write};
use crate::{Conflict, DocumentRow, Store};

fn put(store: &dyn Store, row: &DocumentRow) -> u64 {
    write(store, |write| write.put_documents(std::slice::from_ref(row)))
}

pub(super) fn a_document_reads_back_and_gives_way_to_a_newer_one(open: Open<'_>) {
    let store = open();
    let names = ["", "a", "A", "名 \u{1F4DC}", "a\u{0301}", "á"];
    for name in names {
        assert_eq!(put(&*store, &make::document("trust", name, 3)), 1);
    }
    put(&*store, &make::document("other", "a", 1));
    assert_eq!(put(&*store, &make::document("trust", "a", 9)), 1);
    for name in names {
        let version = if name == "a" { 9 } else { 3 };
        let held = read(&*store, |read| read.document("trust", name));
        assert_eq!(held, Some(make::document("trust", name, version)), "{name:?}");
    }
    assert_eq!(read(&*store, |read| read.document("trust", "b")), None);
}

pub(super) fn a_document_never_goes_backwards(open: Open<'_>) {
    let store = open();
    put(&*store, &make::document("trust", "list", 5));
    let error = refused(&*store, |write| write.put_documents(&[make::document("trust", "list", 4)]));
    assert_eq!(error, Conflict::DocumentBackwards { held: 5, offered: 4 }.into());
    assert_eq!(
        read(&*store, |read| read.document("trust", "list")),
        Some(make::document("trust", "list", 5))
    );
}

pub(super) fn a_document_of_equal_version_and_other_content_is_refused(open: Open<'_>) {
    let store = open();
    let held = make::document("trust", "list", 5);
    put(&*store, &held);
    let other = DocumentRow { digest: make::digest(1, 1), bytes: b"other".to_vec(), ..held.clone() };
    let error = refused(&*store, |write| write.put_documents(std::slice::from_ref(&other)));
    assert_eq!(error, Conflict::DocumentDiffers { version: 5 }.into());
    assert_eq!(read(&*store, |read| read.document("trust", "list")), Some(held));
}

pub(super) fn storing_the_same_document_again_changes_nothing(open: Open<'_>) {
    let store = open();
    let held = make::document("trust", "list", 5);
    put(&*store, &held);
    let later = DocumentRow { stored_at: held.stored_at + 1, ..held.clone() };
    assert_eq!(put(&*store, &later), 0);
    assert_eq!(read(&*store, |read| read.document("trust", "list")), Some(held));
}

pub(super) fn cosignatures_may_be_added_to_a_document(open: Open<'_>) {
    let store = open();
    let bare = make::document("checkpoint", make::ORIGIN, 14);
    put(&*store, &bare);
    let cosigned = DocumentRow { bytes: b"the same body, one more signature".to_vec(), ..bare };
    assert_eq!(put(&*store, &cosigned), 1);
    assert_eq!(read(&*store, |read| read.document("checkpoint", make::ORIGIN)), Some(cosigned));
}

pub(super) fn one_refused_document_refuses_the_batch(open: Open<'_>) {
    let store = open();
    put(&*store, &make::document("trust", "list", 5));
    let batch = [make::document("trust", "timestamp", 8), make::document("trust", "list", 4)];
    refused(&*store, |write| write.put_documents(&batch));
    assert_eq!(read(&*store, |read| read.document("trust", "timestamp")), None);
}

pub(super) fn a_deleted_document_may_be_followed_by_any_version(open: Open<'_>) {
    let store = open();
    put(&*store, &make::document("trust", "list", 1_000_000));
    put(&*store, &make::document("trust", "timestamp", 7));
    assert!(write(&*store, |write| write.delete_document("trust", "list")));
    assert!(!write(&*store, |write| write.delete_document("trust", "list")));
    put(&*store, &make::document("trust", "list", 6));
    assert_eq!(read(&*store, |read| read.document("trust", "list")).unwrap().version, 6);
    assert_eq!(read(&*store, |read| read.document("trust", "timestamp")).unwrap().version, 7);
}

pub(super) fn documents_of_a_kind_come_by_version_then_name(open: Open<'_>) {
    let store = open();
    for (name, version) in [("b", 2), ("深", 1), ("B", 2), ("c", 10), ("a", 2)] {
        put(&*store, &make::document("root", name, version));
    }
    put(&*store, &make::document("roots", "x", 1));
    let rows = read(&*store, |read| read.documents("root"));
    let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["深", "B", "a", "b", "c"]);
}

pub(super) fn a_document_of_four_mebibytes_is_kept(open: Open<'_>) {
    let store = open();
    let bytes: Vec<u8> = (0..4 << 20).map(|n: u32| (n % 251) as u8).collect();
    let row = DocumentRow { bytes, ..make::document("catalogue", "1", 1) };
    put(&*store, &row);
    assert!(read(&*store, |read| read.document("catalogue", "1")) == Some(row), "4 MiB came back otherwise");
}

pub(super) fn documents_of_all_kinds_come_in_pages(open: Open<'_>) {
    let store = open();
    let mut rows: Vec<_> = [("b", "x"), ("a", "深"), ("a", ""), ("a", "B"), ("aa", "a"), ("A", "z")]
        .map(|(kind, name)| make::document(kind, name, 1))
        .into();
    write(&*store, |write| write.put_documents(&rows));
    rows.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
    let mut told: Vec<DocumentRow> = Vec::new();
    loop {
        let after = told.last().map(|row| (row.kind.as_str(), row.name.as_str()));
        let page = read(&*store, |read| read.documents_after(after, 2));
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        told.extend(page);
    }
    assert_eq!(told, rows);
}
