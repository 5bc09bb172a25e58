//! `POST /v1/verifications`: a refused licence is 200 with a verdict; 4xx means that the request was wrong.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use licence_catalogue::fit::Fit;
use licence_node::access::caller::{Caller, Errand};
use licence_spec::audit::{AuditAct, WhoKind};
use licence_spec::qr::Reference;
use licence_spec::verdict::Verdict;
use serde::Serialize;
use utoipa::ToSchema;

use super::call::Call;
use super::idempotency::{Begun, Turn, begin, otherwise};
use super::problem::Problem;
use super::{Web, blocking};
use licence_node::exchange::ask_register::RegisterQuestion;
use licence_node::exchange::look_up::{LogQuestion, lacks_the_log};
use licence_node::node::commit::{Job, Remember, Render};
use licence_node::node::encoding::base64url;
use licence_node::publication::own_register;
use licence_node::trips::receipt;
use licence_node::trips::verify::{
    Answer as Judged, NOBODY, Others, VerifyError, VerifyRequest, verify_presented,
};

/// A verdict, what it means for the service item, and the receipt.
#[derive(Serialize, ToSchema)]
#[schema(as = Verification)]
pub(super) struct Answer {
    /// The verdict of spec/verdict.md; the same bytes as the clerk's tool prints.
    #[schema(value_type = Object)]
    pub(super) verdict: Verdict,
    /// Whether the licence meets the service item; null if none was named or nothing could be read.
    #[schema(value_type = Option<Object>)]
    pub(super) fit: Option<Fit>,
    /// The receipt, base64url; null unless case number and service item were given.
    pub(super) receipt: Option<String>,
    /// Id of the receipt, 32 hex digits, for `GET /v1/receipts/{id}`; null without a receipt.
    pub(super) receipt_id: Option<String>,
}

/// 核验 / judge one licence. Reads no database, unless a number is asked for.
#[utoipa::path(post, path = "/v1/verifications", tag = "verification", request_body = VerifyRequest, responses((status = 200, body = Answer)))]
pub(super) async fn verify(State(web): State<Arc<Web>>, call: Call) -> Result<Response, Problem> {
    let caller = call.caller(Errand::Verify)?;
    let request: VerifyRequest = call.json()?;
    let turn = match request.files_receipt() {
        false => None,
        true => match begin(&web, &caller, &call, StatusCode::OK).await? {
            Begun::Replay(answer) => return Ok(answer),
            Begun::Do(turn) => turn,
        },
    };
    let (answer, filed) = judge(&web, &caller, &request).await?;
    // Cannot fail: the answer is made of texts and numbers.
    let body = serde_json::to_vec(&answer).unwrap_or_default();
    match filed {
        Some(job) => keep(&web, job, turn, body).await,
        None => Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response()),
    }
}

/// Stores a receipt with the answer, and answers; the turn ends when that is done.
pub(super) async fn keep(
    web: &Web,
    job: Job,
    turn: Option<(Remember, Turn)>,
    body: Vec<u8>,
) -> Result<Response, Problem> {
    let (remember, _turn) = turn.unzip();
    match store(web, job, remember.clone().map(|remember| (remember, body.clone()))).await {
        Ok(()) => Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response()),
        Err(problem) => otherwise(web, remember.as_ref(), problem).await,
    }
}

/// The answer to one request, and the job that stores its receipt. The answer must not leave before the job is done.
pub(super) async fn judge(
    web: &Arc<Web>,
    caller: &Caller,
    request: &VerifyRequest,
) -> Result<(Answer, Option<Job>), Problem> {
    let judged = if request.may_wait() {
        let (web, caller, request) = (Arc::clone(web), caller.clone(), request.clone());
        blocking(move || ask_others(&web, &caller, &request)).await??
    } else {
        // No database and no waiting: the judgement takes less time than handing it to another thread.
        let judged = verify_presented(&web.app.node, caller, request, &NOBODY)?;
        match lacks_the_log(&judged.verdict) {
            false => judged,
            true => {
                let (web, caller, request) = (Arc::clone(web), caller.clone(), request.clone());
                blocking(move || ask_others(&web, &caller, &request)).await??
            }
        }
    };
    let verdict = explained(web, judged.verdict).await?;
    web.app.metrics.verdict(verdict.outcome().as_str(), verdict.code().map(|code| code.as_str()));
    let mut answer = Answer { verdict, fit: judged.fit, receipt: None, receipt_id: None };
    // What files nothing is counted; a receipt is a row of its own.
    let count = |answer: &Answer| {
        let result = answer.verdict.code().map_or(answer.verdict.outcome().as_str(), |code| code.as_str());
        web.app.node.counted.count(WhoKind::Client, caller.id(), AuditAct::Verified, result);
    };
    if !request.receipt {
        count(&answer);
        return Ok((answer, None));
    }
    let (case, item) = (request.case_number.as_deref(), request.service_item.as_deref());
    match receipt::prepare(&web.app.node, &answer.verdict, caller.id(), case, item, receipt::Use::default())?
    {
        None => {
            count(&answer);
            Ok((answer, None))
        }
        Some(prepared) => {
            answer.receipt = Some(base64url(&prepared.bytes));
            answer.receipt_id = Some(prepared.id);
            Ok((answer, Some(prepared.job)))
        }
    }
}

/// Judges with the help of other nodes.
fn ask_others(web: &Web, caller: &Caller, request: &VerifyRequest) -> Result<Judged, VerifyError> {
    let (node, neighbours) = (&web.app.node, &web.app.neighbours);
    let fetch = |reference: &Reference| neighbours.reference(node, &reference.host, &reference.cti);
    let ask = |host: &str, question: &RegisterQuestion| neighbours.register(node, host, question);
    let log = |question: &LogQuestion| neighbours.logged(node, question);
    verify_presented(node, caller, request, &Others { fetch: &fetch, ask: &ask, log: Some(&log) })
}

/// With the act of law in the text, if the licence is this node's own and has ended or is suspended.
async fn explained(web: &Arc<Web>, mut verdict: Verdict) -> Result<Verdict, Problem> {
    if !own_register::may_explain(&verdict) {
        return Ok(verdict);
    }
    let web = Arc::clone(web);
    let explained =
        blocking(move || own_register::explain(&web.app.node, &mut verdict).map(|()| verdict)).await?;
    explained.map_err(|error| Problem::store(&error))
}

/// Makes a receipt durable, together with the answer that is kept under an idempotency key.
pub(super) async fn store(web: &Web, mut job: Job, kept: Option<(Remember, Vec<u8>)>) -> Result<(), Problem> {
    job.answer = kept.map(|(remember, body)| (remember, Box::new(move |_: &_| body.clone()) as Render));
    let committed = web.app.node.writer.submit(job)?;
    committed.await.map_err(|_| Problem::internal("writer"))??;
    Ok(())
}
