//! Issue, read, change and replace licences. Every call asks whether the token covers authority and type.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use licence_store::ClientRow;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use super::{Node, blocking, client, json};
use crate::encoding::base64url;
use crate::trips::change_status::{ChangeRequest, change_status as change};
use crate::trips::issue::{self, IssueRequest, Reason};

fn covers(client: &ClientRow, authority: &str, licence_type: &str) -> Result<(), Problem> {
    let has = |names: &[String], name: &str| names.iter().any(|own| own == name || own == "*");
    if has(&client.authorities, authority) && has(&client.types, licence_type) {
        Ok(())
    } else {
        Err(Problem::forbidden())
    }
}

fn body(body: Result<Bytes, axum::extract::rejection::BytesRejection>) -> Result<Bytes, Problem> {
    body.map_err(|_| Problem::too_large())
}

type Body = Result<Bytes, axum::extract::rejection::BytesRejection>;

/// `POST /v1/licences`.
pub(super) async fn issue(
    State(node): State<Arc<Node>>,
    headers: HeaderMap,
    raw: Body,
) -> Result<Response, Problem> {
    let client = client(&node, &headers, "issue").await?;
    let request: IssueRequest = json(&headers, &body(raw)?)?;
    covers(&client, &request.issuer, &request.licence_type)?;
    let issued = blocking(move || issue::issue(&node, &request)).await??;
    Ok((StatusCode::CREATED, Json(issued)).into_response())
}

/// A request for a new version: the licence, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VersionRequest {
    licence: IssueRequest,
    reason: Reason,
}

/// `POST /v1/licences/{id}/versions`.
pub(super) async fn new_version(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    raw: Body,
) -> Result<Response, Problem> {
    let client = client(&node, &headers, "issue").await?;
    let request: VersionRequest = json(&headers, &body(raw)?)?;
    covers(&client, &request.licence.issuer, &request.licence.licence_type)?;
    let issued =
        blocking(move || issue::new_version(&node, &id, &request.licence, &request.reason)).await??;
    Ok((StatusCode::CREATED, Json(issued)).into_response())
}

/// `POST /v1/licences/{id}/status-changes`.
pub(super) async fn change_status(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    raw: Body,
) -> Result<Response, Problem> {
    let client = client(&node, &headers, "change_status").await?;
    let request: ChangeRequest = json(&headers, &body(raw)?)?;
    let row = stored(&node, &id).await?;
    covers(&client, &row.authority, row.vct.rsplit(':').next().unwrap_or_default())?;
    let changed = blocking(move || change(&node, &id, &request)).await??;
    Ok((StatusCode::CREATED, Json(changed)).into_response())
}

async fn stored(node: &Arc<Node>, id: &str) -> Result<licence_store::LicenceRow, Problem> {
    let (store, id) = (Arc::clone(&node.store), id.to_owned());
    let found = blocking(move || store.read().and_then(|read| read.licence_by_id(&id))).await?;
    found.map_err(|error| Problem::store(&error))?.ok_or_else(Problem::not_found)
}

#[derive(Serialize)]
struct Stored {
    id: String,
    credential: String,
    digest: String,
    status: u8,
    log_index: u64,
}

/// `GET /v1/licences/{id}`.
pub(super) async fn licence(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let client = client(&node, &headers, "read").await?;
    let row = stored(&node, &id).await?;
    covers(&client, &row.authority, row.vct.rsplit(':').next().unwrap_or_default())?;
    let answer = Stored {
        id: row.id,
        credential: base64url(&row.credential),
        digest: hex::encode(row.digest),
        status: row.status,
        log_index: row.log_index,
    };
    Ok(Json(answer).into_response())
}
