//! HTTP message signatures between nodes: did this node, listed and active, send exactly this request, now, once?
//!
//! In scope: one fixed profile of RFC 9421 (label, components, parameters), Content-Digest, the syntax, scope and
//! fingerprint of Idempotency-Key and what a repeated key means. Pure: request parts, keys and clock come in.
//! Out of scope: HTTP itself, remembering nonces and answers (the node), freshness of the trust list (the node, which
//! answers 503 without a fresh one), responses, which are not signed.
//! Format: spec/http-signature.md; vectors in spec/vectors/generated-examples/http and rfc9421/.

mod fault;
mod idempotency;
mod parameters;

pub use fault::HttpSignatureFault;
pub use idempotency::{Decision, IdempotencyKey, MAX_IDEMPOTENCY_KEY, RecordState, decide, fingerprint};
pub use parameters::NONCE_BYTES;

use alloc::format;
use alloc::string::String;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::suite::{Digest, PublicKey, SignError, Signer, sha256};
use crate::time::UnixTime;
use crate::trust::{Entry, Key, KeyState, Role, TrustList};
use parameters::{Parameters, read_signature};

/// The one label of the profile.
pub const LABEL: &str = "elic";
/// Longest life of a signature, seconds; also how far back `created` may lie (spec/http-signature.md).
pub const MAX_SIGNATURE_LIFE_S: i64 = 300;
/// How far ahead `created` may lie, seconds: the clock skew of the whole standard.
pub const MAX_AHEAD_S: i64 = crate::numbers::CLOCK_SKEW_S;
/// How long a nonce is remembered, seconds: longer than a signature can live, skew included.
pub const NONCE_MEMORY_S: i64 = 600;
/// Longest target URI and longest header value that is looked at, bytes.
pub const MAX_HEADER: usize = 2_048;

/// The parts of a received request. Header values are those of the wire, joined by `, ` if a header was repeated.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The node's configured public URL and the request target; never rebuilt from Host or X-Forwarded headers.
    pub target_uri: &'a str,
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// `Content-Digest`.
    pub content_digest: Option<&'a str>,
    /// `Idempotency-Key`.
    pub idempotency_key: Option<&'a str>,
    /// `Signature-Input`.
    pub signature_input: Option<&'a str>,
    /// `Signature`.
    pub signature: Option<&'a str>,
    /// The raw body, already bounded by the node.
    pub body: &'a [u8],
}

/// A request whose signature held, with what the node does next: take the nonce, decide on the idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBy {
    /// Full thumbprint of the node's key: who called.
    pub thumbprint: Digest,
    /// When the request was signed.
    pub created: UnixTime,
    /// The nonce, seen now for the first time.
    pub nonce: [u8; NONCE_BYTES],
    /// The idempotency key and the fingerprint of the request; only POST, PUT and PATCH have them.
    pub idempotency: Option<(IdempotencyKey, Digest)>,
}

/// The parts of a request with a body that the sender signs.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// The raw body.
    pub body: &'a [u8],
    /// Its media type, as it will be sent.
    pub content_type: &'a str,
    /// The idempotency key, as it will be sent.
    pub idempotency_key: &'a IdempotencyKey,
}

/// The headers that the sender adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHeaders {
    /// `Content-Digest`, for requests with a body.
    pub content_digest: Option<String>,
    /// `Signature-Input`.
    pub signature_input: String,
    /// `Signature`.
    pub signature: String,
}

/// Judges a request. `key_of` gives the key of a full thumbprint if it is active and has role 6 now, see
/// [`find_node_key`]; `take_nonce` remembers a nonce of a key for [`NONCE_MEMORY_S`] and says whether it was new. It is
/// called last and only for a request that is good so far, so that nobody else can use up a nonce.
///
/// # Errors
/// The first fault in the order of spec/http-signature.md §4.
pub fn verify(
    request: &Request<'_>,
    now: UnixTime,
    key_of: impl FnOnce(&Digest) -> Option<PublicKey>,
    take_nonce: impl FnOnce(&Digest, &[u8; NONCE_BYTES]) -> bool,
) -> Result<SignedBy, HttpSignatureFault> {
    verify_head(request, now, key_of)?.with_body(request, take_nonce)
}

