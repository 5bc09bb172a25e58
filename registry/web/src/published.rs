//! What anybody may read: signed files. Each is judged by its signature, wherever it came from.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use licence_spec::evidence::Evidence;
use licence_spec::suite::sha256;
use licence_store::StoreError;
use serde::Deserialize;

use super::problem::Problem;
use super::verifications::store;
use super::{Web, blocking};
use licence_node::publication::documents;
use licence_node::publication::refresh::show_newest_head;
use licence_node::trips::read_licence::read_by_reference;

/// For files that are replaced: ask whether it has changed.
pub(super) const REVALIDATE: &str = "no-cache";
/// For files that never change.
pub(super) const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// A file with its tag, or 304 if the client holds it already.
pub(super) fn file(
    headers: &HeaderMap,
    kind: &'static str,
    cache: &'static str,
    body: impl Into<Bytes>,
) -> Response {
    let body = body.into();
    let [a, b, c, d, e, f, g, h, ..] = sha256(&[&body]);
    let tag = format!("\"{}\"", hex::encode([a, b, c, d, e, f, g, h]));
    let held = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let same = held.split(',').any(|one| one.trim().trim_start_matches("W/") == tag);
    let head = [(header::CACHE_CONTROL, cache.to_owned()), (header::ETAG, tag)];
    if same {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, [(header::CONTENT_TYPE, kind)], body).into_response()
}

async fn document(
    web: &Web,
    headers: &HeaderMap,
    kind: &'static str,
    name: String,
) -> Result<Response, Problem> {
    let store = Arc::clone(&web.app.node.store);
    let found = blocking(move || store.read().and_then(|read| read.document(kind, &name))).await?;
    let row = found.map_err(|error| Problem::store(&error))?.ok_or_else(Problem::not_found)?;
    Ok(file(headers, "application/cbor", REVALIDATE, row.bytes))
}

/// 信任根 / a trust root by its version.
#[utoipa::path(get, path = "/v1/trust/root/{version}", tag = "trust", params(("version" = u64, Path, description = "从 1 起 / from 1 on")),
    responses((status = 200, content_type = "application/cbor", body = Vec<u8>)))]
pub(super) async fn root(
    State(web): State<Arc<Web>>,
    Path(version): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    document(&web, &headers, documents::ROOT, version).await
}

/// 信任列表 / the trust list.
#[utoipa::path(get, path = "/v1/trust/list", tag = "trust", responses((status = 200, content_type = "application/cbor", body = Vec<u8>)))]
pub(super) async fn list(State(web): State<Arc<Web>>, headers: HeaderMap) -> Result<Response, Problem> {
    document(&web, &headers, documents::LIST.0, documents::LIST.1.to_owned()).await
}

/// 信任时间戳 / the trust timestamp.
#[utoipa::path(get, path = "/v1/trust/timestamp", tag = "trust", responses((status = 200, content_type = "application/cbor", body = Vec<u8>)))]
pub(super) async fn timestamp(State(web): State<Arc<Web>>, headers: HeaderMap) -> Result<Response, Problem> {
    document(&web, &headers, documents::TIMESTAMP.0, documents::TIMESTAMP.1.to_owned()).await
}

/// A version.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfVersion {
    /// Absent for the newest.
    version: Option<u64>,
}

/// 签名目录 / the signed catalogue, the newest or an earlier version: a node that missed some takes them in order.
#[utoipa::path(get, path = "/v1/catalogue", tag = "catalogue", params(("version" = Option<u64>, Query, description = "版本 / a version that this node published or took")),
    responses((status = 200, content_type = "application/cbor", body = Vec<u8>)))]
pub(super) async fn catalogue(
    State(web): State<Arc<Web>>,
    of: Result<Query<OfVersion>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let of = of.map_err(|_| Problem::malformed("version 应为正整数 / version is a positive number"))?;
    match of.version {
        None => document(&web, &headers, documents::CATALOGUE.0, documents::CATALOGUE.1.to_owned()).await,
        Some(version) => document(&web, &headers, documents::CATALOGUE_VERSION, version.to_string()).await,
    }
}

/// 离线证据包 / the offline bundle of all evidence (spec/bundle.md).
#[utoipa::path(get, path = "/v1/bundle", tag = "trust", responses((status = 200, content_type = "application/cbor", body = Vec<u8>)))]
pub(super) async fn bundle(State(web): State<Arc<Web>>, headers: HeaderMap) -> Result<Response, Problem> {
    let own = Arc::clone(&web);
    blocking(move || show_newest_head(&own.app.node)).await??;
    let (evidence, checkpoint) = (web.app.node.evidence.snapshot(), web.app.node.log.served());
    let held = web.bundles.of(&evidence, &checkpoint);
    if let Some(bytes) = held {
        return Ok(file(&headers, "application/cbor", REVALIDATE, bytes));
    }
    let own = Arc::clone(&web);
    let made =
        blocking(move || documents::bundle(&own.app.node)).await?.map_err(|error| Problem::store(&error))?;
    let bytes = Bytes::from(made.to_bytes());
    web.bundles.keep(evidence, checkpoint, bytes.clone());
    Ok(file(&headers, "application/cbor", REVALIDATE, bytes))
}

