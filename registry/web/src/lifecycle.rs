//! Issue, read, change and replace licences. Every call asks whether the token covers authority and type.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use licence_store::LicenceRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::call::{Asked, Call};
use super::idempotency::{Begun, answer, begin};
use super::problem::{Document, Problem};
use super::verifications::store;
use super::{Web, blocking};
use licence_node::access::caller::{About, Caller, Errand};
use licence_node::node::encoding::{base64url, digest_text};
use licence_node::trips::change_status::{ChangeRequest, Changed, change_status as change};
use licence_node::trips::issue::{self, IssueRequest, Issued};
use licence_node::trips::read_licence::{read_history, read_licence};
use licence_node::trips::reason::Reason;
use licence_node::trips::status_history::History;

/// 签发 / issue a licence. It is on disk and in the log when this is answered.
#[utoipa::path(post, path = "/v1/licences", tag = "licences", request_body = IssueRequest, responses(
    (status = 201, body = Issued),
    (status = 403, body = Document, content_type = "application/problem+json", description = "令牌或信任列表不含此机关、类型或地区 / out of scope"),
    (status = 409, body = Document, content_type = "application/problem+json", description = "编号已用 / the number is taken"),
    (status = 422, body = Document, content_type = "application/problem+json", description = "字段不合目录 / fields do not fit the catalogue")))]
pub(super) async fn issue(State(web): State<Arc<Web>>, call: Call) -> Result<Response, Problem> {
    let caller = call.caller(Errand::Issue)?;
    let request: IssueRequest = call.json()?;
    let turn = match begin(&web, &caller, &call, StatusCode::CREATED).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Do(turn) => turn,
    };
    answer(web, turn, move |node, remember| issue::issue(node, &caller, &request, remember)).await
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
    State(web): State<Arc<Web>>,
    Path(id): Path<String>,
    call: Call,
) -> Result<Response, Problem> {
    let caller = call.caller(Errand::Issue)?;
    let request: VersionRequest = call.json()?;
    let turn = match begin(&web, &caller, &call, StatusCode::CREATED).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Do(turn) => turn,
    };
    answer(web, turn, move |node, remember| {
        issue::new_version(node, &caller, &id, &request.licence, &request.reason, remember)
    })
    .await
}

/// 状态变更 / change the status by an act of law: cancel 注销, revoke 撤销, forfeit 吊销, suspend, reinstate, transfer, void.
#[utoipa::path(post, path = "/v1/licences/{id}/status-changes", tag = "licences", params(("id" = String, Path, description = "电子证照标识")),
    request_body = ChangeRequest, responses((status = 201, body = Changed)))]
pub(super) async fn change_status(
    State(web): State<Arc<Web>>,
    Path(id): Path<String>,
    call: Call,
) -> Result<Response, Problem> {
    let caller = call.caller(Errand::ChangeStatus)?;
    let request: ChangeRequest = call.json()?;
    let turn = match begin(&web, &caller, &call, StatusCode::CREATED).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Do(turn) => turn,
    };
    answer(web, turn, move |node, remember| change(node, &caller, &id, &request, remember)).await
}

/// A licence that the client may see. One that lies outside its scope is answered as if it were not there: else the answer would tell
/// which ids exist.
async fn stored(web: &Web, caller: &Caller, id: &str) -> Result<LicenceRow, Problem> {
    let (store, id) = (Arc::clone(&web.app.node.store), id.to_owned());
    let found = blocking(move || store.read().and_then(|read| read.licence_by_id(&id))).await?;
    let found = found
        .map_err(|error| Problem::store(&error))?
        .filter(|row| caller.may(Errand::Read, About::row(row)).is_ok());
    found.ok_or_else(Problem::not_found)
}

/// 状态沿革 / which acts of law changed the status of a licence of this node, on what ground, when, and what took its place; for a client
/// that covers its authority and type.
#[utoipa::path(get, path = "/v1/licences/{id}/status-changes", tag = "licences", params(("id" = String, Path, description = "电子证照标识")),
    responses((status = 200, body = History, description = "按日志次序 / in the order of the log"),
    (status = 404, body = Document, content_type = "application/problem+json", description = "没有此证照，或不在令牌范围内 / there is no such licence, or the token does not cover it")))]
pub(super) async fn status_changes(
    State(web): State<Arc<Web>>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let caller = asked.caller(Errand::Read)?;
    let row = stored(&web, &caller, &id).await?;
    let node = Arc::clone(&web.app.node);
    let (found, job) = blocking(move || read_history(&node, &caller, &row))
        .await?
        .map_err(|error| Problem::store(&error))?;
    store(&web, job, None).await?;
    Ok(Json(found).into_response())
}

