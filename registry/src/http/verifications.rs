//! `POST /v1/verifications`: a refused licence is 200 with a verdict; 4xx means that the request was wrong.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use licence_catalogue::fit::Fit;
use licence_spec::verdict::Verdict;
use serde::Serialize;

use super::problem::Problem;
use super::{Node, blocking, client, json};
use crate::trips::verify::{VerifyRequest, verify_presented};

#[derive(Serialize)]
struct Answer {
    verdict: Verdict,
    fit: Option<Fit>,
    receipt: Option<String>,
}

/// Judges one licence.
pub(super) async fn verify(
    State(node): State<Arc<Node>>,
    headers: HeaderMap,
    raw: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<Response, Problem> {
    client(&node, &headers, "verify").await?;
    let body = raw.map_err(|_| Problem::too_large())?;
    let request: VerifyRequest = json(&headers, &body)?;
    let answer = if request.id.is_some() {
        blocking(move || verify_presented(&node, &request)).await??
    } else {
        // No database and no waiting: the judgement takes less time than handing it to another thread.
        verify_presented(&node, &request)?
    };
    Ok(Json(Answer { verdict: answer.verdict, fit: answer.fit, receipt: None }).into_response())
}
