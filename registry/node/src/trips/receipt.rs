//! Receipts: a signed verdict that an approval system files in the case instead of a copy; and the check of a filed one.
//!
//! Order: verdict made → receipt signed → stored in the group commit → handed out. A receipt that was handed out is kept.

use licence_spec::audit::{AuditAct, WhoKind};
use licence_spec::receipt::{self, Archive, Filing, Receipt, ReceiptError};
use licence_spec::suite::name_digest;
use licence_spec::verdict::{Code, Outcome, Verdict};
use licence_store::ReceiptRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::node::Node;
use crate::node::audit::AuditDraft;
use crate::node::commit::{Effect, Job};
use crate::node::compared::ClockAhead;
use crate::node::encoding::{digest_text, from_base64url};
use crate::node::keys::Usage;
use crate::node::rng::RngError;

/// A receipt that has been signed and is still to be stored.
pub struct Prepared {
    /// What the writer stores.
    pub job: Job,
    /// The receipt; not to be handed out before the job is committed.
    pub bytes: Vec<u8>,
    /// Its id, 32 hex digits.
    pub id: String,
}

/// Why there is no receipt.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptTripError {
    /// Nothing is signed by a clock that is ahead.
    #[error(transparent)]
    ClockAhead(#[from] ClockAhead),
    /// The receipt breaks the format, or the key gave no signature.
    #[error("{0}")]
    Receipt(#[from] ReceiptError),
    /// The node has no receipt key.
    #[error("本节点没有回执密钥 / this node has no receipt key")]
    NoKey,
    /// No randomness.
    #[error(transparent)]
    Rng(#[from] RngError),
}

/// What an item check knows of a licence beside its verdict.
#[derive(Clone, Copy, Default)]
pub struct Use<'a> {
    /// Codes of the materials that it meets.
    pub materials: &'a [String],
    /// Type and code of the person of the case who holds it.
    pub holder: Option<(&'a str, &'a str)>,
}

/// Signs a receipt over a verdict for a case. `None` if there is nothing to sign over: no licence was read, or neither
/// case nor service item was named, without which a receipt could be filed anywhere.
///
/// # Errors
/// [`ReceiptTripError`].
pub fn prepare(
    node: &Node,
    verdict: &Verdict,
    audience: &str,
    case_number: Option<&str>,
    service_item: Option<&str>,
    used: Use<'_>,
) -> Result<Option<Prepared>, ReceiptTripError> {
    let (Some(case_number), Some(service_item)) = (case_number, service_item) else { return Ok(None) };
    if verdict.outcome() == Outcome::NoCredential {
        return Ok(None);
    }
    let signer = node.signer(&node.authority, Usage::RECEIPT)?.ok_or(ReceiptTripError::NoKey)?;
    let mut cti = [0; 16];
    node.rng.fill(&mut cti)?;
    let Use { materials, holder } = used;
    let filing =
        Filing { node: &node.authority, audience, case_number, service_item, materials, holder, cti };
    let bytes = receipt::sign(verdict, &filing, &*signer)?;
    let row = ReceiptRow {
        id: cti,
        client: audience.to_owned(),
        made_at: verdict.basis().now.0,
        digest: name_digest(&[&bytes]),
        bytes: bytes.clone(),
    };
    let result = verdict.code().map_or(verdict.outcome().as_str(), |code| code.as_str());
    let audit = AuditDraft::new(WhoKind::Client, audience, AuditAct::Filed, verdict.basis().now)
        .case(Some(service_item), Some(case_number))
        .licence(verdict.digests().licence)
        .object(row.digest)
        .reference(cti)
        .result(result);
    let job = Job::new(vec![(Effect::Receipt(row), None), (Effect::Audit(audit), None)]);
    Ok(Some(Prepared { job, bytes, id: hex::encode(cti) }))
}

/// A receipt from a case file, with the archived objects that are at hand; all base64url.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReceiptCheckRequest)]
pub struct CheckRequest {
    /// 回执 / the receipt.
    pub receipt: String,
    /// The full licence that was filed with it.
    #[serde(default)]
    pub licence: Option<String>,
    /// The view.
    #[serde(default)]
    pub view: Option<String>,
    /// The status token.
    #[serde(default)]
    pub status_token: Option<String>,
    /// The log proof file.
    #[serde(default)]
    pub log_proof: Option<String>,
}

/// What a filed receipt is worth, and what it says.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = ReceiptCheck)]
pub struct Checked {
    /// ACCEPT if the receipt is what it says, REJECT if not, INDETERMINATE if this node cannot tell, NO_CREDENTIAL if nothing was read as one.
    pub outcome: &'static str,
    /// Why not.
    pub code: Option<&'static str>,
    /// 说明.
    pub text_zh: &'static str,
    /// The same in English.
    pub text_en: &'static str,
    /// What it says, only if it is genuine.
    pub receipt: Option<Content>,
}

/// What a receipt says.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = ReceiptContent)]
pub struct Content {
    /// Node that verified.
    pub issuer: String,
    /// Who asked.
    pub audience: String,
    /// When, RFC 3339.
    pub issued_at: String,
    /// 办件编号.
    pub case_number: String,
    /// 事项.
    pub service_item: String,
    /// The verdict then.
    pub outcome: &'static str,
    /// Its primary code.
    pub code: Option<&'static str>,
    /// Digest of the licence, `sha-256:` and hex.
    pub licence: String,
    /// 材料 / codes of the materials of the item that the licence meets; empty unless an item was checked.
    pub materials: Vec<String>,
    /// 持证主体摘要 / keyed digest of the holder's code (spec/receipt.md §2), `sha-256:` and hex.
    pub holder: Option<String>,
}

/// Why a filed receipt is not looked at: a member is not base64url.
#[derive(Debug, thiserror::Error)]
#[error("{0} 不是 base64url / {0} is not base64url without padding")]
pub struct NotBase64(pub &'static str);

/// Checks a filed receipt against the trust list of this node.
///
/// # Errors
/// [`NotBase64`]; a bad receipt is an answer.
pub fn check_filed(node: &Node, request: &CheckRequest) -> Result<Checked, NotBase64> {
    let bytes = |name, text: &Option<String>| {
        text.as_deref().map(|text| from_base64url(text).ok_or(NotBase64(name))).transpose()
    };
    let receipt = from_base64url(&request.receipt).ok_or(NotBase64("receipt"))?;
    let (licence, view) = (bytes("licence", &request.licence)?, bytes("view", &request.view)?);
    let token = bytes("status_token", &request.status_token)?;
    let proof = bytes("log_proof", &request.log_proof)?;
    let archive = Archive {
        licence: licence.as_deref(),
        view: view.as_deref(),
        status_token: token.as_deref(),
        log_proof: proof.as_deref(),
        ..Archive::default()
    };
    let (evidence, now) = (node.evidence.snapshot(), node.clock.now());
    let fresh = evidence.trust_files().is_some_and(|files| files.is_fresh(now, 0));
    Ok(match evidence.trust_list() {
        None => refused(Code::TrustListUnavailable),
        Some(_) if !fresh => refused(Code::TrustListExpired),
        Some(list) => match receipt::check(&receipt, list, &archive) {
            Err(code) => refused(code),
            Ok(receipt) => Checked {
                outcome: Outcome::Accept.as_str(),
                code: None,
                text_zh: "回执真实有效",
                text_en: "the receipt is genuine",
                receipt: Some(content(&receipt)),
            },
        },
    })
}

fn refused(code: Code) -> Checked {
    let outcome = match code {
        Code::TrustListUnavailable | Code::TrustListExpired => Outcome::Indeterminate,
        Code::Unreadable => Outcome::NoCredential,
        _ => Outcome::Reject,
    };
    let (text_zh, text_en) = receipt::words(code);
    Checked { outcome: outcome.as_str(), code: Some(code.as_str()), text_zh, text_en, receipt: None }
}

fn content(receipt: &Receipt) -> Content {
    Content {
        issuer: receipt.issuer().to_owned(),
        audience: receipt.audience().to_owned(),
        issued_at: receipt.issued_at().to_string(),
        case_number: receipt.case_number().to_owned(),
        service_item: receipt.service_item().to_owned(),
        outcome: receipt.outcome().as_str(),
        code: receipt.code().map(|code| code.as_str()),
        licence: digest_text(&receipt.digests().licence),
        materials: receipt.materials().to_vec(),
        holder: receipt.holder().map(|mark| digest_text(&mark.digest)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::access::caller::Caller;
    use crate::node::encoding::base64url;
    use crate::testing::{licence, rehearse};
    use crate::trips::verify::{ALONE, verify_presented};

    fn judged(node: &Node, form: serde_json::Value) -> Verdict {
        let request = serde_json::from_value(form).unwrap();
        verify_presented(node, &Caller::Operator, &request, &ALONE).unwrap().verdict
    }

    fn filed(node: &Node, verdict: &Verdict) -> Prepared {
        let used = Use::default();
        let made = prepare(node, verdict, "office", Some("2026-1"), Some("GZ-SP-0101"), used).unwrap();
        made.unwrap()
    }

    fn check(node: &Node, receipt: &[u8]) -> Checked {
        let request = json!({"receipt": base64url(receipt)});
        check_filed(node, &serde_json::from_value(request).unwrap()).unwrap()
    }

    #[test]
    fn a_receipt_is_genuine_years_later_and_not_if_a_byte_of_it_is_changed() {
        let city = rehearse().city;
        let verdict = judged(&city, json!({"credential": licence(&city, 1).credential}));
        let made = filed(&city, &verdict);
        let checked = check(&city, &made.bytes);
        assert_eq!((checked.outcome, checked.code), ("ACCEPT", None));
        let content = checked.receipt.unwrap();
        assert_eq!((content.audience.as_str(), content.case_number.as_str()), ("office", "2026-1"));
        let mut changed = made.bytes.clone();
        *changed.last_mut().unwrap() ^= 1;
        let refused = check(&city, &changed);
        assert_eq!((refused.outcome, refused.receipt.is_none()), ("REJECT", true));
        assert_eq!(check(&city, b"noise").outcome, "NO_CREDENTIAL");
    }

    #[test]
    fn nothing_is_signed_over_that_was_no_licence_or_could_be_filed_anywhere() {
        let city = rehearse().city;
        let noise = judged(&city, json!({"qr": "not a licence"}));
        let made = prepare(&city, &noise, "office", Some("1"), Some("GZ-SP-0101"), Use::default());
        assert!(made.unwrap().is_none());
        let good = judged(&city, json!({"credential": licence(&city, 1).credential}));
        for (case, item) in [(None, Some("GZ-SP-0101")), (Some("1"), None)] {
            assert!(prepare(&city, &good, "office", case, item, Use::default()).unwrap().is_none());
        }
    }

    #[test]
    fn a_refused_licence_has_a_receipt_that_says_so() {
        let city = rehearse().city;
        let mut bytes = licence(&city, 1).statement;
        *bytes.last_mut().unwrap() ^= 1;
        let verdict = judged(&city, json!({"credential": base64url(&bytes)}));
        let content = check(&city, &filed(&city, &verdict).bytes).receipt.unwrap();
        assert_eq!((content.outcome, content.code), ("REJECT", Some("SIGNATURE_INVALID")));
    }

    #[test]
    fn a_node_whose_trust_list_is_over_says_that_it_cannot_tell() {
        let city = rehearse().city;
        let verdict = judged(&city, json!({"credential": licence(&city, 1).credential}));
        let made = filed(&city, &verdict);
        city.clock.advance(4 * 86_400);
        assert_eq!(check(&city, &made.bytes).outcome, "INDETERMINATE");
    }
}
