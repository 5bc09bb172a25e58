//! The vectors of the audit: rows, their chain, the entry that anchors it, the statement about what was dropped.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use licence_spec::audit::{AuditRecord, Chain, Dropped, GENESIS, link};
use licence_spec::log::entry::{Entry, Op};
use licence_spec::log::note::LogKey;
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors/audit/audit.json")).unwrap()
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn digest(value: &Value) -> [u8; 32] {
    hex(value).try_into().unwrap()
}

#[test]
fn rows_read_back_and_lead_to_the_digests_and_the_anchor() {
    let vectors = vectors();
    let rows = vectors["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    let anchor = Entry::parse(&hex(&vectors["anchor"]["entry"])).unwrap();
    assert_eq!(anchor.op, Op::AuditHead);
    let mut chain = Chain::new(None, [(9, anchor.digest)]);
    let mut before = GENESIS;
    for row in rows {
        let (bytes, after) = (hex(&row["row"]), digest(&row["after"]));
        assert_eq!(link(&before, &bytes), after, "{}", row["what"]);
        let read = chain.take(&bytes, &after).unwrap();
        assert_eq!((read.to_bytes(), read.act.name()), (bytes, row["act"].as_str().unwrap()));
        before = after;
    }
    assert_eq!((anchor.digest, chain.head()), (before, (4, before)));
    assert_eq!(chain.unmet().count(), 0);
}

#[test]
fn what_is_no_row_is_refused() {
    for wrong in vectors()["refused"].as_array().unwrap() {
        assert!(AuditRecord::parse(&hex(&wrong["row"])).is_err(), "{}", wrong["what"]);
    }
}

#[test]
fn the_statement_is_one_of_its_log_and_of_no_other() {
    let dropped = &vectors()["dropped"];
    let key = LogKey::parse(dropped["vkey"].as_str().unwrap()).unwrap();
    let note = dropped["note"].as_str().unwrap();
    let told = Dropped::open(note.as_bytes(), &key).unwrap();
    assert_eq!((told.through, told.head), (2, digest(&vectors()["rows"][1]["after"])));
    assert!(Dropped::open(note.replace("\n2\n", "\n3\n").as_bytes(), &key).is_err(), "another number");
}
