//! Signed notes, checkpoints, cosignatures and witness policies: reproduced byte for byte, refused when changed.

mod log_common;

use licence_spec::log::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use licence_spec::log::cosignature::WitnessKey;
use licence_spec::log::merkle::{EMPTY_ROOT, MAX_TREE_SIZE, TreeHead};
use licence_spec::log::note::{LogKey, MAX_KEY_NAME, MAX_NOTE, Note, NoteError, VkeyError};
use licence_spec::log::policy::{MAX_POLICY, Policy, PolicyErrorKind};
use licence_spec::suite::{KeyError, SignError, Signer as _};
use licence_spec::time::UnixTime;
use log_common::{leaf, log_signer, test_signer, vector_json, vector_text};
use proptest::prelude::*;

const ORIGIN: &str = "gz.elic.example/log";

fn log_key() -> LogKey {
    LogKey::parse(vector_json("log/log.json")["log_vkey"].as_str().expect("a vkey")).expect("a vkey")
}

fn witness_key(at: usize) -> WitnessKey {
    WitnessKey::parse(vector_json("log/log.json")["witness_vkeys"][at].as_str().expect("a vkey"))
        .expect("a vkey")
}

fn checkpoint_14() -> String {
    vector_text("log/checkpoint_14.txt")
}

#[test]
fn signing_reproduces_the_example_checkpoints_byte_for_byte() {
    for (file, times) in
        [("log/checkpoint_4.txt", None), ("log/checkpoint_14.txt", Some((1_795_424_500, 1_795_424_501)))]
    {
        let expected = vector_text(file);
        let signed = SignedCheckpoint::open(expected.as_bytes(), &log_key()).expect("a good checkpoint");
        let checkpoint = Checkpoint { origin: ORIGIN, head: signed.head() };
        let mut note = checkpoint.sign(&log_key(), &log_signer()).expect("a signature");
        for (at, name) in ["witness", "witness 2"].into_iter().enumerate() {
            let time = signed.note().cosigned_at(&witness_key(at)).expect("good").expect("there");
            if let Some(times) = times {
                assert_eq!(time.0, [times.0, times.1][at]);
            }
            let line =
                witness_key(at).cosign(&checkpoint.text(), time, &test_signer(name)).expect("a signature");
            note.push_str(&line);
        }
        assert_eq!(note, expected, "{file}");
    }
}

#[test]
fn vkeys_are_read_and_written_the_same() {
    let text = "gz.elic.example/log+3634c6f6+AfxRzY5iGKGjjaR+0AIw8FgIFu0TujMDrF3rkRVIkIAl";
    let key = LogKey::parse(text).expect("a vkey");
    assert_eq!((key.to_string().as_str(), key.name()), (text, ORIGIN));
    assert_eq!(LogKey::new(ORIGIN, *log_signer().public_key()), Ok(key));
    let text = "gd.elic.example/w1+095100f3+BCRhuQTD7DY/+1FQY10CmuLDoI9vKu0aBlV5p+XQiuPX";
    let key = WitnessKey::parse(text).expect("a vkey");
    assert_eq!(key.to_string(), text);
    assert_eq!(WitnessKey::new("gd.elic.example/w1", *test_signer("witness").public_key()), Ok(key));
}

