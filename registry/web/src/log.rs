//! The node's own log as static files: C2SP tlog-tiles. Out of scope: writing it (`db`), signing it (`log`).

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use licence_spec::log::tile::{TilePath, append_entry};
use licence_store::{Read, StoreError, TileKey, read_copy_first};

use super::problem::Problem;
use super::published::{FOR_EVER, REVALIDATE, file};
use super::{Web, blocking};
use licence_node::publication::refresh::show_newest_head;

/// 日志签名头 / the signed head of the log (C2SP tlog-checkpoint). Tiles lie under `/log/tile/`.
#[utoipa::path(get, path = "/log/checkpoint", tag = "log", responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn checkpoint(State(web): State<Arc<Web>>, headers: HeaderMap) -> Result<Response, Problem> {
    if web.app.node.process.is_some() {
        let node = Arc::clone(&web.app.node);
        blocking(move || show_newest_head(&node)).await??;
    }
    Ok(file(&headers, "text/plain; charset=utf-8", REVALIDATE, web.app.node.log.served().as_bytes().to_vec()))
}

/// A tile of hashes, or a bundle of entries.
pub(super) async fn tile(
    State(web): State<Arc<Web>>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let path = TilePath::parse(&format!("tile/{path}")).map_err(|_| Problem::not_found())?;
    let store = Arc::clone(&web.app.node.store);
    // A tile of a given width never changes.
    let found = blocking(move || read_copy_first(&*store, |read| tile_bytes(read, path))).await?;
    let bytes = found.map_err(|error| Problem::store(&error))?.ok_or_else(Problem::not_found)?;
    Ok(file(&headers, "application/octet-stream", FOR_EVER, bytes))
}

fn tile_bytes(read: &dyn Read, path: TilePath) -> Result<Option<Vec<u8>>, StoreError> {
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

#[cfg(test)]
mod tests {
    use crate::testing::Edge;

    #[test]
    fn the_head_covers_what_was_issued_and_tiles_end_where_the_log_does() {
        let edge = Edge::new();
        edge.licence(&edge.office(), 1);
        let head = String::from_utf8(edge.get("/log/checkpoint", "").body).unwrap();
        let size: u64 = head.lines().nth(1).unwrap().parse().unwrap();
        assert_eq!(size, edge.node().store.read().unwrap().log_head().unwrap().unwrap().size);
        let status = |path: String| edge.get(&path, "").status.as_u16();
        assert_eq!(status(format!("/log/tile/0/000.p/{size}")), 200);
        assert_eq!(status(format!("/log/tile/entries/000.p/{size}")), 200);
        assert_eq!(status(format!("/log/tile/0/000.p/{}", size + 1)), 404);
        assert_eq!(status(format!("/log/tile/entries/000.p/{}", size + 1)), 404);
        assert_eq!(status("/log/tile/../../etc/passwd".to_owned()), 404);
    }
}
