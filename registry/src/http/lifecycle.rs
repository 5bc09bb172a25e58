//! Issue, read, change and replace licences. Every call asks whether the token covers authority and type.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use licence_store::{ClientRow, LicenceRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::call::{Call, has};
use super::idempotency::{Begun, answer, begin};
use super::problem::{Document, Problem};
use super::{App, blocking};
use crate::encoding::{base64url, digest_text};
use crate::trips::change_status::{ChangeRequest, Changed, change_status as change};
use crate::trips::issue::{self, IssueRequest, Issued, Reason};

fn covers(client: &ClientRow, authority: &str, licence_type: &str) -> Result<(), Problem> {
    if has(&client.authorities, authority) && has(&client.types, licence_type) {
        Ok(())
    } else {
        Err(Problem::forbidden())
    }
}

fn covers_row(client: &ClientRow, row: &LicenceRow) -> Result<(), Problem> {
    covers(client, &row.authority, row.vct.rsplit(':').next().unwrap_or_default())
}

/// 签发 / issue a licence. It is on disk and in the log when this is answered.
#[utoipa::path(post, path = "/v1/licences", tag = "licences", request_body = IssueRequest, responses(
    (status = 201, body = Issued),
    (status = 403, body = Document, content_type = "application/problem+json", description = "令牌或信任列表不含此机关、类型或地区 / out of scope"),
    (status = 409, body = Document, content_type = "application/problem+json", description = "编号已用 / the number is taken"),
    (status = 422, body = Document, content_type = "application/problem+json", description = "字段不合目录 / fields do not fit the catalogue")))]
pub(super) async fn issue(State(app): State<Arc<App>>, call: Call) -> Result<Response, Problem> {
    let client = app.client(&call.headers, "issue")?;
    let request: IssueRequest = call.json()?;
    covers(&client, &request.issuer, &request.licence_type)?;
    let turn = match begin(&app, &client, &call, StatusCode::CREATED).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Do(turn) => turn,
    };
    answer(app, turn, move |node, remember| issue::issue(node, &request, remember)).await
}

/// A request for a new version: the licence, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VersionRequest {
    /// 新版本内容 / the new version; authority, type and number are those of the old one.
    licence: IssueRequest,
    /// 依据 / why.
    reason: Reason,
}

/// 换发新版本 / issue a new version; the old one is superseded in the same transaction.
#[utoipa::path(post, path = "/v1/licences/{id}/versions", tag = "licences", params(("id" = String, Path, description = "电子证照标识")),
    request_body = VersionRequest, responses((status = 201, body = Issued)))]
pub(super) async fn new_version(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    call: Call,
) -> Result<Response, Problem> {
    let client = app.client(&call.headers, "issue")?;
    let request: VersionRequest = call.json()?;
    covers(&client, &request.licence.issuer, &request.licence.licence_type)?;
    let turn = match begin(&app, &client, &call, StatusCode::CREATED).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Do(turn) => turn,
    };
    answer(app, turn, move |node, remember| {
        issue::new_version(node, &id, &request.licence, &request.reason, remember)
    })
    .await
}

/// 状态变更 / change the status by an act of law: cancel 注销, revoke 撤销, forfeit 吊销, suspend, reinstate, transfer, void.
#[utoipa::path(post, path = "/v1/licences/{id}/status-changes", tag = "licences", params(("id" = String, Path, description = "电子证照标识")),
    request_body = ChangeRequest, responses((status = 201, body = Changed)))]
pub(super) async fn change_status(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    call: Call,
) -> Result<Response, Problem> {
    let client = app.client(&call.headers, "change_status")?;
    let request: ChangeRequest = call.json()?;
    covers_row(&client, &stored(&app, &id).await?)?;
    let turn = match begin(&app, &client, &call, StatusCode::CREATED).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Do(turn) => turn,
    };
    answer(app, turn, move |node, remember| change(node, &id, &request, remember)).await
}

async fn stored(app: &App, id: &str) -> Result<LicenceRow, Problem> {
    let (store, id) = (Arc::clone(&app.node.store), id.to_owned());
    let found = blocking(move || store.read().and_then(|read| read.licence_by_id(&id))).await?;
    found.map_err(|error| Problem::store(&error))?.ok_or_else(Problem::not_found)
}

/// A stored licence.
#[derive(Serialize, ToSchema)]
pub(super) struct Stored {
    /// 电子证照标识.
    id: String,
    /// The statement, base64url.
    credential: String,
    /// Statement digest, `sha-256:` and hex.
    digest: String,
    /// 0 有效 valid, 1 失效 invalid, 2 暂停 suspended, 3 已换发 superseded.
    status: u8,
    /// Leaf index in the log of this node.
    log_index: u64,
}

/// 查询证照 / a licence of this node, for a client that covers its authority and type.
#[utoipa::path(get, path = "/v1/licences/{id}", tag = "licences", params(("id" = String, Path, description = "电子证照标识")),
    responses((status = 200, body = Stored), (status = 410, description = "恢复备份时原文已丢失 / its bytes were lost in a restore")))]
pub(super) async fn licence(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let client = app.client(&headers, "read")?;
    let row = stored(&app, &id).await?;
    covers_row(&client, &row)?;
    let row = Problem::unless_lost(row)?;
    let answer = Stored {
        id: row.id,
        credential: base64url(&row.credential),
        digest: digest_text(&row.digest),
        status: row.status,
        log_index: row.log_index,
    };
    Ok(Json(answer).into_response())
}
