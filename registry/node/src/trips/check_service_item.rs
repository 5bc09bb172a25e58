//! Which materials of a service item are met, by licences handed in and by those that the people of the case hold here.
//!
//! Order: item found → licences gathered → each verified, one clock and one evidence → fit → if that is not enough, those at other
//! nodes gathered, and once more → receipts signed → receipts and the record of use in one group commit → answer.
//! Licences of other nodes come as views. What was not looked at is never "not met": it is left open, with the reason.
//! Out of scope: how other nodes are asked (`ask_others`); the answer holds no field of any licence.

use std::collections::BTreeSet;
use std::sync::Arc;

use licence_catalogue::fit::{Fit, FitResult, Gap, Presented, fit};
use licence_spec::audit::AuditAct;
use licence_spec::catalogue::{Catalogue, HolderRole, ServiceItem};
use licence_spec::evidence::Evidence;
use licence_spec::identifiers::{AskedCode, AskedFault, normal_code};
use licence_spec::policy::{Policy, Question, Subject, Wanted};
use licence_spec::status::Status;
use licence_spec::suite::{Digest, sha256};
use licence_spec::time::UnixTime;
use licence_spec::verdict::{Outcome, Verdict};
use licence_spec::verify::verify;
use licence_store::StoreError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::audit;
use crate::access::authorisation::{Purpose, is_told};
use crate::access::caller::{About, Caller, Errand};
use crate::exchange::ask_others::{Brought, Shown};
use crate::exchange::index_record::parse_digest;
use crate::exchange::look_up::{AskLog, judge_with_log};
use crate::exchange::questions::{HolderCode, HolderQuestion};
use crate::node::Node;
use crate::node::commit::{Effect, Job};
use crate::node::encoding::{base64url, digest_text, from_base64url};
use crate::node::holder::holder_key;
use crate::node::rng::RngError;
use crate::trips::cut::judge_with_cut;
use crate::trips::receipt::{self, ReceiptTripError};

/// Most people of one case.
const MAX_SUBJECTS: usize = 8;
/// Most licences handed in with one request.
const MAX_HANDED_IN: usize = 16;
/// Most licences in force of one holder that are looked at: the newest.
const MAX_HELD: u32 = 256;
/// Most suspended or ended ones beside them, of each: they meet nothing, but they are the reason why.
const MAX_ENDED: u32 = 16;

/// What a service item needs to know of a case.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemRequest {
    /// 案件中的人 / the people of the case.
    pub subjects: Vec<ItemSubject>,
    /// 办件编号 / case number.
    pub case_number: String,
    /// 经办人 / who asks, as the approval system knows him.
    pub operator: String,
    /// 授权依据 / on what ground licences may be used: number of the holder's authorisation, or the legal basis.
    pub authorisation: String,
    /// 已提交的证照 / licences handed in, base64url.
    #[serde(default)]
    pub credentials: Vec<String>,
    /// 是否向其他节点查找 / whether other nodes are asked if what is here does not suffice; true unless it says otherwise.
    #[serde(default = "yes")]
    pub elsewhere: bool,
}

const fn yes() -> bool {
    true
}

/// Somebody in the case.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemSubject {
    /// applicant, legal_representative, spouse, agent, staff or other_party.
    #[serde(default = "applicant")]
    pub role: String,
    /// 证件类型代码 / kind of the code, such as 001 or 111.
    pub code_type: String,
    /// The code.
    pub code: String,
}

fn applicant() -> String {
    "applicant".to_owned()
}

/// The roles, for whoever mistypes one.
const ROLES: &str = "applicant, legal_representative, spouse, agent, staff, other_party";

impl ItemSubject {
    fn role(&self) -> Option<HolderRole> {
        serde_json::from_value(serde_json::Value::from(self.role.as_str())).ok()
    }

    fn subject(&self, role: HolderRole) -> Subject<'_> {
        Subject { role, code_type: Some(&self.code_type), code: &self.code, name: None }
    }
}

