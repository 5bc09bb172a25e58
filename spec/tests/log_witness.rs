//! The witness: ordered calls of two other programs' tests, and the limits of the call.

mod log_common;

use std::collections::BTreeMap;

use licence_spec::log::cosignature::WitnessKey;
use licence_spec::log::merkle::{TreeHead, consistency_proof};
use licence_spec::log::note::{LogKey, Note};
use licence_spec::log::witness::{AddCheckpoint, MAX_ADD_CHECKPOINT, Refusal};
use licence_spec::suite::{PublicKey, Signer as _, Suite};
use licence_spec::time::UnixTime;
use log_common::{hex, test_signer, vector_json};

/// A witness as a node would be one: the logs it watches, and the newest head of each.
struct Witness {
    logs: Vec<(String, LogKey)>,
    stored: BTreeMap<String, TreeHead>,
}

impl Witness {
    fn watching(origin: &str, key: LogKey) -> Witness {
        Witness { logs: vec![(origin.to_owned(), key)], stored: BTreeMap::new() }
    }

    /// The status and the body of the answer.
    fn call(&mut self, body: &[u8]) -> (u16, String) {
        match self.decide(body) {
            Ok(line) => (200, line),
            Err(refusal) => (refusal.status(), refusal.body().unwrap_or_default()),
        }
    }

    fn decide(&mut self, body: &[u8]) -> Result<String, Refusal> {
        let request = AddCheckpoint::parse(body)?;
        let keys = self.logs.iter().filter(|(origin, _)| origin == request.origin()).map(|(_, key)| key);
        let accepted = request.decide(keys, self.stored.get(request.origin()).copied())?;
        assert!(request.note().starts_with(accepted.origin()));
        self.stored.insert(accepted.origin().to_owned(), accepted.head());
        Ok(accepted
            .cosign(&our_key(), UnixTime(1_795_424_500), &test_signer("witness"))
            .expect("a signature"))
    }
}

fn our_key() -> WitnessKey {
    WitnessKey::new("gd.elic.example/w1", *test_signer("witness").public_key()).expect("a name")
}

/// A 200 carries a line that verifies beside the checkpoint that was sent.
fn assert_cosigned(body: &str, line: &str) {
    let checkpoint = body.split_once("\n\n").expect("a blank line").1;
    let note = format!("{checkpoint}{line}");
    let note = Note::parse(note.as_bytes()).expect("a note");
    assert_eq!(note.cosigned_at(&our_key()), Ok(Some(UnixTime(1_795_424_500))));
}

#[test]
fn the_thirteen_calls_of_the_example_log_answer_in_order() {
    let log = vector_json("log/log.json");
    let key = LogKey::parse(log["log_vkey"].as_str().expect("a vkey")).expect("a vkey");
    let mut witness = Witness::watching("gz.elic.example/log", key);
    let calls = log["witness_calls_in_order"].as_array().expect("calls");
    let mut statuses = Vec::new();
    for call in calls {
        let body = call["body"].as_str().expect("a body");
        let (status, answer) = witness.call(body.as_bytes());
        assert_eq!(u64::from(status), call["status"], "{}", call["id"]);
        match status {
            200 => assert_cosigned(body, &answer),
            _ => assert_eq!(answer, call["answer"].as_str().unwrap_or_default(), "{}", call["id"]),
        }
        statuses.push(status);
    }
    assert_eq!(statuses, [404, 403, 403, 200, 409, 400, 422, 422, 422, 200, 200, 422, 409]);
}

#[test]
fn the_torchwood_calls_answer_in_order_with_404_for_the_unknown_origin() {
    let file = vector_json("torchwood-witness/add_checkpoint.json");
    let mut statuses = Vec::new();
    for set in file["sets"].as_array().expect("sets") {
        let origin = set["log"]["origin"].as_str().expect("an origin");
        let key = match set["log"]["vkey"].as_str() {
            Some(vkey) => LogKey::parse(vkey),
            None => {
                let key = hex(set["log"]["ed25519_public_key_hex"].as_str().expect("a key"));
                LogKey::new(origin, PublicKey::import(Suite::Ed25519, &key).expect("a good key"))
            }
        };
        let mut witness = Witness::watching(origin, key.expect("a log key"));
        for call in set["requests_in_order"].as_array().expect("calls") {
            let body = call["request_body"].as_str().expect("a body");
            let (status, answer) = witness.call(body.as_bytes());
            let assertion = call["assert"].as_str().expect("an assertion");
            match status {
                200 => assert_cosigned(body, &answer),
                409 => assert_eq!(assertion, format!("body == {answer:?}")),
                _ => {}
            }
            statuses.push(status);
        }
    }
    assert_eq!(statuses, [200, 403, 404, 422, 422, 200, 409, 200, 409, 200]);
}

#[test]
fn a_fork_is_told_apart_from_a_bad_proof() {
    let log = vector_json("log/log.json");
    let key = LogKey::parse(log["log_vkey"].as_str().expect("a vkey")).expect("a vkey");
    let mut witness = Witness::watching("gz.elic.example/log", key);
    let calls = log["witness_calls_in_order"].as_array().expect("calls");
    let refusals: Vec<_> = calls
        .iter()
        .map(|call| {
            (
                call["id"].as_str().expect("an id"),
                witness.decide(call["body"].as_str().expect("a body").as_bytes()),
            )
        })
        .filter_map(|(id, answer)| answer.err().map(|refusal| (id, refusal)))
        .filter(|(_, refusal)| refusal.status() == 422)
        .collect();
    let expected = [
        ("no_proof", Refusal::Inconsistent),
        ("swapped_proof", Refusal::Inconsistent),
        ("other_root", Refusal::Inconsistent),
        ("same_size_other_root", Refusal::Fork),
    ];
    assert_eq!(refusals, expected);
}

