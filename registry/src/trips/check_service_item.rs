//! Which materials of a service item are met, by licences handed in and by those that the people of the case hold here.
//!
//! Order: item found → licences gathered → each verified, one clock and one evidence → fit → receipts signed → receipts and the
//! record of use in one group commit → answer. In scope: this node's licences and those handed in. Out of scope: licences
//! at other nodes and views (a later issue); the answer therefore holds no field of any licence.

use std::collections::BTreeSet;

use licence_catalogue::fit::{self, Fit, LicenceFit, Presented, fit};
use licence_spec::catalogue::{HolderRole, ServiceItem};
use licence_spec::evidence::Evidence;
use licence_spec::policy::{Policy, Question};
use licence_spec::suite::sha256;
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
use crate::trips::holder::holder_key;
use crate::trips::receipt::{self, ReceiptTripError};

/// Kind of the stored records of use.
const USE: &str = "use";
/// Most people of one case.
const MAX_SUBJECTS: usize = 8;
/// Most licences handed in with one request.
const MAX_HANDED_IN: usize = 16;
/// Most licences of one holder that are looked at.
const MAX_HELD: u32 = 256;
/// Longest operator, case number or authorisation, characters.
const MAX_TEXT: usize = 64;

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
pub struct Checked {
    /// Id of the record of this use.
    pub record: String,
    /// Which materials are met, by which licence.
    #[schema(value_type = Object)]
    pub fit: Fit,
    /// Every licence that was looked at, each once: those handed in first.
    pub licences: Vec<Looked>,
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

/// Checks a case against a service item. The answer must not leave before the job is committed.
///
/// # Errors
/// [`CheckError`]; a licence that is refused is no error.
pub fn check(
    node: &Node,
    client: &ClientRow,
    code: &str,
    request: &ItemRequest,
) -> Result<(Checked, Job), CheckError> {
    let catalogue = node.catalogue().ok_or(CheckError::NotReady)?;
    let item = catalogue.service_item(code).ok_or(CheckError::UnknownItem)?;
    request.check()?;
    let (evidence, now) = (node.evidence.snapshot(), node.clock.now());
    let mut seen = BTreeSet::new();
    let verdicts: Vec<Verdict> = gather(node, client, item, request)?
        .iter()
        .map(|bytes| judge(node, bytes, &evidence, item, &request.case_number, now))
        .filter(|verdict| seen.insert(verdict.digests().licence))
        .collect();
    let presented: Vec<Presented<'_>> = verdicts.iter().filter_map(Presented::of_verdict).collect();
    let subjects: Vec<fit::Subject<'_>> = request
        .subjects
        .iter()
        .map(|one| fit::Subject { role: one.role, code_type: &one.code_type, code: &one.code })
        .collect();
    let fit = fit(&catalogue, item, &presented, &subjects);
    let mut effects = Vec::new();
    let mut licences = Vec::new();
    for verdict in &verdicts {
        let looked = look(node, client, request, code, verdict, &fit, &mut effects)?;
        licences.push(looked);
    }
    let (record, row) = record(node, client, code, request, &licences, now)?;
    effects.push(Effect::Document(row));
    let job = Job::new(effects.into_iter().map(|effect| (effect, None)).collect());
    Ok((Checked { record, fit, licences }, job))
}

impl ItemRequest {
    fn check(&self) -> Result<(), CheckError> {
        let texts = [
            ("case_number", &self.case_number),
            ("operator", &self.operator),
            ("authorisation", &self.authorisation),
        ];
        for (name, text) in texts {
            if text.trim().is_empty() || text.chars().count() > MAX_TEXT {
                return Err(CheckError::Field(name));
            }
        }
        if self.subjects.is_empty() || self.subjects.len() > MAX_SUBJECTS {
            return Err(CheckError::Field("subjects"));
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
    let may = |vct: &str| {
        let code = vct.rsplit(':').next().unwrap_or_default();
        client.types.iter().any(|own| own == code || own == "*")
    };
    let read = node.store.read()?;
    for subject in &request.subjects {
        let key = holder_key(&node.holder_secret, &subject.code_type, &subject.code);
        for row in read.licences_of_holder(&key, 0, MAX_HELD)? {
            // Bytes that were lost in a restore cannot be judged: the holder hands the licence in.
            let is_whole = !row.credential.is_empty();
            if is_whole && item.accepted(&row.vct).is_some() && may(&row.vct) && row.successor.is_none() {
                found.push(row.credential);
            }
        }
    }
    Ok(found)
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
        ..Question::default()
    });
    verify(bytes, evidence, &policy, now)
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
    let mut id = [0; 16];
    node.rng.fill(&mut id)?;
    let record = hex::encode(id);
    let looked: Vec<&str> = licences.iter().map(|one| one.licence.as_str()).collect();
    let bytes = json!({
        "client": client.id, "service_item": code, "case_number": request.case_number, "operator": request.operator,
        "authorisation": request.authorisation, "at": now.0, "licences": looked,
    })
    .to_string()
    .into_bytes();
    let row = DocumentRow {
        kind: USE.to_owned(),
        name: record.clone(),
        version: 1,
        iat: now.0,
        digest: sha256(&[&bytes]),
        bytes,
        stored_at: now.0,
    };
    Ok((record, row))
}
