//! The scenarios of the TUF conformance suite that fit three roles (spec/trust-list.md), by the names that it gives them: what a
//! client that holds trust files does with what a repository, or a thief of some of its keys, offers. "Targets" is our list.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it cannot go on")]

use licence_spec::numbers::{MAX_LIST, MAX_ROOT_STEPS};
use licence_spec::suite::{SeedSigner, Signer, sha256};
use licence_spec::time::UnixTime;
use licence_spec::trust::*;
use licence_spec::verdict::Code;

const NOW: UnixTime = UnixTime(1_795_430_000);
const DAY: i64 = 86_400;

/// The keys of one role: seeds, and how many must sign.
#[derive(Clone, Copy)]
struct Keys {
    seeds: &'static [u8],
    threshold: usize,
}

const ROOT: Keys = Keys { seeds: &[1, 2, 3], threshold: 2 };
const LIST: Keys = Keys { seeds: &[11, 12, 13], threshold: 2 };
const TIMESTAMP: Keys = Keys { seeds: &[21], threshold: 1 };

fn signer(seed: u8) -> SeedSigner {
    SeedSigner::from_seed(&[seed; 32]).expect("a key")
}

fn role(keys: Keys) -> RoleKeys {
    RoleKeys {
        threshold: keys.threshold,
        keys: keys.seeds.iter().map(|seed| *signer(*seed).public_key()).collect(),
    }
}

fn signed<T>(seeds: &[u8], sign: impl FnOnce(&[&dyn Signer]) -> T) -> T {
    let signers: Vec<_> = seeds.iter().map(|seed| signer(*seed)).collect();
    let signers: Vec<&dyn Signer> = signers.iter().map(|signer| signer as &dyn Signer).collect();
    sign(&signers)
}

/// A repository: what its next files say.
#[derive(Clone)]
struct Repository {
    root: RootContent,
    list: ListContent,
    timestamp: u64,
}

impl Repository {
    fn new() -> Repository {
        let root = RootContent {
            version: 1,
            iat: NOW,
            exp: NOW.plus(365 * DAY),
            name: "elicence.gd".to_owned(),
            root: role(ROOT),
            list: role(LIST),
            timestamp: role(TIMESTAMP),
        };
        let list = ListContent {
            version: 5,
            iat: NOW,
            exp: NOW.plus(90 * DAY),
            entries: Vec::new(),
            witness_policy: "quorum none\n".to_owned(),
        };
        Repository { root, list, timestamp: 7 }
    }

    /// The root that comes next, changed as told, signed by these.
    fn next_root(&mut self, seeds: &[u8], change: impl FnOnce(&mut RootContent)) -> Vec<u8> {
        self.root.version += 1;
        change(&mut self.root);
        signed(seeds, |signers| self.root.sign(signers)).expect("signed")
    }

    fn list(&self) -> Vec<u8> {
        signed(&LIST.seeds[..2], |signers| self.list.sign(signers)).expect("signed")
    }

    /// A timestamp over a list, by these.
    fn timestamp_by(&self, seeds: &[u8], list: &[u8]) -> Vec<u8> {
        let content = TimestampContent {
            version: self.timestamp,
            iat: NOW,
            exp: NOW.plus(3 * DAY),
            list_version: self.list.version,
            list_length: list.len() as u64,
            list_digest: sha256(&[list]),
        };
        signed(seeds, |signers| content.sign(signers)).expect("signed")
    }

    fn timestamp(&self) -> Vec<u8> {
        self.timestamp_by(TIMESTAMP.seeds, &self.list())
    }

    fn first_root(&self) -> Vec<u8> {
        signed(&ROOT.seeds[..2], |signers| self.root.sign(signers)).expect("signed")
    }

    /// A client that holds root 1, timestamp 7 and list 5.
    fn client(&self) -> TrustFiles {
        let mut files = TrustFiles::new(Root::open_first(&self.first_root()).expect("good"));
        assert_eq!(files.take_timestamp(&self.timestamp(), NOW), Ok(Taken::New));
        assert_eq!(files.take_list(&self.list(), NOW), Ok(Taken::New));
        files
    }
}

/// What a client holds, to see that nothing has changed.
fn held(files: &TrustFiles) -> (u64, Option<[u8; 32]>, Option<[u8; 32]>) {
    let list = files.list().map(|list| *list.digest());
    (files.root().content().version, files.timestamp().map(|held| *held.digest()), list)
}

