//! Whether the node lives, can judge, and what it counts.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use super::{App, blocking};
use crate::doctor::{State, diagnose};

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
    reasons: Vec<String>,
}

/// 就绪 / whether the node can give a right verdict now; 503 with the reasons if not.
#[utoipa::path(get, path = "/readyz", tag = "operator",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
pub(super) async fn readyz(Shared(app): Shared<Arc<App>>) -> Response {
    let found = blocking(move || diagnose(&app.node)).await;
    let reasons: Vec<String> = match found {
        Ok(found) => found.into_iter().filter(|one| one.state == State::Wrong).map(|one| one.cause).collect(),
        Err(_) => vec!["the node cannot tell".to_owned()],
    };
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready: reasons.is_empty(), reasons })).into_response()
}

/// 指标 / what the node counts and measures, as OpenMetrics text.
#[utoipa::path(get, path = "/metrics", tag = "operator",
    responses((status = 200, body = String, content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8")))]
pub(super) async fn metrics(Shared(app): Shared<Arc<App>>) -> Result<Response, Problem> {
    let text = blocking(move || app.metrics.render(&app.node)).await?;
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
        .into_response())
}
