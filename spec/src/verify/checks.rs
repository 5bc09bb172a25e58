//! TIME, SCHEMA, STATUS, LOG, SUBJECT and POLICY.

use alloc::string::String;
use alloc::vec::Vec;

use super::Case;
use super::issuer::is_fresh;
use super::record::{Record, Source};
use crate::catalogue::ServiceItem;
use crate::credential::{FieldMap, StatusReference, uri_host};
use crate::evidence::{HeldToken, Registered};
use crate::identifiers::{AskedCode, SameHolder, same_name};
use crate::log::checkpoint::CheckpointError;
use crate::log::entry::{Entry, Op};
use crate::log::merkle::{Hash, TreeHead};
use crate::log::proof::{LogFault, LogProof, ProofFault, VerifiedProof};
use crate::numbers::CLOCK_SKEW_S;
use crate::policy::{LogLookUp, LogMemory, Remembered, Subject};
use crate::status::{Status, signed_ahead};
use crate::suite::Digest;
use crate::time::UnixTime;
use crate::trust::Log;
use crate::verdict::{Code, Group, LogBasis, LogPlace, Warning};
use crate::view::HolderMark;

/// A licence that ends within this many seconds gets the warning EXPIRES_SOON: 30 days.
const EXPIRES_SOON_S: i64 = 30 * 86_400;

/// TIME: within its dates, and the clock is to be believed.
pub(super) fn time(case: &Case<'_>, record: &mut Record) {
    let (presented, now) = (case.presented, case.now);
    let mut codes = Vec::new();
    if presented.nbf.is_some_and(|nbf| now < nbf) {
        codes.push(Code::NotYetValid);
    }
    // The end of a view is a question of policy.
    if presented.view.is_none() && now >= presented.exp {
        codes.push(Code::Expired);
    }
    let newest = case.evidence.trust_files().map(|files| files.newest_iat());
    if !case.policy.past_moment && newest.is_some_and(|newest| now.plus(CLOCK_SKEW_S) < newest) {
        codes.push(Code::ClockUntrusted);
    }
    if presented.iat > now.plus(CLOCK_SKEW_S) {
        codes.push(Code::IssuedInFuture);
    }
    if codes.is_empty() && presented.view.is_none() && presented.exp.since(now) <= EXPIRES_SOON_S {
        record.warn(Warning::ExpiresSoon);
    }
    record.group(Group::Time, &codes, None);
}

/// SCHEMA: the content fits the revision of its type; a view shows only what its service item allows.
pub(super) fn schema(case: &Case<'_>, record: &mut Record) {
    let presented = case.presented;
    let Some(catalogue) = case.evidence.catalogue() else {
        record.found(Code::SchemaUnavailable, None);
        return;
    };
    let source = Some((*catalogue.digest(), catalogue.content().issued_at));
    let revision =
        catalogue.licence_type(presented.vct).and_then(|kind| kind.revision(presented.fields.revision()));
    let Some(revision) = revision else {
        record.found(Code::SchemaUnavailable, source);
        return;
    };
    let life = presented.exp.since(presented.iat);
    let fits = match &presented.view {
        None => life <= revision.longest_life_s && revision.check(&presented.fields).is_ok(),
        Some((_, grounds)) => match catalogue.service_item(grounds.service_item) {
            // A service item that the catalogue does not know is the policy's question.
            None => {
                record.found(Code::SchemaUnavailable, source);
                return;
            }
            Some(item) => {
                life <= item.longest_view_life_s
                    && item
                        .accepted(presented.vct)
                        .is_some_and(|accepted| revision.check_view(&presented.fields, accepted).is_ok())
            }
        },
    };
    let codes: &[Code] = match fits {
        true => &[],
        false if is_of_a_newer_catalogue(case) => &[Code::SchemaUnavailable],
        false => &[Code::SchemaMismatch],
    };
    record.group(Group::Schema, codes, source);
}

/// Whether a view was made by a newer catalogue than the one at hand, which then proves nothing against it.
fn is_of_a_newer_catalogue(case: &Case<'_>) -> bool {
    let made_by = case.presented.view.as_ref().map_or(0, |(_, grounds)| grounds.catalogue_version);
    case.evidence.catalogue().is_none_or(|held| held.version() < made_by)
}