#[test]
fn a_body_of_another_form_is_malformed() {
    let log = vector_json("log/log.json");
    let good = log["witness_calls_in_order"][9]["body"].as_str().expect("a body");
    assert!(AddCheckpoint::parse(good.as_bytes()).is_ok());
    let bad = [
        String::new(),
        "old 0\n".to_owned(),
        good.replacen("old 4\n", "", 1),
        good.replacen("old 4", "old", 1),
        good.replacen("old 4", "old 04", 1),
        good.replacen("old 4", "old +4", 1),
        good.replacen("old 4", "old  4", 1),
        good.replacen("old 4", "Old 4", 1),
        good.replacen("old 4", "old 18446744073709551616", 1),
        good.replacen("old 4\n", "old 4\r\n", 1),
        good.replacen("MEE=\n\n", "MEE=\n", 1),
        good.replacen("uMk=", "uM=", 1),
        good.replacen("uMk=", "uMl=", 1),
        good.replacen("\n14\n", "\n014\n", 1),
        good.replacen("\n14\n", "\n14\n\n", 1),
        good.replacen("\n14\n", "\n\u{7}14\n", 1),
    ];
    for body in bad {
        assert_eq!(AddCheckpoint::parse(body.as_bytes()).err(), Some(Refusal::Malformed), "{body:?}");
    }
    assert_eq!(AddCheckpoint::parse(b"old 0\n\n\xff").err(), Some(Refusal::Malformed));
}

#[test]
fn signature_lines_of_another_form_are_no_signature() {
    let log = vector_json("log/log.json");
    let key = LogKey::parse(log["log_vkey"].as_str().expect("a vkey")).expect("a vkey");
    let good = log["witness_calls_in_order"][3]["body"].as_str().expect("a body");
    let without_lines = good.split_inclusive("\n\n").take(2).collect::<String>();
    for body in [good.trim_end(), &format!("{good}-"), &good.replacen("— ", "- ", 1), &without_lines] {
        let request = AddCheckpoint::parse(body.as_bytes()).expect("a request");
        assert_eq!(request.decide([&key], None).err(), Some(Refusal::NotSigned), "{body:?}");
        assert_eq!(request.decide([], None).err(), Some(Refusal::UnknownOrigin), "{body:?}");
    }
}

#[test]
fn a_body_is_taken_up_to_its_limits_and_refused_one_above() {
    let log = vector_json("log/log.json");
    let good = log["witness_calls_in_order"][3]["body"].as_str().expect("a body");
    let checkpoint = good.split_once("\n\n").expect("a blank line").1;
    let hash = "FVrcaWmwnI4VFMyUGcnNsd2irGdYKaYBK5eTK0J6uMk=\n";
    let with_hashes = |count: usize| format!("old 4\n{}\n{checkpoint}", hash.repeat(count));
    assert!(AddCheckpoint::parse(with_hashes(63).as_bytes()).is_ok());
    assert_eq!(AddCheckpoint::parse(with_hashes(64).as_bytes()).err(), Some(Refusal::Malformed));

    // The longest body: the largest number, 63 hashes, a checkpoint filled up with lines of unknown keys.
    let mut filled = checkpoint.to_owned();
    while filled.len() + 33 <= 16_384 {
        let room = (16_384 - filled.len()).min(1_200);
        filled.push_str(&format!("— {} AAAAAAA=\n", "n".repeat(room.saturating_sub(14).max(1))));
    }
    let missing = 16_384 - filled.len();
    let filled = filled.replacen("— n", &format!("— {}", "n".repeat(missing + 1)), 1);
    assert_eq!(filled.len(), 16_384);
    let longest = format!("old {}\n{}\n{filled}", u64::MAX, hash.repeat(63));
    assert_eq!(longest.len(), MAX_ADD_CHECKPOINT);
    assert!(AddCheckpoint::parse(longest.as_bytes()).is_ok());
    assert_eq!(AddCheckpoint::parse(format!("{longest}\n").as_bytes()).err(), Some(Refusal::Malformed));
}

#[test]
fn the_empty_tree_may_be_cosigned_first_and_grow_with_an_empty_proof() {
    use licence_spec::log::checkpoint::Checkpoint;
    let signer = log_common::log_signer();
    let key = LogKey::new("gz.elic.example/log", *signer.public_key()).expect("a name");
    let mut witness = Witness::watching("gz.elic.example/log", key.clone());
    let body = |old: u64, proof: &str, head: TreeHead| {
        let note =
            Checkpoint { origin: "gz.elic.example/log", head }.sign(&key, &signer).expect("a signature");
        format!("old {old}\n{proof}\n{note}")
    };
    let one = TreeHead { size: 1, root: log_common::leaf(0) };
    assert_eq!(witness.call(body(0, "", TreeHead::EMPTY).as_bytes()).0, 200);
    let hash = "FVrcaWmwnI4VFMyUGcnNsd2irGdYKaYBK5eTK0J6uMk=\n";
    assert_eq!(witness.call(body(0, hash, one).as_bytes()).0, 422);
    assert_eq!(witness.call(body(0, "", one).as_bytes()).0, 200);
    assert_eq!(consistency_proof(0, 1, |_| Err::<_, ()>(())), Ok(Vec::new()));
    assert_eq!(witness.call(body(1, hash, one).as_bytes()).0, 422);
    assert_eq!(witness.call(body(0, "", TreeHead::EMPTY).as_bytes()), (409, "1\n".to_owned()));
}
