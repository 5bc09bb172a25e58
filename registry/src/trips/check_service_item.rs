//! Which materials of a service item are met, by licences handed in and by those that the people of the case hold here.
//!
//! Order: item found → licences gathered → each verified, one clock and one evidence → fit → if that is not enough, those at other
//! nodes gathered, and once more → receipts signed → receipts and the record of use in one group commit → answer.
//! Out of scope: how other nodes are asked (`find_elsewhere`); views (a later issue): the answer holds no field of any licence.

use std::sync::Arc;

use licence_catalogue::fit::{self, Fit, FitResult, LicenceFit, Presented, fit};
use licence_spec::catalogue::{Catalogue, HolderRole, ServiceItem};
use licence_spec::evidence::Evidence;
use licence_spec::identifiers::{AskedCode, AskedFault};
use licence_spec::policy::{LogLookUp, Policy, Question};
use licence_spec::time::UnixTime;
use licence_spec::verdict::Verdict;
use licence_spec::verify::verify;
use licence_store::{ClientRow, DocumentRow, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::db::{Effect, Job};
use crate::encoding::{base64url, digest_text, from_base64url};
use crate::node::Node;
use crate::rng::RngError;
use crate::trips::cut::judge_with_cut;
use crate::trips::find_elsewhere::{Brought, HolderCode, HolderQuestion};
use crate::trips::holder::holder_key;
use crate::trips::receipt::{self, ReceiptTripError};
use crate::trips::use_record::{self, Purpose, is_told};

/// Most people of one case.
const MAX_SUBJECTS: usize = 8;
/// Most licences handed in with one request.
const MAX_HANDED_IN: usize = 16;
/// Most licences of one holder that are looked at.
const MAX_HELD: u32 = 256;

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
    #[schema(value_type = String)]
    pub role: HolderRole,
    /// 证件类型代码 / kind of the code, such as 001 or 111.
    pub code_type: String,
    /// The code.
    pub code: String,
}

const fn applicant() -> HolderRole {
    HolderRole::Applicant
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
    /// Receipt, base64url, if the licence meets a material.
    pub receipt: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// No such service item.
    #[error("目录中没有该事项 / the catalogue has no such service item")]
    UnknownItem,
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
    client: &ClientRow,
    code: &str,
    request: &ItemRequest,
    elsewhere: Elsewhere<'_>,
) -> Result<(Checked, Job), CheckError> {
    let catalogue = node.catalogue().ok_or(CheckError::NotReady)?;
    let item = catalogue.service_item(code).ok_or(CheckError::UnknownItem)?;
    request.check()?;
    let mut case = Case {
        node,
        evidence: node.evidence.snapshot(),
        now: node.clock.now(),
        catalogue: &catalogue,
        item,
        request,
        verdicts: Vec::new(),
    };
    case.judge(&gather(node, client, item, request)?);
    let (mut fit, mut not_asked) = (case.fit(), Vec::new());
    if fit.result != FitResult::Met && request.elsewhere {
        let brought = elsewhere(&question(client, item, request));
        not_asked = brought.not_asked;
        case.judge(&brought.credentials);
        fit = case.fit();
    }
    let mut effects = Vec::new();
    let mut licences = Vec::new();
    for verdict in &case.verdicts {
        let looked = look(node, client, request, code, verdict, &fit, &mut effects)?;
        licences.push(looked);
    }
    let (record, row) = record(node, client, code, request, &licences, case.now)?;
    effects.push(Effect::Document(row));
    let job = Job::new(effects.into_iter().map(|effect| (effect, None)).collect());
    Ok((Checked { record, fit, licences, not_asked }, job))
}

/// What is asked of other nodes: licences of the people of the case, of types that the item accepts and the client may see.
fn question(client: &ClientRow, item: &ServiceItem, request: &ItemRequest) -> HolderQuestion {
    let holder = |one: &ItemSubject| HolderCode { code_type: one.code_type.clone(), code: one.code.clone() };
    let types = item.accepts.iter().map(|accepted| &accepted.vct).filter(|vct| may_see(client, vct));
    HolderQuestion {
        holders: request.subjects.iter().map(holder).collect(),
        types: types.cloned().collect(),
        purpose: Purpose {
            service_item: item.code.clone(),
            case_number: request.case_number.clone(),
            authorisation: request.authorisation.clone(),
        },
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
    /// Of each licence once.
    verdicts: Vec<Verdict>,
}

impl Case<'_> {
    fn judge(&mut self, credentials: &[Vec<u8>]) {
        for bytes in credentials {
            let verdict =
                judge(self.node, bytes, &self.evidence, self.item, &self.request.case_number, self.now);
            let digest = verdict.digests().licence;
            if self.verdicts.iter().all(|other| other.digests().licence != digest) {
                self.verdicts.push(verdict);
            }
        }
    }

    fn fit(&self) -> Fit {
        let presented: Vec<Presented<'_>> = self.verdicts.iter().filter_map(Presented::of_verdict).collect();
        let people = self.request.subjects.iter();
        let subjects: Vec<fit::Subject<'_>> = people
            .map(|one| fit::Subject {
                role: one.role,
                code_type: Some(&one.code_type),
                code: &one.code,
                name: None,
            })
            .collect();
        fit(self.catalogue, self.item, &presented, &subjects)
    }
}