/// The last bundle: made once for the evidence and checkpoint that it holds, and shared by all who ask for it. A thousand
/// clients that read slowly hold one copy, not a thousand.
#[derive(Clone, Default)]
pub(super) struct Bundles(Arc<Mutex<Option<Made>>>);

/// A bundle and what it was made of.
type Made = (Arc<Evidence>, Arc<str>, Bytes);

impl Bundles {
    fn of(&self, evidence: &Arc<Evidence>, checkpoint: &str) -> Option<Bytes> {
        // A poisoned slot holds a whole bundle or none.
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (own, signed, bytes) = slot.as_ref()?;
        (Arc::ptr_eq(own, evidence) && **signed == *checkpoint).then(|| bytes.clone())
    }

    fn keep(&self, evidence: Arc<Evidence>, checkpoint: Arc<str>, bytes: Bytes) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((evidence, checkpoint, bytes));
    }
}

/// A past moment.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AtTime {
    /// Unix seconds; absent for the newest.
    time: Option<i64>,
}

/// 状态列表 / a status token, the newest or that of a past moment.
#[utoipa::path(get, path = "/v1/status-lists/{list}", tag = "status", params(("list" = u64, Path), ("time" = Option<i64>, Query, description = "某一时刻的令牌，Unix 秒 / the token that was in force at this time, Unix seconds")),
    responses((status = 200, content_type = "application/statuslist+cwt", body = Vec<u8>)))]
pub(super) async fn status_list(
    State(web): State<Arc<Web>>,
    Path(list): Path<String>,
    at: Result<Query<AtTime>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let at = at.map_err(|_| Problem::malformed("time 应为 Unix 秒 / time is in Unix seconds"))?;
    let list: u64 =
        list.parse().ok().filter(|list| *list <= i64::MAX as u64).ok_or_else(Problem::not_found)?;
    let store = Arc::clone(&web.app.node.store);
    let found = blocking(move || {
        let read = store.read()?;
        match at.time {
            None => read.status_token(list),
            Some(time) => Ok(read.status_token_at(list, time)?.filter(|token| time < token.exp)),
        }
    });
    let found: Result<_, StoreError> = found.await?;
    let row = found.map_err(|error| Problem::store(&error))?.ok_or_else(Problem::not_found)?;
    Ok(file(&headers, "application/statuslist+cwt", REVALIDATE, row.bytes))
}

/// 引用码背后的证照 / the licence behind a reference QR, with a fresh log proof; its random id is the ticket.
#[utoipa::path(get, path = "/v1/references/{cti}", tag = "licences", params(("cti" = String, Path, description = "32 位十六进制 / 32 hex digits")),
    responses((status = 200, content_type = "application/elicence+cwt", body = Vec<u8>)))]
pub(super) async fn reference(
    State(web): State<Arc<Web>>,
    Path(cti): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let cti: [u8; 16] =
        hex::decode(&cti).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(Problem::not_found)?;
    let node = Arc::clone(&web.app.node);
    let bytes = blocking(move || {
        let found = node.store.read().and_then(|read| read.licence_by_cti(&cti));
        let row = found.map_err(|error| Problem::store(&error))?.ok_or_else(Problem::not_found)?;
        let row = Problem::unless_lost(row)?;
        Ok::<_, Problem>(read_by_reference(&node, &row)?)
    });
    let (bytes, job) = bytes.await??;
    if let Some(job) = job {
        store(&web, job, None).await?;
    }
    Ok(file(&headers, licence_spec::numbers::TYP_LICENCE, "no-store", bytes))
}

#[cfg(test)]
mod tests {
    use licence_spec::bundle::Bundle;
    use licence_spec::cose::Sign1;
    use licence_spec::numbers::MAX_LICENCE;

    use crate::testing::Edge;

    #[test]
    fn what_is_published_is_there_for_everybody_and_what_is_not_is_not_found() {
        let edge = Edge::new();
        for path in ["/v1/trust/root/1", "/v1/trust/list", "/v1/trust/timestamp", "/v1/catalogue"] {
            assert_eq!(edge.get(path, "").status, 200, "{path}");
        }
        for path in
            ["/v1/trust/root/2", "/v1/catalogue?version=9", "/v1/status-lists/99", "/v1/references/00"]
        {
            assert_eq!(edge.get(path, "").problem(), (404, "not-found".to_owned()), "{path}");
        }
        let bundle = edge.get("/v1/bundle", "");
        assert!(Bundle::parse(&bundle.body).is_ok());
    }

    #[test]
    fn a_reference_is_the_ticket_to_the_licence_with_its_proof() {
        let edge = Edge::new();
        let id = edge.licence(&edge.office(), 1)["id"].as_str().unwrap().to_owned();
        let row = edge.node().store.read().unwrap().licence_by_id(&id).unwrap().unwrap();
        let cti: String = row.cti.iter().map(|byte| format!("{byte:02x}")).collect();
        let told = edge.get(&format!("/v1/references/{cti}"), "");
        let object = Sign1::parse(&told.body, MAX_LICENCE).unwrap();
        assert_eq!(object.statement_digest(), row.digest);
        assert!(object.log_proof().is_some());
    }
}
