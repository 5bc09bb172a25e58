//! Verdicts near the vectors: what may change them, and in which direction.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use licence_spec::bundle::{self, Bundle};
use licence_spec::credential::Credential;
use licence_spec::evidence::Evidence;
use licence_spec::numbers::CLOCK_SKEW_S;
use licence_spec::qr::{self, QrContent};
use licence_spec::status::{self, Status, StatusToken};
use licence_spec::suite::{Digest, sha256};
use licence_spec::time::UnixTime;
use licence_spec::verdict::{Code, LicenceData, Outcome, Verdict};
use licence_spec::view::View;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::cases;
use super::format::{Presented, Set, Vector};
use super::keys::Keys;
use super::{library, load};

static SET: LazyLock<Set> = LazyLock::new(Set::read);
static KEYS: LazyLock<Keys> = LazyLock::new(Keys::read);

fn accepting() -> Vec<&'static Vector> {
    SET.vectors.iter().filter(|vector| vector.outcome == "ACCEPT").collect()
}

fn any_vector() -> impl Strategy<Value = &'static Vector> {
    proptest::sample::select(SET.vectors.iter().collect::<Vec<_>>())
}

/// What makes evidence: digest of the bundle, the pinned root, name of the one seen before, clock.
type Source = (Digest, Option<Digest>, Option<&'static str>, UnixTime);

/// Evidence is opened once: that takes longer than all verdicts on it.
fn evidence(vector: &'static Vector, bundle: &Bundle, now: UnixTime) -> Arc<Evidence> {
    static OPENED: LazyLock<Mutex<HashMap<Source, Arc<Evidence>>>> = LazyLock::new(Mutex::default);
    let seen = vector.seen.as_deref().filter(|_| !SET.policy(vector).past_moment);
    let pinned = SET.pinned(vector);
    let source = (sha256(&[&bundle.to_bytes()]), pinned, seen, now);
    if let Some(opened) = OPENED.lock().expect("no test panics with the lock").get(&source) {
        return Arc::clone(opened);
    }
    let opened = load::evidence_under(pinned.as_ref(), bundle, seen.map(|seen| &SET.bundles[seen]), now);
    let opened = Arc::new(opened);
    OPENED.lock().expect("no test panics with the lock").insert(source, Arc::clone(&opened));
    opened
}

/// The verdict on a vector with another bundle and clock.
fn judge(vector: &'static Vector, bundle: &Bundle, now: UnixTime) -> Verdict {
    library::judge_with(SET.object(vector), &evidence(vector, bundle, now), &SET.policy(vector), now)
}

/// The evidence of a vector as it is.
fn own_evidence(vector: &'static Vector) -> Arc<Evidence> {
    evidence(vector, SET.bundle(vector), vector.now())
}

// --- A byte changed -----------------------------------------------------------------------------------------------

/// Changes what is presented at one place.
fn flip(object: &Presented, at: Index, mask: u8) -> Presented {
    let in_hex = |text: &str| {
        let mut bytes = hex::decode(text).expect("objects are hex");
        *at.get_mut(&mut bytes) ^= mask;
        hex::encode(bytes)
    };
    match object {
        Presented::Hex(text) => Presented::Hex(in_hex(text)),
        Presented::Fetched { reference, hex } => {
            Presented::Fetched { reference: reference.clone(), hex: in_hex(hex) }
        }
        Presented::Qr(text) => {
            // A scan may have what is no ASCII around it, such as a byte order mark.
            let (mut characters, mask) = (text.chars().collect::<Vec<char>>(), (mask & 0x7f).max(1));
            let changed = at.get_mut(&mut characters);
            *changed = char::from(if changed.is_ascii() { *changed as u8 ^ mask } else { mask });
            Presented::Qr(characters.into_iter().collect())
        }
        Presented::Number(number) => Presented::Number(number.clone()),
    }
}

/// Whatever the outcome, data is either that of the object before the change, or none.
fn assert_same_data_or_none(before: Option<&LicenceData>, changed: &Verdict, what: &str) {
    if let Some(data) = changed.licence() {
        assert!(before == Some(data), "{what}: other licence data");
    } else {
        assert_ne!(changed.outcome(), Outcome::Accept, "{what}: accepted without data");
    }
}

/// spec/verdict.md, conformance: flipping any byte must never give another licence's data.
#[test]
fn no_bit_of_a_licence_can_change_without_losing_its_data() {
    for name in ["good", "good-logged"] {
        let vector = SET.vectors.iter().find(|vector| vector.name == name).expect("the vector");
        let (evidence, policy, now) = (own_evidence(vector), SET.policy(vector), vector.now());
        let Presented::Hex(text) = SET.object(vector) else { panic!("{name} is a file") };
        let good = hex::decode(text).expect("hex");
        let before = library::judge_with(SET.object(vector), &evidence, &policy, now);
        assert_eq!(before.outcome(), Outcome::Accept);
        for bit in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let changed = licence_spec::verify(&bytes, &evidence, &policy, now);
            assert_same_data_or_none(before.licence(), &changed, &format!("{name}, bit {bit}"));
        }
    }
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn changed_bytes_never_give_other_data(
        vector in proptest::sample::select(accepting()),
        changes in vec((any::<Index>(), 1_u8..), 1..4),
    ) {
        let (evidence, policy) = (own_evidence(vector), SET.policy(vector));
        let before = library::judge_with(SET.object(vector), &evidence, &policy, vector.now());
        let object = changes.iter().fold(SET.object(vector).clone(), |object, (at, mask)| flip(&object, *at, *mask));
        let changed = library::judge_with(&object, &evidence, &policy, vector.now());
        assert_same_data_or_none(before.licence(), &changed, &vector.name);
    }
}

