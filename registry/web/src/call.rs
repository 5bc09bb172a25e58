//! One call: what was asked, by whom, with which body.
//!
//! The body is read only for somebody who is known, and only as long as it comes: at [`LEAST_RATE`] after a grace.

use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Method, request};
use http_body_util::BodyExt as _;
use licence_spec::http_signature::IdempotencyKey;
use licence_store::ClientRow;
use serde::de::DeserializeOwned;

use super::places::Place;
use super::problem::Problem;
use super::signature::target;
use super::who::Who;
use super::{MAX_BODY, Web};
use licence_node::access::clients::has;
use licence_node::node::clock::Stopwatch;
use licence_node::node::strict_json;

/// How slowly a body may come, bytes a second: a telephone line does better.
const LEAST_RATE: f64 = 1_024.0;
/// How long a body may be slower than that.
const GRACE: Duration = Duration::from_secs(5);

/// A call of a client, with a body of at most [`super::MAX_BODY`].
pub(super) struct Call {
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
            Some(Who::Client(_)) => Call::read(request, web).await,
            _ => Err(Problem::unauthorised()),
        }
    }
}

impl Call {
    /// Takes a request in whose sender is known.
    pub(super) async fn read(request: Request, web: &Web) -> Result<Call, Problem> {
        let (parts, body) = request.into_parts();
        let body = read_body(web, &parts, body).await?;
        let request::Parts { method, headers, uri, .. } = parts;
        let target = target(&uri);
        Ok(Call { method, target, headers, body })
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
    let (begun, mut whole) = (Stopwatch::start(), Vec::new());
    loop {
        let deadline = patience(whole.len(), web.limits.request_timeout);
        let Some(left) = deadline.checked_sub(begun.elapsed()) else { return Err(slow(web)) };
        match tokio::time::timeout(left, body.frame()).await {
            Err(_) => return Err(slow(web)),
            Ok(None) => return Ok(Bytes::from(whole)),
            Ok(Some(Err(_))) => return Err(Problem::malformed("请求体不完整 / the body is incomplete")),
            Ok(Some(Ok(frame))) => whole.extend_from_slice(&frame.into_data().unwrap_or_default()),
        }
        if whole.len() > MAX_BODY {
            return Err(Problem::too_large());
        }
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

impl Web {
    /// The client behind a bearer token, who may make `call`. Reads no database.
    pub(super) fn client(self: &Arc<Web>, headers: &HeaderMap, call: &str) -> Result<ClientRow, Problem> {
        let client = self.of_token(headers).ok_or_else(Problem::unauthorised)?;
        if !has(&client.calls, call) {
            return Err(Problem::forbidden());
        }
        // Also where nothing is kept under it: a client must not believe that it has sent a key.
        key_of(headers)?;
        Ok(client)
    }
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
