//! What happens to a verdict that a client has asked for: the act of law is named, a receipt is made over it, or it is counted.
//!
//! Order: verdict made (`verify`) → explained from the own register → receipt signed, if one is wanted for a case → counted, if not → the
//! job durable → answer. Out of scope: judging (`verify`), making and checking receipts (`receipt`).

use licence_catalogue::fit::Fit;
use licence_spec::audit::{AuditAct, WhoKind};
use licence_spec::verdict::Verdict;
use licence_store::StoreError;

use crate::access::caller::Caller;
use crate::node::Node;
use crate::node::commit::Job;
use crate::publication::own_register;
use crate::trips::receipt::{self, Prepared, ReceiptTripError};
use crate::trips::verify::{Answer, VerifyRequest};

/// Why a verdict is not handed out.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// What the own register says of the licence cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No receipt could be made, and one is wanted.
    #[error(transparent)]
    Receipt(#[from] ReceiptTripError),
}

/// A verdict that may leave once the job is committed.
pub struct FiledVerdict {
    /// The verdict, with the act of law in its text.
    pub verdict: Verdict,
    /// What it means for the service item.
    pub fit: Option<Fit>,
    /// The receipt, if one was wanted for a case and a service item.
    pub receipt: Option<Vec<u8>>,
    /// Its id, 32 hex digits.
    pub receipt_id: Option<String>,
    /// What writes it down; without a receipt the verdict is only counted.
    pub job: Option<Job>,
}

/// Whether the store is read for this verdict: not for async threads then.
#[must_use]
pub fn may_wait(verdict: &Verdict) -> bool {
    own_register::may_explain(verdict)
}

/// Files or counts a verdict.
///
/// # Errors
/// [`FileError`]; nothing is counted then.
pub fn file_verdict(
    node: &Node,
    caller: &Caller,
    request: &VerifyRequest,
    judged: Answer,
) -> Result<FiledVerdict, FileError> {
    let Answer { mut verdict, fit } = judged;
    if own_register::may_explain(&verdict) {
        own_register::explain(node, &mut verdict)?;
    }
    let prepared = match request.receipt {
        true => {
            let (case, item) = (request.case_number.as_deref(), request.service_item.as_deref());
            receipt::prepare(node, &verdict, caller.id(), case, item, receipt::Use::default())?
        }
        false => None,
    };
    let Some(Prepared { job, bytes, id }) = prepared else {
        let result = verdict.code().map_or(verdict.outcome().as_str(), |code| code.as_str());
        node.counted.count(WhoKind::Client, caller.id(), AuditAct::Verified, result);
        return Ok(FiledVerdict { verdict, fit, receipt: None, receipt_id: None, job: None });
    };
    Ok(FiledVerdict { verdict, fit, receipt: Some(bytes), receipt_id: Some(id), job: Some(job) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{licence, reason, rehearse};
    use crate::trips::change_status::{ChangeRequest, change_status};
    use crate::trips::verify::{ALONE, verify_presented};

    fn filed(node: &Node, request: serde_json::Value) -> FiledVerdict {
        let request: VerifyRequest = serde_json::from_value(request).unwrap();
        let judged = verify_presented(node, &Caller::Operator, &request, &ALONE).unwrap();
        file_verdict(node, &Caller::Operator, &request, judged).unwrap()
    }

    #[test]
    fn a_receipt_is_made_for_a_case_and_what_files_nothing_is_counted() {
        let city = rehearse().city;
        let credential = licence(&city, 1).credential;
        let case = json!({"credential": credential, "case_number": "2026-1", "service_item": "SZ-SP-0101"});
        let made = filed(&city, case.clone());
        assert!(made.receipt.is_some() && made.job.is_some());
        assert_eq!(made.receipt_id.unwrap().len(), 32);
        let mut without = case;
        without["receipt"] = json!(false);
        for request in [without, json!({"credential": credential})] {
            let counted = filed(&city, request);
            assert!(counted.receipt.is_none() && counted.job.is_none());
        }
        assert_eq!(city.counted.take(city.clock.now()).len(), 1, "one row for both");
    }

    #[test]
    fn the_act_of_law_stands_in_the_text_of_what_has_ended() {
        let city = rehearse().city;
        let issued = licence(&city, 1);
        let revoke = ChangeRequest { act: "revoke".to_owned(), reason: reason(), effective_at: None };
        change_status(&city, &Caller::Operator, &issued.id, &revoke, None).unwrap();
        let text = filed(&city, json!({"credential": issued.credential})).verdict.zh().into_owned();
        assert!(text.contains("撤销"), "{text}");
    }
}
