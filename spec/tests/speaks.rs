//! Who may speak for what (spec/trust-list.md §6), and what the tree of a cut keeps good (§7): the rule as such, without the rest of a
//! verdict. Real nodes that are attacked: tests/tests/node/attacks/signers.rs.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::sync::Arc;

use licence_spec::evidence::{Evidence, Trust};
use licence_spec::log::checkpoint::{Checkpoint, SignedCheckpoint};
use licence_spec::log::merkle::{Hash, TreeHead};
use licence_spec::log::note::LogKey;
use licence_spec::status::{self, StatusArray, StatusToken};
use licence_spec::suite::{SeedSigner, Signer, sha256};
use licence_spec::time::UnixTime;
use licence_spec::trust::*;
use licence_spec::verdict::Code;

const NOW: UnixTime = UnixTime(1_795_430_000);
const DAY: i64 = 86_400;
const URI: &str = "https://gz.elic.example/v1/status-lists/17";
const ORIGIN: &str = "gz.elic.example/log";
/// Seeds of the keys of 广州 and 深圳.
const GZ_LICENCE: u8 = 41;
const GZ_STATUS: u8 = 42;
const GZ_OLD: u8 = 43;
const GZ_STOLEN: u8 = 44;
const GZ_LOG: u8 = 45;
const GZ_OLD_LOG: u8 = 46;
const SZ_STATUS: u8 = 51;
const SZ_NODE: u8 = 52;

fn signer(seed: u8) -> SeedSigner {
    SeedSigner::from_seed(&[seed; 32]).unwrap()
}

fn key(seed: u8, role: Role) -> Key {
    let scope = Scope {
        role,
        types: Names::All,
        regions: Names::All,
        from: NOW.plus(-100 * DAY),
        to: NOW.plus(100 * DAY),
    };
    Key::new(*signer(seed).public_key(), vec![scope], KeyState::Active, NOW.plus(-100 * DAY))
}

fn in_state(seed: u8, state: KeyState) -> Key {
    let mut key = key(seed, Role::Status);
    key.change_state(state, NOW.plus(-10 * DAY));
    key
}

fn log(seed: u8, until: Option<UnixTime>) -> Log {
    let key = LogKey::new(ORIGIN, *signer(seed).public_key()).unwrap();
    Log { vkey: key.to_string(), key, since: NOW.plus(-100 * DAY), until }
}

fn entry(id: &str, host: &str, logs: Vec<Log>, keys: Vec<Key>) -> Entry {
    let (id, name, hosts) = (id.to_owned(), id.to_owned(), vec![host.to_owned()]);
    Entry { id, name, hosts, logs, keys, successor: None }
}

fn cut(tree: Option<Hash>) -> Cut {
    Cut { index: 4, tree: tree.map(|root| CutTree { origin: ORIGIN.to_owned(), root }) }
}

fn entries() -> Vec<Entry> {
    let guangzhou = vec![
        key(GZ_LICENCE, Role::Licence),
        key(GZ_STATUS, Role::Status),
        in_state(GZ_OLD, KeyState::Retired),
        in_state(GZ_STOLEN, KeyState::Compromised(cut(Some([7; 32])))),
    ];
    let logs = vec![log(GZ_OLD_LOG, Some(NOW.plus(-10 * DAY))), log(GZ_LOG, None)];
    let shenzhen = vec![key(SZ_STATUS, Role::Status), key(SZ_NODE, Role::Node)];
    vec![entry("A", "gz.elic.example", logs, guangzhou), entry("B", "sz.elic.example", Vec::new(), shenzhen)]
}

fn opened(entries: Vec<Entry>) -> Result<TrustFiles, Code> {
    let role = |seed: u8| RoleKeys { threshold: 1, keys: vec![*signer(seed).public_key()] };
    let root = RootContent {
        version: 1,
        iat: NOW.plus(-DAY),
        exp: NOW.plus(365 * DAY),
        name: "elicence.gd".to_owned(),
        root: role(1),
        list: role(2),
        timestamp: role(3),
    };
    let witness_policy = "quorum none\n".to_owned();
    let (iat, exp) = (NOW.plus(-DAY), NOW.plus(90 * DAY));
    let list = ListContent { version: 1, iat, exp, entries, witness_policy }.sign(&[&signer(2)]).unwrap();
    let stamp = TimestampContent {
        version: 1,
        iat: NOW,
        exp: NOW.plus(DAY),
        list_version: 1,
        list_length: list.len() as u64,
        list_digest: sha256(&[&list]),
    };
    let (root, stamp) = (root.sign(&[&signer(1)]).unwrap(), stamp.sign(&[&signer(3)]).unwrap());
    TrustFiles::load(Root::open_first(&root).unwrap(), &[], Some(&stamp), Some(&list))
}