#[test]
fn a_vkey_is_refused_for_what_is_wrong_with_it() {
    let good = "gz.elic.example/log+3634c6f6+AfxRzY5iGKGjjaR+0AIw8FgIFu0TujMDrF3rkRVIkIAl";
    let cases = [
        ("", VkeyError::Syntax),
        ("gz.elic.example/log", VkeyError::Syntax),
        ("gz.elic.example/log+3634c6f6", VkeyError::Syntax),
        ("+3634c6f6+AfxRzY5iGKGjjaR+0AIw8FgIFu0TujMDrF3rkRVIkIAl", VkeyError::Syntax),
        ("gz elic+3634c6f6+AfxRzY5iGKGjjaR+0AIw8FgIFu0TujMDrF3rkRVIkIAl", VkeyError::Syntax),
        ("gz\u{3000}elic+3634c6f6+AfxRzY5iGKGjjaR+0AIw8FgIFu0TujMDrF3rkRVIkIAl", VkeyError::Syntax),
        ("gz\telic+3634c6f6+AfxRzY5iGKGjjaR+0AIw8FgIFu0TujMDrF3rkRVIkIAl", VkeyError::Syntax),
        ("gz.elic.example/l0g+3634c6f6+AfxRzY5iGKGjjaR+0AIw8FgIFu0TujMDrF3rkRVIkIAl", VkeyError::KeyId),
        ("gz.elic.example/log+3634c6f7+AfxRzY5iGKGjjaR+0AIw8FgIFu0TujMDrF3rkRVIkIAl", VkeyError::KeyId),
        ("gz.elic.example/log+3634C6F6+AfxRzY5iGKGjjaR+0AIw8FgIFu0TujMDrF3rkRVIkIAl", VkeyError::KeyId),
        (
            "gz.elic.example/log+3634c6f6+AfxRzY5iGKGjjaR+0AIw8FgIFu0TujMDrF3rkRVIkIA=",
            VkeyError::Key(KeyError::Length),
        ),
        (
            "gz.elic.example/log+3634c6f6+AfxRzY5iGKGjjaR+0AIw8FgIFu0TujMDrF3rkRVIkIAlAA==",
            VkeyError::Key(KeyError::Length),
        ),
        ("gz.elic.example/log+3634c6f6+AfxRzY5iGKGjjaR-0AIw8FgIFu0TujMDrF3rkRVIkIAl", VkeyError::Syntax),
        ("gz.elic.example/log+3634c6f6+BPxRzY5iGKGjjaR+0AIw8FgIFu0TujMDrF3rkRVIkIAl", VkeyError::Kind),
        // The neutral point: everybody can sign for it.
        ("a+00000000+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", VkeyError::Key(KeyError::SmallOrder)),
    ];
    for (vkey, error) in cases {
        assert_eq!(LogKey::parse(vkey).err(), Some(error), "{vkey}");
    }
    assert_eq!(WitnessKey::parse(good).err(), Some(VkeyError::Kind));
    let key = *log_signer().public_key();
    assert!(LogKey::new(&"n".repeat(MAX_KEY_NAME), key).is_ok());
    assert_eq!(LogKey::new(&"n".repeat(MAX_KEY_NAME + 1), key), Err(VkeyError::Syntax));
}

#[test]
fn nobody_signs_with_the_key_of_another() {
    let head = TreeHead { size: 1, root: leaf(0) };
    let checkpoint = Checkpoint { origin: ORIGIN, head };
    let refused: Result<String, SignError> = checkpoint.sign(&log_key(), &test_signer("witness"));
    assert!(refused.is_err());
    assert!(Checkpoint { origin: "other.example/log", head }.sign(&log_key(), &log_signer()).is_err());
    assert!(witness_key(0).cosign(&checkpoint.text(), UnixTime(1), &log_signer()).is_err());
    for time in [-1, 253_402_300_800, i64::MAX] {
        assert!(
            witness_key(0).cosign(&checkpoint.text(), UnixTime(time), &test_signer("witness")).is_err(),
            "{time}"
        );
    }
}