/// The client refuses what is offered and holds what it held.
fn refuses<T: std::fmt::Debug>(
    files: &mut TrustFiles,
    code: Code,
    offer: impl FnOnce(&mut TrustFiles) -> Result<T, Code>,
) {
    let before = held(files);
    assert_eq!(offer(files).expect_err("refused"), code);
    assert_eq!(held(files), before, "what was held stays in force");
}

#[test]
fn timestamp_version_rollback() {
    let mut repository = Repository::new();
    let mut files = repository.client();
    repository.timestamp = 6;
    refuses(&mut files, Code::TrustListRollback, |files| files.take_timestamp(&repository.timestamp(), NOW));
    // A later end does not make an older version newer.
    assert_eq!(files.take_timestamp(&Repository::new().timestamp(), NOW), Ok(Taken::Same));
}

#[test]
fn targets_rollback() {
    let mut repository = Repository::new();
    let mut files = repository.client();
    (repository.timestamp, repository.list.version) = (8, 4);
    refuses(&mut files, Code::TrustListRollback, |files| files.take_timestamp(&repository.timestamp(), NOW));
    let older = repository.list();
    refuses(&mut files, Code::TrustListSignatureInvalid, |files| files.take_list(&older, NOW));
}

#[test]
fn timestamp_fast_forward_recovery() {
    let mut repository = Repository::new();
    let mut files = repository.client();
    repository.timestamp = 1 << 40;
    assert_eq!(files.take_timestamp(&repository.timestamp(), NOW), Ok(Taken::New), "by a thief of the key");
    repository.timestamp = 8;
    refuses(&mut files, Code::TrustListRollback, |files| files.take_timestamp(&repository.timestamp(), NOW));
    const FRESH: Keys = Keys { seeds: &[22], threshold: 1 };
    let root = repository.next_root(&[1, 2], |root| root.timestamp = role(FRESH));
    assert_eq!(files.take_root(&root), Ok((Taken::New, true)));
    assert!(files.timestamp().is_none() && files.list().is_none(), "both are dropped");
    let timestamp = repository.timestamp_by(FRESH.seeds, &repository.list());
    assert_eq!(files.take_timestamp(&timestamp, NOW), Ok(Taken::New));
    assert_eq!(files.take_list(&repository.list(), NOW), Ok(Taken::New));
}

#[test]
fn targets_fast_forward_recovery() {
    let mut repository = Repository::new();
    let mut files = repository.client();
    (repository.timestamp, repository.list.version) = (8, 1 << 40);
    assert_eq!(files.take_timestamp(&repository.timestamp(), NOW), Ok(Taken::New), "by thieves of keys");
    assert_eq!(files.take_list(&repository.list(), NOW), Ok(Taken::New));
    (repository.timestamp, repository.list.version) = (9, 6);
    refuses(&mut files, Code::TrustListRollback, |files| files.take_timestamp(&repository.timestamp(), NOW));
    const FRESH: Keys = Keys { seeds: &[14, 15, 16], threshold: 2 };
    let root = repository.next_root(&[2, 3], |root| root.list = role(FRESH));
    assert_eq!(files.take_root(&root), Ok((Taken::New, true)));
    let list = signed(&FRESH.seeds[1..], |signers| repository.list.sign(signers)).expect("signed");
    let timestamp = repository.timestamp_by(TIMESTAMP.seeds, &list);
    assert_eq!(files.take_timestamp(&timestamp, NOW), Ok(Taken::New));
    assert_eq!(files.take_list(&list, NOW), Ok(Taken::New));
    assert_eq!(files.list().map(|list| list.content().version), Some(6));
}

#[test]
fn root_expired() {
    let mut repository = Repository::new();
    let mut files = repository.client();
    let end = NOW.plus(DAY);
    let root = repository.next_root(&[1, 2], |root| root.exp = end);
    assert_eq!(files.take_root(&root), Ok((Taken::New, false)), "expiry is asked after the last root");
    repository.timestamp = 8;
    let timestamp = repository.timestamp();
    refuses(&mut files, Code::TrustListExpired, |files| files.take_timestamp(&timestamp, end));
    // A later root that has not ended heals it; only the last one must be within its time.
    let root = repository.next_root(&[1, 2], |root| root.exp = NOW.plus(400 * DAY));
    assert_eq!(files.take_root(&root), Ok((Taken::New, false)));
    assert_eq!(files.take_timestamp(&timestamp, end), Ok(Taken::New));
}