// --- Evidence taken away ------------------------------------------------------------------------------------------

fn without(bundle: &Bundle, is_gone: impl Fn(&str) -> bool) -> Bundle {
    let kept = bundle.parts().filter(|(path, _)| !is_gone(path));
    Bundle::new(kept.map(|(path, bytes)| (path.to_owned(), bytes.to_vec()))).expect("part of a bundle is one")
}

/// Whether a part was itself the proof that something contradicts itself. Who has not seen it cannot know.
fn is_a_contradiction(code: Code, path: &str) -> bool {
    match code {
        Code::LogSplitView => path.starts_with("log/"),
        Code::TrustListRollback => path == bundle::root_path(2),
        _ => false,
    }
}

/// Invariant 3 of ARCHITECTURE.md: removing evidence never turns a verdict into ACCEPT.
fn assert_not_improved(vector: &'static Vector, gone: &[&str]) {
    let bundle = SET.bundle(vector);
    let before = judge(vector, bundle, vector.now());
    let after = judge(vector, &without(bundle, |path| gone.contains(&path)), vector.now());
    let shown = before.code().is_some_and(|code| gone.iter().any(|path| is_a_contradiction(code, path)));
    let improved = before.outcome() != Outcome::Accept && after.outcome() == Outcome::Accept;
    assert!(!improved || shown, "{} is accepted without {gone:?}", vector.name);
    let cleared = before.outcome() == Outcome::Reject && after.outcome() == Outcome::Accept;
    assert!(!cleared, "{} was rejected, and is accepted without {gone:?}", vector.name);
}

#[test]
fn without_any_one_part_nothing_more_is_accepted() {
    for vector in &SET.vectors {
        for (path, _) in SET.bundle(vector).parts() {
            assert_not_improved(vector, &[path]);
        }
    }
}

