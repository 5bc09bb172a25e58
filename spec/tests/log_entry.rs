//! Log entries and status change records: the one encoding of each, and nothing beside it.

mod log_common;

use licence_spec::log::change::{Act, ChangeRecord, ListEntry, MAX_CHANGE_RECORD};
use licence_spec::log::entry::{Entry, MAX_ENTRY_BYTES, Op};
use licence_spec::log::merkle::leaf_hash;
use licence_spec::status::Status;
use licence_spec::time::UnixTime;
use log_common::{hash, hex, vector, vector_json};
use proptest::prelude::*;

const LAST_TIME: i64 = 253_402_300_799;

#[test]
fn every_entry_of_the_example_log_is_read_and_written_the_same() {
    let log = vector_json("log/log.json");
    let mut ops = Vec::new();
    for case in log["entries"].as_array().expect("entries") {
        let bytes = hex(case["entry_hex"].as_str().expect("hex"));
        let entry = Entry::parse(&bytes).expect("an entry");
        assert_eq!((entry.to_bytes(), bytes.len()), (bytes, 42));
        assert_eq!(Some(entry.leaf_hash()), hash(&case["leaf_hash_hex"]), "{}", case["what"]);
        ops.push(entry.op);
    }
    // Heads of the audit are newer than the example; theirs is in vectors/audit.
    for op in Op::ALL.into_iter().filter(|op| *op != Op::AuditHead) {
        assert!(ops.contains(&op), "{op:?} is in the example");
    }
}

#[test]
fn the_example_change_record_is_the_one_of_its_leaf() {
    let bytes = vector("log/status_change.cbor");
    let record = ChangeRecord::parse(&bytes).expect("a record");
    assert_eq!(
        (record.act, record.act.zh(), record.act.new_status()),
        (Act::Revoke, "撤销", Status::Invalid)
    );
    assert_eq!((record.effective, record.successor), (UnixTime(0x6aff_fe00), None));
    assert_eq!(record.to_bytes(), bytes);
    let log = vector_json("log/log.json");
    assert_eq!(Some(record.entry().leaf_hash()), hash(&log["entries"][7]["leaf_hash_hex"]));
    let licence =
        Entry::parse(&hex(log["entries"][6]["entry_hex"].as_str().expect("hex"))).expect("an entry");
    assert_eq!(record.licence, licence.digest);
}

#[test]
fn acts_have_the_numbers_words_and_statuses_of_the_format() {
    let expected = [
        (1, "注销", "cancel", 1),
        (2, "撤销", "revoke", 1),
        (3, "吊销", "forfeit", 1),
        (4, "暂扣", "suspend", 2),
        (5, "发还", "reinstate", 0),
        (6, "换发", "supersede", 3),
        (7, "补证", "replace", 3),
        (8, "转出", "transfer", 1),
        (9, "作废", "void", 1),
    ];
    assert_eq!(Act::ALL.map(|act| (act.number(), act.zh(), act.name(), act.new_status().value())), expected);
    assert_eq!(Act::ALL.map(|act| Act::from_number(act.number())), Act::ALL.map(Some));
    assert_eq!((Act::from_number(0), Act::from_number(10)), (None, None));
    assert_eq!(Op::ALL.map(Op::number), [1, 2, 3, 4, 5, 6]);
    assert_eq!((Op::from_number(0), Op::from_number(7)), (None, None));
}

#[test]
fn the_longest_entry_and_record_fit_their_limits() {
    let entry = Entry { op: Op::Issued, time: UnixTime(LAST_TIME), digest: [7; 32] };
    assert_eq!(entry.to_bytes().len(), MAX_ENTRY_BYTES);
    assert_eq!(Entry::parse(&entry.to_bytes()), Ok(entry));
    let record = ChangeRecord {
        licence: [1; 32],
        act: Act::Supersede,
        effective: UnixTime(LAST_TIME),
        successor: Some([2; 32]),
        salt: [3; 16],
        ends: None,
    };
    assert_eq!(record.to_bytes().len(), MAX_CHANGE_RECORD);
    assert_eq!(ChangeRecord::parse(&record.to_bytes()), Ok(record));
}

