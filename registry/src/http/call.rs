//! One call: what was asked, by whom, with which body.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Method};
use licence_store::ClientRow;
use serde::de::DeserializeOwned;

use super::App;
use super::idempotency::key_of;
use super::problem::Problem;
use crate::strict_json;
use crate::trips::clients::has;

/// A call with a body of at most [`super::MAX_BODY`].
pub(super) struct Call {
    pub(super) method: Method,
    /// Path and query as sent.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Call {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Call, Problem> {
        let (method, headers) = (request.method().clone(), request.headers().clone());
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
        let body = Bytes::from_request(request, state).await.map_err(|error| match error {
            BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
                Problem::too_large()
            }
            _ => Problem::malformed("请求体不完整 / the body is incomplete"),
        })?;
        Ok(Call { method, target, headers, body })
    }
}

impl Call {
    /// Reads a JSON body strictly.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        require_type(&self.headers, "application/json")?;
        strict_json::from_slice(&self.body).map_err(|error| Problem::json(&error))
    }
}

/// Requires a media type; parameters are passed over.
pub(super) fn require_type(headers: &HeaderMap, wanted: &'static str) -> Result<(), Problem> {
    let kind = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().map(str::trim).unwrap_or_default();
    if kind.eq_ignore_ascii_case(wanted) { Ok(()) } else { Err(Problem::media_type(wanted)) }
}

impl App {
    /// The client behind a bearer token, who may make `call`. Reads no database.
    pub(super) fn client(self: &Arc<App>, headers: &HeaderMap, call: &str) -> Result<ClientRow, Problem> {
        let header = headers.get("authorization").and_then(|value| value.to_str().ok());
        let (scheme, token) =
            header.and_then(|text| text.split_once(' ')).ok_or_else(Problem::unauthorised)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Problem::unauthorised());
        }
        let client = self.node.clients.of_token(token, self.node.clock.now());
        let client = client.ok_or_else(Problem::unauthorised)?;
        if !has(&client.calls, call) {
            return Err(Problem::forbidden());
        }
        // Also where nothing is kept under it: a client must not believe that it has sent a key.
        key_of(headers)?;
        Ok(client)
    }
}