/// STATUS. Returns the token that was looked at.
pub(super) fn status(case: &Case<'_>, record: &mut Record) -> Option<(String, UnixTime, Digest)> {
    let Some(reference) = case.presented.status else {
        record.found(Code::StatusMissing, None);
        return None;
    };
    if is_on_foreign_host(case, reference) {
        record.found(Code::StatusSignerUntrusted, None);
        return None;
    }
    let Some(held) = case.evidence.token(reference.uri) else {
        record.found(Code::StatusUnavailable, None);
        return None;
    };
    let token = held.token();
    let source: Source = Some((*token.digest(), token.iat()));
    let registered = registered(case, reference);
    match token_fault(case, held) {
        Some(code) => record.found(code, source),
        None => {
            // A change that the token does not show yet is its own source: the log has its digest.
            let source = registered.and_then(|own| own.change).or(source);
            match value_code(case, reference, held, registered, record) {
                Some(code) => record.found(code, source),
                None => record.pass(Group::Status, source),
            }
        }
    }
    if case.now.since(token.iat()) > token.ttl_s() && case.now < token.exp() {
        record.warn(Warning::StatusAge);
    }
    Some((String::from(token.uri()), token.iat(), *token.digest()))
}

/// Whether the list lies on a host that the issuer's entry does not have: nobody can speak for it there, and it is never fetched.
fn is_on_foreign_host(case: &Case<'_>, reference: StatusReference<'_>) -> bool {
    let entry = case.evidence.trust_list().and_then(|list| list.entry(case.presented.licence_issuer()));
    entry.is_some_and(|entry| uri_host(reference.uri).is_none_or(|host| !entry.has_host(host)))
}

/// Whether the token may be used at all, in the order of spec/status.md §4.
fn token_fault(case: &Case<'_>, held: &HeldToken) -> Option<Code> {
    let token = held.token();
    if signed_ahead(token.iat(), case.now) && !case.policy.past_moment {
        return Some(Code::StatusUnavailable);
    }
    // Whose token speaks for its list was found out when it was taken; here the list has to be one of the issuer's own.
    let entry = case.evidence.trust_list().and_then(|list| list.entry(case.presented.licence_issuer()));
    let is_issuers = entry
        .zip(held.signer())
        .is_some_and(|(entry, signer)| entry.keys_with(token.kid()).any(|key| key.key == *signer));
    if !is_issuers {
        return Some(Code::StatusSignerUntrusted);
    }
    if case.policy.past_moment && !(token.iat() <= case.now && case.now < token.exp()) {
        return Some(Code::StatusAsOfNotCovered);
    }
    if case.now >= token.exp() {
        return Some(Code::StatusStale);
    }
    held.is_rolled_back().then_some(Code::StatusRollback)
}

/// What the node's own register says ahead of its token; for a past moment only what had been recorded by then.
fn registered<'a>(case: &Case<'a>, reference: StatusReference<'_>) -> Option<&'a Registered> {
    let own = case.evidence.registered(reference.uri, reference.index)?;
    let recorded = own.change.is_none_or(|(_, recorded)| recorded <= case.now);
    (recorded || !case.policy.past_moment).then_some(own)
}

/// What the value says; a list that only a stale trust list vouches for proves nothing.
fn value_code(
    case: &Case<'_>,
    reference: StatusReference<'_>,
    held: &HeldToken,
    registered: Option<&Registered>,
    record: &mut Record,
) -> Option<Code> {
    let listed = held.token().array().get(reference.index);
    let code = match listed.map(|listed| registered.map_or(listed, |own| own.status)) {
        None => Code::StatusIndexOutOfRange,
        Some(Status::Valid) => return None,
        Some(Status::Invalid) => Code::Revoked,
        Some(Status::Suspended) => Code::Suspended,
        Some(Status::Superseded) if case.policy.accept_superseded => {
            record.warn(Warning::NewerVersion);
            return None;
        }
        Some(Status::Superseded) => Code::Superseded,
    };
    Some(if is_fresh(case) { code } else { Code::StatusUnavailable })
}

/// What the log proof at hand shows.
pub(super) enum LogFinding {
    /// None is at hand.
    Absent,
    /// The leaf is in a log of the issuer.
    Proved(VerifiedProof),
    /// It shows nothing, or something alarming.
    Faulty(Code),
}

/// The leaf that the log of the issuer has of the licence.
pub(super) fn leaf(case: &Case<'_>) -> Hash {
    Entry { op: Op::Issued, time: licence_time(case), digest: case.digests.licence }.leaf_hash()
}

/// When the licence was issued; of a view, the licence from which it was made.
fn licence_time(case: &Case<'_>) -> UnixTime {
    let presented = case.presented;
    presented.view.as_ref().map_or(presented.iat, |(_, grounds)| grounds.licence_iat)
}

/// The log proof at hand: one that came beside the licence goes before one in its header.
fn proof_bytes<'a>(case: &Case<'a>) -> Option<&'a [u8]> {
    case.policy.question.log_proof.or(case.presented.object.log_proof())
}