/// A request whose head was signed by a listed node. Its body has not been looked at: a node knows who asks before it reads
/// a byte of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHead {
    thumbprint: Digest,
    created: UnixTime,
    nonce: [u8; NONCE_BYTES],
    content: Option<(Digest, IdempotencyKey)>,
}

/// Steps 1 to 5 of spec/http-signature.md §4, which need no body: `request.body` is not read.
///
/// # Errors
/// The first fault in that order.
pub fn verify_head(
    request: &Request<'_>,
    now: UnixTime,
    key_of: impl FnOnce(&Digest) -> Option<PublicKey>,
) -> Result<SignedHead, HttpSignatureFault> {
    let content = read_content_headers(request)?;
    let components = components(request.method).ok_or(HttpSignatureFault::SignatureInput)?;
    let parameters = Parameters::read(request.signature_input, components)?;
    let signature = read_signature(request.signature)?;
    check_time(&parameters, now)?;
    let thumbprint = parameters.thumbprint().ok_or(HttpSignatureFault::SignatureKey)?;
    let key = key_of(&thumbprint).filter(|key| *key.thumbprint() == thumbprint);
    let key = key.ok_or(HttpSignatureFault::SignatureKey)?;
    let base = signature_base(request, content.is_some(), parameters.text)?;
    if !key.verify_strict(base.as_bytes(), &signature) {
        return Err(HttpSignatureFault::SignatureInvalid);
    }
    Ok(SignedHead { thumbprint, created: parameters.created, nonce: parameters.nonce, content })
}

impl SignedHead {
    /// Full thumbprint of the node's key: who calls.
    #[must_use]
    pub const fn thumbprint(&self) -> &Digest {
        &self.thumbprint
    }

    /// Steps 6 and 7, with the body: it is the one of the signed digest, and the nonce is new. `request` is the one whose head
    /// was judged, now with its body.
    ///
    /// # Errors
    /// [`HttpSignatureFault::ContentDigest`], [`HttpSignatureFault::SignatureReplay`].
    pub fn with_body(
        self,
        request: &Request<'_>,
        take_nonce: impl FnOnce(&Digest, &[u8; NONCE_BYTES]) -> bool,
    ) -> Result<SignedBy, HttpSignatureFault> {
        let SignedHead { thumbprint, created, nonce, content } = self;
        let body_digest = sha256(&[request.body]);
        match &content {
            Some((digest, _)) if *digest != body_digest => return Err(HttpSignatureFault::ContentDigest),
            // A body that no component covers would reach the node unsigned.
            None if !request.body.is_empty() => return Err(HttpSignatureFault::ContentDigest),
            _ => {}
        }
        if !take_nonce(&thumbprint, &nonce) {
            return Err(HttpSignatureFault::SignatureReplay);
        }
        let print = || fingerprint(request.method, request.target_uri, &body_digest);
        let idempotency = content.map(|(_, key)| (key, print()));
        Ok(SignedBy { thumbprint, created, nonce, idempotency })
    }
}

/// The key of a listed node: this full thumbprint, *active*, with role 6 at `now`. Says nothing about the age of the
/// list.
#[must_use]
pub fn find_node_key<'a>(
    list: &'a TrustList,
    thumbprint: &Digest,
    now: UnixTime,
) -> Option<(&'a Entry, &'a Key)> {
    let may_call = |key: &Key| {
        key.state == KeyState::Active
            && key.scopes.iter().any(|scope| scope.role == Role::Node && scope.has_time(now))
    };
    list.keys().find(|(_, key)| key.key.thumbprint() == thumbprint && may_call(key))
}