impl ItemRequest {
    fn check(&self) -> Result<(), CheckError> {
        let texts = [
            ("case_number", &self.case_number),
            ("operator", &self.operator),
            ("authorisation", &self.authorisation),
        ];
        for (name, text) in texts {
            if !is_told(text) {
                return Err(CheckError::Field(name));
            }
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
        Ok(())
    }
}

/// The licences handed in, then those that the people hold here: of types that the item accepts and the client may see.
fn gather(
    node: &Node,
    client: &ClientRow,
    item: &ServiceItem,
    request: &ItemRequest,
) -> Result<Vec<Vec<u8>>, CheckError> {
    let mut found = Vec::new();
    for text in &request.credentials {
        found.push(from_base64url(text).ok_or(CheckError::Field("credentials"))?);
    }
    let read = node.store.read()?;
    for subject in &request.subjects {
        let key = holder_key(&node.holder_secret, &subject.code_type, &subject.code);
        for row in read.licences_of_holder(&key, 0, MAX_HELD)? {
            // Bytes that were lost in a restore cannot be judged: the holder hands the licence in.
            let is_whole = !row.credential.is_empty();
            let is_wanted = item.accepted(&row.vct).is_some() && may_see(client, &row.vct);
            if is_whole && is_wanted && row.successor.is_none() {
                found.push(row.credential);
            }
        }
    }
    Ok(found)
}

fn may_see(client: &ClientRow, vct: &str) -> bool {
    let code = vct.rsplit(':').next().unwrap_or_default();
    client.types.iter().any(|own| own == code || own == "*")
}

fn judge(
    node: &Node,
    bytes: &[u8],
    evidence: &Evidence,
    item: &ServiceItem,
    case_number: &str,
    now: UnixTime,
) -> Verdict {
    let policy = Policy::approval().asking(Question {
        service_item: Some(&item.code),
        case_number: Some(case_number),
        audience: Some(&node.authority),
        log: Some(LogLookUp::NotAsked),
        ..Question::default()
    });
    judge_with_cut(
        node,
        evidence,
        &policy,
        || Some(bytes.to_vec()),
        |policy| verify(bytes, evidence, policy, now),
    )
}

/// How a licence came out, with a receipt if it meets a material.
fn look(
    node: &Node,
    client: &ClientRow,
    request: &ItemRequest,
    code: &str,
    verdict: &Verdict,
    fit: &Fit,
    effects: &mut Vec<Effect>,
) -> Result<Looked, CheckError> {
    let licence = digest_text(&verdict.digests().licence);
    let used = |one: &&LicenceFit| one.licence == licence && !one.meets.is_empty();
    let mut receipt = None;
    if fit.licences.iter().find(used).is_some()
        && let Some(made) =
            receipt::prepare(node, verdict, &client.id, Some(&request.case_number), Some(code))?
    {
        receipt = Some(base64url(&made.bytes));
        effects.extend(made.job.effects.into_iter().map(|(effect, _)| effect));
    }
    let (outcome, code) = (verdict.outcome().as_str(), verdict.code().map(|code| code.as_str()));
    Ok(Looked { licence, outcome, code, receipt })
}

/// The record of use: who asked, for which case, on what ground, and which licences were looked at. Never whose.
fn record(
    node: &Node,
    client: &ClientRow,
    code: &str,
    request: &ItemRequest,
    licences: &[Looked],
    now: UnixTime,
) -> Result<(String, DocumentRow), CheckError> {
    let looked: Vec<&str> = licences.iter().map(|one| one.licence.as_str()).collect();
    let content = json!({
        "client": client.id, "service_item": code, "case_number": request.case_number, "operator": request.operator,
        "authorisation": request.authorisation, "at": now.0, "licences": looked,
    });
    Ok(use_record::row(node, &content)?)
}
