//! CRYPTO and ISSUER: did the key that it names sign it, and may that key sign this, here, then?

use super::Case;
use super::checks::{LogFinding, is_cosigned_before, leaf};
use super::record::{Record, Source};
use crate::evidence::Trust;
use crate::log::merkle::verify_inclusion;
use crate::log::proof::VerifiedProof;
use crate::trust::{Cut, Entry, Key, KeyState, Proved};
use crate::verdict::{Code, Group, Warning};

/// The listed key that signed, and its entry.
pub(super) struct Signed<'a> {
    pub(super) entry: &'a Entry,
    key: &'a Key,
}

/// CRYPTO. `None` ends the judgement; the record then says why.
pub(super) fn check_signature<'a>(case: &Case<'a>, record: &mut Record) -> Option<Signed<'a>> {
    let object = &case.presented.object;
    if object.suite().is_none() {
        record.stop(Code::AlgorithmForbidden);
        return None;
    }
    let list = match case.evidence.trust() {
        Trust::Held(files) => files.list(),
        Trust::Refused(code) => {
            record.skip(Group::Crypto);
            record.stop(*code);
            return None;
        }
        Trust::Unavailable => None,
    };
    let Some(list) = list else {
        record.skip(Group::Crypto);
        record.stop(Code::TrustListUnavailable);
        return None;
    };
    let Some(entry) =
        list.entry(case.presented.iss).filter(|entry| entry.keys_with(object.kid()).next().is_some())
    else {
        record.skip(Group::Crypto);
        record.stop(if is_fresh(case) { Code::IssuerNotListed } else { Code::IssuerUnknownListStale });
        return None;
    };
    let signed = entry.keys_with(object.kid()).find(|key| key.signed(object));
    let Some(key) = signed else {
        record.stop(Code::SignatureInvalid);
        return None;
    };
    record.pass(Group::Crypto, None);
    Some(Signed { entry, key })
}

/// Whether the trust list may be relied on now.
pub(super) fn is_fresh(case: &Case<'_>) -> bool {
    case.evidence.trust_files().is_some_and(|files| files.is_fresh(case.now, case.policy.timestamp_grace_s))
}

/// The trust list as the source of a check.
fn source(case: &Case<'_>) -> Source {
    let files = case.evidence.trust_files()?;
    Some((*files.list()?.digest(), files.vouching()?.content().iat))
}

/// ISSUER.
pub(super) fn check(case: &Case<'_>, signed: Signed<'_>, log: &LogFinding, record: &mut Record) {
    let source = source(case);
    if !is_fresh(case) {
        record.found(Code::TrustListExpired, source);
        return;
    }
    if case.evidence.trust_files().is_some_and(|files| !files.is_fresh(case.now, 0)) {
        record.warn(Warning::GraceUsed);
    }
    if signed.entry.successor.is_some() {
        record.warn(Warning::IssuerSucceeded);
    }
    let code = scope_fault(case, signed.key).or_else(|| state_fault(case, signed.key, log)).or_else(|| {
        let list = case.evidence.trust_list()?;
        list.entry(case.presented.licence_issuer()).is_none().then_some(Code::IssuerNotListed)
    });
    match code {
        Some(code) => record.found(code, source),
        None => record.pass(Group::Issuer, source),
    }
}

/// What the scopes leave out. A missing area code is the schema's question; it is never a way around the region of a full
/// licence, because the schema then fails.
fn scope_fault(case: &Case<'_>, key: &Key) -> Option<Code> {
    let presented = case.presented;
    key.scope_fault(presented.role(), presented.vct, presented.fields.text(7), presented.iat)
}

/// What the state of the key says about what it signed then.
fn state_fault(case: &Case<'_>, key: &Key, log: &LogFinding) -> Option<Code> {
    let KeyState::Compromised(cut) = &key.state else {
        return key.state_fault(case.presented.iat, Proved::default());
    };
    if case.presented.view.is_some() {
        // Views are never logged, so nothing tells an early one from a forged one.
        return Some(Code::KeyCompromisedAfterCut);
    }
    let proof = match log {
        LogFinding::Proved(proof) => Some(proof),
        LogFinding::Absent | LogFinding::Faulty(_) => None,
    };
    let proved = Proved {
        at: proof.map(|proof| (proof.origin(), proof.index())),
        head: proof.map(VerifiedProof::head),
        is_witnessed_before: proof.is_some() && is_cosigned_before(case, key.since),
        is_in_cut_tree: is_in_cut_tree(case, cut),
    };
    key.state_fault(case.presented.iat, proved)
}

/// Whether the licence stands in the tree of the cut, by the look-up that came with the question.
fn is_in_cut_tree(case: &Case<'_>, cut: &Cut) -> bool {
    let (Some(head), Some(found)) = (cut.head(), case.policy.question.cut_proof) else { return false };
    verify_inclusion(found.index, &leaf(case), found.hashes, &head).is_ok()
}