/// How the case stands.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = ItemCheck)]
pub struct Checked {
    /// Id of the record of this use.
    pub record: String,
    /// Which materials are met, by which licence.
    #[schema(value_type = Object)]
    pub fit: Fit,
    /// Every licence that was looked at, each once: those handed in first, those of other nodes last.
    pub licences: Vec<Looked>,
    /// 未能查询 / what could not be asked at other nodes, and why; empty if nothing was left out.
    pub not_asked: Vec<String>,
}

/// One licence that was looked at.
#[derive(Clone, Serialize, ToSchema)]
pub struct Looked {
    /// Statement digest, `sha-256:` and hex.
    pub licence: String,
    /// ACCEPT, REJECT, INDETERMINATE or NO_CREDENTIAL.
    pub outcome: &'static str,
    /// Primary code, if not ACCEPT.
    pub code: Option<&'static str>,
    /// Receipt, base64url, if the licence meets a material; it says that the person of the case is the holder.
    pub receipt: Option<String>,
    /// Id of the receipt, 32 hex digits, for `GET /v1/receipts/{id}`; null without a receipt.
    pub receipt_id: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// No such service item.
    #[error("service_item：目录中没有该事项 / service_item: the catalogue has no such service item")]
    UnknownItem,
    /// The role of somebody in the case is none of those that there are.
    #[error("subjects[{0}].role：只能是 {ROLES} / subjects[{0}].role: must be one of {ROLES}")]
    Role(usize),
    /// No catalogue yet.
    #[error("节点未就绪 / the node is not ready")]
    NotReady,
    /// A part of the request is missing, too long or unreadable.
    #[error("{0} 缺失、过长或无法读取 / {0} is missing, too long or unreadable")]
    Field(&'static str),
    /// The code of somebody in the case is no possible code.
    #[error("subjects[{at}].{member}：{} / subjects[{at}].{member}: {fault}", fault.zh())]
    Subject {
        /// Place in the list, from 0.
        at: usize,
        /// `code` or `code_type`.
        member: &'static str,
        /// What is wrong with it.
        fault: AskedFault,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No receipt.
    #[error(transparent)]
    Receipt(#[from] ReceiptTripError),
    /// No randomness.
    #[error(transparent)]
    Rng(#[from] RngError),
}

/// Brings licences from other nodes.
pub type Elsewhere<'a> = &'a dyn Fn(&HolderQuestion) -> Brought;

/// Checks a case against a service item; `elsewhere` is asked if what is here does not suffice. The answer must not leave before the
/// job is committed.
///
/// # Errors
/// [`CheckError`]; a licence that is refused is no error.
pub fn check(
    node: &Node,
    caller: &Caller,
    code: &str,
    request: &ItemRequest,
    elsewhere: Elsewhere<'_>,
    log: AskLog<'_>,
) -> Result<(Checked, Job), CheckError> {
    let catalogue = node.catalogue().ok_or(CheckError::NotReady)?;
    let item = catalogue.service_item(code).ok_or(CheckError::UnknownItem)?;
    let people = request.check()?;
    let purpose = Purpose::parse(&item.code, &request.case_number, &request.authorisation);
    let purpose = purpose.map_err(CheckError::Field)?;
    let mut case = Case {
        node,
        evidence: node.evidence.snapshot(),
        now: node.clock.now(),
        catalogue: &catalogue,
        item,
        request,
        people: &people,
        looked: Vec::new(),
        log,
    };
    let held = gather(node, caller, item, request)?;
    case.judge(held.handed);
    let (mut fit, mut not_asked) = (case.fit(), Vec::new());
    if fit.result != FitResult::Met && request.elsewhere {
        let brought = elsewhere(&question(caller, item, request, &purpose));
        not_asked = brought.not_asked;
        case.judge(brought.views.into_iter().map(Handed::of_view).collect());
        fit = case.fit();
    }
    case.leave_open(&mut fit, caller, held.is_cut, !not_asked.is_empty());
    let (mut effects, mut licences) = (Vec::new(), Vec::new());
    for (handed, verdict) in &case.looked {
        licences.push(case.look(caller, handed, verdict, &fit, &mut effects)?);
    }
    let (record, rows) = record(node, caller, request, &purpose, &licences)?;
    effects.extend(rows);
    let job = Job::new(effects.into_iter().map(|effect| (effect, None)).collect());
    Ok((Checked { record, fit, licences, not_asked }, job))
}

/// What is asked of other nodes: licences of the people of the case, of types that the item accepts and the client may see.
fn question(caller: &Caller, item: &ServiceItem, request: &ItemRequest, purpose: &Purpose) -> HolderQuestion {
    let holder = |one: &ItemSubject| HolderCode { code_type: one.code_type.clone(), code: one.code.clone() };
    let mut seen = BTreeSet::new();
    let once = |one: &&ItemSubject| seen.insert((normal_code(&one.code_type), normal_code(&one.code)));
    HolderQuestion {
        holders: request.subjects.iter().filter(once).map(holder).collect(),
        types: visible(caller, item).map(str::to_owned).collect(),
        purpose: purpose.request(),
    }
}

/// A case that is judged at one moment with one evidence.
struct Case<'a> {
    node: &'a Node,
    evidence: Arc<Evidence>,
    now: UnixTime,
    catalogue: &'a Catalogue,
    item: &'a ServiceItem,
    request: &'a ItemRequest,
    /// The people of the case with their roles.
    people: &'a [(HolderRole, &'a ItemSubject)],
    log: AskLog<'a>,
    /// Each licence once, with its verdict.
    looked: Vec<(Handed, Verdict)>,
}

/// Bytes to be judged: handed in, of this node, or shown by another one.
struct Handed {
    bytes: Vec<u8>,
    /// The proof that came beside a view.
    log_proof: Option<Vec<u8>>,
}

impl Handed {
    const fn whole(bytes: Vec<u8>) -> Handed {
        Handed { bytes, log_proof: None }
    }

