//! The signature of another node on a request (RFC 9421, spec/http-signature.md): its head is judged before a byte of its body.
//!
//! A request that was seen is refused for ten minutes; one that was signed before this process began is refused too, so that a
//! restart does not open the window again. Where several processes serve one node, what one has seen is stored for the others (`nodes`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::Request as HttpRequest;
use axum::http::{HeaderMap, Method};
use licence_spec::http_signature::{
    self, HttpSignatureFault, NONCE_BYTES, NONCE_MEMORY_S, Request, SignedHead, find_node_key,
};
use licence_spec::suite::Digest;
use licence_spec::time::UnixTime;

use super::Web;
use super::problem::Problem;
use licence_node::access::caller::ListedNode;

/// Most nonces that are remembered: 64 nodes with 25 calls a second each for ten minutes.
const MAX_NONCES: usize = 1_000_000;

/// Key and nonce of a request.
type Once = (Digest, [u8; NONCE_BYTES]);

/// Nonces seen, with the moment from which they may be forgotten.
#[derive(Clone, Default)]
pub(super) struct Nonces(Arc<Mutex<HashMap<Once, i64>>>);

impl Nonces {
    /// Remembers a nonce; false if it was seen, or too many are remembered.
    pub(super) fn take(&self, key: &Digest, nonce: &[u8; NONCE_BYTES], now: UnixTime) -> bool {
        // A poisoned map is whole: entries are put in and taken out in one step.
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MAX_NONCES {
            seen.retain(|_, until| *until > now.0);
        }
        seen.len() < MAX_NONCES && seen.insert((*key, *nonce), now.plus(NONCE_MEMORY_S).0).is_none()
    }
}

/// A node and what it signed.
pub(super) struct SignedNode {
    pub(super) node: Arc<ListedNode>,
    pub(super) head: SignedHead,
}

/// Checks the signature of a request's head: which node of the trust list sent it.
///
/// # Errors
/// A fault of the signature; 503 without a fresh trust list.
pub(super) fn signed_head(web: &Web, request: &HttpRequest) -> Result<SignedNode, Problem> {
    let (evidence, now) = (web.app.node.evidence.snapshot(), web.app.node.clock.now());
    let fresh = evidence.trust_files().is_some_and(|files| files.is_fresh(now, 0));
    let list = evidence.trust_list().filter(|_| fresh);
    let list =
        list.ok_or_else(|| Problem::unavailable("没有有效的信任列表 / no fresh trust list at hand"))?;
    let parts = Signed::new(web, request.method(), &target(request.uri()), request.headers());
    let key = |thumbprint: &Digest| find_node_key(list, thumbprint, now).map(|(_, key)| key.key);
    let head = http_signature::verify_head(&parts.request(&[]), now, key);
    let head = head.map_err(|fault| Problem::signature(&fault))?;
    // Cannot fail: the same list named the key.
    let (entry, _) = find_node_key(list, head.thumbprint(), now)
        .ok_or_else(|| Problem::signature(&HttpSignatureFault::SignatureKey))?;
    let logs = entry.logs.iter().map(|log| log.key.name().to_owned()).collect();
    Ok(SignedNode { node: Arc::new(ListedNode { authority: entry.id.clone(), logs }), head })
}

/// The parts of a request that a node signs.
pub(super) struct Signed {
    method: String,
    target: String,
    headers: [Option<String>; 5],
}

impl Signed {
    pub(super) fn new(web: &Web, method: &Method, target: &str, headers: &HeaderMap) -> Signed {
        let names = ["content-type", "content-digest", "idempotency-key", "signature-input", "signature"];
        Signed {
            method: method.as_str().to_owned(),
            target: format!("https://{}{target}", web.app.node.host),
            headers: names.map(|name| joined(headers, name)),
        }
    }

    pub(super) fn request<'a>(&'a self, body: &'a [u8]) -> Request<'a> {
        let [content_type, content_digest, idempotency_key, signature_input, signature] =
            self.headers.each_ref().map(Option::as_deref);
        Request {
            method: &self.method,
            target_uri: &self.target,
            content_type,
            content_digest,
            idempotency_key,
            signature_input,
            signature,
            body,
        }
    }
}

/// The value of a header; repeated ones joined by a comma, as RFC 9421 reads them.
fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// Path and query as sent.
pub(super) fn target(uri: &axum::http::Uri) -> String {
    uri.path_and_query().map_or("/", |target| target.as_str()).to_owned()
}
