//! Calls between nodes, signed as RFC 9421 says (spec/http-signature.md): witnessing, and what a mirror serves.

use std::sync::Arc;

use axum::extract::{FromRequest, Path, Request as HttpRequest, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use licence_spec::http_signature::{HttpSignatureFault, SignedBy, SignedHead};
use licence_spec::log::tile::TilePath;
use licence_spec::log::witness::{Refusal, SIZE_MEDIA_TYPE};
use licence_spec::log::witness_time::Nonce;
use licence_store::{StoreError, read_copy_first, transact};

use super::call::Call;
use super::problem::Problem;
use super::published::{FOR_EVER, REVALIDATE, file};
use super::signature::{Signed, signed_head};
use super::who::Who;
use super::{Web, blocking};
use licence_node::access::caller::{Caller, ListedNode};
use licence_node::exchange::mirror;
use licence_node::exchange::witness::{self, WitnessError, add_checkpoint};
use licence_node::node::Node;

/// A call of a node: who signed its head is known before its body is read.
pub(super) struct NodeCall {
    /// The request.
    pub(super) call: Call,
    /// The node that signed it, as the trust list has it.
    pub(super) asker: Arc<ListedNode>,
}

impl FromRequest<Arc<Web>> for NodeCall {
    type Rejection = Problem;

    async fn from_request(request: HttpRequest, web: &Arc<Web>) -> Result<NodeCall, Problem> {
        let node = match request.extensions().get::<Who>() {
            Some(Who::Node(node)) => Arc::clone(node),
            // Judged again, to say what is wrong with it.
            _ => Arc::new(signed_head(web, &request)?),
        };
        let asker = Arc::clone(&node.node);
        let call = Call::read(request, web, Caller::Node(Arc::clone(&asker))).await?;
        let signed = with_body(web, &call, node.head.clone())?;
        if web.app.node.process.is_some() {
            let node = Arc::clone(&web.app.node);
            blocking(move || take_for_all(&node, &signed)).await??;
        }
        Ok(NodeCall { call, asker })
    }
}

/// Takes a nonce for all processes of this node: the second one that tries is refused.
fn take_for_all(node: &Node, signed: &SignedBy) -> Result<(), Problem> {
    let now = node.clock.now().0;
    let taken = transact::<_, StoreError>(&*node.store, "take_nonce", |write| {
        write.take_nonce(&signed.thumbprint, &signed.nonce, now)
    });
    match taken {
        Ok(true) => Ok(()),
        Ok(false) => Err(Problem::signature(&HttpSignatureFault::SignatureReplay)),
        Err(error) => Err(Problem::store(&error)),
    }
}

/// Checks that the body is the one that was signed, and takes the nonce in this process.
fn with_body(web: &Web, call: &Call, head: SignedHead) -> Result<SignedBy, Problem> {
    let now = web.app.node.clock.now();
    let parts = Signed::new(web, &call.method, &call.target, &call.headers);
    let signed = head.with_body(&parts.request(&call.body), |key, nonce| web.nonces.take(key, nonce, now));
    match signed {
        Ok(signed) if signed.created < web.started => {
            Err(Problem::signature(&HttpSignatureFault::SignatureReplay))
        }
        Ok(signed) => Ok(signed),
        Err(fault) => Err(Problem::signature(&fault)),
    }
}

/// 见证 / cosign the checkpoint of a listed log (C2SP tlog-witness); signed by a node.
#[utoipa::path(post, path = "/v1/witness/add-checkpoint", tag = "nodes", request_body(content = String, content_type = "text/plain"),
    responses((status = 200, body = String, content_type = "text/plain"),
    (status = 409, body = String, content_type = "text/x.tlog.size", description = "所存大小不同 / the stored size is another"),
    (status = 422, description = "证明不成立、日志分叉或有未结案件 / the proof does not hold, the log has forked, or a case of it is open"),
    (status = 503, description = "该日志未镜像至此 / the log is not mirrored here so far: nothing is cosigned without a mirror")))]
pub(super) async fn witness(
    State(web): State<Arc<Web>>,
    NodeCall { call, .. }: NodeCall,
) -> Result<Response, Problem> {
    let answer = blocking(move || {
        let follow = |origin: &str, size| {
            if let Some(log) = web.app.follows.get(origin) {
                log.copy_up_to(&web.app.node, size);
            }
        };
        add_checkpoint(&web.app.node, &call.body, &follow)
    });
    match answer.await? {
        Ok(line) => Ok((StatusCode::OK, line).into_response()),
        Err(WitnessError::Refused(refusal)) => Ok(refused(refusal)),
        Err(error @ WitnessError::CaseOpen) => {
            let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            Ok((StatusCode::UNPROCESSABLE_ENTITY, kind, format!("{error}\n")).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

fn refused(refusal: Refusal) -> Response {
    // Cannot fail: the statuses of the call are statuses.
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    match refusal.body() {
        Some(body) => (status, [(header::CONTENT_TYPE, SIZE_MEDIA_TYPE)], body).into_response(),
        None => (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{refusal}\n"))
            .into_response(),
    }
}

/// 见证时间 / the time at this witness, signed for the nonce of whoever asks (spec/log.md §9).
#[utoipa::path(get, path = "/v1/witness/time/{nonce}", tag = "nodes",
    params(("nonce" = String, Path, description = "32 位小写十六进制随机数 / 32 random lower-case hex digits")),
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn witness_time(
    State(web): State<Arc<Web>>,
    Path(nonce): Path<String>,
) -> Result<Response, Problem> {
    let nonce = Nonce::parse(&nonce)
        .ok_or_else(|| Problem::malformed("nonce：须为 32 位小写十六进制 / 32 lower-case hex digits"))?;
    let line =
        blocking(move || witness::time(&web.app.node, nonce)).await??.ok_or_else(Problem::not_found)?;
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    Ok((kind, line).into_response())
}

/// 镜像日志的签名头 / the verified head of a mirrored log.
#[utoipa::path(get, path = "/v1/mirrors/{host}/checkpoint", tag = "log", params(("host" = String, Path)),
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn mirrored_checkpoint(
    State(web): State<Arc<Web>>,
    Path(host): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let store = Arc::clone(&web.app.node.store);
    let found = blocking(move || store.read()?.document(mirror::HEAD, &format!("{host}/log"))).await?;
    let row = found.map_err(|error| Problem::store(&error))?.ok_or_else(Problem::not_found)?;
    Ok(file(&headers, "text/plain; charset=utf-8", REVALIDATE, row.bytes))
}

/// Entries of a mirrored log, under `/v1/mirrors/{host}/tile/entries/…`.
pub(super) async fn mirrored_entries(
    State(web): State<Arc<Web>>,
    Path((host, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Ok(TilePath::Entries(wanted)) = TilePath::parse(&format!("tile/{path}")) else {
        return Err(Problem::not_found());
    };
    let store = Arc::clone(&web.app.node.store);
    let found: Result<_, StoreError> = blocking(move || {
        read_copy_first(&*store, |read| mirror::entries(read, &format!("{host}/log"), wanted))
    })
    .await?;
    let bytes = found.map_err(|error| Problem::store(&error))?.ok_or_else(Problem::not_found)?;
    Ok(file(&headers, "application/octet-stream", FOR_EVER, bytes))
}