    fn of_view(shown: Shown) -> Handed {
        Handed { bytes: shown.view, log_proof: Some(shown.log_proof) }
    }
}

impl Case<'_> {
    fn judge(&mut self, all: Vec<Handed>) {
        let mut seen: BTreeSet<Digest> =
            self.looked.iter().map(|(_, verdict)| verdict.digests().licence).collect();
        let mut bytes = BTreeSet::new();
        for handed in all {
            // What is the same is judged once.
            if !bytes.insert(sha256(&[&handed.bytes])) {
                continue;
            }
            let verdict = self.verdict(&handed, None);
            if seen.insert(verdict.digests().licence) {
                self.looked.push((handed, verdict));
            }
        }
    }

    fn verdict(&self, handed: &Handed, subject: Option<Subject<'_>>) -> Verdict {
        let wanted = if handed.log_proof.is_some() { Wanted::View } else { Wanted::Either };
        let policy = Policy::approval().asking(Question {
            wanted,
            log_proof: handed.log_proof.as_deref(),
            subject,
            service_item: Some(&self.item.code),
            case_number: Some(&self.request.case_number),
            audience: Some(&self.node.authority),
            ..Question::default()
        });
        let (node, evidence, now) = (self.node, &*self.evidence, self.now);
        judge_with_log(node, (evidence, now), &policy, &handed.bytes, Some(self.log), |policy| {
            judge_with_cut(
                node,
                evidence,
                policy,
                || Some(handed.bytes.clone()),
                |policy| verify(&handed.bytes, evidence, policy, now),
            )
        })
    }

