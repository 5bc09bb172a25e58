//! What anybody may read: signed files, and the health of the node.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use licence_spec::log::tile::{TilePath, append_entry};
use licence_store::{StoreError, TileKey};
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use super::{Node, blocking};
use crate::documents;

/// Whether the process is alive.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    reasons: Vec<&'static str>,
}

/// Whether the node can give a right verdict now.
pub(super) async fn readyz(State(node): State<Arc<Node>>) -> Response {
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
    let store = Arc::clone(&node.store);
    if !matches!(blocking(move || store.read().and_then(|read| read.log_head())).await, Ok(Ok(_))) {
        reasons.push("store unavailable");
    }
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready: reasons.is_empty(), reasons })).into_response()
}

fn bytes(kind: &'static str, body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], body).into_response()
}

async fn document(node: Arc<Node>, kind: &'static str, name: String) -> Result<Response, Problem> {
    let store = Arc::clone(&node.store);
    let found = blocking(move || store.read().and_then(|read| read.document(kind, &name))).await?;
    let row = found.map_err(|error| Problem::store(&error))?.ok_or_else(Problem::not_found)?;
    Ok(bytes("application/cbor", row.bytes))
}

/// A trust root.
pub(super) async fn root(
    State(node): State<Arc<Node>>,
    Path(version): Path<String>,
) -> Result<Response, Problem> {
    document(node, documents::ROOT, version).await
}

/// The trust list.
pub(super) async fn list(State(node): State<Arc<Node>>) -> Result<Response, Problem> {
    document(node, documents::LIST.0, documents::LIST.1.to_owned()).await
}

/// The trust timestamp.
pub(super) async fn timestamp(State(node): State<Arc<Node>>) -> Result<Response, Problem> {
    document(node, documents::TIMESTAMP.0, documents::TIMESTAMP.1.to_owned()).await
}

/// The signed catalogue.
pub(super) async fn catalogue(State(node): State<Arc<Node>>) -> Result<Response, Problem> {
    document(node, documents::CATALOGUE.0, documents::CATALOGUE.1.to_owned()).await
}

/// The offline bundle.
pub(super) async fn bundle(State(node): State<Arc<Node>>) -> Result<Response, Problem> {
    let made = blocking(move || documents::bundle(&node)).await?.map_err(|error| Problem::store(&error))?;
    Ok(bytes("application/cbor", made.to_bytes()))
}

/// `?time=` asks for the token of a past moment, in Unix seconds.
#[derive(Deserialize)]
pub(super) struct AtTime {
    time: Option<i64>,
}

/// A status token.
pub(super) async fn status_list(
    State(node): State<Arc<Node>>,
    Path(list): Path<String>,
    Query(at): Query<AtTime>,
) -> Result<Response, Problem> {
    let list: u64 = list.parse().map_err(|_| Problem::not_found())?;
    let store = Arc::clone(&node.store);
    let found = blocking(move || {
        let read = store.read()?;
        match at.time {
            None => read.status_token(list),
            Some(time) => Ok(read.status_token_at(list, time)?.filter(|token| time < token.exp)),
        }
    });
    let row =
        found.await?.map_err(|error: StoreError| Problem::store(&error))?.ok_or_else(Problem::not_found)?;
    Ok(bytes("application/statuslist+cwt", row.bytes))
}

/// The licence behind a reference; the cti is the ticket.
pub(super) async fn reference(
    State(node): State<Arc<Node>>,
    Path(cti): Path<String>,
) -> Result<Response, Problem> {
    let cti: [u8; 16] =
        hex::decode(&cti).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(Problem::not_found)?;
    let store = Arc::clone(&node.store);
    let found = blocking(move || store.read().and_then(|read| read.licence_by_cti(&cti))).await?;
    let row = found.map_err(|error| Problem::store(&error))?.ok_or_else(Problem::not_found)?;
    Ok(bytes(licence_spec::numbers::TYP_LICENCE, row.credential))
}

/// The signed head of the log.
pub(super) async fn checkpoint(State(node): State<Arc<Node>>) -> Response {
    bytes("text/plain; charset=utf-8", node.log.checkpoint().as_bytes().to_vec())
}

/// A tile of hashes, or a bundle of entries.
pub(super) async fn tile(
    State(node): State<Arc<Node>>,
    Path(path): Path<String>,
) -> Result<Response, Problem> {
    let path = TilePath::parse(&format!("tile/{path}")).map_err(|_| Problem::not_found())?;
    let store = Arc::clone(&node.store);
    let found = blocking(move || tile_bytes(&*store, path)).await?;
    Ok(bytes(
        "application/octet-stream",
        found.map_err(|error| Problem::store(&error))?.ok_or_else(Problem::not_found)?,
    ))
}

fn tile_bytes(store: &dyn licence_store::Store, path: TilePath) -> Result<Option<Vec<u8>>, StoreError> {
    let read = store.read()?;
    match path {
        TilePath::Hashes(tile) => {
            let key = TileKey { level: tile.level(), index: tile.index() };
            let found = read.log_tiles(&[key])?.into_iter().next().flatten();
            Ok(found.and_then(|hashes| hashes.get(..tile.byte_len()).map(<[u8]>::to_vec)))
        }
        TilePath::Entries(entries) => {
            let leaves = read.log_leaves(entries.index() * 256, u32::from(entries.width()))?;
            if leaves.len() != usize::from(entries.width()) {
                return Ok(None);
            }
            let mut bundle = Vec::new();
            for leaf in &leaves {
                append_entry(&mut bundle, &leaf.entry)
                    .map_err(|error| StoreError::Corrupt(error.to_string()))?;
            }
            Ok(Some(bundle))
        }
    }
}