#[test]
fn lines_of_unknown_keys_are_passed_over_and_bad_lines_of_known_keys_spoil_the_note() {
    let note = checkpoint_14();
    let parsed = Note::parse(note.as_bytes()).expect("a note");
    assert_eq!(parsed.is_signed_by(&log_key()), Ok(true));
    // Same key under another name, and another key under the same name: both are unknown keys.
    let renamed = LogKey::new("other.example/log", *log_key().public_key()).expect("a name");
    let other = LogKey::new(ORIGIN, *test_signer("rogue").public_key()).expect("a name");
    assert_eq!((parsed.is_signed_by(&renamed), parsed.is_signed_by(&other)), (Ok(false), Ok(false)));

    let long = format!("{note}— later.example/mldsa AAAAAA{}==\n", "A".repeat(3236));
    assert_eq!(Note::parse(long.as_bytes()).expect("a note").is_signed_by(&log_key()), Ok(true));

    // A good line does not outweigh a bad one, and neither does a long one that only claims the key's id.
    let (text, _) = note.split_once("\n\n").expect("a note");
    let bad_line = log_key().sign("another text\n", &log_signer()).expect("a signature");
    let spoilt = format!("{note}{bad_line}");
    assert_eq!(
        Note::parse(spoilt.as_bytes()).expect("a note").is_signed_by(&log_key()),
        Err(NoteError::BadSignature)
    );
    let claimed = format!("{text}\n\n— {ORIGIN} NjTG9g{}==\n", "A".repeat(400));
    let claimed = Note::parse(claimed.as_bytes()).expect("a note");
    assert_eq!(claimed.is_signed_by(&log_key()), Err(NoteError::BadSignature));
}

#[test]
fn of_two_cosignatures_of_one_witness_the_newer_time_counts() {
    let text = Checkpoint { origin: ORIGIN, head: TreeHead { size: 1, root: leaf(0) } }.text();
    let line =
        |time| witness_key(0).cosign(&text, UnixTime(time), &test_signer("witness")).expect("a signature");
    for (first, second) in [(5, 9), (9, 5)] {
        let note = format!("{text}\n{}{}", line(first), line(second));
        let note = Note::parse(note.as_bytes()).expect("a note");
        assert_eq!(note.cosigned_at(&witness_key(0)), Ok(Some(UnixTime(9))));
        assert_eq!(note.cosigned_at(&witness_key(1)), Ok(None));
    }
}

#[test]
fn a_note_is_taken_up_to_its_limits_and_refused_one_above() {
    let line = "— unknown.example AAAAAAA=\n";
    let with_lines = |count: usize| format!("text\n\n{}", line.repeat(count));
    for count in [1, 16, 32] {
        assert!(Note::parse(with_lines(count).as_bytes()).is_ok(), "{count} lines");
    }
    assert_eq!(Note::parse(with_lines(33).as_bytes()).err(), Some(NoteError::TooManyLines));
    let of_length = |length: usize| format!("{}\n\n{line}", "t".repeat(length - line.len() - 2));
    assert_eq!(of_length(MAX_NOTE).len(), MAX_NOTE);
    assert!(Note::parse(of_length(MAX_NOTE).as_bytes()).is_ok());
    assert_eq!(Note::parse(of_length(MAX_NOTE + 1).as_bytes()).err(), Some(NoteError::TooLong));
}

#[test]
fn a_note_of_another_form_is_refused() {
    let cases: [(&str, NoteError); 17] = [
        ("", NoteError::Syntax),
        ("\n\n", NoteError::Syntax),
        ("text\n\n", NoteError::Syntax),
        ("text\n— a AAAAAAA=\n", NoteError::Syntax),
        ("text\n\n— a AAAAAAA=", NoteError::Syntax),
        ("text\n\n- a AAAAAAA=\n", NoteError::Syntax),
        ("text\n\n—a AAAAAAA=\n", NoteError::Syntax),
        ("text\n\n— a\n", NoteError::Syntax),
        ("text\n\n—  AAAAAAA=\n", NoteError::Syntax),
        ("text\n\n— a+b AAAAAAA=\n", NoteError::Syntax),
        ("text\n\n— a  AAAAAAA=\n", NoteError::Syntax),
        ("text\n\n— a AAAAAAA= \n", NoteError::Syntax),
        ("text\n\n— a AAAAAA==\n", NoteError::Syntax),
        ("text\n\n— a AAAAAAA\n", NoteError::Syntax),
        ("text\n\n— a AAAAAAB=\n", NoteError::Syntax),
        ("text\r\n\n— a AAAAAAA=\n", NoteError::Characters),
        ("te\0xt\n\n— a AAAAAAA=\n", NoteError::Characters),
    ];
    for (note, error) in cases {
        assert_eq!(Note::parse(note.as_bytes()).err(), Some(error), "{note:?}");
    }
    assert_eq!(Note::parse(b"te\xffxt\n\n").err(), Some(NoteError::Characters));
    // The text may hold blank lines: the last one parts it from the signatures.
    assert_eq!(Note::parse("a\n\nb\n\n— a AAAAAAA=\n".as_bytes()).expect("a note").text(), "a\n\nb\n");
}