    fn fit(&self) -> Fit {
        let presented: Vec<Presented<'_>> =
            self.looked.iter().filter_map(|(_, verdict)| Presented::of_verdict(verdict)).collect();
        let subjects: Vec<Subject<'_>> = self.people.iter().map(|(role, one)| one.subject(*role)).collect();
        fit(self.catalogue, self.item, &presented, &subjects)
    }

    /// What was not looked at proves nothing: such materials are left open, and say why.
    fn leave_open(&self, fit: &mut Fit, caller: &Caller, is_cut: bool, not_asked: bool) {
        let seen: Vec<&str> = visible(caller, self.item).collect();
        let hidden = self.item.accepts.iter().map(|accepted| accepted.vct.as_str());
        let hidden: Vec<&str> = hidden.filter(|vct| !may_see(caller, vct)).collect();
        let gaps = [
            (Gap::NotPermitted, !hidden.is_empty(), &hidden),
            (Gap::Cut, is_cut, &seen),
            (Gap::NotAsked, not_asked, &seen),
        ];
        for (gap, _, types) in gaps.into_iter().filter(|(_, there, _)| *there) {
            fit.leave_open(self.catalogue, self.item, gap, types);
        }
    }

    /// How a licence came out, with a receipt if it meets a material: over a verdict that asks whose it is, too.
    fn look(
        &self,
        caller: &Caller,
        handed: &Handed,
        verdict: &Verdict,
        fit: &Fit,
        effects: &mut Vec<Effect>,
    ) -> Result<Looked, CheckError> {
        let licence = digest_text(&verdict.digests().licence);
        let meets = fit.licences.iter().find(|one| one.licence == licence).map(|one| one.meets.as_slice());
        let (mut receipt, mut receipt_id) = (None, None);
        if let Some([_, ..]) = meets {
            let meets = meets.unwrap_or_default();
            let of_holder = self.with_holder(handed, fit, meets);
            let (verdict, holder) = match &of_holder {
                Some((own, who)) => (own, Some((who.code_type.as_str(), who.code.as_str()))),
                None => (verdict, None),
            };
            let used = receipt::Use { materials: meets, holder };
            let (case, item) = (Some(self.request.case_number.as_str()), Some(self.item.code.as_str()));
            if let Some(made) = receipt::prepare(self.node, verdict, caller.id(), case, item, used)? {
                (receipt, receipt_id) = (Some(base64url(&made.bytes)), Some(made.id));
                effects.extend(made.job.effects.into_iter().map(|(effect, _)| effect));
            }
        }
        let (outcome, code) = (verdict.outcome().as_str(), verdict.code().map(|code| code.as_str()));
        Ok(Looked { licence, outcome, code, receipt, receipt_id })
    }

    /// The verdict that names the holder: the person of the case in the role of the first material that the licence meets.
    fn with_holder(&self, handed: &Handed, fit: &Fit, meets: &[String]) -> Option<(Verdict, &ItemSubject)> {
        let material = fit.materials.iter().find(|material| meets.first() == Some(&material.code))?;
        let people = self.people.iter().filter(|(role, _)| *role == material.holder_role);
        people
            .map(|(role, one)| (self.verdict(handed, Some(one.subject(*role))), *one))
            .find(|(verdict, _)| verdict.outcome() == Outcome::Accept)
    }
}

impl ItemRequest {
    /// The people of the case with their roles.
    ///
    /// # Errors
    /// The first part that is missing, too long, unreadable, or none of what it may be.
    fn check(&self) -> Result<Vec<(HolderRole, &ItemSubject)>, CheckError> {
        if !is_told(&self.operator) {
            return Err(CheckError::Field("operator"));
        }
        if self.subjects.is_empty() || self.subjects.len() > MAX_SUBJECTS {
            return Err(CheckError::Field("subjects"));
        }
        for (at, subject) in self.subjects.iter().enumerate() {
            AskedCode::parse(Some(&subject.code_type), &subject.code).map_err(|fault| {
                let member = if fault == AskedFault::Kind { "code_type" } else { "code" };
                CheckError::Subject { at, member, fault }
            })?;
        }
        if self.credentials.len() > MAX_HANDED_IN {
            return Err(CheckError::Field("credentials"));
        }
        self.subjects.iter().enumerate().map(|(at, one)| check_subject(at, one)).collect()
    }
}