#[test]
fn timestamp_expired() {
    let mut repository = Repository::new();
    let mut files = repository.client();
    repository.timestamp = 8;
    let timestamp = repository.timestamp();
    let end = NOW.plus(3 * DAY);
    refuses(&mut files, Code::TrustListExpired, |files| files.take_timestamp(&timestamp, end));
    assert!(files.is_fresh(end.plus(-1), 0) && !files.is_fresh(end, 0), "a frozen client notices");
    assert_eq!(files.take_timestamp(&timestamp, end.plus(-1)), Ok(Taken::New));
}

#[test]
fn targets_expired() {
    let mut repository = Repository::new();
    let mut files = repository.client();
    (repository.timestamp, repository.list.version, repository.list.exp) = (8, 6, NOW.plus(DAY));
    assert_eq!(files.take_timestamp(&repository.timestamp(), NOW), Ok(Taken::New));
    let list = repository.list();
    refuses(&mut files, Code::TrustListExpired, |files| files.take_list(&list, NOW.plus(DAY)));
    assert_eq!(files.take_list(&list, NOW.plus(DAY - 1)), Ok(Taken::New));
    assert!(!files.is_fresh(NOW.plus(DAY), 0));
}

#[test]
fn duplicate_sig_keyids() {
    let mut repository = Repository::new();
    let mut files = repository.client();
    // A list newer than the one held: another of the same version is refused at its timestamp already.
    (repository.timestamp, repository.list.version) = (8, 6);
    let list = repository.list();
    // The file of one officer, with his signature once more: the format has no such file, and merging refuses it.
    let proposal = Proposal::new(&Proposed::List(repository.list.clone())).unwrap();
    let once = proposal.sign(&signer(11)).unwrap();
    let twice = proposal.assemble(&[&once, &once], Some(&role(LIST)), None);
    assert_eq!(twice, Err(SignatureError::Twice(1, signer(11).public_key().kid())));
    assert!(signed(&[11, 11], |signers| repository.list.sign(signers)).is_err());
    // Written by hand: the second signature replaced by the first, in a file of the right length.
    let (first, second) = (signature_of(&list, 0), signature_of(&list, 1));
    let forged = [&list[..second], &list[first..second]].concat();
    assert_eq!(forged.len(), list.len());
    let timestamp = repository.timestamp_by(TIMESTAMP.seeds, &forged);
    assert_eq!(files.take_timestamp(&timestamp, NOW), Ok(Taken::New));
    refuses(&mut files, Code::TrustListSignatureInvalid, |files| files.take_list(&forged, NOW));
}

/// Where a signature of a file of two begins; each has 3 + 13 + 1 + 66 bytes at the end of the file.
fn signature_of(file: &[u8], at: usize) -> usize {
    let length = file.len() - (2 - at) * SIGNATURE;
    assert_eq!(file[length], 0x83, "array(3)");
    length
}
/// `83`, the protected header `4d a2 01 32 04 48 <kid>`, `a0`, `58 40 <signature>`.
const SIGNATURE: usize = 1 + 1 + 13 + 1 + 2 + 64;

#[test]
fn threshold_not_met_for_each_role() {
    let mut repository = Repository::new();
    let mut files = repository.client();
    for seeds in [&[1][..], &[9, 1], &[1, 11, 12]] {
        let mut other = repository.clone();
        let root = other.next_root(seeds, |_| ());
        refuses(&mut files, Code::TrustListSignatureInvalid, |files| files.take_root(&root));
    }
    assert!(Root::open_first(&signed(&[1], |signers| repository.root.sign(signers)).unwrap()).is_err());
    repository.timestamp = 8;
    for seeds in [&[9][..], &[1], &[11, 12]] {
        let timestamp = repository.timestamp_by(seeds, &repository.list());
        refuses(&mut files, Code::TrustListSignatureInvalid, |files| files.take_timestamp(&timestamp, NOW));
    }
    repository.list.version = 6;
    for (at, seeds) in [&[11][..], &[9, 11], &[1, 2, 11]].into_iter().enumerate() {
        let list = signed(seeds, |signers| repository.list.sign(signers)).unwrap();
        repository.timestamp = 8 + at as u64;
        let timestamp = repository.timestamp_by(TIMESTAMP.seeds, &list);
        assert_eq!(files.take_timestamp(&timestamp, NOW), Ok(Taken::New));
        refuses(&mut files, Code::TrustListSignatureInvalid, |files| files.take_list(&list, NOW));
    }
}

