//! The first face: the library itself.

use licence_spec::evidence::Evidence;
use licence_spec::policy::Policy;
use licence_spec::qr::{self, QrContent};
use licence_spec::time::UnixTime;
use licence_spec::verdict::Verdict;
use licence_spec::verify::{not_found, reference_host_is_listed, verify, verify_fetched, verify_qr};

use super::format::{Presented, Set, Vector};
use super::load;

/// The verdict of the library on a vector.
pub(crate) fn judge(set: &Set, vector: &Vector) -> Verdict {
    let (policy, now) = (set.policy(vector), vector.now());
    // A past moment is judged from the evidence of its time, whatever has been seen since.
    let seen = set.seen(vector).filter(|_| !policy.past_moment);
    let evidence = load::evidence_under(set.pinned(vector).as_ref(), set.bundle(vector), seen, now);
    judge_with(set.object(vector), &evidence, &policy, now)
}

/// The verdict on an object from this evidence.
pub(crate) fn judge_with(
    object: &Presented,
    evidence: &Evidence,
    policy: &Policy<'_>,
    now: UnixTime,
) -> Verdict {
    let bytes = |text: &String| hex::decode(text).expect("objects are hex");
    match object {
        Presented::Hex(text) => verify(&bytes(text), evidence, policy, now),
        Presented::Qr(text) => verify_qr(text, evidence, policy, now),
        Presented::Fetched { reference, hex } => match qr::read(reference) {
            Ok(QrContent::Reference(named))
                if reference_host_is_listed(&named.host, evidence, policy, now).is_ok() =>
            {
                verify_fetched(&bytes(hex), &named.digest, evidence, policy, now)
            }
            _ => verify_qr(reference, evidence, policy, now),
        },
        Presented::Number(_) => not_found(evidence, policy, now),
    }
}

/// The one JSON form.
pub(crate) fn json(verdict: &Verdict) -> String {
    serde_json::to_string(verdict).expect("a verdict can be written")
}
