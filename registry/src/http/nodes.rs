//! Calls between nodes, signed as RFC 9421 says (FORMATS §12): witnessing, and what a mirror serves.
//!
//! A request that was seen is refused for ten minutes; one that was signed before this process began is refused too, so that a
//! restart does not open the window again. Where several processes serve one node, what one has seen is stored for the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use licence_spec::http_signature::{
    self, HttpSignatureFault, NONCE_BYTES, NONCE_MEMORY_S, Request, SignedBy, find_node_key,
};
use licence_spec::log::tile::TilePath;
use licence_spec::log::witness::{Refusal, SIZE_MEDIA_TYPE};
use licence_spec::suite::Digest;
use licence_spec::time::UnixTime;
use licence_store::{AnswerKey, Conflict, IdempotentAnswer, StoreError, read_copy_first, transact};

use super::call::Call;
use super::problem::Problem;
use super::published::{FOR_EVER, REVALIDATE, file};
use super::{App, blocking};
use crate::node::Node;
use crate::trips::find_elsewhere::Caller;
use crate::trips::mirror;
use crate::trips::witness::{WitnessError, add_checkpoint};

/// Most nonces that are remembered: 64 nodes with 25 calls a second each for ten minutes.
const MAX_NONCES: usize = 1_000_000;

/// Key and nonce of a request.
type Once = (Digest, [u8; NONCE_BYTES]);

/// Nonces seen, with the moment from which they may be forgotten.
#[derive(Clone, Default)]
pub(super) struct Nonces(Arc<Mutex<HashMap<Once, i64>>>);

impl Nonces {
    /// Remembers a nonce; false if it was seen, or too many are remembered.
    fn take(&self, key: &Digest, nonce: &[u8; NONCE_BYTES], now: UnixTime) -> bool {
        // A poisoned map is whole: entries are put in and taken out in one step.
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MAX_NONCES {
            seen.retain(|_, until| *until > now.0);
        }
        seen.len() < MAX_NONCES && seen.insert((*key, *nonce), now.plus(NONCE_MEMORY_S).0).is_none()
    }
}

/// The node that signed a call, as the trust list has it.
pub(super) async fn caller(app: &App, call: &Call) -> Result<Caller, Problem> {
    let signed = signed_by(app, call)?;
    let thumbprint = signed.thumbprint;
    if app.node.process.is_some() {
        let node = Arc::clone(&app.node);
        blocking(move || take_for_all(&node, &signed)).await??;
    }
    let (evidence, now) = (app.node.evidence.snapshot(), app.node.clock.now());
    let entry = evidence.trust_list().and_then(|list| find_node_key(list, &thumbprint, now));
    // The list may have changed since the signature was checked.
    let (entry, _) = entry.ok_or_else(|| Problem::signature(&HttpSignatureFault::SignatureKey))?;
    let logs = entry.logs.iter().map(|log| log.key.name().to_owned()).collect();
    Ok(Caller { authority: entry.id.clone(), logs })
}

/// Takes a nonce for all processes of this node: the second one that tries is refused. It is forgotten with the answers that are kept
/// under idempotency keys, long after the signature has ended.
fn take_for_all(node: &Node, signed: &SignedBy) -> Result<(), Problem> {
    let key = AnswerKey {
        caller: format!("node:{}", hex::encode(signed.thumbprint)),
        key: hex::encode(signed.nonce),
    };
    let seen = IdempotentAnswer {
        key,
        fingerprint: signed.thumbprint,
        status: 200,
        content_type: String::new(),
        body: Vec::new(),
        created_at: node.clock.now().0,
    };
    let taken = transact::<_, StoreError>(&*node.store, "take_nonce", |write| {
        write.add_idempotent_answers(std::slice::from_ref(&seen))
    });
    match taken {
        Err(StoreError::Conflict(Conflict::IdempotencyKeyExists)) => {
            Err(Problem::signature(&HttpSignatureFault::SignatureReplay))
        }
        taken => taken.map_err(|error| Problem::store(&error)),
    }
}