fn files() -> TrustFiles {
    opened(entries()).unwrap()
}

fn token(uri: &str, seed: u8, iat: UnixTime) -> Arc<StatusToken> {
    let array = StatusArray::new(64);
    let bytes = status::sign(uri, iat, iat.plus(DAY), 300, &array, &signer(seed)).unwrap();
    Arc::new(StatusToken::parse(&bytes).unwrap())
}

#[test]
fn a_token_speaks_only_by_a_standing_status_key_of_its_host() {
    let files = files();
    let list = files.list().unwrap();
    let ask = |seed, iat| {
        list.speaker_of_token(&token(URI, seed, iat), Some(NOW)).map(|(entry, _)| entry.id.clone())
    };
    assert_eq!(ask(GZ_STATUS, NOW), Ok("A".to_owned()));
    assert_eq!(ask(GZ_STATUS, NOW.plus(60)), Ok("A".to_owned()), "clocks differ");
    assert_eq!(ask(GZ_STATUS, NOW.plus(61)), Err(SpeakFault::Future));
    assert_eq!(ask(SZ_STATUS, NOW), Err(SpeakFault::Signer), "a status key of another host");
    assert_eq!(ask(SZ_NODE, NOW), Err(SpeakFault::Signer));
    assert_eq!(ask(99, NOW), Err(SpeakFault::Signer), "a key of no list");
    assert_eq!(ask(GZ_LICENCE, NOW), Err(SpeakFault::Standing(Code::ScopeRole)));
    assert_eq!(ask(GZ_STATUS, NOW.plus(-101 * DAY)), Err(SpeakFault::Standing(Code::ScopeTime)));
    assert_eq!(ask(GZ_OLD, NOW.plus(-11 * DAY)), Ok("A".to_owned()), "before it was retired");
    assert_eq!(ask(GZ_OLD, NOW), Err(SpeakFault::Standing(Code::KeyNotValidAtIssue)));
    let stolen = Err(SpeakFault::Standing(Code::KeyCompromisedAfterCut));
    assert_eq!(ask(GZ_STOLEN, NOW.plus(-11 * DAY)), stolen, "nothing tells an early token from a forged one");
    let elsewhere = token("https://fs.elic.example/v1/status-lists/1", GZ_STATUS, NOW);
    assert_eq!(list.speaker_of_token(&elsewhere, Some(NOW)).err(), Some(SpeakFault::Host));
    // Without a clock the bound in time is not asked; the verdict asks it.
    assert!(list.speaker_of_token(&token(URI, GZ_STATUS, NOW.plus(20 * DAY)), None).is_ok());
}

#[test]
fn a_strangers_token_never_takes_the_place_of_one_that_speaks_and_gives_way_to_it() {
    let mut evidence = Evidence::new(Trust::Held(Arc::new(files())));
    let later = NOW.plus(50 * DAY);
    evidence.add_token(token(URI, SZ_NODE, later));
    let held = evidence.token(URI).unwrap();
    assert_eq!(
        (held.signer(), held.fault()),
        (None, Some(SpeakFault::Signer)),
        "so that a verdict can say so"
    );
    evidence.add_token(token(URI, GZ_STATUS, NOW));
    evidence.add_token(token(URI, SZ_NODE, later));
    assert_eq!(evidence.token(URI).unwrap().token().iat(), NOW);
    assert_eq!(evidence.token(URI).unwrap().signer(), Some(signer(GZ_STATUS).public_key()));
    // Under a list that no longer has the key the token says nothing, and nobody else's takes its place in silence.
    let mut without = entries();
    without[0].keys.remove(1);
    let next = evidence.with_trust(Trust::Held(Arc::new(opened(without).unwrap())));
    assert_eq!(next.token(URI).unwrap().fault(), Some(SpeakFault::Signer));
}