#[test]
fn root_rotation_threshold_up_and_down() {
    const UP: Keys = Keys { seeds: &[1, 2, 3], threshold: 3 };
    let mut repository = Repository::new();
    let mut files = repository.client();
    let two = repository.clone().next_root(&[1, 2], |root| root.root = role(UP));
    refuses(&mut files, Code::TrustListSignatureInvalid, |files| files.take_root(&two));
    let root = repository.next_root(&[1, 2, 3], |root| root.root = role(UP));
    assert_eq!(files.take_root(&root), Ok((Taken::New, false)));
    let down = |root: &mut RootContent| root.root.threshold = 1;
    let two = repository.clone().next_root(&[1, 2], down);
    refuses(&mut files, Code::TrustListSignatureInvalid, |files| files.take_root(&two));
    let root = repository.next_root(&[1, 2, 3], down);
    assert_eq!(files.take_root(&root), Ok((Taken::New, false)));
    let root = repository.next_root(&[3], |_| ());
    assert_eq!(files.take_root(&root), Ok((Taken::New, false)), "one is enough from here on");
}

#[test]
fn root_rotation_all_keys_changed() {
    const FRESH: Keys = Keys { seeds: &[4, 5, 6], threshold: 2 };
    let mut repository = Repository::new();
    let mut files = repository.client();
    let root = repository.next_root(&[1, 2, 5, 6], |root| root.root = role(FRESH));
    assert_eq!(files.take_root(&root), Ok((Taken::New, false)));
    let by_the_old = repository.clone().next_root(&[1, 2, 3], |_| ());
    refuses(&mut files, Code::TrustListSignatureInvalid, |files| files.take_root(&by_the_old));
    assert_eq!(files.take_root(&repository.next_root(&[4, 6], |_| ())), Ok((Taken::New, false)));
}

#[test]
fn root_rotation_one_step_missing() {
    let mut repository = Repository::new();
    let mut files = repository.client();
    let second = repository.next_root(&[1, 2], |_| ());
    let third = repository.next_root(&[1, 2], |_| ());
    refuses(&mut files, Code::TrustListRollback, |files| files.take_root(&third));
    assert_eq!(files.take_root(&second), Ok((Taken::New, false)));
    assert_eq!(files.take_root(&third), Ok((Taken::New, false)));
    refuses(&mut files, Code::TrustListRollback, |files| files.take_root(&second));
}

#[test]
fn root_rotation_new_keys_only() {
    const FRESH: Keys = Keys { seeds: &[4, 5, 6], threshold: 2 };
    let mut repository = Repository::new();
    let mut files = repository.client();
    for seeds in [&[4, 5, 6][..], &[1, 4, 5, 6], &[1, 2, 3], &[1, 2, 4]] {
        let root = repository.clone().next_root(seeds, |root| root.root = role(FRESH));
        refuses(&mut files, Code::TrustListSignatureInvalid, |files| files.take_root(&root));
    }
    let renamed = repository.next_root(&[1, 2], |root| root.name = "elicence.other".to_owned());
    refuses(&mut files, Code::TrustListSignatureInvalid, |files| files.take_root(&renamed));
}

#[test]
fn non_root_rotations() {
    let mut repository = Repository::new();
    let mut files = repository.client();
    let root = repository.next_root(&[1, 2], |root| root.exp = NOW.plus(500 * DAY));
    assert_eq!(files.take_root(&root), Ok((Taken::New, false)));
    assert!(files.timestamp().is_some() && files.list().is_some(), "no other role changed: all stays");
    const FRESH: Keys = Keys { seeds: &[11, 12, 14], threshold: 2 };
    let root = repository.next_root(&[1, 2], |root| root.list = role(FRESH));
    assert_eq!(files.take_root(&root), Ok((Taken::New, true)));
    let by_the_old = signed(&[11, 13], |signers| repository.list.sign(signers)).unwrap();
    repository.timestamp = 1;
    assert_eq!(
        files.take_timestamp(&repository.timestamp_by(TIMESTAMP.seeds, &by_the_old), NOW),
        Ok(Taken::New),
        "the timestamp of a repository that has begun anew"
    );
    refuses(&mut files, Code::TrustListSignatureInvalid, |files| files.take_list(&by_the_old, NOW));
    let list = signed(&[12, 14], |signers| repository.list.sign(signers)).unwrap();
    repository.timestamp = 2;
    assert_eq!(files.take_timestamp(&repository.timestamp_by(TIMESTAMP.seeds, &list), NOW), Ok(Taken::New));
    assert_eq!(files.take_list(&list, NOW), Ok(Taken::New));
}

