//! Verify what was presented: one clock reading, one snapshot of the evidence, one verdict.
//!
//! The verdict reads no database; only a question by number, or by a reference, looks the credential up first: here, then at the node
//! that must know it. Only a register that must know a licence may say that there is none.

use licence_catalogue::fit::{Fit, Presented, fit};
use licence_spec::catalogue::HolderRole;
use licence_spec::cose::Sign1;
use licence_spec::evidence::Evidence;
use licence_spec::identifiers::{AskedCode, AskedFault};
use licence_spec::numbers::MAX_LICENCE;
use licence_spec::policy::{Policy, Question, Subject};
use licence_spec::qr::{self, QrContent, Reference};
use licence_spec::suite::Digest;
use licence_spec::time::UnixTime;
use licence_spec::verdict::Verdict;
use licence_spec::verify::{
    not_asked, not_found, reference_host_is_listed, verify, verify_fetched, verify_qr,
};
use licence_store::{LicenceRow, StoreError};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::access::caller::{About, Caller, Errand};
use crate::exchange::ask_register::{self, AskRegister, Register, RegisterQuestion};
use crate::exchange::error::ExchangeError;
use crate::exchange::look_up::{AskLog, judge_with_log};
use crate::exchange::questions::SubjectRequest;
use crate::node::Node;
use crate::node::encoding::from_base64url;
use crate::node::holder::{code_types, is_code_type};
use crate::node::rng::RngError;
use crate::trips::cut::judge_with_cut;

/// A request to verify, as the API takes it: exactly one of `credential`, `qr`, `id`.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyRequest {
    /// Bytes of a licence or view, base64url.
    #[serde(default)]
    pub credential: Option<String>,
    /// Text of a QR code.
    #[serde(default)]
    pub qr: Option<String>,
    /// 电子证照标识 of a licence, of this node or of another one, which is asked then.
    #[serde(default)]
    pub id: Option<String>,
    /// Code of the service item.
    #[serde(default)]
    pub service_item: Option<String>,
    /// Case number.
    #[serde(default)]
    pub case_number: Option<String>,
    /// The applicant.
    #[serde(default)]
    pub subject: Option<SubjectRequest>,
    /// Name of a policy preset; approval if absent.
    #[serde(default)]
    pub policy: Option<String>,
    /// Whether a receipt is wanted.
    #[serde(default = "yes")]
    pub receipt: bool,
}

impl VerifyRequest {
    /// Whether a receipt may be stored for it: one is wanted, and case and service item are named.
    #[must_use]
    pub const fn files_receipt(&self) -> bool {
        self.receipt && self.case_number.is_some() && self.service_item.is_some()
    }
}

const fn yes() -> bool {
    true
}

/// Why there is no verdict: the request was wrong, or the store failed.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Not exactly one of the three forms.
    #[error("credential、qr、id 必须且只能给出一个 / give exactly one of credential, qr, id")]
    OneForm,
    /// The credential is not base64url.
    #[error("credential 不是 base64url / credential is not base64url without padding")]
    Encoding,
    /// A member has none of the values that it may have.
    #[error("{0}：只能是 {1} / {0}: must be one of {1}")]
    Field(&'static str, String),
    /// The catalogue has no such service item.
    #[error("service_item：目录中没有该事项 / service_item: the catalogue has no such service item")]
    UnknownItem,
    /// The applicant's code is no possible code; the member of the request is named.
    #[error("{member}：{} / {member}: {fault}", fault.zh())]
    Subject {
        /// `subject.code` or `subject.code_type`.
        member: &'static str,
        /// What is wrong with it.
        fault: AskedFault,
    },
    /// This node restored the licence without its bytes: only whoever holds it can hand it in.
    #[error(
        "本节点由备份恢复，该证照的原文已丢失，请提交证照本身 / this node was restored from a backup and the bytes of this licence are lost: present the licence itself"
    )]
    BytesLost,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error(transparent)]
    Rng(#[from] RngError),
}

/// A verdict, and what it means for the service item.
pub struct Answer {
    /// The verdict.
    pub verdict: Verdict,
    /// The fit, if a service item that the catalogue knows was named.
    pub fit: Option<Fit>,
}

/// Fetches the licence behind a reference; `None` if the host has none; or says why it could not be asked.
pub type FetchReference<'a> = &'a dyn Fn(&Reference) -> Result<Option<Vec<u8>>, ExchangeError>;

/// How other nodes are asked for what this one does not have.
pub struct Others<'a> {
    /// Brings the licence behind a reference from the host that it names; `None` if that host says that it has none.
    pub fetch: FetchReference<'a>,
    /// Asks the register of another node.
    pub ask: AskRegister<'a>,
    /// Asks the province about a log; `None` if nothing is to be looked up that memory does not know.
    pub log: Option<AskLog<'a>>,
}

