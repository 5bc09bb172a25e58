//! `POST /v1/verifications`: a refused licence is 200 with a verdict; 4xx means that the request was wrong.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use licence_catalogue::fit::Fit;
use licence_node::access::caller::{Caller, Errand};
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
use licence_node::trips::file_verdict::{self, file_verdict};
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
    let filed = if file_verdict::may_wait(&judged.verdict) {
        let (web, caller, request) = (Arc::clone(web), caller.clone(), request.clone());
        blocking(move || file_verdict(&web.app.node, &caller, &request, judged)).await??
    } else {
        file_verdict(&web.app.node, caller, request, judged)?
    };
    let (verdict, receipt) = (filed.verdict, filed.receipt.as_deref().map(base64url));
    web.app.metrics.verdict(verdict.outcome().as_str(), verdict.code().map(|code| code.as_str()));
    Ok((Answer { verdict, fit: filed.fit, receipt, receipt_id: filed.receipt_id }, filed.job))
}

/// Judges with the help of other nodes.
fn ask_others(web: &Web, caller: &Caller, request: &VerifyRequest) -> Result<Judged, VerifyError> {
    let (node, neighbours) = (&web.app.node, &web.app.neighbours);
    let fetch = |reference: &Reference| neighbours.reference(node, &reference.host, &reference.cti);
    let ask = |host: &str, question: &RegisterQuestion| neighbours.register(node, host, question);
    let log = |question: &LogQuestion| neighbours.logged(node, question);
    verify_presented(node, caller, request, &Others { fetch: &fetch, ask: &ask, log: Some(&log) })
}

/// Makes a receipt durable, together with the answer that is kept under an idempotency key.
pub(super) async fn store(web: &Web, mut job: Job, kept: Option<(Remember, Vec<u8>)>) -> Result<(), Problem> {
    job.answer = kept.map(|(remember, body)| (remember, Box::new(move |_: &_| body.clone()) as Render));
    let committed = web.app.node.writer.submit(job)?;
    committed.await.map_err(|_| Problem::internal("writer"))??;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Edge;

    #[test]
    fn a_refused_licence_is_an_answer_and_a_wrong_request_a_problem() {
        let edge = Edge::new();
        let office = edge.office();
        let licence = edge.licence(&office, 1);
        let ask = |request| edge.post("/v1/verifications", &office, &request);
        let good = ask(json!({"credential": licence["credential"]}));
        assert_eq!((good.status.as_u16(), &good.json()["verdict"]["outcome"]), (200, &json!("ACCEPT")));
        let noise = ask(json!({"qr": "noise"}));
        assert_eq!(
            (noise.status.as_u16(), &noise.json()["verdict"]["outcome"]),
            (200, &json!("NO_CREDENTIAL"))
        );
        assert_eq!(ask(json!({})).problem().0, 400);
        let item = json!({"credential": licence["credential"], "service_item": "GZ-NONE-0000"});
        assert_eq!(ask(item).problem(), (404, "unknown-service-item".to_owned()));
    }

    #[test]
    fn a_receipt_is_there_by_its_id_for_the_client_that_had_it_made_and_nobody_else() {
        let edge = Edge::new();
        let office = edge.office();
        let licence = edge.licence(&office, 1);
        let case =
            json!({"credential": licence["credential"], "service_item": "SZ-SP-0101", "case_number": "1"});
        let filed = edge.post("/v1/verifications", &office, &case).json();
        let path = format!("/v1/receipts/{}", filed["receipt_id"].as_str().unwrap());
        let own = edge.get(&path, &office);
        assert_eq!(own.status, 200);
        let other = edge.token("other", "*", &["*"]);
        assert_eq!(edge.get(&path, &other).problem(), (404, "not-found".to_owned()));
        let checked = edge.post("/v1/receipts/check", &other, &json!({"receipt": filed["receipt"]})).json();
        assert_eq!(
            (&checked["outcome"], &checked["receipt"]["audience"]),
            (&json!("ACCEPT"), &json!("office"))
        );
        assert_eq!(edge.post("/v1/receipts/check", &other, &json!({"receipt": "!"})).problem().0, 400);
    }
}
