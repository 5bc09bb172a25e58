//! The HTTP edge: parse, call a trip, render. One place knows status codes: `problem`.
//!
//! In scope: the routes and their description (OpenAPI), limits, request lines of the log. Out of scope: decisions
//! (`trips`), sockets (`serve`).

mod batch;
mod call;
mod catalogue;
mod connections;
mod docs;
mod edge;
mod health;
mod idempotency;
mod index;
mod lifecycle;
mod lines;
mod log;
mod nodes;
mod patience;
mod places;
mod problem;
mod published;
mod quota;
mod receipts;
mod serve;
mod service_items;
mod signature;
mod verifications;
mod who;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse as _;
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use licence_node::app::App;
use licence_node::node::config::Limits;
use licence_spec::time::UnixTime;
use problem::Problem;

pub use docs::openapi;
pub use problem::kind::page as problems_page;
pub use serve::{ServeError, Server};

/// Longest request body: a credential of 64 KiB is 88 KiB in base64url, with room for the rest.
const MAX_BODY: usize = 131_072;

/// A node behind its HTTP edge.
pub struct Web {
    /// The node, and what runs around it.
    pub app: Arc<App>,
    limits: Limits,
    places: places::Places,
    quotas: quota::Quotas,
    batches: batch::Batches,
    readiness: health::Readings,
    running: idempotency::Running,
    nonces: signature::Nonces,
    bundles: published::Bundles,
    /// When this process began: requests of nodes that were signed before may have been seen.
    started: UnixTime,
}

impl Web {
    /// The edge of a node.
    #[must_use]
    pub fn new(app: Arc<App>, limits: Limits) -> Arc<Web> {
        let (places, quotas) = (places::Places::new(limits.requests), quota::Quotas::new(&limits));
        let started = app.node.clock.now();
        Arc::new(Web {
            app,
            limits,
            places,
            quotas,
            batches: batch::Batches::default(),
            readiness: health::Readings::default(),
            running: idempotency::Running::default(),
            nonces: signature::Nonces::default(),
            bundles: published::Bundles::default(),
            started,
        })
    }
}

/// All calls of the API with their description.
fn api() -> OpenApiRouter<Arc<Web>> {
    OpenApiRouter::new()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(published::root))
        .routes(routes!(published::list))
        .routes(routes!(published::timestamp))
        .routes(routes!(published::catalogue))
        .routes(routes!(catalogue::licence_types))
        .routes(routes!(catalogue::licence_type))
        .routes(routes!(catalogue::request_schema))
        .routes(routes!(catalogue::service_items))
        .routes(routes!(catalogue::service_item))
        .routes(routes!(published::status_list))
        .routes(routes!(published::bundle))
        .routes(routes!(published::reference))
        .routes(routes!(log::checkpoint))
        .routes(routes!(nodes::witness))
        .routes(routes!(nodes::witness_time))
        .routes(routes!(nodes::mirrored_checkpoint))
        .routes(routes!(index::index))
        .routes(routes!(index::holders))
        .routes(routes!(index::hand_out))
        .routes(routes!(index::register))
        .routes(routes!(index::logged))
        .routes(routes!(lifecycle::issue))
        .routes(routes!(lifecycle::licence))
        .routes(routes!(lifecycle::change_status, lifecycle::status_changes))
        .routes(routes!(lifecycle::new_version))
        .routes(routes!(verifications::verify))
        .routes(routes!(batch::verify_batch))
        .routes(routes!(service_items::check))
        .routes(routes!(receipts::stored))
        .routes(routes!(receipts::check))
}

/// The router of a node.
pub fn router(web: Arc<Web>) -> Router {
    let (router, _) = api().split_for_parts();
    router
        // C2SP tlog-tiles has its own description; OpenAPI cannot express a path of many segments.
        .route("/log/tile/{*path}", get(log::tile))
        .route("/v1/mirrors/{host}/tile/{*path}", get(nodes::mirrored_entries))
        .merge(docs::routes())
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(CatchPanicLayer::custom(|_| Problem::internal("panic").into_response()))
        .layer(from_fn_with_state(Arc::clone(&web), edge::edge))
        .with_state(web)
}

/// The router of the monitoring's own address.
fn watch_router(web: Arc<Web>) -> Router {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(CatchPanicLayer::custom(|_| Problem::internal("panic").into_response()))
        .layer(from_fn_with_state(Arc::clone(&web), edge::edge))
        .with_state(web)
}

/// Runs a blocking trip off the async threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Problem::internal("task"))
}

#[cfg(test)]
mod testing;