#[test]
fn a_checkpoint_has_exactly_three_lines() {
    let root = "2QIE5at7RTvzxrjpqAfBJB8onEAfS+xDa1j/9xA8UNM=";
    let empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let good = format!("{ORIGIN}\n14\n{root}\n");
    let parsed = Checkpoint::parse(&good).expect("a checkpoint");
    assert_eq!((parsed.origin, parsed.head.size, parsed.text()), (ORIGIN, 14, good.clone()));
    assert_eq!(Checkpoint::parse(&format!("o\n0\n{empty}\n")).map(|c| c.head), Ok(TreeHead::EMPTY));
    assert_eq!(TreeHead::EMPTY, TreeHead { size: 0, root: EMPTY_ROOT });
    let largest = format!("o\n{MAX_TREE_SIZE}\n{root}\n");
    assert_eq!(Checkpoint::parse(&largest).map(|c| c.head.size), Ok(MAX_TREE_SIZE));
    let bad = [
        String::new(),
        format!("{ORIGIN}\n14\n"),
        format!("{ORIGIN}\n14\n{root}"),
        format!("\n14\n{root}\n"),
        format!("{good}extension\n"),
        format!("{good}\n"),
        format!("{ORIGIN}\n014\n{root}\n"),
        format!("{ORIGIN}\n+14\n{root}\n"),
        format!("{ORIGIN}\n\n{root}\n"),
        format!("{ORIGIN}\n{}\n{root}\n", MAX_TREE_SIZE + 1),
        format!("{ORIGIN}\n18446744073709551616\n{root}\n"),
        format!("{ORIGIN}\n14\n{}\n", &root[..43]),
        format!("{ORIGIN}\n14\n{root}AAAA\n"),
        format!("{ORIGIN}\n14\n2QIE5at7RTvzxrjpqAfBJB8onEAfS+xDa1j/9xA8UA==\n"),
        format!("{ORIGIN}\n14\n2QIE5at7RTvzxrjpqAfBJB8onEAfS+xDa1j/9xA8UNMA\n"),
        // A tree without leaves that claims to have a root.
        format!("{ORIGIN}\n0\n{root}\n"),
    ];
    for text in bad {
        assert_eq!(Checkpoint::parse(&text).err(), Some(CheckpointError::Body), "{text:?}");
    }
}

#[test]
fn a_checkpoint_opens_for_the_key_of_its_own_origin_only() {
    let note = checkpoint_14();
    assert!(SignedCheckpoint::open(note.as_bytes(), &log_key()).is_ok());
    let renamed = LogKey::new("other.example/log", *log_key().public_key()).expect("a name");
    assert_eq!(SignedCheckpoint::open(note.as_bytes(), &renamed).err(), Some(CheckpointError::NotSigned));
    // A log that signs the checkpoint of another origin with its own key and name.
    let foreign = Checkpoint { origin: "other.example/log", head: TreeHead::EMPTY };
    let line = log_key().sign(&foreign.text(), &log_signer()).expect("a signature");
    let foreign = format!("{}\n{line}", foreign.text());
    assert_eq!(
        SignedCheckpoint::open(foreign.as_bytes(), &log_key()).err(),
        Some(CheckpointError::NotSigned)
    );
}

/// A policy over the two test witnesses, `a` and `b`, with more lines.
fn with_witnesses(lines: &str) -> String {
    format!("witness a {}\nwitness b {}\n{lines}", witness_key(0), witness_key(1))
}