/// Whether witnesses cosigned the checkpoint of the proof at hand before this moment (spec/log.md §7).
pub(super) fn is_cosigned_before(case: &Case<'_>, time: UnixTime) -> bool {
    let proof = proof_bytes(case).and_then(|bytes| LogProof::parse(bytes).ok());
    let list = case.evidence.trust_list();
    proof.zip(list).is_some_and(|(proof, list)| proof.is_cosigned_before(list.policy(), time))
}

/// Verifies the log proof at hand, if any.
pub(super) fn log(case: &Case<'_>) -> LogFinding {
    let Some(bytes) = proof_bytes(case) else { return LogFinding::Absent };
    let Some(list) = case.evidence.trust_list() else { return LogFinding::Absent };
    let Ok(proof) = LogProof::parse(bytes) else { return LogFinding::Faulty(Code::LogProofInvalid) };
    // A log that a stale list does not name may have been added since: nothing is proved, neither for nor against.
    let unlisted = || match is_fresh(case) {
        true => LogFinding::Faulty(Code::LogProofInvalid),
        false => LogFinding::Absent,
    };
    let Some(entry) = list.entry(case.presented.licence_issuer()) else { return unlisted() };
    let time = licence_time(case);
    let logs = || entry.logs.iter().filter(|log| log.key.name() == proof.origin() && log.has_time(time));
    let stored = claimed_size(bytes).and_then(|size| case.evidence.head(proof.origin(), size));
    match proof.verify(&leaf(case), logs().map(|log| &log.key), list.policy(), stored) {
        Ok(proof) if is_dated(case, logs(), &proof, stored) => LogFinding::Proved(proof),
        // Whoever holds the key of an ended log can sign any tree: it shows nothing, neither for nor against.
        Ok(_) => LogFinding::Absent,
        Err(LogFault::SplitView { .. }) => LogFinding::Faulty(Code::LogSplitView),
        Err(LogFault::QuorumMissing(_)) => LogFinding::Faulty(Code::CheckpointQuorumMissing),
        Err(LogFault::Invalid(ProofFault::Checkpoint(CheckpointError::NotSigned))) => unlisted(),
        Err(LogFault::Invalid(_)) => LogFinding::Faulty(Code::LogProofInvalid),
    }
}

/// Whether the checkpoint is from the period of its log: the log is in use, or its head was seen while it was, or witnesses cosigned
/// it before the log ended.
fn is_dated<'l>(
    case: &Case<'_>,
    mut logs: impl Iterator<Item = &'l Log>,
    proof: &VerifiedProof,
    stored: Option<&TreeHead>,
) -> bool {
    stored == Some(&proof.head())
        || logs.any(|log| log.until.is_none_or(|until| case.now < until || is_cosigned_before(case, until)))
}

/// The tree size that the checkpoint of a proof claims, to look up the head seen at that size.
fn claimed_size(proof: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(proof).ok()?;
    let (_, checkpoint) = text.split_once("\n\n")?;
    checkpoint.lines().nth(1)?.parse().ok()
}

/// LOG, in its place in the list of checks. Returns what was looked at.
pub(super) fn record_log(case: &Case<'_>, finding: LogFinding, record: &mut Record) -> Option<LogBasis> {
    match finding {
        LogFinding::Absent => return record_look_up(case, record),
        LogFinding::Faulty(code) => record.found(code, None),
        LogFinding::Proved(proof) => {
            // Without witnesses nothing dates the checkpoint.
            let source = proof.cosigners().newest().map(|time| (*proof.digest(), time));
            record.pass(Group::Log, source);
            return Some(LogBasis {
                origin: String::from(proof.origin()),
                place: Some(LogPlace {
                    size: proof.head().size,
                    root: proof.head().root,
                    index: proof.index(),
                }),
                proof_digest: Some(*proof.digest()),
            });
        }
    }
    None
}

/// LOG without a proof, by what a look-up came to (spec/policy.md §2). Returns what was looked at.
fn record_look_up(case: &Case<'_>, record: &mut Record) -> Option<LogBasis> {
    let policy = case.policy;
    if policy.log_proof_required {
        record.found(Code::LogProofMissing, None);
        return None;
    }
    // A view rests on the node that made it, and lives too shortly to be worth a look-up.
    if case.presented.view.is_some() {
        record.skip(Group::Log);
        return None;
    }
    let age = case.now.since(case.presented.iat);
    let wanted = policy.log_wanted_after_s.is_some_and(|after| age > after);
    let remembered = match (policy.question.log, policy.question.log_memory) {
        (None, Some(LogMemory(ask))) => ask(&case.digests.licence),
        _ => None,
    };
    match policy.question.log.or(remembered.as_ref().map(Remembered::as_look_up)) {
        Some(LogLookUp::Found { origin, place }) => {
            record.pass(Group::Log, None);
            let place = place.map(|place| LogPlace {
                size: place.head.size,
                root: place.head.root,
                index: place.index,
            });
            return Some(LogBasis { origin: String::from(origin), place, proof_digest: None });
        }
        Some(LogLookUp::Missing) if wanted => record.found(Code::LogEntryMissing, None),
        None if wanted => record.found(Code::LogProofMissing, None),
        asked => {
            record.warn(Warning::LogPending);
            if wanted && asked == Some(LogLookUp::NotAsked) {
                record.warn(Warning::LogNotAsked);
            }
            record.skip(Group::Log);
        }
    }
    None
}