/// For what needs neither the store nor another node: whatever would have to be asked is not asked.
pub const NOBODY: Others<'static> = Others {
    fetch: &|reference| Err(ExchangeError::Unreachable(reference.host.clone())),
    ask: &|host, _| Err(ExchangeError::Unreachable(host.to_owned())),
    log: None,
};

/// For where there is no other node: the own store alone is asked.
pub const ALONE: Others<'static> = Others { log: Some(&|_| None), ..NOBODY };

/// Whether a text may be a reference; most are not, and are not read twice.
fn may_be_reference(text: &str) -> bool {
    text.contains(qr::PREFIX_REFERENCE)
}

/// The policies by name, for whoever mistypes one.
const POLICIES: &str = "approval, counter, archive";
/// Longest code of a service item that is looked up, characters.
const MAX_ITEM: usize = 64;

impl VerifyRequest {
    /// Whether the judgement may need the store or another node: else it takes less time than handing it to another thread.
    #[must_use]
    pub fn may_wait(&self) -> bool {
        self.id.is_some() || self.qr.as_deref().is_some_and(may_be_reference)
    }

    /// # Errors
    /// The first member that has none of the values that it may have, or names an item that the catalogue does not have.
    fn check(&self, evidence: &Evidence) -> Result<Policy<'static>, VerifyError> {
        let preset = self.policy.as_deref().unwrap_or("approval");
        let policy =
            Policy::named(preset).ok_or_else(|| VerifyError::Field("policy", POLICIES.to_owned()))?;
        if let Some(code_type) = self.subject.as_ref().and_then(|subject| subject.code_type.as_deref())
            && !is_code_type(code_type)
        {
            return Err(VerifyError::Field("subject.code_type", code_types()));
        }
        if let (Some(item), Some(catalogue)) = (&self.service_item, evidence.catalogue())
            && (item.chars().count() > MAX_ITEM || catalogue.service_item(item).is_none())
        {
            return Err(VerifyError::UnknownItem);
        }
        Ok(policy)
    }

    fn question<'a>(&'a self, node: &'a Node) -> Result<Question<'a>, VerifyError> {
        Ok(Question {
            subject: self.subject.as_ref().map(SubjectRequest::asked).transpose()?,
            service_item: self.service_item.as_deref(),
            case_number: self.case_number.as_deref(),
            audience: Some(&node.authority),
            ..Question::default()
        })
    }
}

/// Judges what was presented, for a client.
///
/// # Errors
/// [`VerifyError`] if the request is wrong; a refused licence is no error.
pub fn verify_presented(
    node: &Node,
    caller: &Caller,
    request: &VerifyRequest,
    others: &Others<'_>,
) -> Result<Answer, VerifyError> {
    let (evidence, now) = (node.evidence.snapshot(), node.clock.now());
    let policy = request.check(&evidence)?.asking(request.question(node)?);
    let moment = Moment { node, evidence: &evidence, policy: &policy, now, log: others.log };
    let verdict = match (&request.credential, &request.qr, &request.id) {
        (Some(text), None, None) => moment.bytes(&from_base64url(text).ok_or(VerifyError::Encoding)?),
        (None, Some(text), None) => moment.scanned(text, others)?,
        (None, None, Some(id)) => moment.by_id(caller, id, request, others)?,
        _ => return Err(VerifyError::OneForm),
    };
    let mut answer = Answer { fit: fit_of(&evidence, &policy.question, &verdict), verdict };
    if request.id.is_some() {
        answer.withhold();
    }
    Ok(answer)
}

/// The verdict on a stored licence; `None` if its bytes were lost in a restore.
#[must_use]
pub fn judge_stored(
    node: &Node,
    row: &LicenceRow,
    evidence: &Evidence,
    policy: &Policy<'_>,
    now: UnixTime,
) -> Option<Verdict> {
    let moment = Moment { node, evidence, policy, now, log: ALONE.log };
    row.credential.whole().map(|bytes| moment.bytes(bytes))
}

/// One judgement: one clock reading, one evidence.
struct Moment<'a> {
    node: &'a Node,
    evidence: &'a Evidence,
    policy: &'a Policy<'a>,
    now: UnixTime,
    log: Option<AskLog<'a>>,
}

