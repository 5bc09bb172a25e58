//! One call: what was asked, by whom, with which body.
//!
//! The body is read only for somebody who is known, and only as long as it comes: at [`LEAST_RATE`] after a grace.

use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{HeaderMap, Method, request};
use http_body_util::BodyExt as _;
use licence_spec::http_signature::IdempotencyKey;
use serde::de::DeserializeOwned;

use super::places::Place;
use super::problem::Problem;
use super::signature::target;
use super::who::Who;
use super::{MAX_BODY, Web};
use licence_node::access::caller::{About, Caller, Errand};
use licence_node::node::clock::Stopwatch;
use licence_node::node::strict_json;

/// How slowly a body may come, bytes a second: a telephone line does better.
const LEAST_RATE: f64 = 1_024.0;
/// How long a body may be slower than that.
const GRACE: Duration = Duration::from_secs(5);

/// A call of a client, with a body of at most [`super::MAX_BODY`].
pub(super) struct Call {
    /// Who asks.
    pub(super) caller: Caller,
    pub(super) method: Method,
    /// Path and query as sent.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl FromRequest<Arc<Web>> for Call {
    type Rejection = Problem;

    async fn from_request(request: Request, web: &Arc<Web>) -> Result<Call, Problem> {
        match request.extensions().get::<Who>() {
            Some(Who::Client(caller)) => {
                let caller = caller.clone();
                Call::read(request, web, caller).await
            }
            _ => Err(Problem::unauthorised()),
        }
    }
}

impl Call {
    /// Takes a request in whose sender is known.
    pub(super) async fn read(request: Request, web: &Web, caller: Caller) -> Result<Call, Problem> {
        let (parts, body) = request.into_parts();
        let body = read_body(web, &parts, body).await?;
        let request::Parts { method, headers, uri, .. } = parts;
        let target = target(&uri);
        Ok(Call { caller, method, target, headers, body })
    }

    /// Reads a JSON body strictly.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        require_type(&self.headers, "application/json")?;
        strict_json::from_slice(&self.body).map_err(|error| Problem::json(&error))
    }
}

async fn read_body(web: &Web, parts: &request::Parts, mut body: Body) -> Result<Bytes, Problem> {
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(Problem::too_large());
    }
    // A request without its place does not come from the edge, or is over.
    let place = parts.extensions.get::<Weak<Place>>().and_then(Weak::upgrade);
    let Some(_reading) = place.as_ref().and_then(Place::read) else {
        web.app.metrics.refused("crowded");
        return Err(Problem::crowded());
    };
    let (begun, mut body_read) = (Stopwatch::start(), Pieces::default());
    loop {
        let deadline = patience(body_read.len(), web.limits.request_timeout);
        let Some(left) = deadline.checked_sub(begun.elapsed()) else { return Err(slow(web)) };
        match tokio::time::timeout(left, body.frame()).await {
            Err(_) => return Err(slow(web)),
            Ok(None) => return Ok(body_read.whole()),
            Ok(Some(Err(_))) => return Err(Problem::malformed("请求体不完整 / the body is incomplete")),
            Ok(Some(Ok(frame))) => body_read.take(frame.into_data().unwrap_or_default()),
        }
        if body_read.len() > MAX_BODY {
            return Err(Problem::too_large());
        }
    }
}

/// The pieces of a body. Most come in one, which is not copied.
#[derive(Default)]
struct Pieces {
    first: Bytes,
    /// All of them, if there are several.
    all: Vec<u8>,
}

impl Pieces {
    fn len(&self) -> usize {
        self.first.len().max(self.all.len())
    }

    fn take(&mut self, piece: Bytes) {
        if self.len() == 0 {
            self.first = piece;
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&piece);
    }

    fn whole(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.into() }
    }
}

fn slow(web: &Web) -> Problem {
    web.app.metrics.refused("slow_body");
    Problem::slow_body()
}

/// When more of a body must have come, of which so much is there; a quarter of the whole time is left for the work.
fn patience(read: usize, request_timeout: Duration) -> Duration {
    let grace = GRACE.min(request_timeout / 2);
    (grace + Duration::from_secs_f64(read as f64 / LEAST_RATE)).min(request_timeout * 3 / 4)
}

/// Requires a media type; parameters are passed over.
pub(super) fn require_type(headers: &HeaderMap, wanted: &'static str) -> Result<(), Problem> {
    let kind = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().map(str::trim).unwrap_or_default();
    if kind.eq_ignore_ascii_case(wanted) { Ok(()) } else { Err(Problem::media_type(wanted)) }
}

impl Call {
    /// The caller, who may have this errand done; whether here, the trip asks.
    pub(super) fn caller(&self, errand: Errand) -> Result<Caller, Problem> {
        may(&self.caller, errand, &self.headers)
    }
}

/// A client that asks without a body.
pub(super) struct Asked {
    caller: Caller,
    headers: HeaderMap,
}

impl FromRequestParts<Arc<Web>> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut request::Parts, _: &Arc<Web>) -> Result<Asked, Problem> {
        match parts.extensions.get::<Who>() {
            Some(Who::Client(caller)) => Ok(Asked { caller: caller.clone(), headers: parts.headers.clone() }),
            _ => Err(Problem::unauthorised()),
        }
    }
}

impl Asked {
    /// As [`Call::caller`].
    pub(super) fn caller(&self, errand: Errand) -> Result<Caller, Problem> {
        may(&self.caller, errand, &self.headers)
    }
}

fn may(caller: &Caller, errand: Errand, headers: &HeaderMap) -> Result<Caller, Problem> {
    caller.may(errand, About::default())?;
    // Also where nothing is kept under it: a client must not believe that it has sent a key.
    key_of(headers)?;
    Ok(caller.clone())
}

/// The key that a client sent, if it sent one.
pub(super) fn key_of(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    // The header is a quoted string; many clients leave the quotation marks out, and no key contains one.
    let key = IdempotencyKey::parse(text).or_else(|_| IdempotencyKey::new(text));
    key.map(Some).map_err(|fault| Problem::signature(&fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_may_be_slow_for_a_while_and_then_comes_at_the_least_rate() {
        let at = |read| patience(read, Duration::from_secs(30)).as_secs_f64();
        assert_eq!([at(0), at(1_024), at(10_240), at(131_072)], [5.0, 6.0, 15.0, 22.5]);
        assert_eq!(patience(0, Duration::from_secs(1)), Duration::from_millis(500));
    }
}