/// SUBJECT: the asked holder against fields 3 to 5.
pub(super) fn subject(case: &Case<'_>, record: &mut Record) {
    let Some(asked) = &case.policy.question.subject else { return record.skip(Group::Subject) };
    let vct = case.presented.vct;
    // Whose licence of this type the item wants was not said: the one who was named is somebody else in the case.
    let is_wanted_of_others =
        item(case).is_some_and(|item| item.takes(vct) && !item.wants_of(vct, asked.role));
    match is_holder(&case.presented.fields, case.presented.mark.as_ref(), asked) {
        _ if is_wanted_of_others => record.found(Code::SubjectNotGiven, None),
        Err(code) => record.found(code, None),
        Ok(()) => record.pass(Group::Subject, None),
    }
}

/// The service item that was asked about, if the catalogue at hand has it.
fn item<'a>(case: &'a Case<'_>) -> Option<&'a ServiceItem> {
    case.evidence.catalogue()?.service_item(case.policy.question.service_item?)
}

/// Whether somebody is a holder of the licence with these fields, or the holder for whom a view was made (spec/identifiers.md §5.1,
/// spec/view.md): the one comparison of verdict and fit.
///
/// # Errors
/// `SUBJECT_MISMATCH` if it is certainly somebody else; `SUBJECT_AMBIGUOUS` if it cannot be told, a code that is none among
/// the causes, or if the name beside the right code is another one: a rare character, a former name.
pub fn is_holder(fields: &FieldMap<'_>, mark: Option<&HolderMark>, asked: &Subject<'_>) -> Result<(), Code> {
    let (names, types, codes) = (fields.texts(3), fields.texts(4), fields.texts(5));
    let code = AskedCode::parse(asked.code_type, asked.code).map_err(|_| Code::SubjectAmbiguous)?;
    // A view that leaves the code out may say for whom it was made, to an office that knows him.
    if codes.is_empty() && mark.is_some_and(|mark| mark.is_of(asked.code_type, asked.code)) {
        return Ok(());
    }
    match code.is_among(&types, &codes) {
        (SameHolder::Yes, at) => {
            let held = at.and_then(|at| names.get(at)).zip(asked.name);
            let is_other = held.is_some_and(|(held, name)| !same_name(held, name));
            if is_other { Err(Code::SubjectAmbiguous) } else { Ok(()) }
        }
        (SameHolder::No, _) => Err(Code::SubjectMismatch),
        (SameHolder::Unclear | SameHolder::Apart, _) => Err(Code::SubjectAmbiguous),
    }
}

/// POLICY: what the service item demands, and for whom, what and when a view was made.
pub(super) fn policy(case: &Case<'_>, record: &mut Record) {
    let question = &case.policy.question;
    let mut codes = Vec::new();
    if let Some((audience, grounds)) = &case.presented.view {
        if question.audience != Some(audience) {
            codes.push(Code::ViewAudienceMismatch);
        }
        if question.service_item != Some(grounds.service_item)
            || question.case_number != Some(grounds.case_number)
        {
            codes.push(Code::ViewPurposeMismatch);
        }
        if case.now >= case.presented.exp {
            codes.push(Code::ViewExpired);
        }
    } else if question.service_item.is_none() {
        record.skip(Group::Policy);
        return;
    }
    if let Some(code) = question.service_item.and_then(|_| item_code(case)) {
        codes.push(if is_of_a_newer_catalogue(case) { Code::PolicyUnavailable } else { code });
    }
    record.group(Group::Policy, &codes, None);
}

/// What the service item demands of this licence.
fn item_code(case: &Case<'_>) -> Option<Code> {
    let Some(item) = item(case) else { return Some(Code::PolicyUnavailable) };
    let role = case.policy.question.subject.map(|subject| subject.role);
    item.judge(case.presented.vct, &case.presented.fields, case.now.civil_date(), role).err()
}
