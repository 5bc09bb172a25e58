use alloc::borrow::ToOwned;
use alloc::vec;

use super::*;
use crate::log::note::LogKey;
use crate::suite::{SeedSigner, Signer as _};

fn row(number: u64) -> AuditRecord {
    AuditRecord {
        number,
        time: UnixTime(1_795_424_500 + number as i64),
        who: WhoKind::Client,
        id: "sp".to_owned(),
        operator: Some("示例经办".to_owned()),
        act: AuditAct::Filed,
        ground: Some("《优化营商环境条例》第三十七条".to_owned()),
        service_item: Some("SZ-SP-0101".to_owned()),
        case_number: Some("2026-0001".to_owned()),
        licence: Some([7; 32]),
        object: Some([8; 32]),
        reference: Some([9; 16]),
        subject: Some("x".to_owned()),
        result: "ACCEPT".to_owned(),
        count: Some(3),
    }
}

/// Rows 1 to `last` with the digests of their chain.
fn chained(last: u64) -> Vec<(Vec<u8>, Digest)> {
    let mut head = GENESIS;
    (1..=last)
        .map(|number| {
            let bytes = row(number).to_bytes();
            head = link(&head, &bytes);
            (bytes, head)
        })
        .collect()
}

/// What is found wrong with rows, in order, and then with anchors.
fn broken(rows: &[(Vec<u8>, Digest)], anchors: &[(u64, Digest)]) -> Vec<Break> {
    let mut chain = Chain::new(None, anchors.iter().copied());
    let mut found: Vec<Break> =
        rows.iter().filter_map(|(bytes, digest)| chain.take(bytes, digest).err()).collect();
    found.extend(chain.unmet());
    found
}

#[test]
fn a_row_reads_back_whole_and_bare_and_in_no_other_encoding() {
    let whole = row(1);
    let bare = AuditRecord {
        operator: None,
        ground: None,
        service_item: None,
        case_number: None,
        licence: None,
        object: None,
        reference: None,
        subject: None,
        count: None,
        ..whole.clone()
    };
    for row in [whole.clone(), bare] {
        let bytes = row.to_bytes();
        assert_eq!(AuditRecord::parse(&bytes), Ok(row));
        assert!(AuditRecord::parse(&[&bytes[..], &[0]].concat()).is_err(), "a byte more");
        assert!(AuditRecord::parse(&bytes[..bytes.len() - 1]).is_err(), "a byte less");
    }
    for (wrong, what) in [
        (AuditRecord { number: 0, ..whole.clone() }, "number 0"),
        (AuditRecord { count: Some(0), ..whole.clone() }, "count 0"),
        (AuditRecord { id: String::new(), ..whole.clone() }, "an empty text"),
        (AuditRecord { result: "a\nb".to_owned(), ..whole.clone() }, "two lines"),
        (AuditRecord { subject: Some("甲".repeat(MAX_AUDIT_TEXT + 1)), ..whole.clone() }, "too long"),
    ] {
        assert!(AuditRecord::parse(&wrong.to_bytes()).is_err(), "{what}");
    }
    let longest = "\u{20000}".repeat(MAX_AUDIT_TEXT);
    let text = || Some(longest.clone());
    let large = AuditRecord {
        id: longest.clone(),
        operator: text(),
        ground: text(),
        service_item: text(),
        case_number: text(),
        subject: text(),
        result: longest.clone(),
        ..whole
    };
    assert_eq!(AuditRecord::parse(&large.to_bytes()), Ok(large), "the longest texts fit");
}

#[test]
fn every_act_and_kind_has_a_number_and_a_word_of_its_own() {
    for (at, act) in AuditAct::ALL.into_iter().enumerate() {
        assert_eq!(act.number(), at as u64 + 1, "{}", act.name());
        assert!(AuditAct::ALL.iter().filter(|other| other.name() == act.name()).count() == 1);
    }
    for (at, kind) in WhoKind::ALL.into_iter().enumerate() {
        assert_eq!(kind.number(), at as u64 + 1, "{}", kind.name());
    }
}