#[test]
fn a_record_that_ends_an_entry_says_which_and_nothing_else_ends_one() {
    let ends = Some(ListEntry { list: (1 << 53) - 1, index: (1 << 53) - 1 });
    let record = ChangeRecord {
        licence: [1; 32],
        act: Act::Void,
        effective: UnixTime(LAST_TIME),
        successor: None,
        salt: [3; 16],
        ends,
    };
    let bytes = record.to_bytes();
    assert!(bytes.len() <= MAX_CHANGE_RECORD);
    assert_eq!(ChangeRecord::parse(&bytes), Ok(record));
    let suspended = ChangeRecord { act: Act::Suspend, ..record };
    assert!(ChangeRecord::parse(&suspended.to_bytes()).is_err(), "an entry that nobody has is ended or not");
    let entry = Some(ListEntry { list: 1, index: 2 });
    let short = ChangeRecord { effective: UnixTime(0), ends: entry, ..record };
    let succeeded = ChangeRecord { successor: Some([2; 32]), ..short };
    assert!(succeeded.to_bytes().len() <= MAX_CHANGE_RECORD);
    assert!(ChangeRecord::parse(&succeeded.to_bytes()).is_err(), "with a successor");
    let mut bytes = short.to_bytes();
    assert!(bytes.ends_with(&[7, 0x82, 1, 2]), "{bytes:02x?}");
    for wrong in [0x81, 0x83, 0xa1] {
        let at = bytes.len() - 3;
        bytes[at] = wrong;
        assert!(ChangeRecord::parse(&bytes).is_err(), "{wrong:02x} for the pair");
    }
}

#[test]
fn an_entry_that_is_not_the_one_encoding_is_refused() {
    let good = hex("8401011a6b03f2805820ccdc9f820cb74e4c7a05d2cdcc2b6f50489d06818ea06dab0632ba5df7e66415");
    assert!(Entry::parse(&good).is_ok());
    let digest = "5820ccdc9f820cb74e4c7a05d2cdcc2b6f50489d06818ea06dab0632ba5df7e66415";
    let bad = [
        ("nothing", String::new()),
        ("version 2", format!("8402011a6b03f280{digest}")),
        ("op 0", format!("8401001a6b03f280{digest}")),
        ("op 7", format!("8401071a6b03f280{digest}")),
        ("op as long head", format!("840118011a6b03f280{digest}")),
        ("time as long head", format!("8401011b000000006b03f280{digest}")),
        ("time below zero", format!("84010120{digest}")),
        ("time after 9999", format!("8401011b0000003afff44180{digest}")),
        ("time as float", format!("840101fa4f000000{digest}")),
        ("three items", format!("830101{digest}")),
        ("indefinite array", format!("9f01011a6b03f280{digest}ff")),
        (
            "digest of 31 bytes",
            "8401011a6b03f280581fccdc9f820cb74e4c7a05d2cdcc2b6f50489d06818ea06dab0632ba5df7e664".to_owned(),
        ),
        ("digest as text", format!("8401011a6b03f2807820{}", "41".repeat(32))),
        ("a byte after it", format!("8401011a6b03f280{digest}00")),
        ("cut short", good[..41].iter().map(|byte| format!("{byte:02x}")).collect()),
    ];
    for (what, bytes) in bad {
        assert!(Entry::parse(&hex(&bytes)).is_err(), "{what}");
    }
}

#[test]
fn a_change_record_that_says_two_things_is_refused() {
    let good = vector("log/status_change.cbor");
    // The status stands at byte 37 after its key, the act at byte 39.
    assert_eq!(good[36..40], [0x02, 0x01, 0x03, 0x02]);
    let with = |status: u8, act: u8| {
        let mut bytes = good.clone();
        (bytes[37], bytes[39]) = (status, act);
        ChangeRecord::parse(&bytes).map(|record| record.act)
    };
    for act in Act::ALL {
        for status in 0..=4 {
            let allowed = status == act.new_status().value();
            assert_eq!(with(status, act.number() as u8).ok(), allowed.then_some(act), "{act:?} to {status}");
        }
    }
    assert!(with(1, 10).is_err());
    let mut trailing = good.clone();
    trailing.push(0);
    assert!(ChangeRecord::parse(&trailing).is_err());
    let mut no_salt = good[..good.len() - 18].to_vec();
    no_salt[0] = 0xa4;
    assert!(ChangeRecord::parse(&no_salt).is_err());
    let mut unknown = good.clone();
    unknown[0] = 0xa6;
    unknown.extend_from_slice(&[0x07, 0x00]);
    assert!(ChangeRecord::parse(&unknown).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Two objects must never share a leaf, and no bytes may be read as an entry that we would write in another way.
    #[test]
    fn what_is_read_is_written_the_same(bytes in prop::collection::vec(any::<u8>(), 0..50), op in 0_usize..5, time in 0..=LAST_TIME, digest: [u8; 32]) {
        let entry = Entry { op: Op::ALL[op], time: UnixTime(time), digest };
        prop_assert_eq!(Entry::parse(&entry.to_bytes()), Ok(entry));
        prop_assert_eq!(entry.leaf_hash(), leaf_hash(&entry.to_bytes()));
        if let Ok(entry) = Entry::parse(&bytes) {
            prop_assert_eq!(entry.to_bytes(), bytes);
        }
    }

    #[test]
    fn a_changed_byte_of_a_record_is_refused_or_read_as_written(at in 0_usize..64, byte: u8) {
        let mut bytes = vector("log/status_change.cbor");
        bytes[at] = byte;
        if let Ok(record) = ChangeRecord::parse(&bytes) {
            prop_assert_eq!(record.to_bytes(), bytes);
        }
    }
}
