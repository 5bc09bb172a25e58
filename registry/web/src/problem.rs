//! Problem documents (RFC 9457) on their way to a client. Kinds, with status codes, are in `kind`, which error is which kind in `of_errors`.

pub(crate) mod kind;
mod of_errors;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use licence_spec::http_signature::HttpSignatureFault;
use licence_store::{LicenceRow, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

use kind::Kind;
use licence_node::node::rng::Rng;
use licence_node::trips::verify::VerifyError;

/// A problem on its way to a client. Of what the client sent it carries names of fields and codes of types and authorities at
/// most, never a value.
#[derive(Debug)]
pub(super) struct Problem {
    kind: &'static Kind,
    detail: String,
    /// Seconds after which the same request may succeed.
    retry_after: Option<i64>,
}

/// RFC 9457 问题文档 / a problem document.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Document<'a> {
    /// `urn:elic:problem:` and the code.
    r#type: String,
    /// What kind of problem.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this request.
    detail: &'a str,
    /// The kind in one word.
    code: &'a str,
}

impl Problem {
    fn new(kind: &'static Kind, detail: impl Into<String>) -> Problem {
        Problem { kind, detail: detail.into(), retry_after: None }
    }

    pub(super) fn not_found() -> Problem {
        Problem::new(&kind::NOT_FOUND, "没有此资源 / there is no such resource")
    }

    /// Passes a stored licence on, unless it came back from a restore without its bytes.
    pub(super) fn unless_lost(row: LicenceRow) -> Result<LicenceRow, Problem> {
        if row.credential.whole().is_some() { Ok(row) } else { Err(VerifyError::BytesLost.into()) }
    }

    pub(super) fn method_not_allowed() -> Problem {
        Problem::new(&kind::METHOD, kind::METHOD.title)
    }

    pub(super) fn unauthorised() -> Problem {
        Problem::new(
            &kind::UNAUTHORISED,
            "令牌缺失、错误、过期或已吊销 / the token is missing, wrong, expired or revoked",
        )
    }

    pub(super) fn forbidden() -> Problem {
        Problem::new(
            &kind::FORBIDDEN,
            "令牌的范围不含此调用、机关或类型 / the token does not cover this call, authority or type",
        )
    }

    pub(super) fn media_type(wanted: &str) -> Problem {
        Problem::new(&kind::MEDIA_TYPE, format!("请求体须为 {wanted} / the body must be {wanted}"))
    }

    pub(super) fn malformed(detail: impl Into<String>) -> Problem {
        Problem::new(&kind::MALFORMED, detail)
    }

    /// The place in the document is told, and the name of a member of ours that is missing or twice; never what was sent.
    pub(super) fn json(error: &serde_json::Error) -> Problem {
        let place = format!("第 {0} 行第 {1} 列 / line {0}, column {1}", error.line(), error.column());
        let text = error.to_string();
        let what = if text.starts_with("unknown field") {
            // The name came from outside, and might be anything, a person's for instance.
            "未知字段 / unknown field"
        } else if text.starts_with("invalid type: sequence") {
            "应为对象，不是数组 / an object is expected, not an array"
        } else if text.starts_with("missing field") || text.starts_with("duplicate field") {
            text.split(" at line").next().unwrap_or_default()
        } else {
            "请求体无法解析 / malformed body"
        };
        Problem::malformed(format!("{what}；{place}"))
    }

    /// A fault of a node's signature or of an idempotency key.
    pub(super) fn signature(fault: &HttpSignatureFault) -> Problem {
        Problem::new(kind::of_fault(fault.slug(), fault.status()), fault.to_string())
    }

    /// A body that does not come.
    pub(super) fn slow_body() -> Problem {
        let detail = "请求体应在 5 秒后以每秒 1 KiB 以上送达 / after 5 s a body must come at 1 KiB a second";
        Problem::new(&kind::SLOW_BODY, detail)
    }

    /// A client whose ceiling is reached; it may ask again after `wait` seconds.
    pub(super) fn quota(wait: i64) -> Problem {
        let problem = Problem::new(&kind::QUOTA, format!("{wait} 秒后再试 / try again in {wait} s"));
        Problem { retry_after: Some(wait), ..problem }
    }

    /// Too many requests at once from one client, node or address.
    pub(super) fn crowded() -> Problem {
        Problem::new(&kind::CROWDED, "请减少并发后重试 / ask less at once, and try again")
    }

    /// A fault of the node itself: the client learns that there is one and under which id the cause stands in the log; the cause may
    /// tell of this machine or its database.
    pub(super) fn own_fault(cause: &dyn std::fmt::Display) -> Problem {
        // Without randomness all faults have one id; the time in the log tells them apart.
        let fault = hex::encode(Rng::system().bytes::<6>().unwrap_or_default());
        tracing::error!(fault, %cause, "a request failed for a fault of the node");
        Problem::unavailable(format!(
            "节点故障，编号 {fault} / a fault of the node, which stands in its log as {fault}"
        ))
    }

