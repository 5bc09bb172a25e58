//! Receipts: the stored one by its id, and the check of one that comes out of a case file.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::call::{Asked, Call};
use super::problem::Problem;
use super::{Web, blocking};
use licence_node::access::caller::Errand;
use licence_node::trips::receipt::{CheckRequest, Checked, check_filed};

/// 取回执 / the receipt with this id (cti in hex), for the client that had it made.
#[utoipa::path(get, path = "/v1/receipts/{id}", tag = "receipts", params(("id" = String, Path, description = "32 位十六进制 / 32 hex digits")),
    responses((status = 200, content_type = "application/elicence-receipt+cwt", body = Vec<u8>)))]
pub(super) async fn stored(
    State(web): State<Arc<Web>>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let caller = asked.caller(Errand::Receipts)?;
    let id: [u8; 16] =
        hex::decode(&id).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(Problem::not_found)?;
    let store = Arc::clone(&web.app.node.store);
    let found = blocking(move || store.read().and_then(|read| read.receipt(&id))).await?;
    let row = found.map_err(|error| Problem::store(&error))?.filter(|row| row.client == caller.id());
    let row = row.ok_or_else(Problem::not_found)?;
    Ok(([(header::CONTENT_TYPE, licence_spec::numbers::TYP_RECEIPT)], row.bytes).into_response())
}

/// 核对回执 / check a receipt from a case file, and the archived objects that were filed with it.
#[utoipa::path(post, path = "/v1/receipts/check", tag = "receipts", request_body = CheckRequest, responses((status = 200, body = Checked)))]
pub(super) async fn check(State(web): State<Arc<Web>>, call: Call) -> Result<Response, Problem> {
    call.caller(Errand::Receipts)?;
    let request: CheckRequest = call.json()?;
    Ok(Json(check_filed(&web.app.node, &request)?).into_response())
}
