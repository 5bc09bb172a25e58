//! Verify what was presented: one clock reading, one snapshot of the evidence, one verdict.
//!
//! The verdict reads no database; only a question by number looks the credential up first.

use licence_catalogue::fit::{self, Fit, Presented, fit};
use licence_spec::catalogue::HolderRole;
use licence_spec::evidence::Evidence;
use licence_spec::policy::{Policy, Question, Subject};
use licence_spec::qr::{self, QrContent};
use licence_spec::verdict::Verdict;
use licence_spec::verify::{not_found, verify, verify_qr};
use licence_store::StoreError;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::encoding::from_base64url;
use crate::node::Node;
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
    /// 电子证照标识 of a licence of this node.
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

/// The applicant, as the API takes it.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubjectRequest {
    /// Kind of the code.
    #[serde(default)]
    pub code_type: Option<String>,
    /// The code.
    pub code: String,
    /// The name.
    #[serde(default)]
    pub name: Option<String>,
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
    /// No such policy.
    #[error("没有此策略 / no such policy: approval, counter or archive")]
    UnknownPolicy,
    /// This node restored the licence without its bytes: only whoever holds it can hand it in.
    #[error(
        "本节点由备份恢复，该证照的原文已丢失，请提交证照本身 / this node was restored from a backup and the bytes of this licence are lost: present the licence itself"
    )]
    BytesLost,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A verdict, and what it means for the service item.
pub struct Answer {
    /// The verdict.
    pub verdict: Verdict,
    /// The fit, if a service item that the catalogue knows was named.
    pub fit: Option<Fit>,
}

/// Judges what was presented.
///
/// # Errors
/// [`VerifyError`] if the request is wrong; a refused licence is no error.
pub fn verify_presented(node: &Node, request: &VerifyRequest) -> Result<Answer, VerifyError> {
    let preset = request.policy.as_deref().unwrap_or("approval");
    let policy = Policy::named(preset).ok_or(VerifyError::UnknownPolicy)?.asking(Question {
        subject: request.subject.as_ref().map(|subject| Subject {
            code_type: subject.code_type.as_deref(),
            code: &subject.code,
            name: subject.name.as_deref(),
        }),
        service_item: request.service_item.as_deref(),
        case_number: request.case_number.as_deref(),
        audience: Some(&node.authority),
        ..Question::default()
    });
    let (evidence, now) = (node.evidence.snapshot(), node.clock.now());
    let verdict = match (&request.credential, &request.qr, &request.id) {
        (Some(text), None, None) => {
            let bytes = from_base64url(text).ok_or(VerifyError::Encoding)?;
            judge_with_cut(
                node,
                &evidence,
                &policy,
                || Some(bytes.clone()),
                |policy| verify(&bytes, &evidence, policy, now),
            )
        }
        (None, Some(text), None) => judge_with_cut(
            node,
            &evidence,
            &policy,
            || object_of_qr(text),
            |policy| verify_qr(text, &evidence, policy, now),
        ),
        (None, None, Some(id)) => {
            let row = node.store.read()?.licence_by_id(id)?;
            let mut verdict = match &row {
                Some(row) if row.credential.is_empty() => return Err(VerifyError::BytesLost),
                Some(row) => judge_with_cut(
                    node,
                    &evidence,
                    &policy,
                    || Some(row.credential.clone()),
                    |policy| verify(&row.credential, &evidence, policy, now),
                ),
                None => not_found(&evidence, &policy, now),
            };
            // A number alone is no title to the content: who has not been shown the licence does not get it.
            verdict.withhold_licence();
            verdict
        }
        _ => return Err(VerifyError::OneForm),
    };
    let fit = fit_of(&evidence, request, &verdict);
    Ok(Answer { verdict, fit })
}

/// The licence or view in a QR code that holds one.
fn object_of_qr(text: &str) -> Option<Vec<u8>> {
    match qr::read(text) {
        Ok(QrContent::Object(bytes)) => Some(bytes),
        Ok(QrContent::Reference(_)) | Err(_) => None,
    }
}

fn fit_of(evidence: &Evidence, request: &VerifyRequest, verdict: &Verdict) -> Option<Fit> {
    let catalogue = evidence.catalogue()?;
    let item = catalogue.service_item(request.service_item.as_deref()?)?;
    let presented = Presented::of_verdict(verdict)?;
    let subject = request.subject.as_ref().map(|subject| fit::Subject {
        role: HolderRole::Applicant,
        code_type: subject.code_type.as_deref().unwrap_or_default(),
        code: &subject.code,
    });
    Some(fit(catalogue, item, &[presented], subject.as_slice()))
}
