//! Change the status of a licence by an act of law.
//!
//! Order: transition checked → change record made → group commit of record, leaf and new status → noted for own verdicts → answer →
//! list published.

use licence_spec::audit::AuditAct;
use licence_spec::credential::Credential;
use licence_spec::log::change::{Act, ChangeRecord};
use licence_spec::log::entry::Entry;
use licence_spec::status::Status;
use licence_spec::suite::Digest;
use licence_spec::time::{CivilDate, UnixTime};
use licence_store::{LicenceRow, StatusChangeRow, StoreError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::audit;
use crate::access::caller::{About, Caller, Errand};
use crate::node::Node;
use crate::node::audit::change_object;
use crate::node::commit::{Committed, Effect, Job, Remember, Render, WriteError};
use crate::node::compared::ClockAhead;
use crate::node::rng::RngError;
use crate::publication::own_register;
use crate::trips::reason::{Reason, ReasonFault};

/// A request to change a status, as the API takes it.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRequest {
    /// The act: cancel, revoke, forfeit, suspend, reinstate, transfer or void.
    pub act: String,
    /// 法律依据, 文书编号, 经办人.
    pub reason: Reason,
    /// From when on, RFC 3339; now if absent. May lie in the past, not before the day of issue or the last change, never in
    /// the future.
    #[serde(default)]
    pub effective_at: Option<String>,
}