/// Checks the signature of a call, and takes its nonce in this process.
fn signed_by(app: &App, call: &Call) -> Result<SignedBy, Problem> {
    let (evidence, now) = (app.node.evidence.snapshot(), app.node.clock.now());
    let fresh = evidence.trust_files().is_some_and(|files| files.is_fresh(now, 0));
    let list = evidence.trust_list().filter(|_| fresh);
    let list =
        list.ok_or_else(|| Problem::unavailable("没有有效的信任列表 / no fresh trust list at hand"))?;
    let target = format!("https://{}{}", app.node.host, call.target);
    let header = |name: &str| joined(&call.headers, name);
    let (kind, digest, key) = (header("content-type"), header("content-digest"), header("idempotency-key"));
    let (input, signature) = (header("signature-input"), header("signature"));
    let request = Request {
        method: call.method.as_str(),
        target_uri: &target,
        content_type: kind.as_deref(),
        content_digest: digest.as_deref(),
        idempotency_key: key.as_deref(),
        signature_input: input.as_deref(),
        signature: signature.as_deref(),
        body: &call.body,
    };
    let signed = http_signature::verify(
        &request,
        now,
        |thumbprint| find_node_key(list, thumbprint, now).map(|(_, key)| key.key),
        |key, nonce| app.nonces.take(key, nonce, now),
    );
    match signed {
        Ok(signed) if signed.created < app.started => {
            Err(Problem::signature(&HttpSignatureFault::SignatureReplay))
        }
        Ok(signed) => Ok(signed),
        Err(fault) => Err(Problem::signature(&fault)),
    }
}

/// The value of a header; repeated ones joined by a comma, as RFC 9421 reads them.
fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// 见证 / cosign the checkpoint of a listed log (C2SP tlog-witness); signed by a node.
#[utoipa::path(post, path = "/v1/witness/add-checkpoint", tag = "nodes", request_body(content = String, content_type = "text/plain"),
    responses((status = 200, body = String, content_type = "text/plain"),
    (status = 409, body = String, content_type = "text/x.tlog.size", description = "所存大小不同 / the stored size is another"),
    (status = 422, description = "证明不成立或日志分叉 / the proof does not hold, or the log has forked")))]
pub(super) async fn witness(State(app): State<Arc<App>>, call: Call) -> Result<Response, Problem> {
    caller(&app, &call).await?;
    let answer = blocking(move || {
        // What it signs of a city it holds: a node that is lost then can come back from here.
        let holds = |origin: &str, size| match app.follows.get(origin) {
            Some(log) => log.copy_up_to(&app.node, size).is_ok_and(|held| held),
            None => true,
        };
        add_checkpoint(&app.node, &call.body, &holds)
    });
    match answer.await? {
        Ok(line) => Ok((StatusCode::OK, line).into_response()),
        Err(WitnessError::Refused(refusal)) => Ok(refused(refusal)),
        Err(error) => Err(Problem::unavailable(error.to_string())),
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

/// 镜像日志的签名头 / the verified head of a mirrored log.
#[utoipa::path(get, path = "/v1/mirrors/{host}/checkpoint", tag = "log", params(("host" = String, Path)),
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn mirrored_checkpoint(
    State(app): State<Arc<App>>,
    Path(host): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let store = Arc::clone(&app.node.store);
    let found = blocking(move || store.read()?.document(mirror::HEAD, &format!("{host}/log"))).await?;
    let row = found.map_err(|error| Problem::store(&error))?.ok_or_else(Problem::not_found)?;
    Ok(file(&headers, "text/plain; charset=utf-8", REVALIDATE, row.bytes))
}

/// Entries of a mirrored log, under `/v1/mirrors/{host}/tile/entries/…`.
pub(super) async fn mirrored_entries(
    State(app): State<Arc<App>>,
    Path((host, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Ok(TilePath::Entries(wanted)) = TilePath::parse(&format!("tile/{path}")) else {
        return Err(Problem::not_found());
    };
    let store = Arc::clone(&app.node.store);
    let found: Result<_, StoreError> = blocking(move || {
        read_copy_first(&*store, |read| mirror::entries(read, &format!("{host}/log"), wanted))
    })
    .await?;
    let bytes = found.map_err(|error| Problem::store(&error))?.ok_or_else(Problem::not_found)?;
    Ok(file(&headers, "application/octet-stream", FOR_EVER, bytes))
}