#[test]
fn quorums_count_witnesses_and_groups() {
    let note = checkpoint_14();
    let both = Note::parse(note.as_bytes()).expect("a note");
    let first = note.rsplit_once("— ").expect("the second witness").0;
    let first = Note::parse(first.as_bytes()).expect("a note");
    let bare = note.split_inclusive('\n').take(5).collect::<String>();
    let bare = Note::parse(bare.as_bytes()).expect("a note");
    let cases = [
        ("quorum none\n", [true, true, true]),
        ("quorum a\n", [true, true, false]),
        ("quorum b\n", [true, false, false]),
        ("group g all a b\nquorum g\n", [true, false, false]),
        ("group g 2 a b\nquorum g\n", [true, false, false]),
        ("group g 1 a b\nquorum g\n", [true, true, false]),
        ("group g any a b\nquorum g\n", [true, true, false]),
        ("group g any a\ngroup h any b\ngroup i all g h\nquorum i\n", [true, false, false]),
        ("group g any a\ngroup h all b g\nquorum h\n", [true, false, false]),
        ("group g any a\ngroup h all b g\nquorum g\n", [true, true, false]),
        ("# words\n\n \t group\tg  any a \t\n  #quorum b\nquorum g\n", [true, true, false]),
    ];
    for (lines, expected) in cases {
        let policy = Policy::parse(&with_witnesses(lines)).expect("a policy");
        let met =
            [&both, &first, &bare].map(|note| policy.is_met_by(policy.cosigners(note).expect("good lines")));
        assert_eq!(met, expected, "{lines}");
    }
    let policy = Policy::parse(&vector_text("log/policy.txt")).expect("a policy");
    assert_eq!(
        (policy.logs(), policy.witnesses()),
        (&[log_key()][..], &[witness_key(0), witness_key(1)][..])
    );
    assert_eq!(policy.cosigners(&first).map(|cosigners| cosigners.count()), Ok(1));
    let nobody = Policy::none();
    assert!(nobody.is_met_by(nobody.cosigners(&bare).expect("no lines to check")));
}

#[test]
fn a_policy_is_refused_for_what_is_wrong_with_it() {
    let cases = [
        ("quorum c\n", 3, PolicyErrorKind::Unknown),
        ("group g all a b\n", 0, PolicyErrorKind::Quorum),
        ("quorum a\nquorum a\n", 4, PolicyErrorKind::Quorum),
        ("quorum a", 0, PolicyErrorKind::Characters),
        ("quorum a\r\n", 0, PolicyErrorKind::Characters),
        ("quorum a\u{7f}\n", 0, PolicyErrorKind::Characters),
        ("quorum\n", 3, PolicyErrorKind::Syntax),
        ("quorum a b\n", 3, PolicyErrorKind::Syntax),
        ("quorum a # words\n", 3, PolicyErrorKind::Syntax),
        ("Quorum a\n", 3, PolicyErrorKind::Syntax),
        ("group g all\nquorum g\n", 3, PolicyErrorKind::Syntax),
        ("group g\nquorum g\n", 3, PolicyErrorKind::Syntax),
        ("group g 0 a b\nquorum g\n", 3, PolicyErrorKind::Threshold),
        ("group g 3 a b\nquorum g\n", 3, PolicyErrorKind::Threshold),
        ("group g 02 a b\nquorum g\n", 3, PolicyErrorKind::Threshold),
        ("group g most a b\nquorum g\n", 3, PolicyErrorKind::Threshold),
        ("group g all a a\nquorum g\n", 3, PolicyErrorKind::MemberTwice),
        ("group g any a\ngroup h any a\nquorum h\n", 4, PolicyErrorKind::MemberTwice),
        ("group g any h\ngroup h any a\nquorum g\n", 3, PolicyErrorKind::Unknown),
        ("group g any none\nquorum g\n", 3, PolicyErrorKind::Unknown),
        ("group g any g\nquorum g\n", 3, PolicyErrorKind::Unknown),
        ("group a any b\nquorum a\n", 3, PolicyErrorKind::Duplicate),
        ("group none any b\nquorum none\n", 3, PolicyErrorKind::Duplicate),
        ("log a\nquorum none\n", 3, PolicyErrorKind::Vkey(VkeyError::Syntax)),
    ];
    for (lines, line, kind) in cases {
        let error = Policy::parse(&with_witnesses(lines)).expect_err(lines);
        assert_eq!((error.line, error.kind), (line, kind), "{lines}");
    }
    let same_key = WitnessKey::new("other.example", *witness_key(0).public_key()).expect("a name");
    let error = Policy::parse(&with_witnesses(&format!("witness c {same_key}\nquorum none\n")))
        .expect_err("a duplicate");
    assert_eq!(error.kind, PolicyErrorKind::Duplicate);
    let log_as_witness = format!("witness c {}\nquorum none\n", log_key());
    let error = Policy::parse(&with_witnesses(&log_as_witness)).expect_err("a log key");
    assert_eq!(error.kind, PolicyErrorKind::Vkey(VkeyError::Kind));
    let twice = format!("log {0}\nlog {0} https://gz.elic.example/log\nquorum none\n", log_key());
    let error = Policy::parse(&twice).expect_err("a duplicate");
    assert_eq!((error.line, error.kind), (2, PolicyErrorKind::Duplicate));
}