/// spec/verdict.md, conformance: deleting any piece of evidence from an accepting vector must flip it to INDETERMINATE.
#[test]
fn without_a_needed_part_what_was_accepted_is_indeterminate() {
    for vector in accepting() {
        let bundle = SET.bundle(vector);
        let before = judge(vector, bundle, vector.now());
        let (uri, _, _) = before.basis().status_list.as_ref().expect("a token was looked at");
        let own_token = bundle::status_path(uri);
        for (path, _) in bundle.parts() {
            let after = judge(vector, &without(bundle, |own| own == path), vector.now());
            let is_needed = !path.starts_with("log/") && (!path.starts_with("status/") || path == own_token);
            let expected = if is_needed { Outcome::Indeterminate } else { Outcome::Accept };
            assert_eq!(after.outcome(), expected, "{} without {path}", vector.name);
        }
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn without_any_set_of_parts_nothing_more_is_accepted(vector in any_vector(), kept in any::<u16>()) {
        let paths = SET.bundle(vector).parts().map(|(path, _)| path).enumerate();
        let gone: Vec<&str> = paths.filter(|(at, _)| kept >> (at % 16) & 1 == 0).map(|(_, path)| path).collect();
        assert_not_improved(vector, &gone);
    }
}

// --- A later clock ------------------------------------------------------------------------------------------------

/// Codes that say that the clock is too early for what is at hand; waiting heals them.
fn is_too_early(code: Code, verdict: &Verdict) -> bool {
    let token_is_of_the_future = || {
        let token = verdict.basis().status_list.as_ref();
        token.is_some_and(|(_, iat, _)| *iat > verdict.basis().now.plus(CLOCK_SKEW_S))
    };
    match code {
        Code::NotYetValid | Code::IssuedInFuture | Code::ClockUntrusted | Code::StatusAsOfNotCovered => true,
        Code::StatusUnavailable => token_is_of_the_future(),
        _ => false,
    }
}

/// Invariant 3 of ARCHITECTURE.md: ageing evidence never turns a verdict into ACCEPT.
fn assert_only_waiting_heals(vector: &'static Vector, earlier: UnixTime, later: UnixTime) {
    let (before, after) =
        (judge(vector, SET.bundle(vector), earlier), judge(vector, SET.bundle(vector), later));
    if before.outcome() != Outcome::Accept && after.outcome() == Outcome::Accept {
        let other: Vec<Code> = before.codes().filter(|code| !is_too_early(*code, &before)).collect();
        assert!(other.is_empty(), "{}: {other:?} at {earlier} was healed at {later}", vector.name);
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn a_later_clock_accepts_only_what_was_too_early(
        vector in any_vector(),
        back in prop_oneof![Just(0_i64), 0..200_i64, 0..300_000_i64],
        on in prop_oneof![0..200_i64, 0..300_000_i64, 0..400_000_000_i64],
    ) {
        let earlier = vector.now().plus(-back);
        assert_only_waiting_heals(vector, earlier, earlier.plus(on));
    }
}

/// The exceptions above are met, so that the property says something.
#[test]
fn what_takes_effect_in_a_second_is_accepted_a_second_later() {
    let healed = [
        "takes-effect-later",
        "issued-in-61-s",
        "clock-behind",
        "token-of-the-future",
        "as-of-before-the-token",
    ];
    for name in healed {
        let vector = SET.vectors.iter().find(|vector| vector.name == name).expect("the vector");
        let at = |now| judge(vector, SET.bundle(vector), now).outcome();
        assert_ne!(at(vector.now()), Outcome::Accept, "{name}");
        assert_eq!(at(vector.now().plus(1)), Outcome::Accept, "{name}");
        assert_only_waiting_heals(vector, vector.now(), vector.now().plus(1));
    }
}

// --- One more revocation ------------------------------------------------------------------------------------------

/// Uri and index of the status of what is presented, if it can be read.
fn status_of(object: &Presented) -> Option<(String, u64)> {
    let bytes = match object {
        Presented::Hex(text) | Presented::Fetched { hex: text, .. } => hex::decode(text).expect("hex"),
        Presented::Qr(text) => match qr::read(text) {
            Ok(QrContent::Object(bytes)) => bytes,
            _ => return None,
        },
        Presented::Number(_) => return None,
    };
    let status = match Credential::parse(&bytes) {
        Ok(licence) => licence.status,
        Err(_) => View::parse(&bytes).ok()?.status,
    }?;
    Some((status.uri.to_owned(), status.index))
}

/// The bundle with the entries at these places of one list revoked, signed again by the same key at the same time.
fn revoking(bundle: &Bundle, uri: &str, indexes: &[u64]) -> Option<Bundle> {
    let path = bundle::status_path(uri);
    let token = StatusToken::parse(bundle.part(&path)?).expect("the tokens of the vectors are conformant");
    let mut array = token.array().clone();
    for index in indexes {
        // Past the end nothing changes.
        array.set(*index, Status::Invalid);
    }
    let signer = KEYS.of_id(token.kid());
    let bytes = status::sign(uri, token.iat(), token.exp(), token.ttl_s(), &array, signer).expect("signed");
    let parts = bundle.parts().filter(|(own, _)| *own != path);
    let parts = parts.map(|(own, bytes)| (own.to_owned(), bytes.to_vec())).chain([(path.clone(), bytes)]);
    Some(Bundle::new(parts).expect("the same paths"))
}

/// The better a verdict is for the holder, the higher.
const fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Accept => 2,
        Outcome::Indeterminate | Outcome::NoCredential => 1,
        Outcome::Reject => 0,
    }
}

proptest! {
    #![proptest_config(cases(200))]

    /// Invariant 3 of ARCHITECTURE.md: adding a revocation never improves a verdict.
    #[test]
    fn another_revocation_never_improves_a_verdict(
        vector in any_vector(),
        indexes in vec(0..64_u64, 1..8),
    ) {
        // The list of most vectors is taken where the object names none.
        let uri = status_of(SET.object(vector)).map_or("https://gz.elic.example/v1/status-lists/17".to_owned(), |(uri, _)| uri);
        let Some(revoked) = revoking(SET.bundle(vector), &uri, &indexes) else { return Ok(()) };
        let before = judge(vector, SET.bundle(vector), vector.now());
        let after = judge(vector, &revoked, vector.now());
        prop_assert!(rank(after.outcome()) <= rank(before.outcome()), "{}: {:?}", vector.name, after.code());
    }
}

/// And the own entry decides: what was accepted is rejected.
#[test]
fn what_was_accepted_is_rejected_once_its_own_entry_is_revoked() {
    for vector in accepting() {
        let (uri, index) = status_of(SET.object(vector)).expect("what is accepted has a status");
        let revoked = revoking(SET.bundle(vector), &uri, &[index]).expect("its token is at hand");
        let verdict = judge(vector, &revoked, vector.now());
        // Another token of the time of one that was seen is a roll-back, which proves nothing.
        let seen = SET
            .seen(vector)
            .filter(|_| vector.policy != "archive")
            .and_then(|seen| seen.part(&bundle::status_path(&uri)));
        let is_a_fork =
            seen.is_some_and(|seen| Some(seen) == SET.bundle(vector).part(&bundle::status_path(&uri)));
        let expected = if is_a_fork { Code::StatusRollback } else { Code::Revoked };
        assert_eq!(verdict.code(), Some(expected), "{}", vector.name);
    }
}