impl Moment<'_> {
    /// A licence or view.
    fn bytes(&self, bytes: &[u8]) -> Verdict {
        let Moment { node, evidence, policy, now, log } = *self;
        judge_with_log(node, (evidence, now), policy, bytes, log, |policy| {
            judge_with_cut(
                node,
                evidence,
                policy,
                || Some(bytes.to_vec()),
                |policy| verify(bytes, evidence, policy, now),
            )
        })
    }

    /// The text of a QR code that holds the object itself.
    fn object(&self, text: &str) -> Verdict {
        match object_of_qr(text) {
            // The same as `verify_qr`, which would read the text once more for each judgement.
            Some(bytes) => self.bytes(&bytes),
            None => verify_qr(text, self.evidence, self.policy, self.now),
        }
    }

    /// What a reference led to: other bytes than it names are thrown away.
    fn fetched(&self, bytes: &[u8], wanted: &Digest) -> Verdict {
        let Moment { node, evidence, policy, now, log } = *self;
        judge_with_log(node, (evidence, now), policy, bytes, log, |policy| {
            judge_with_cut(
                node,
                evidence,
                policy,
                || Some(bytes.to_vec()),
                |policy| verify_fetched(bytes, wanted, evidence, policy, now),
            )
        })
    }

    /// The text of a QR code; what a reference names is looked up here, or fetched from the host that it names.
    fn scanned(&self, text: &str, others: &Others<'_>) -> Result<Verdict, VerifyError> {
        let Moment { node, evidence, policy, now, .. } = *self;
        let read = may_be_reference(text).then(|| qr::read(text));
        let Some(Ok(QrContent::Reference(reference))) = read else {
            return Ok(self.object(text));
        };
        let own = node.store.read()?.licence_by_cti(&reference.cti)?;
        let own = own.filter(|row| row.digest == reference.digest);
        if let Some(bytes) = own.as_ref().and_then(|row| row.credential.whole()) {
            return Ok(self.fetched(bytes, &reference.digest));
        }
        // An unlisted host is sent nothing.
        if reference_host_is_listed(&reference.host, evidence, policy, now).is_err() {
            return Ok(verify_qr(text, evidence, policy, now));
        }
        let fetched = if reference.host == node.host { Ok(None) } else { (others.fetch)(&reference) };
        Ok(match fetched {
            Ok(Some(bytes)) => self.fetched(&bytes, &reference.digest),
            Ok(None) => not_found(evidence, policy, now),
            Err(_) => not_asked(text, evidence, policy, now),
        })
    }

    /// A licence asked for by number. What lies outside the client's scope is answered as if it were not there.
    fn by_id(
        &self,
        caller: &Caller,
        id: &str,
        request: &VerifyRequest,
        others: &Others<'_>,
    ) -> Result<Verdict, VerifyError> {
        let Moment { node, evidence, policy, now, .. } = *self;
        let row = node.store.read()?.licence_by_id(id)?;
        if let Some(row) = row.filter(|row| caller.may(Errand::Verify, About::row(row)).is_ok()) {
            return judge_stored(node, &row, evidence, policy, now).ok_or(VerifyError::BytesLost);
        }
        match ask_register::register_of(node, evidence, id) {
            Register::Own => Ok(not_found(evidence, policy, now)),
            Register::Host(host)
                if caller.may(Errand::Verify, About::of_type(ask_register::type_of(id))).is_ok() =>
            {
                self.ask(host, id, request, others)
            }
            Register::Host(_) | Register::Unknown => Ok(not_asked(id, evidence, policy, now)),
        }
    }

    fn ask(
        &self,
        host: &str,
        id: &str,
        request: &VerifyRequest,
        others: &Others<'_>,
    ) -> Result<Verdict, VerifyError> {
        let Moment { node, evidence, policy, now, .. } = *self;
        let Some(list) = evidence.trust_list() else { return Ok(not_asked(id, evidence, policy, now)) };
        let question = RegisterQuestion {
            id: id.to_owned(),
            policy: policy.id.clone().into_owned(),
            service_item: request.service_item.clone(),
            subject: request.subject.clone(),
            question: hex::encode(node.rng.bytes::<16>()?),
        };
        Ok(match ask_register::ask(node, list, host, &question, others.ask) {
            Ok(Some(verdict)) => verdict,
            Ok(None) => not_found(evidence, policy, now),
            Err(cause) => {
                tracing::warn!(host, %cause, "the register of another node gives no answer");
                not_asked(id, evidence, policy, now)
            }
        })
    }
}

/// The licence or view in a QR code that holds one; none with a log proof, which no QR code may carry.
fn object_of_qr(text: &str) -> Option<Vec<u8>> {
    match qr::read(text) {
        Ok(QrContent::Object(bytes)) => {
            let has_proof =
                Sign1::parse(&bytes, MAX_LICENCE).is_ok_and(|object| object.log_proof().is_some());
            (!has_proof).then_some(bytes)
        }
        Ok(QrContent::Reference(_)) | Err(_) => None,
    }
}