#[test]
fn the_policy_of_a_trust_list_names_no_logs() {
    let without = vector_text("log/policy.txt").split_inclusive('\n').skip(1).collect::<String>();
    assert!(Policy::parse_without_logs(&without).is_ok());
    let error = Policy::parse_without_logs(&vector_text("log/policy.txt")).expect_err("it names a log");
    assert_eq!(error.kind, PolicyErrorKind::LogLine);
}

#[test]
fn a_policy_is_taken_up_to_its_limits_and_refused_one_above() {
    let witnesses = |count: usize| {
        let line = |at: usize| {
            let key = WitnessKey::new("w.example", *test_signer(&format!("limit {at}")).public_key());
            format!("witness w{at} {}\n", key.expect("a name"))
        };
        (0..count).map(line).collect::<String>()
    };
    let groups = |count: usize| (0..count).map(|at| format!("group g{at} any w{at}\n")).collect::<String>();
    let kind = |text: String| Policy::parse(&text).map(|_| ()).map_err(|error| error.kind);
    assert_eq!(kind(format!("{}{}quorum g63\n", witnesses(64), groups(64))), Ok(()));
    assert_eq!(kind(format!("{}quorum w0\n", witnesses(65))), Err(PolicyErrorKind::TooMany));
    let one_more = "group g64 all g0 g1\n";
    let text = format!("{}{}{one_more}quorum g63\n", witnesses(64), groups(64));
    assert_eq!(kind(text), Err(PolicyErrorKind::TooMany));
    let of_length = |length: usize| format!("#{}\nquorum none\n", "x".repeat(length - 14));
    assert_eq!(of_length(MAX_POLICY).len(), MAX_POLICY);
    assert_eq!(kind(of_length(MAX_POLICY)), Ok(()));
    assert_eq!(kind(of_length(MAX_POLICY + 1)), Err(PolicyErrorKind::TooLong));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Invariant 2 of ARCHITECTURE.md: no path to ACCEPT without a strict signature.
    #[test]
    fn a_note_with_any_bit_flipped_is_not_signed_by_all_three(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut note = checkpoint_14().into_bytes();
        let at = at.index(note.len());
        note[at] ^= 1 << bit;
        let all_three = Note::parse(&note).and_then(|note| {
            let log = note.is_signed_by(&log_key())?;
            Ok(log && note.cosigned_at(&witness_key(0))?.is_some() && note.cosigned_at(&witness_key(1))?.is_some())
        });
        prop_assert_ne!(all_three, Ok(true));
    }

    /// Invariant 6 of ARCHITECTURE.md: whatever comes from outside can not panic.
    #[test]
    fn any_text_is_a_policy_or_not(lines in prop::collection::vec("(log|witness|group|quorum)?[ a-c0-3#\t]{0,9}", 0..6)) {
        let _ = Policy::parse(&with_witnesses(&(lines.join("\n") + "\n")));
    }
}
