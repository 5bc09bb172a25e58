//! What every request passes: a place among those at once, a deadline, one line in the log, a count.
//!
//! The line says method, route, status and milliseconds: the route is the pattern of the router, never the path as sent, and
//! nothing of headers or bodies, so that no name, number or token can stand in a log.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use super::problem::Problem;
use crate::clock::Stopwatch;

/// The middleware.
pub(super) async fn edge(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let stopwatch = Stopwatch::start();
    let method = method_word(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
    let response = answer(&app, request, next).await;
    let status = response.status().as_u16();
    app.metrics.request(method, &route, status, stopwatch.elapsed().as_secs_f64());
    tracing::info!(method, route, status, ms = stopwatch.elapsed_ms(), "request");
    response
}

async fn answer(app: &App, request: Request, next: Next) -> Response {
    let Ok(_permit) = app.permits.try_acquire() else {
        return Problem::unavailable("节点繁忙，请稍后重试 / the node is busy: try again").into_response();
    };
    match tokio::time::timeout(app.limits.request_timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::timeout().into_response(),
    }
}

/// Labels are a closed set, whatever a client invents.
fn method_word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        _ => "OTHER",
    }
}
