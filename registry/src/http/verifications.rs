//! `POST /v1/verifications`: a refused licence is 200 with a verdict; 4xx means that the request was wrong.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use licence_catalogue::fit::Fit;
use licence_spec::verdict::Verdict;
use licence_store::ClientRow;
use serde::Serialize;

use super::problem::Problem;
use super::{Node, blocking, client, json};
use crate::encoding::base64url;
use crate::trips::receipt;
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
    let client = client(&node, &headers, "verify").await?;
    let body = raw.map_err(|_| Problem::too_large())?;
    let request: VerifyRequest = json(&headers, &body)?;
    let answer = if request.id.is_some() {
        let (node, request) = (Arc::clone(&node), request.clone());
        blocking(move || verify_presented(&node, &request)).await??
    } else {
        // No database and no waiting: the judgement takes less time than handing it to another thread.
        verify_presented(&node, &request)?
    };
    let receipt = if request.receipt { file(&node, &client, &request, &answer.verdict).await? } else { None };
    Ok(Json(Answer { verdict: answer.verdict, fit: answer.fit, receipt }).into_response())
}

/// Signs and stores a receipt, and only then hands it out.
async fn file(
    node: &Node,
    client: &ClientRow,
    request: &VerifyRequest,
    verdict: &Verdict,
) -> Result<Option<String>, Problem> {
    let (case, item) = (request.case_number.as_deref(), request.service_item.as_deref());
    let prepared = receipt::prepare(node, verdict, &client.id, case, item);
    let Some(prepared) = prepared.map_err(Problem::from)? else { return Ok(None) };
    let committed = node.writer.submit(prepared.job)?;
    committed.await.map_err(|_| Problem::internal("writer"))??;
    Ok(Some(base64url(&prepared.bytes)))
}

/// `GET /v1/receipts/{id}`: the receipt with this cti in hex, for the client that had it made.
pub(super) async fn stored(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let client = client(&node, &headers, "receipts").await?;
    let id: [u8; 16] =
        hex::decode(&id).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(Problem::not_found)?;
    let store = Arc::clone(&node.store);
    let found = blocking(move || store.read().and_then(|read| read.receipt(&id))).await?;
    let row = found.map_err(|error| Problem::store(&error))?.filter(|row| row.client == client.id);
    let row = row.ok_or_else(Problem::not_found)?;
    Ok(([(header::CONTENT_TYPE, licence_spec::numbers::TYP_RECEIPT)], row.bytes).into_response())
}