    pub(super) fn too_many_rows(limit: usize) -> Problem {
        let detail =
            format!("上限 {limit} 行，其后未核验 / the limit is {limit} rows; what follows was not judged");
        Problem::new(&kind::TOO_LARGE, detail)
    }

    pub(super) fn batch_too_large() -> Problem {
        let detail =
            "批量核验上限 32 MiB，其后未核验 / the limit of a batch is 32 MiB; what follows was not judged";
        Problem::new(&kind::TOO_LARGE, detail)
    }

    pub(super) fn timeout() -> Problem {
        Problem::unavailable("未能在时限内完成 / not done in time")
    }

    pub(super) fn too_large() -> Problem {
        Problem::new(&kind::TOO_LARGE, "上限 128 KiB / the limit is 128 KiB")
    }

    pub(super) fn internal(what: &'static str) -> Problem {
        Problem::new(&kind::INTERNAL, what)
    }

    pub(super) fn store(error: &StoreError) -> Problem {
        match error {
            // What does not fit a column cannot be stored under any name: the request was wrong, not the store.
            StoreError::OutOfRange(_) => Problem::malformed(error.to_string()),
            _ => Problem::own_fault(error),
        }
    }

    pub(super) fn unavailable(detail: impl Into<String>) -> Problem {
        Problem::new(&kind::UNAVAILABLE, detail)
    }

    /// The problem as the answer to one line of a batch.
    pub(super) fn to_line(&self, line: usize) -> Vec<u8> {
        format!("{{\"line\":{line},\"problem\":{}}}\n", self.document()).into_bytes()
    }

    /// Its kind.
    pub(super) const fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// The HTTP status.
    pub(super) fn status(&self) -> StatusCode {
        // Cannot fail: the statuses of the table are statuses.
        StatusCode::from_u16(self.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The document, for the description of the API.
    pub(super) fn to_value(&self) -> serde_json::Value {
        // Cannot fail: the document is made of texts and a number.
        serde_json::from_str(&self.document()).unwrap_or_default()
    }

    fn document(&self) -> String {
        let Kind { slug, status, title, .. } = *self.kind;
        let detail = &self.detail;
        let document =
            Document { r#type: format!("urn:elic:problem:{slug}"), title, status, detail, code: slug };
        // Cannot fail: the document is made of texts and a number.
        serde_json::to_string(&document).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let media = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status(), media, self.document()).into_response();
        let mut add = |name, value| response.headers_mut().insert(name, HeaderValue::from_static(value));
        match self.status() {
            StatusCode::UNAUTHORIZED => drop(add(header::WWW_AUTHENTICATE, "Bearer")),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                drop(add(header::RETRY_AFTER, "1"));
            }
            // Where a body ends that did not come, nobody knows: there can be no next request.
            StatusCode::REQUEST_TIMEOUT => drop(add(header::CONNECTION, "close")),
            StatusCode::CONFLICT if self.kind.slug == "idempotency-key-in-use" => {
                drop(add(header::RETRY_AFTER, "1"));
            }
            _ => {}
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use licence_node::node::commit::WriteError;
    use licence_node::publication::refresh::SharedError;
    use licence_node::trips::issue::IssueError;

    use super::*;

    #[test]
    fn a_fault_of_the_node_tells_its_cause_in_the_log_only() {
        let secret = "/var/lib/elic/registry.db on 10.0.0.7";
        for problem in [
            Problem::store(&StoreError::Unavailable(secret.to_owned())),
            Problem::store(&StoreError::Full(secret.to_owned())),
            Problem::store(&StoreError::Corrupt(secret.to_owned())),
            WriteError::Unavailable(secret.to_owned()).into(),
            IssueError::Store(StoreError::Unavailable(secret.to_owned())).into(),
            SharedError::Store(StoreError::Unavailable(secret.to_owned())).into(),
        ] {
            let told = problem.document();
            assert!(!told.contains("10.0.0.7") && !told.contains("registry.db"), "{told}");
            assert!(told.contains("\"status\":503") && told.contains("节点故障，编号 "), "{told}");
        }
    }

    #[test]
    fn a_fault_of_a_signature_has_a_title_of_its_own() {
        use HttpSignatureFault as Fault;
        let title = |fault: &Fault| Problem::signature(fault).kind.title;
        let signature = [
            Fault::ContentDigest,
            Fault::ContentType,
            Fault::SignatureInput,
            Fault::SignatureTime,
            Fault::SignatureKey,
            Fault::SignatureInvalid,
            Fault::SignatureReplay,
        ];
        let titles: std::collections::BTreeSet<_> = signature.iter().map(title).collect();
        assert_eq!(titles.len(), signature.len());
        assert!(!titles.contains(title(&Fault::IdempotencyKeyReused)));
    }
}