#[test]
fn a_checkpoint_speaks_only_by_the_key_of_a_log_in_its_period() {
    let files = files();
    let list = files.list().unwrap();
    let ask = |seed, time| {
        let key = LogKey::new(ORIGIN, *signer(seed).public_key()).unwrap();
        let note = Checkpoint { origin: ORIGIN, head: TreeHead { size: 3, root: [9; 32] } };
        let note = note.sign(&key, &signer(seed)).unwrap();
        list.speaker_of_checkpoint(&SignedCheckpoint::parse(note.as_bytes()).unwrap(), time).is_some()
    };
    assert!(ask(GZ_LOG, NOW) && !ask(GZ_LOG, NOW.plus(-101 * DAY)));
    assert!(ask(GZ_OLD_LOG, NOW.plus(-11 * DAY)) && !ask(GZ_OLD_LOG, NOW.plus(-10 * DAY)), "ended");
    assert!(!ask(GZ_STATUS, NOW), "another key of the authority");
    assert_eq!(list.logs_at(NOW).count(), 1);
}

#[test]
fn the_tree_of_a_cut_is_read_as_it_is_written_and_only_beside_a_cut_in_a_log_of_the_entry() {
    let files = files();
    let key = &files.list().unwrap().content().entries[0].keys[3];
    assert_eq!(key.state, KeyState::Compromised(cut(Some([7; 32]))));
    let with = |cut| {
        let mut entries = entries();
        entries[0].keys[3].state = KeyState::Compromised(cut);
        opened(entries)
    };
    let older = with(cut(None)).unwrap();
    assert_eq!(older.list().unwrap().content().entries[0].keys[3].cut().unwrap().head(), None);
    let elsewhere = CutTree { origin: "sz.elic.example/log".to_owned(), root: [7; 32] };
    let foreign = with(Cut { index: 4, tree: Some(elsewhere) });
    assert_eq!(foreign.err(), Some(Code::TrustListSignatureInvalid));
}

#[test]
fn only_what_dates_a_licence_before_the_theft_keeps_it_good() {
    let fault = |tree, proved: Proved<'_>| {
        in_state(GZ_STOLEN, KeyState::Compromised(cut(tree))).state_fault(NOW.plus(-50 * DAY), proved)
    };
    let (none, after) = (Some(Code::KeyCompromisedNoProof), Some(Code::KeyCompromisedAfterCut));
    let at = |origin, index, size, root| Proved {
        at: Some((origin, index)),
        head: Some(TreeHead { size, root: [root; 32] }),
        ..Proved::default()
    };
    let tree = Some([7; 32]);
    assert_eq!(fault(tree, Proved::default()), none);
    assert_eq!(fault(tree, at(ORIGIN, 3, 4, 7)), None, "the tree that the officers wrote down");
    assert_eq!(
        fault(tree, at(ORIGIN, 0, 1, 1)),
        none,
        "a tree of one leaf, as the thief of the log key makes"
    );
    assert_eq!(fault(tree, at(ORIGIN, 3, 4, 8)), none, "another tree of that size");
    assert_eq!(fault(tree, at(ORIGIN, 3, 9, 1)), none, "a later tree, which may have forked");
    assert_eq!(fault(tree, at(ORIGIN, 4, 9, 1)), after);
    assert_eq!(fault(tree, at("other/log", 3, 4, 7)), none, "another log of the entry");
    assert_eq!(fault(tree, at("other/log", 9, 12, 1)), none, "its indexes say nothing of this cut");
    let witnessed = |proved| Proved { is_witnessed_before: true, ..proved };
    assert_eq!(fault(tree, witnessed(at(ORIGIN, 3, 9, 1))), None);
    assert_eq!(fault(tree, witnessed(at("other/log", 9, 12, 1))), None);
    assert_eq!(fault(tree, witnessed(at(ORIGIN, 4, 9, 1))), after, "the officers know better");
    let looked_up = Proved { is_in_cut_tree: true, ..at(ORIGIN, 0, 1, 1) };
    assert_eq!(fault(tree, looked_up), None);
    // A list from before the tree was named: witnesses alone.
    assert_eq!(fault(None, at(ORIGIN, 3, 4, 7)), none);
    assert_eq!(fault(None, witnessed(at(ORIGIN, 3, 4, 7))), None);
    assert_eq!(fault(None, at(ORIGIN, 4, 9, 7)), after);
}
