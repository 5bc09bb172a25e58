//! What every request passes, in this order: who asks, how much of it there may be, a deadline; one line in the log, a count.
//!
//! `/healthz`, `/readyz` and `/metrics` stand outside all limits: whoever watches the node must hear from it when it is crowded.
//!
//! The line says method, route, who, status and milliseconds: the route is the pattern of the router, never the path as sent, who is
//! the id of a client or the authority of a node, and nothing else of headers or bodies, so that no name, number or token can stand
//! in a log.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::HttpBody as _;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Web;
use super::places::{Crowded, Key, Place};
use super::problem::Problem;
use super::who::{Arrival, NOWHERE, Who, address, who};
use licence_node::node::clock::Stopwatch;

/// The routes outside the limits.
const WATCHED: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// The middleware.
pub(super) async fn edge(State(web): State<Arc<Web>>, request: Request, next: Next) -> Response {
    let stopwatch = Stopwatch::start();
    let method = method_word(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
    let arrival = request.extensions().get::<Arrival>().cloned();
    let has_body = !request.body().is_end_stream();
    let (who, response) = if WATCHED.contains(&route.as_str()) {
        (Who::Stranger, next.run(request).await)
    } else {
        let who = who(&web, &request);
        let response = answer(&web, request, &who, arrival.as_ref(), next).await;
        (who, response.unwrap_or_else(IntoResponse::into_response))
    };
    let status = response.status();
    if let Some(arrival) = arrival {
        // A batch is answered while it comes, and may end before it does.
        let early = status.is_client_error() || route.ends_with("/batch");
        arrival.unread.store(has_body && early, Ordering::Relaxed);
    }
    let (status, who) = (status.as_u16(), who.name());
    web.app.metrics.request(method, &route, status, stopwatch.elapsed().as_secs_f64());
    tracing::info!(method, route, who, status, ms = stopwatch.elapsed_ms(), "request");
    response
}

async fn answer(
    web: &Web,
    mut request: Request,
    who: &Who,
    arrival: Option<&Arrival>,
    next: Next,
) -> Result<Response, Problem> {
    if let (Some(arrival), true) = (arrival, !matches!(who, Who::Stranger)) {
        arrival.link.is_known();
    }
    if let Some(client) = who.client() {
        web.spend(client.id())?;
    }
    let peer = arrival.map_or(NOWHERE, |arrival| arrival.peer);
    let place = web.place(Key::new(who, address(peer, request.headers(), &web.limits.proxies)))?;
    request.extensions_mut().insert(who.clone());
    // The place is held here: a handler that is done has none any more, whatever it left running.
    request.extensions_mut().insert(Arc::downgrade(&place));
    match tokio::time::timeout(web.limits.request_timeout, next.run(request)).await {
        Ok(response) => Ok(response),
        Err(_) => Err(Problem::timeout()),
    }
}

impl Web {
    /// Counts a request of a client, or a line of its batch.
    ///
    /// # Errors
    /// 429 once its ceiling is reached.
    pub(super) fn spend(&self, client: &str) -> Result<(), Problem> {
        self.quotas.take(client, self.app.node.clock.now()).map_err(|wait| {
            self.app.metrics.refused("quota");
            Problem::quota(wait)
        })
    }

    fn place(&self, key: Key) -> Result<Arc<Place>, Problem> {
        self.places.take(key).map_err(|crowded| match crowded {
            Crowded::Own => {
                self.app.metrics.refused("crowded");
                Problem::crowded()
            }
            Crowded::Node => {
                self.app.metrics.refused("busy");
                Problem::unavailable("节点繁忙，请稍后重试 / the node is busy: try again")
            }
        })
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