impl SubjectRequest {
    /// The applicant to ask about, if what is written can be somebody's code.
    fn asked(&self) -> Result<Subject<'_>, VerifyError> {
        let code_type = self.code_type.as_deref();
        AskedCode::parse(code_type, &self.code).map_err(|fault| {
            let member = if fault == AskedFault::Kind { "subject.code_type" } else { "subject.code" };
            VerifyError::Subject { member, fault }
        })?;
        Ok(Subject { role: HolderRole::Applicant, code_type, code: &self.code, name: self.name.as_deref() })
    }
}

impl Answer {
    /// A number alone is no title to the content: who has not been shown the licence learns how it was judged, and neither its
    /// fields nor which of them it has.
    fn withhold(&mut self) {
        self.verdict.withhold_licence();
        for licence in self.fit.iter_mut().flat_map(|fit| &mut fit.licences) {
            licence.permitted_fields.clear();
        }
    }
}

fn fit_of(evidence: &Evidence, question: &Question<'_>, verdict: &Verdict) -> Option<Fit> {
    let catalogue = evidence.catalogue()?;
    let item = catalogue.service_item(question.service_item?)?;
    let presented = Presented::of_verdict(verdict)?;
    Some(fit(catalogue, item, &[presented], question.subject.as_slice()))
}

#[cfg(test)]
mod tests {
    use licence_spec::verdict::Code;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{TYPE, licence, rehearse};
    use crate::trips::issue::compose_id;
    use crate::upkeep::rehearsal::Rehearsal;

    fn ask(node: &Node, request: Value) -> Result<Answer, VerifyError> {
        verify_presented(node, &Caller::Operator, &serde_json::from_value(request).unwrap(), &ALONE)
    }

    fn code(node: &Node, request: Value) -> Option<Code> {
        ask(node, request).unwrap().verdict.code()
    }

    #[test]
    fn the_forms_of_one_licence_have_one_verdict_and_a_number_shows_no_fields() {
        let city = rehearse().city;
        let issued = licence(&city, 1);
        let forms =
            [json!({"credential": issued.credential}), json!({"qr": issued.qr}), json!({"id": issued.id})];
        for form in forms {
            let by_number = form.get("id").is_some();
            let verdict = ask(&city, form).unwrap().verdict;
            assert_eq!(verdict.code(), None);
            assert_eq!(verdict.licence().is_none_or(|data| data.fields.is_empty()), by_number);
        }
    }

    #[test]
    fn evidence_that_has_aged_makes_no_accept() {
        let city = rehearse().city;
        let issued = licence(&city, 1);
        let present = || json!({"credential": issued.credential});
        assert_eq!(code(&city, present()), None);
        city.clock.advance(4 * 86_400);
        assert_eq!(code(&city, present()), Some(Code::TrustListExpired));
    }

    #[test]
    fn a_licence_is_given_in_one_form_and_what_is_mistyped_is_named() {
        let city = rehearse().city;
        let issued = licence(&city, 1);
        let both = ask(&city, json!({"credential": issued.credential, "id": issued.id}));
        assert!(matches!(both, Err(VerifyError::OneForm)));
        assert!(matches!(ask(&city, json!({})), Err(VerifyError::OneForm)));
        assert!(matches!(ask(&city, json!({"credential": "!"})), Err(VerifyError::Encoding)));
        let policy = ask(&city, json!({"id": issued.id, "policy": "aproval"}));
        assert!(matches!(policy, Err(VerifyError::Field("policy", _))));
        let item = ask(&city, json!({"id": issued.id, "service_item": "GZ-NONE-0000"}));
        assert!(matches!(item, Err(VerifyError::UnknownItem)));
        let subject = json!({"id": issued.id, "subject": {"code_type": "001", "code": "1"}});
        assert!(matches!(ask(&city, subject), Err(VerifyError::Subject { member: "subject.code", .. })));
    }

    #[test]
    fn only_the_register_that_must_know_a_number_says_that_there_is_none() {
        let Rehearsal { province, city } = rehearse();
        let id = |authority: &str| compose_id(TYPE, authority, "20260000077", 1).unwrap();
        assert_eq!(code(&city, json!({"id": id(&city.authority)})), Some(Code::NotFound));
        // The province must know its own, and nobody can ask it here.
        assert_eq!(code(&city, json!({"id": id(&province.authority)})), Some(Code::NotAsked));
        let data = licence_catalogue::embedded().unwrap();
        let unlisted = &data.authorities_of_node("440300").next().unwrap().code;
        assert!(city.evidence.snapshot().trust_list().unwrap().entry(unlisted).is_none());
        assert_eq!(code(&city, json!({"id": id(unlisted)})), Some(Code::NotFound), "no register has it");
    }
}