/// What was changed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Changed {
    /// 电子证照标识.
    pub id: String,
    /// The act.
    pub act: &'static str,
    /// The new status value, 0 to 3.
    pub status: u8,
    /// Where the log has the change record.
    pub log_index: u64,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Nothing is signed by a clock that is ahead.
    #[error(transparent)]
    ClockAhead(#[from] ClockAhead),
    /// No such licence on this node.
    #[error("查无此证照 / no such licence on this node")]
    UnknownLicence,
    /// No such act, or one that has a call of its own.
    #[error(
        "act：没有此种行为，只能是 {ACTS}；换发新版本另有调用 / act: no such act; one of {ACTS}; new versions have a call of their own"
    )]
    UnknownAct,
    /// The act does not follow from the present status.
    #[error("现状态下不能作此行为 / the present status does not allow this act")]
    Transition,
    /// A text of the ground is missing, too long or has a character that is not kept.
    #[error("{0}")]
    Reason(ReasonFault),
    /// The time of effect is none, or lies where it cannot lie.
    #[error("effective_at：{0}")]
    Effective(&'static str),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The writer refused or failed.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// No randomness.
    #[error(transparent)]
    Rng(#[from] RngError),
}

/// The acts of this call, for whoever mistypes one.
const ACTS: &str = "cancel, revoke, forfeit, suspend, reinstate, transfer, void";

/// Which acts follow from which status: a supervisor's table. Final states stay final.
const fn allowed(status: Status, act: Act) -> bool {
    match (status, act) {
        // In force: everything but giving back what was not taken.
        (Status::Valid, Act::Reinstate) => false,
        (Status::Valid, _) => true,
        // Suspended: given back, or ended for good.
        (Status::Suspended, Act::Reinstate | Act::Cancel | Act::Revoke | Act::Forfeit | Act::Void) => true,
        _ => false,
    }
}

/// Changes the status of the licence with this 电子证照标识.
///
/// # Errors
/// [`ChangeError`]; nothing is written then.
pub fn change_status(
    node: &Node,
    caller: &Caller,
    id: &str,
    request: &ChangeRequest,
    remember: Option<Remember>,
) -> Result<Changed, ChangeError> {
    let act = Act::ALL
        .into_iter()
        .find(|act| act.name() == request.act)
        .filter(|act| !matches!(act, Act::Supersede | Act::Replace))
        .ok_or(ChangeError::UnknownAct)?;
    request.reason.check().map_err(ChangeError::Reason)?;
    node.compared.may_sign()?;
    let now = node.clock.now();
    let read = node.store.read()?;
    // What the caller may not touch is answered as if it were not there: else the answer would tell which ids exist.
    let licence = read.licence_by_id(id)?;
    let licence = licence.filter(|row| caller.may(Errand::ChangeStatus, About::row(row)).is_ok());
    let licence = licence.ok_or(ChangeError::UnknownLicence)?;
    if !allowed(licence.status, act) {
        return Err(ChangeError::Transition);
    }
    let before = read.status_changes(&licence.digest)?.iter().map(|change| change.effective_at).max();
    drop(read);
    let effective = effective(request.effective_at.as_deref(), &licence, before.map(UnixTime), now)?;
    let act_of_law = ActOfLaw { act, effective, recorded: now, successor: None };
    let row = change_row(node, caller, &licence, &act_of_law, &request.reason)?;
    record(node, caller, &licence, act, row, remember)
}

/// From when on an act takes effect: not in the future, not before the licence was issued, not before the last change did.
fn effective(
    text: Option<&str>,
    licence: &LicenceRow,
    before: Option<UnixTime>,
    now: UnixTime,
) -> Result<UnixTime, ChangeError> {
    let Some(text) = text else { return Ok(now) };
    let wrong = |what| Err(ChangeError::Effective(what));
    let Some(time) = UnixTime::parse_rfc3339(text) else {
        return wrong("不是 RFC 3339 时间 / no RFC 3339 time, such as 2026-11-23T10:00:00+08:00");
    };
    if time > now {
        wrong("晚于现在 / later than now")
    } else if time < issued(licence) {
        wrong("早于证照的颁发日期 / before the day on which the licence was issued")
    } else if before.is_some_and(|before| time < before) {
        wrong("早于上一次状态变更 / before the last change of status took effect")
    } else {
        Ok(time)
    }
}

/// The first moment of the day of issue on the face of the licence, in China, or its signing, whichever is earlier: a licence may
/// be signed some days after it was given out.
fn issued(licence: &LicenceRow) -> UnixTime {
    let signed = UnixTime(licence.issued_at);
    let day = licence.credential.whole().and_then(|bytes| Credential::parse(bytes).ok());
    let day = day.and_then(|credential| credential.fields.text(8).and_then(CivilDate::parse));
    day.map_or(signed, |day| day.begins().max(UnixTime(0)).min(signed))
}

/// What is done to a licence, and from when on.
pub(super) struct ActOfLaw {
    pub(super) act: Act,
    pub(super) effective: UnixTime,
    pub(super) recorded: UnixTime,
    pub(super) successor: Option<Digest>,
}

/// The row of a change and its log entry. The salt keeps the record from being guessed by who knows the licence.
///
/// # Errors
/// [`RngError`] without randomness.
pub(super) fn change_row(
    node: &Node,
    caller: &Caller,
    licence: &LicenceRow,
    what: &ActOfLaw,
    reason: &Reason,
) -> Result<(StatusChangeRow, Entry), RngError> {
    let ActOfLaw { act, effective, recorded, successor } = *what;
    let mut salt = [0; 16];
    node.rng.fill(&mut salt)?;
    let record = ChangeRecord { licence: licence.digest, act, effective, successor, salt, ends: None };
    let entry = record.entry();
    let row = StatusChangeRow {
        digest: entry.digest,
        record: record.to_bytes(),
        licence: licence.digest,
        act: u8::try_from(act.number()).unwrap_or(0),
        previous: licence.status,
        value: act.new_status(),
        effective_at: effective.0,
        recorded_at: recorded.0,
        legal_basis: reason.legal_basis.clone(),
        document_number: reason.document_number.clone(),
        officer: reason.officer.clone(),
        successor,
        client: caller.client().map(str::to_owned),
        log_index: 0,
    };
    Ok((row, entry))
}

fn record(
    node: &Node,
    caller: &Caller,
    licence: &LicenceRow,
    act: Act,
    (row, entry): (StatusChangeRow, Entry),
    remember: Option<Remember>,
) -> Result<Changed, ChangeError> {
    let id = licence.id.clone();
    let changed = Changed { id, act: act.name(), status: act.new_status().value(), log_index: 0 };
    let answer = remember.map(|remember| {
        let draft = changed.clone();
        // Cannot fail: the answer is made of texts and numbers.
        let render =
            move |done: &Committed| serde_json::to_vec(&draft.clone().logged(done)).unwrap_or_default();
        (remember, Box::new(render) as Render)
    });
    let audit = audit::draft(node, caller, AuditAct::StatusChanged).licence(licence.digest);
    let audit = audit.object(change_object(&row)).result(act.name());
    let effects = vec![(Effect::StatusChange(row.clone()), Some(entry)), (Effect::Audit(audit), None)];
    let job = Job { effects, answer };
    let changed = changed.logged(&node.writer.write(job)?);
    // Before it is acknowledged: what this node has said counts in its own verdicts.
    own_register::note(node, licence, &row, changed.log_index)?;
    Ok(changed)
}

impl Changed {
    /// The same with its place in the log.
    fn logged(mut self, committed: &Committed) -> Changed {
        self.log_index = committed.index().unwrap_or_default();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::testing::{licence, reason, rehearse};
    use crate::trips::verify::{ALONE, VerifyRequest, verify_presented};

    fn change(node: &Node, id: &str, act: &str, at: Option<&str>) -> Result<Changed, ChangeError> {
        let effective_at = at.map(str::to_owned);
        let request = ChangeRequest { act: act.to_owned(), reason: reason(), effective_at };
        change_status(node, &Caller::Operator, id, &request, None)
    }

    fn verdict(node: &Node, id: &str) -> String {
        let request: VerifyRequest = serde_json::from_value(serde_json::json!({"id": id})).unwrap();
        let verdict = verify_presented(node, &Caller::Operator, &request, &ALONE).unwrap().verdict;
        verdict.code().map_or("ACCEPT", |code| code.as_str()).to_owned()
    }

    #[test]
    fn a_change_counts_in_the_verdicts_of_its_node_before_any_list_is_published() {
        let city = rehearse().city;
        let id = licence(&city, 1).id;
        assert_eq!(verdict(&city, &id), "ACCEPT");
        change(&city, &id, "suspend", None).unwrap();
        assert_eq!(verdict(&city, &id), "SUSPENDED");
        change(&city, &id, "reinstate", None).unwrap();
        assert_eq!(verdict(&city, &id), "ACCEPT");
        change(&city, &id, "revoke", None).unwrap();
        assert_eq!(verdict(&city, &id), "REVOKED");
        assert!(matches!(change(&city, &id, "reinstate", None), Err(ChangeError::Transition)));
    }

    #[test]
    fn an_act_takes_effect_neither_in_the_future_nor_before_what_went_before_it() {
        let city = rehearse().city;
        let id = licence(&city, 1).id;
        let at = |seconds| city.clock.now().plus(seconds).to_string();
        let later = change(&city, &id, "suspend", Some(&at(1)));
        assert!(matches!(later, Err(ChangeError::Effective(_))), "{later:?}");
        let early = change(&city, &id, "suspend", Some("1990-01-01T00:00:00+08:00"));
        assert!(matches!(early, Err(ChangeError::Effective(_))), "{early:?}");
        let none = change(&city, &id, "suspend", Some("today"));
        assert!(matches!(none, Err(ChangeError::Effective(_))), "{none:?}");
        city.clock.advance(600);
        change(&city, &id, "suspend", Some(&at(-60))).unwrap();
        let before = change(&city, &id, "revoke", Some(&at(-61)));
        assert!(matches!(before, Err(ChangeError::Effective(_))), "{before:?}");
        change(&city, &id, "revoke", Some(&at(-60))).unwrap();
    }

    #[test]
    fn what_is_not_there_is_mistyped_or_has_no_ground_changes_nothing() {
        let city = rehearse().city;
        let id = licence(&city, 1).id;
        assert!(matches!(change(&city, "1.2.156", "revoke", None), Err(ChangeError::UnknownLicence)));
        for act in ["supersede", "replace", "Revoke", ""] {
            assert!(matches!(change(&city, &id, act, None), Err(ChangeError::UnknownAct)), "{act}");
        }
        let bare = ChangeRequest {
            act: "revoke".to_owned(),
            reason: Reason { officer: String::new(), ..reason() },
            effective_at: None,
        };
        let refused = change_status(&city, &Caller::Operator, &id, &bare, None);
        assert!(matches!(refused, Err(ChangeError::Reason(_))), "{refused:?}");
        assert_eq!(verdict(&city, &id), "ACCEPT");
    }

    #[test]
    fn what_has_ended_stays_ended_and_only_the_suspended_is_reinstated() {
        for act in Act::ALL {
            assert!(!allowed(Status::Invalid, act), "{} after the end", act.name());
            assert!(!allowed(Status::Superseded, act), "{} after a newer version", act.name());
        }
        assert!(allowed(Status::Suspended, Act::Reinstate) && !allowed(Status::Valid, Act::Reinstate));
        assert!(allowed(Status::Valid, Act::Suspend) && !allowed(Status::Suspended, Act::Suspend));
        assert!(allowed(Status::Suspended, Act::Revoke));
    }
}