/// Signs a request for a life of [`MAX_SIGNATURE_LIFE_S`] from `created`. The nonce is 16 random bytes, new for each
/// attempt, also when a request is repeated under the same idempotency key.
///
/// # Errors
/// [`SignError`] from the signer, or if the method asks for a content and none is given, or the other way round.
pub fn sign(
    method: &str,
    target_uri: &str,
    content: Option<&Content<'_>>,
    signer: &dyn Signer,
    created: UnixTime,
    nonce: [u8; NONCE_BYTES],
) -> Result<SignedHeaders, SignError> {
    let components = components(method).ok_or(SignError("the method cannot be signed"))?;
    if content.is_some() != has_content(method) {
        return Err(SignError("POST, PUT and PATCH are signed with a content, other methods without"));
    }
    let content_digest = content.map(|content| content_digest(content.body));
    let idempotency_key = content.map(|content| format!("{}", content.idempotency_key));
    let parameters = parameters::write(components, created, signer.public_key().thumbprint(), nonce);
    let request = Request {
        method,
        target_uri,
        content_type: content.map(|content| content.content_type),
        content_digest: content_digest.as_deref(),
        idempotency_key: idempotency_key.as_deref(),
        signature_input: None,
        signature: None,
        body: &[],
    };
    let base = signature_base(&request, content.is_some(), &parameters)
        .map_err(|_| SignError("a part of the request cannot stand in a signature base"))?;
    let signature = STANDARD.encode(signer.sign(base.as_bytes())?.as_bytes());
    Ok(SignedHeaders {
        content_digest,
        signature_input: format!("{LABEL}={parameters}"),
        signature: format!("{LABEL}=:{signature}:"),
    })
}

/// The `Content-Digest` of a body: `sha-256=:<base64>:` (RFC 9530).
#[must_use]
pub fn content_digest(body: &[u8]) -> String {
    idempotency::digest_text(&sha256(&[body]))
}

const BARE: &str = r#"("@method" "@target-uri")"#;
const WITH_CONTENT: &str = r#"("@method" "@target-uri" "content-digest" "content-type" "idempotency-key")"#;

/// Whether requests of this method carry a content, and so need an idempotency key.
fn has_content(method: &str) -> bool {
    matches!(method, "POST" | "PUT" | "PATCH")
}

/// The component list of a method; `None` for methods that nodes do not use.
fn components(method: &str) -> Option<&'static str> {
    match method {
        "GET" | "HEAD" | "DELETE" => Some(BARE),
        _ => has_content(method).then_some(WITH_CONTENT),
    }
}

/// Step 1: the headers that a content needs, present and well-formed.
fn read_content_headers(
    request: &Request<'_>,
) -> Result<Option<(Digest, IdempotencyKey)>, HttpSignatureFault> {
    if !has_content(request.method) {
        return Ok(None);
    }
    let digest = request.content_digest.and_then(idempotency::read_digest_text);
    let digest = digest.ok_or(HttpSignatureFault::ContentDigest)?;
    if !request.content_type.is_some_and(is_header_value) {
        return Err(HttpSignatureFault::ContentType);
    }
    let key = request.idempotency_key.ok_or(HttpSignatureFault::IdempotencyKeyMissing)?;
    Ok(Some((digest, IdempotencyKey::parse(key)?)))
}

/// Visible ASCII and single spaces inside, nothing that could begin another line of the signature base.
fn is_header_value(value: &str) -> bool {
    !value.is_empty() && value.len() <= MAX_HEADER && value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn check_time(parameters: &Parameters<'_>, now: UnixTime) -> Result<(), HttpSignatureFault> {
    let (created, expires) = (parameters.created, parameters.expires);
    let good = now.since(created) <= MAX_SIGNATURE_LIFE_S
        && created.since(now) <= MAX_AHEAD_S
        && created < expires
        && expires.since(created) <= MAX_SIGNATURE_LIFE_S
        && now < expires;
    if good { Ok(()) } else { Err(HttpSignatureFault::SignatureTime) }
}

/// The signature base of RFC 9421 §2.5 for the two component lists of this profile.
fn signature_base(
    request: &Request<'_>,
    content: bool,
    parameters: &str,
) -> Result<String, HttpSignatureFault> {
    let mut base = String::with_capacity(512);
    let mut line = |name: &str, value: Option<&str>| match value.filter(|value| is_header_value(value)) {
        Some(value) => {
            for part in ["\"", name, "\": ", value, "\n"] {
                base.push_str(part);
            }
            Ok(())
        }
        None => Err(HttpSignatureFault::SignatureInput),
    };
    line("@method", Some(request.method))?;
    line("@target-uri", Some(request.target_uri))?;
    if content {
        line("content-digest", request.content_digest)?;
        line("content-type", request.content_type)?;
        line("idempotency-key", request.idempotency_key)?;
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(parameters);
    Ok(base)
}