#[test]
fn unrelated_keys() {
    let mut repository = Repository::new();
    let mut files = repository.client();
    (repository.timestamp, repository.list.version) = (8, 6);
    // A key that nobody knows, and keys of another role, beside enough of the right ones: ignored.
    let list = signed(&[11, 12, 99, 1], |signers| repository.list.sign(signers)).unwrap();
    assert_eq!(files.take_timestamp(&repository.timestamp_by(&[21, 99], &list), NOW), Ok(Taken::New));
    assert_eq!(files.take_list(&list, NOW), Ok(Taken::New));
    assert_eq!(files.take_root(&repository.next_root(&[1, 2, 99], |_| ())), Ok((Taken::New, false)));
    // A broken signature of a key of the role spoils the file, though enough others are right.
    let mut root = repository.next_root(&[1, 2, 3], |_| ());
    let last = root.len() - 1;
    root[last] ^= 1;
    refuses(&mut files, Code::TrustListSignatureInvalid, |files| files.take_root(&root));
}

#[test]
fn equal_version_other_bytes() {
    let mut repository = Repository::new();
    let mut files = repository.client();
    repository.list.exp = NOW.plus(91 * DAY);
    refuses(&mut files, Code::TrustListRollback, |files| files.take_timestamp(&repository.timestamp(), NOW));
    let root = signed(&[2, 3], |signers| repository.root.sign(signers)).unwrap();
    refuses(&mut files, Code::TrustListRollback, |files| files.take_root(&root));
    assert_eq!(files.take_root(&repository.first_root()), Ok((Taken::Same, false)));
}

#[test]
fn file_longer_than_announced() {
    let mut repository = Repository::new();
    let mut files = repository.client();
    (repository.timestamp, repository.list.version) = (8, 6);
    assert_eq!(files.take_timestamp(&repository.timestamp(), NOW), Ok(Taken::New));
    let list = repository.list();
    assert_eq!(
        files.wanted_list(),
        Some((6, list.len() as u64, sha256(&[&list]))),
        "read at most that length"
    );
    let longer = [list.as_slice(), &[0]].concat();
    refuses(&mut files, Code::TrustListSignatureInvalid, |files| files.take_list(&longer, NOW));
    refuses(&mut files, Code::TrustListSignatureInvalid, |files| files.take_list(&list[1..], NOW));
    assert_eq!(files.take_list(&list, NOW), Ok(Taken::New));
    // A timestamp that announces more than any list may have announces nothing.
    let content = TimestampContent {
        version: 9,
        iat: NOW,
        exp: NOW.plus(DAY),
        list_version: 7,
        list_length: MAX_LIST as u64 + 1,
        list_digest: [0; 32],
    };
    let timestamp = signed(TIMESTAMP.seeds, |signers| content.sign(signers)).unwrap();
    refuses(&mut files, Code::TrustListSignatureInvalid, |files| files.take_timestamp(&timestamp, NOW));
}

#[test]
fn hash_mismatch() {
    let mut repository = Repository::new();
    let mut files = repository.client();
    (repository.timestamp, repository.list.version) = (8, 6);
    assert_eq!(files.take_timestamp(&repository.timestamp(), NOW), Ok(Taken::New));
    // Rightly signed, of the announced length and version, and still not the announced one.
    let named = repository.list();
    repository.list.exp = NOW.plus(91 * DAY);
    let other = repository.list();
    assert_eq!(other.len(), named.len());
    refuses(&mut files, Code::TrustListSignatureInvalid, |files| files.take_list(&other, NOW));
    assert_eq!(files.take_list(&named, NOW), Ok(Taken::New));
}

#[test]
fn many_root_steps() {
    let mut repository = Repository::new();
    let mut files = repository.client();
    let roots: Vec<_> = (0..MAX_ROOT_STEPS).map(|_| repository.next_root(&[1, 2], |_| ())).collect();
    for root in &roots {
        assert_eq!(files.take_root(root), Ok((Taken::New, false)));
    }
    assert_eq!(files.root().content().version, 65);
    let later: Vec<&[u8]> = roots.iter().map(Vec::as_slice).collect();
    let first = Root::open_first(&Repository::new().first_root()).unwrap();
    let (timestamp, list) = (Repository::new().timestamp(), Repository::new().list());
    let loaded = TrustFiles::load(first, &later, Some(&timestamp), Some(&list)).unwrap();
    assert_eq!(held(&loaded), held(&files), "what was stored loads to the same");
}
