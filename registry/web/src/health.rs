//! Whether the node lives, can judge, and what it counts.
//!
//! Anybody may know whether it lives and is ready. Why it is not, and what it counts, is told to the monitoring only: to this machine
//! itself, or through the operator's address.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use super::who::{Arrival, is_operator};
use super::{Web, blocking};
use licence_node::node::clock::Stopwatch;
use licence_node::upkeep::doctor::{State, diagnose};

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
    /// What stands in the way; always empty for those who are not told.
    reasons: Vec<String>,
}

/// How long a diagnosis is good: however many ask, the store is looked at so often at most.
const GOOD_FOR: Duration = Duration::from_millis(500);

/// The last diagnosis: what stands in the way, and since when that is known.
#[derive(Default)]
pub(super) struct Readings(tokio::sync::Mutex<Option<(Stopwatch, Vec<String>)>>);

impl Readings {
    /// What stands in the way. Those who ask while somebody looks wait for what is found.
    async fn reasons(&self, web: &Arc<Web>) -> Vec<String> {
        let mut last = self.0.lock().await;
        if let Some((read, reasons)) = last.as_ref()
            && read.elapsed() < GOOD_FOR
        {
            return reasons.clone();
        }
        let (begun, own) = (Stopwatch::start(), Arc::clone(web));
        let reasons = match blocking(move || diagnose(&own.app.node)).await {
            Ok(found) => {
                found.into_iter().filter(|one| one.state == State::Wrong).map(|one| one.cause).collect()
            }
            Err(_) => vec!["the node cannot tell".to_owned()],
        };
        *last = Some((begun, reasons.clone()));
        reasons
    }
}

/// 就绪 / whether the node can give a right verdict now; 503 if not. The reasons are told to this machine itself and at the operator's
/// address.
#[utoipa::path(get, path = "/readyz", tag = "operator",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
pub(super) async fn readyz(
    Shared(web): Shared<Arc<Web>>,
    arrival: Option<Extension<Arrival>>,
    headers: HeaderMap,
) -> Response {
    let mut reasons = web.readiness.reasons(&web).await;
    let ready = reasons.is_empty();
    if !is_operator(arrival.as_deref(), &headers, &web.limits.proxies) {
        reasons.clear();
    }
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, reasons })).into_response()
}

/// 指标 / what the node counts and measures, as OpenMetrics text; for this machine itself and at the operator's address, 404 otherwise.
#[utoipa::path(get, path = "/metrics", tag = "operator",
    responses((status = 200, body = String, content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8")))]
pub(super) async fn metrics(
    Shared(web): Shared<Arc<Web>>,
    arrival: Option<Extension<Arrival>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !is_operator(arrival.as_deref(), &headers, &web.limits.proxies) {
        return Err(Problem::not_found());
    }
    let text = blocking(move || web.app.metrics.render(&web.app.node)).await?;
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
        .into_response())
}

#[cfg(test)]
mod tests {
    use crate::testing::Edge;

    #[test]
    fn a_node_whose_trust_files_are_over_lives_and_is_not_ready() {
        let edge = Edge::new();
        assert_eq!(edge.get("/healthz", "").body, b"ok\n");
        assert_eq!(edge.get("/readyz", "").status, 200);
        let other = Edge::new();
        other.node().clock.advance(4 * 86_400);
        assert_eq!(other.get("/healthz", "").status, 200);
        let told = other.get("/readyz", "");
        assert_eq!((told.status.as_u16(), &told.json()["ready"]), (503, &serde_json::json!(false)));
    }

    #[test]
    fn who_does_not_sit_at_the_machine_sees_neither_numbers_nor_reasons() {
        let edge = Edge::new();
        edge.node().clock.advance(4 * 86_400);
        let forwarded = |path| edge.call(("GET", path), "", &[("x-forwarded-for", "192.0.2.1")], None);
        assert_eq!(forwarded("/metrics").status, 404);
        assert_eq!(forwarded("/readyz").json()["reasons"], serde_json::json!([]));
    }
}
