//! Which materials of a service item are met, by licences handed in and by those that the people of the case hold here.
//!
//! Order: item found → licences gathered → each verified, one clock and one evidence → fit → if that is not enough, those at other
//! nodes gathered, and once more → receipts signed → receipts and the record of use in one group commit → answer.
//! Licences of other nodes come as views. What was not looked at is never "not met": it is left open, with the reason.
//! Out of scope: how other nodes are asked (`ask_others`); the answer holds no field of any licence.

mod case;
mod held;
mod record;

use std::collections::BTreeSet;

use licence_catalogue::fit::{Fit, FitResult};
use licence_spec::catalogue::{HolderRole, ServiceItem};
use licence_spec::identifiers::{AskedCode, AskedFault, normal_code};
use licence_spec::policy::Subject;
use licence_store::StoreError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::authorisation::{Purpose, is_told};
use crate::access::caller::{About, Caller, Errand};
use crate::exchange::ask_others::Brought;
use crate::exchange::look_up::AskLog;
use crate::exchange::questions::{HolderCode, HolderQuestion};
use crate::node::Node;
use crate::node::commit::Job;
use crate::node::rng::RngError;
use crate::trips::receipt::ReceiptTripError;
use case::{Case, Handed};
use held::gather;
use record::record;

/// Most people of one case.
const MAX_SUBJECTS: usize = 8;
/// Most licences handed in with one request.
const MAX_HANDED_IN: usize = 16;
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
        let people = self.subjects.iter().enumerate().map(|(at, one)| check_subject(at, one));
        let people = people.collect::<Result<Vec<_>, CheckError>>()?;
        if self.credentials.len() > MAX_HANDED_IN {
            return Err(CheckError::Field("credentials"));
        }
        Ok(people)
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