#[test]
fn a_changed_a_deleted_and_an_inserted_row_are_found_at_their_place() {
    let rows = chained(6);
    assert_eq!(broken(&rows, &[(40, rows[5].1), (12, rows[2].1)]), vec![]);
    let mut changed = rows.clone();
    changed[2].0 = AuditRecord { id: "somebody-else".to_owned(), ..row(3) }.to_bytes();
    assert_eq!(broken(&changed, &[]), [Break::Changed(3)]);
    let mut deleted = rows.clone();
    deleted.remove(2);
    assert_eq!(broken(&deleted, &[]), [Break::Number { expected: 3, found: 4 }]);
    let mut inserted = rows.clone();
    inserted.insert(3, (row(4).to_bytes(), link(&rows[2].1, &row(4).to_bytes())));
    assert_eq!(broken(&inserted, &[]), [Break::Number { expected: 5, found: 4 }]);
    let mut noise = rows;
    noise[0].0 = vec![0xff];
    assert_eq!(broken(&noise, &[]), [Break::Unreadable(1)]);
}

/// Whoever owns the database can compute the chain anew; what stands in the witnessed log, he cannot.
#[test]
fn a_chain_that_was_computed_anew_and_a_tail_that_was_cut_off_miss_their_anchors() {
    let rows = chained(6);
    let anchors = [(12, rows[2].1), (40, rows[5].1)];
    assert_eq!(broken(&rows[..5], &anchors), [Break::Anchor(40)], "cut off behind row 5");
    let mut head = GENESIS;
    let anew: Vec<_> = (1..=6)
        .map(|number| {
            let bytes = AuditRecord { operator: None, ..row(number) }.to_bytes();
            head = link(&head, &bytes);
            (bytes, head)
        })
        .collect();
    assert_eq!(broken(&anew, &[]), vec![], "by itself it looks whole");
    let mut found = broken(&anew, &anchors);
    found.sort_by_key(|found| if let Break::Anchor(index) = found { *index } else { 0 });
    assert_eq!(found, [Break::Anchor(12), Break::Anchor(40)]);
}

#[test]
fn rows_that_were_dropped_leave_a_signed_statement_from_which_the_chain_goes_on() {
    let rows = chained(6);
    let signer = SeedSigner::from_seed(&[3; 32]).unwrap();
    let key = LogKey::new("gz.elic.example/log", *signer.public_key()).unwrap();
    let dropped = Dropped { through: 4, head: rows[3].1, time: row(4).time };
    let note = dropped.sign(&key, &signer).unwrap();
    assert_eq!(Dropped::open(note.as_bytes(), &key), Ok(dropped));
    let mut chain = Chain::new(Some((dropped.through, dropped.head)), [(40, rows[5].1)]);
    assert!(rows[4..].iter().all(|(bytes, digest)| chain.take(bytes, digest).is_ok()));
    assert_eq!(chain.head(), (6, rows[5].1));
    assert_eq!(chain.unmet().count(), 0);
    let other = SeedSigner::from_seed(&[4; 32]).unwrap();
    let other = LogKey::new("gz.elic.example/log", *other.public_key()).unwrap();
    assert_eq!(Dropped::open(note.as_bytes(), &other), Err(DroppedError::Signature));
    let padded = dropped.text("gz.elic.example/log").replace("\n4\n", "\n04\n");
    let padded = alloc::format!("{padded}\n{}", key.sign(&padded, &signer).unwrap());
    assert_eq!(Dropped::open(padded.as_bytes(), &key), Err(DroppedError::Form));
    assert!(crate::log::checkpoint::SignedCheckpoint::parse(note.as_bytes()).is_err(), "no checkpoint");
}

#[test]
fn the_head_is_anchored_after_an_hour_or_a_thousand_rows() {
    let now = UnixTime(1_795_424_500);
    let due = is_anchor_due;
    assert!(!due(0, None, now) && due(1, None, now));
    assert!(!due(999, Some(now.plus(-3_599)), now) && due(1_000, Some(now), now));
    assert!(due(1, Some(now.plus(-3_600)), now) && !due(0, Some(now.plus(-9_999)), now));
    assert!(due(1, Some(now.plus(5)), now), "a clock that was set back");
}