/// A stored licence.
#[derive(Serialize, ToSchema)]
pub(super) struct Stored {
    /// 电子证照标识.
    id: String,
    /// The licence as a file (`.elic`), base64url: the statement with a fresh proof that it is in the log, made for the newest head that
    /// witnesses have cosigned as soon as one covers it. The same digest as without the proof.
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
    State(web): State<Arc<Web>>,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let caller = asked.caller(Errand::Read)?;
    let row = Problem::unless_lost(stored(&web, &caller, &id).await?)?;
    let (node, own) = (Arc::clone(&web.app.node), row.clone());
    let read = blocking(move || read_licence(&node, &caller, &own)).await??;
    store(&web, read.job, None).await?;
    let answer = Stored {
        id: row.id,
        credential: base64url(&read.file),
        digest: digest_text(&row.digest),
        status: row.status.value(),
        log_index: row.log_index,
    };
    Ok(Json(answer).into_response())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::Edge;

    fn revoke(act: &str) -> Value {
        let reason =
            json!({"legal_basis": "示例条例第一条", "document_number": "示例文书1号", "officer": "示例经办"});
        json!({"act": act, "reason": reason})
    }

    #[test]
    fn a_licence_is_issued_read_changed_and_its_history_told() {
        let edge = Edge::new();
        let office = edge.office();
        let licence = edge.licence(&office, 1);
        let path = format!("/v1/licences/{}", licence["id"].as_str().unwrap());
        let read = edge.get(&path, &office).json();
        assert_eq!((&read["digest"], &read["status"]), (&licence["digest"], &json!(0)));
        let changed = edge.post(&format!("{path}/status-changes"), &office, &revoke("revoke"));
        assert_eq!((changed.status.as_u16(), &changed.json()["status"]), (201, &json!(1)));
        let again = edge.post(&format!("{path}/status-changes"), &office, &revoke("suspend"));
        assert_eq!(again.problem(), (409, "transition".to_owned()));
        let history = edge.get(&format!("{path}/status-changes"), &office).json();
        assert_eq!(history["changes"][0]["act"], "revoke");
        assert_eq!(edge.get(&path, &office).json()["status"], 1);
    }

    #[test]
    fn what_a_token_does_not_cover_is_refused_and_does_not_tell_what_is_there() {
        let edge = Edge::new();
        let office = edge.office();
        let licence = edge.licence(&office, 1);
        let path = format!("/v1/licences/{}", licence["id"].as_str().unwrap());
        let reader = edge.token("reader", "*", &["read"]);
        assert_eq!(edge.post("/v1/licences", &reader, &edge.request(2)).problem().0, 403);
        let stranger = edge.token("stranger", &edge.node().authority, &["*"]);
        let (there, not) = (edge.get(&path, &stranger), edge.get("/v1/licences/none", &stranger));
        assert_eq!((there.problem(), &there.body), (not.problem(), &not.body));
        assert_eq!(edge.post("/v1/licences", &stranger, &edge.request(2)).problem().0, 403);
        assert_eq!(edge.get(&path, "elt_nobody").problem(), (401, "unauthorised".to_owned()));
    }

    #[test]
    fn a_request_that_is_sent_twice_under_one_key_is_done_once() {
        let edge = Edge::new();
        let office = edge.office();
        let (call, key) = (("POST", "/v1/licences"), [("idempotency-key", "one")]);
        let first = edge.call(call, &office, &key, Some(&edge.request(1)));
        let second = edge.call(call, &office, &key, Some(&edge.request(1)));
        assert_eq!((first.status, &first.body), (second.status, &second.body));
        assert!(!first.replayed && second.replayed);
        let other = edge.call(call, &office, &key, Some(&edge.request(2)));
        assert_eq!(other.problem(), (422, "idempotency-key-reused".to_owned()));
        // Under no key it is another request, for a number that is taken.
        assert_eq!(edge.post("/v1/licences", &office, &edge.request(1)).problem().0, 409);
    }

    #[test]
    fn what_is_wrong_in_a_body_is_named_and_never_repeated() {
        let edge = Edge::new();
        let office = edge.office();
        let mut unknown = edge.request(1);
        unknown["示例姓名"] = json!(1);
        let told = edge.post("/v1/licences", &office, &unknown);
        assert_eq!(told.problem(), (400, "malformed".to_owned()));
        assert!(!String::from_utf8_lossy(&told.body).contains("示例姓名"));
        let mut early = edge.request(1);
        early["issued_on"] = json!("2027-01-01");
        assert_eq!(edge.post("/v1/licences", &office, &early).problem(), (422, "fields".to_owned()));
        let body = axum::body::Body::from(edge.request(1).to_string());
        let typeless =
            axum::http::Request::post("/v1/licences").header("authorization", format!("Bearer {office}"));
        assert_eq!(edge.send(typeless.body(body).unwrap()).problem(), (415, "content-type".to_owned()));
    }
}
