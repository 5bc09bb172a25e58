//! The HTTP edge: parse, call a trip, render. One place knows status codes: `problem`.

mod lifecycle;
mod problem;
mod published;
mod verifications;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use licence_spec::suite::sha256;
use licence_store::ClientRow;
use tower_http::catch_panic::CatchPanicLayer;

use crate::node::Node;
use problem::Problem;

/// Longest request body: a credential of 64 KiB is 88 KiB in base64url, with room for the rest.
const MAX_BODY: usize = 131_072;

/// The router of a node.
pub fn router(node: Arc<Node>) -> Router {
    Router::new()
        .route("/healthz", get(published::healthz))
        .route("/readyz", get(published::readyz))
        .route("/v1/trust/root/{version}", get(published::root))
        .route("/v1/trust/list", get(published::list))
        .route("/v1/trust/timestamp", get(published::timestamp))
        .route("/v1/catalogue", get(published::catalogue))
        .route("/v1/status-lists/{list}", get(published::status_list))
        .route("/v1/bundle", get(published::bundle))
        .route("/v1/references/{cti}", get(published::reference))
        .route("/log/checkpoint", get(published::checkpoint))
        .route("/log/tile/{*path}", get(published::tile))
        .route("/v1/licences", post(lifecycle::issue))
        .route("/v1/licences/{id}", get(lifecycle::licence))
        .route("/v1/licences/{id}/status-changes", post(lifecycle::change_status))
        .route("/v1/licences/{id}/versions", post(lifecycle::new_version))
        .route("/v1/verifications", post(verifications::verify))
        .route("/v1/receipts/{id}", get(verifications::stored))
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(CatchPanicLayer::custom(|_| problem::render(&Problem::internal("panic"))))
        .with_state(node)
}

/// The client behind a bearer token, who may make `call`.
async fn client(node: &Arc<Node>, headers: &axum::http::HeaderMap, call: &str) -> Result<ClientRow, Problem> {
    let header = headers.get("authorization").and_then(|value| value.to_str().ok());
    let token = header.and_then(|text| text.strip_prefix("Bearer ")).ok_or_else(Problem::unauthorised)?;
    let (hash, store) = (sha256(&[token.as_bytes()]), Arc::clone(&node.store));
    let found = blocking(move || store.read().and_then(|read| read.client_by_token(&hash))).await?;
    let client = found.map_err(|error| Problem::store(&error))?.ok_or_else(Problem::unauthorised)?;
    let now = node.clock.now().0;
    if client.revoked_at.is_some() || now >= client.expires_at {
        return Err(Problem::unauthorised());
    }
    if !client.calls.iter().any(|own| own == call || own == "*") {
        return Err(Problem::forbidden());
    }
    Ok(client)
}

/// Runs a blocking trip off the async threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Problem::internal("task"))
}

/// Reads a JSON body strictly.
fn json<T: serde::de::DeserializeOwned>(headers: &axum::http::HeaderMap, body: &[u8]) -> Result<T, Problem> {
    let kind = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        return Err(Problem::media_type());
    }
    serde_json::from_slice(body).map_err(|error| Problem::json(&error))
}
