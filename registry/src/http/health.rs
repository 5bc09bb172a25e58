//! Whether the node lives, can judge, and what it counts.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use super::{App, blocking};
use crate::node::Node;
use crate::trips::mirror::FORK;
use licence_store::StoreError;

/// 存活 / whether the process is alive.
#[utoipa::path(get, path = "/healthz", tag = "operator", responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether a node can give a right verdict now, and why not.
#[derive(Serialize, ToSchema)]
pub(super) struct Readiness {
    /// True only if there is no reason against it.
    ready: bool,
    /// What stands in the way.
    reasons: Vec<&'static str>,
}

/// 就绪 / whether the node can give a right verdict now; 503 with the reasons if not.
#[utoipa::path(get, path = "/readyz", tag = "operator",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Response {
    let mut reasons = unready(&app.node);
    let store = Arc::clone(&app.node.store);
    let looked = blocking(move || {
        let read = store.read()?;
        read.log_head()?;
        Ok::<_, StoreError>(read.documents(FORK)?.is_empty())
    });
    match looked.await {
        Ok(Ok(true)) => {}
        Ok(Ok(false)) => reasons.push("a log has forked: see the evidence"),
        _ => reasons.push("store unavailable"),
    }
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready: reasons.is_empty(), reasons })).into_response()
}

fn unready(node: &Node) -> Vec<&'static str> {
    let (evidence, now) = (node.evidence.snapshot(), node.clock.now());
    let mut reasons = Vec::new();
    match evidence.trust_files() {
        None => reasons.push("trust list unavailable"),
        Some(files) => {
            if !files.is_fresh(now, 0) {
                reasons.push("trust list expired");
            }
            if now.plus(licence_spec::numbers::CLOCK_SKEW_S) < files.newest_iat() {
                reasons.push("clock behind the newest signed time");
            }
        }
    }
    if evidence.catalogue().is_none() {
        reasons.push("catalogue unavailable");
    }
    if own_tokens_stale(node) {
        reasons.push("status list expired");
    }
    if !node.writer.is_well() {
        reasons.push("store not writable");
    }
    reasons
}

/// Whether a status token of an authority of this node has ended: its licences can no longer be judged anywhere.
fn own_tokens_stale(node: &Node) -> bool {
    let now = node.clock.now();
    let own = |uri: &str| {
        let host = uri.strip_prefix("https://").and_then(|rest| rest.split('/').next());
        host.is_some_and(|host| node.authorities.iter().any(|authority| authority.host == host))
    };
    node.evidence.snapshot().tokens().any(|held| own(held.token().uri()) && now >= held.token().exp())
}

/// 指标 / what the node counts and measures, as OpenMetrics text.
#[utoipa::path(get, path = "/metrics", tag = "operator",
    responses((status = 200, body = String, content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8")))]
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let text = blocking(move || app.metrics.render(&app.node)).await?;
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
        .into_response())
}