fn check_subject(at: usize, subject: &ItemSubject) -> Result<(HolderRole, &ItemSubject), CheckError> {
    AskedCode::parse(Some(&subject.code_type), &subject.code).map_err(|fault| {
        let member = if fault == AskedFault::Kind { "code_type" } else { "code" };
        CheckError::Subject { at, member, fault }
    })?;
    subject.role().map(|role| (role, subject)).ok_or(CheckError::Role(at))
}

fn may_see(caller: &Caller, vct: &str) -> bool {
    caller.may(Errand::Check, About::of_type(vct)).is_ok()
}

/// The types that the item accepts and the client may see.
fn visible<'a>(caller: &'a Caller, item: &'a ServiceItem) -> impl Iterator<Item = &'a str> {
    item.accepts.iter().map(|accepted| accepted.vct.as_str()).filter(|vct| may_see(caller, vct))
}

/// What this node has for a case.
struct Held {
    handed: Vec<Handed>,
    /// Whether somebody holds more than was looked at.
    is_cut: bool,
}

/// The licences handed in, then those that the people hold here: of types that the item accepts and the client may see, the newest first.
fn gather(
    node: &Node,
    caller: &Caller,
    item: &ServiceItem,
    request: &ItemRequest,
) -> Result<Held, CheckError> {
    let mut handed = Vec::new();
    for text in &request.credentials {
        handed.push(Handed::whole(from_base64url(text).ok_or(CheckError::Field("credentials"))?));
    }
    let types: Vec<&str> = visible(caller, item).collect();
    let key = |one: &ItemSubject| holder_key(&node.holder_secret, &one.code_type, &one.code);
    let holders: BTreeSet<Digest> = request.subjects.iter().map(key).collect();
    let (read, mut is_cut, mut seen) = (node.store.read()?, false, BTreeSet::new());
    for holder in &holders {
        let mut rows = read.newest_of_holder(holder, &types, Status::Valid, MAX_HELD + 1)?;
        is_cut |= rows.len() > MAX_HELD as usize;
        rows.truncate(MAX_HELD as usize);
        for ended in [Status::Suspended, Status::Invalid] {
            rows.extend(read.newest_of_holder(holder, &types, ended, MAX_ENDED)?);
        }
        rows.retain(|row| seen.insert(row.digest));
        // None was lost: such rows are left out by the store.
        let whole = rows.iter().filter_map(|row| row.credential.whole());
        handed.extend(whole.map(|bytes| Handed::whole(bytes.to_vec())));
    }
    Ok(Held { handed, is_cut })
}

/// What is written down: who asked, for which case, on what ground, and which licences were looked at, a row each. Never whose.
fn record(
    node: &Node,
    caller: &Caller,
    request: &ItemRequest,
    purpose: &Purpose,
    licences: &[Looked],
) -> Result<(String, Vec<Effect>), CheckError> {
    let mut reference = [0; 16];
    node.rng.fill(&mut reference)?;
    let draft = audit::for_purpose(audit::draft(node, caller, AuditAct::Checked), purpose);
    let draft = draft.operator(&request.operator).reference(reference);
    let row = |one: &Looked| {
        let row = draft.clone().result(one.code.unwrap_or(one.outcome));
        Effect::Audit(parse_digest(&one.licence).map_or(row.clone(), |digest| row.licence(digest)))
    };
    let mut rows: Vec<Effect> = licences.iter().map(row).collect();
    if rows.is_empty() {
        rows.push(Effect::Audit(draft.clone().result("nothing")));
    }
    Ok((hex::encode(reference), rows))
}
