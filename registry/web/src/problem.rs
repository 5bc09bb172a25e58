//! Problem documents (RFC 9457): the only place that knows status codes.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use licence_spec::http_signature::HttpSignatureFault;
use licence_store::{LicenceRow, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

use licence_node::access::caller::Denied;
use licence_node::exchange::questions::AskedError;
use licence_node::exchange::witness::WitnessError;
use licence_node::node::commit::WriteError;
use licence_node::node::rng::Rng;
use licence_node::publication::refresh::SharedError;
use licence_node::trips::change_status::ChangeError;
use licence_node::trips::check_service_item::CheckError;
use licence_node::trips::issue::IssueError;
use licence_node::trips::read_licence::ReadError;
use licence_node::trips::receipt::{NotBase64, ReceiptTripError};
use licence_node::trips::verify::VerifyError;

/// A problem on its way to a client. Of what the client sent it carries names of fields and codes of types and authorities at
/// most, never a value.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    slug: &'static str,
    title: &'static str,
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
    fn new(
        status: StatusCode,
        slug: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Problem {
        Problem { status, slug, title, detail: detail.into(), retry_after: None }
    }

    pub(super) fn not_found() -> Problem {
        Problem::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "未找到 / not found",
            "没有此资源 / there is no such resource",
        )
    }

    /// Passes a stored licence on, unless it came back from a restore without its bytes.
    pub(super) fn unless_lost(row: LicenceRow) -> Result<LicenceRow, Problem> {
        if row.credential.is_empty() { Err(VerifyError::BytesLost.into()) } else { Ok(row) }
    }

    pub(super) fn method_not_allowed() -> Problem {
        let title = "方法不允许 / method not allowed";
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", title, title)
    }

    pub(super) fn unauthorised() -> Problem {
        let detail = "令牌缺失、错误、过期或已吊销 / the token is missing, wrong, expired or revoked";
        Problem::new(StatusCode::UNAUTHORIZED, "unauthorised", "未授权 / unauthorised", detail)
    }

    pub(super) fn forbidden() -> Problem {
        let detail =
            "令牌的范围不含此调用、机关或类型 / the token does not cover this call, authority or type";
        Problem::new(StatusCode::FORBIDDEN, "forbidden", "禁止 / forbidden", detail)
    }

    pub(super) fn media_type(wanted: &str) -> Problem {
        let detail = format!("请求体须为 {wanted} / the body must be {wanted}");
        let title = "媒体类型不符 / wrong media type";
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type", title, detail)
    }

    pub(super) fn malformed(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "malformed", "请求不合规定 / wrong request", detail)
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
        use HttpSignatureFault as Fault;
        // Cannot fail: the statuses of the profile are statuses.
        let status = StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let title = match fault {
            Fault::ContentDigest => "内容摘要 / content digest",
            Fault::ContentType => "媒体类型 / content type",
            Fault::SignatureInput => "签名缺失或不合规定 / signature missing or not that of the profile",
            Fault::SignatureTime => "签名时间 / time of the signature",
            Fault::SignatureKey => "签名密钥 / key of the signature",
            Fault::SignatureInvalid => "签名不成立 / signature does not hold",
            Fault::SignatureReplay => "重放的请求 / replayed request",
            Fault::IdempotencyKeyMissing
            | Fault::IdempotencyKeySyntax
            | Fault::IdempotencyKeyInUse
            | Fault::IdempotencyKeyReused => "幂等键 / idempotency key",
            _ => "请求不合规定 / wrong request",
        };
        Problem::new(status, fault.slug(), title, fault.to_string())
    }

    /// A body that does not come.
    pub(super) fn slow_body() -> Problem {
        let title = "请求体过慢 / body too slow";
        let detail = "请求体应在 5 秒后以每秒 1 KiB 以上送达 / after 5 s a body must come at 1 KiB a second";
        Problem::new(StatusCode::REQUEST_TIMEOUT, "slow-body", title, detail)
    }

    /// A client whose ceiling is reached; it may ask again after `wait` seconds.
    pub(super) fn quota(wait: i64) -> Problem {
        let title = "超出限额 / over quota";
        let detail = format!("{wait} 秒后再试 / try again in {wait} s");
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "quota", title, detail);
        Problem { retry_after: Some(wait), ..problem }
    }

    /// Too many requests at once from one client, node or address.
    pub(super) fn crowded() -> Problem {
        let title = "并发请求过多 / too many requests at once";
        let detail = "请减少并发后重试 / ask less at once, and try again";
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "crowded", title, detail)
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
        let title = "行数过多 / too many rows";
        let detail =
            format!("上限 {limit} 行，其后未核验 / the limit is {limit} rows; what follows was not judged");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", title, detail)
    }

    pub(super) fn batch_too_large() -> Problem {
        let title = "请求体过大 / body too large";
        let detail =
            "批量核验上限 32 MiB，其后未核验 / the limit of a batch is 32 MiB; what follows was not judged";
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", title, detail)
    }

    pub(super) fn timeout() -> Problem {
        let title = "超时 / timeout";
        let detail = "未能在时限内完成 / not done in time";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", title, detail)
    }

    pub(super) fn too_large() -> Problem {
        let title = "请求体过大 / body too large";
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", title, "上限 128 KiB / the limit is 128 KiB")
    }

    pub(super) fn internal(what: &'static str) -> Problem {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "内部错误 / internal error", what)
    }

    pub(super) fn store(error: &StoreError) -> Problem {
        match error {
            // What does not fit a column cannot be stored under any name: the request was wrong, not the store.
            StoreError::OutOfRange(_) => Problem::malformed(error.to_string()),
            _ => Problem::own_fault(error),
        }
    }

    pub(super) fn unavailable(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "暂不可用 / unavailable", detail)
    }

    /// The problem as the answer to one line of a batch.
    pub(super) fn to_line(&self, line: usize) -> Vec<u8> {
        format!("{{\"line\":{line},\"problem\":{}}}\n", self.document()).into_bytes()
    }

    /// The kind in one word.
    pub(super) const fn slug(&self) -> &'static str {
        self.slug
    }

    /// The HTTP status.
    pub(super) const fn status(&self) -> StatusCode {
        self.status
    }

    /// The document, for the description of the API.
    pub(super) fn to_value(&self) -> serde_json::Value {
        // Cannot fail: the document is made of texts and a number.
        serde_json::from_str(&self.document()).unwrap_or_default()
    }

    fn document(&self) -> String {
        let document = Document {
            r#type: format!("urn:elic:problem:{}", self.slug),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.slug,
        };
        // Cannot fail: the document is made of texts and a number.
        serde_json::to_string(&document).unwrap_or_default()
    }

    fn too_many_questions(detail: impl Into<String>) -> Problem {
        Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too-many-requests",
            "查询过多 / too many questions",
            detail,
        )
    }

    fn unknown_item(detail: impl Into<String>) -> Problem {
        Problem::new(
            StatusCode::NOT_FOUND,
            "unknown-service-item",
            "没有该事项 / no such service item",
            detail,
        )
    }

    fn unprocessable(slug: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, slug, "请求不成立 / the request cannot be met", detail)
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Problem {
        let detail = error.to_string();
        match error {
            WriteError::Answered => Problem::signature(&HttpSignatureFault::IdempotencyKeyInUse),
            WriteError::Taken(_) | WriteError::Moved | WriteError::Conflict(_) => {
                Problem::new(StatusCode::CONFLICT, "conflict", "冲突 / conflict", detail)
            }
            WriteError::Busy => Problem::unavailable(detail),
            WriteError::Unavailable(cause) => Problem::own_fault(&cause),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Problem {
        match error {
            ReadError::Shared(error) => error.into(),
            ReadError::Log(error) => Problem::own_fault(&error),
        }
    }
}

impl From<Denied> for Problem {
    fn from(_: Denied) -> Problem {
        Problem::forbidden()
    }
}

impl From<IssueError> for Problem {
    fn from(error: IssueError) -> Problem {
        let detail = error.to_string();
        match error {
            IssueError::Denied(denied) => denied.into(),
            IssueError::UnknownAuthority(_) | IssueError::OutOfScope(_) | IssueError::Synthetic => {
                Problem::new(StatusCode::FORBIDDEN, "out-of-scope", "超出授权 / out of scope", detail)
            }
            IssueError::UnknownType(_) => Problem::unprocessable("unknown-type", detail),
            IssueError::Fields(_) | IssueError::Draft(_) | IssueError::Reason(_) => {
                Problem::unprocessable("fields", detail)
            }
            IssueError::Predecessor => {
                Problem::new(StatusCode::CONFLICT, "predecessor", "冲突 / conflict", detail)
            }
            IssueError::NotReady(_) | IssueError::Rng(_) | IssueError::ClockAhead(_) => {
                Problem::unavailable(detail)
            }
            IssueError::Store(error) => Problem::store(&error),
            IssueError::Write(error) => error.into(),
        }
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Problem {
        let detail = error.to_string();
        match error {
            ChangeError::UnknownLicence => Problem::not_found(),
            ChangeError::UnknownAct | ChangeError::Reason(_) | ChangeError::Effective(_) => {
                Problem::unprocessable("fields", detail)
            }
            ChangeError::Transition => {
                Problem::new(StatusCode::CONFLICT, "transition", "冲突 / conflict", detail)
            }
            ChangeError::Store(error) => Problem::store(&error),
            ChangeError::Write(error) => error.into(),
            ChangeError::Rng(_) | ChangeError::ClockAhead(_) => Problem::unavailable(detail),
        }
    }
}

impl From<ReceiptTripError> for Problem {
    fn from(error: ReceiptTripError) -> Problem {
        let detail = error.to_string();
        match error {
            ReceiptTripError::Receipt(_) => Problem::unprocessable("receipt", detail),
            ReceiptTripError::NoKey | ReceiptTripError::Rng(_) | ReceiptTripError::ClockAhead(_) => {
                Problem::unavailable(detail)
            }
        }
    }
}

impl From<VerifyError> for Problem {
    fn from(error: VerifyError) -> Problem {
        let detail = error.to_string();
        match error {
            VerifyError::Subject { .. } => Problem::unprocessable("fields", detail),
            VerifyError::Store(error) => Problem::store(&error),
            VerifyError::Rng(_) => Problem::unavailable(detail),
            VerifyError::Field(..) => Problem::unprocessable("fields", detail),
            VerifyError::UnknownItem => Problem::unknown_item(detail),
            VerifyError::BytesLost => {
                Problem::new(StatusCode::GONE, "bytes-lost", "原文已丢失 / bytes lost", detail)
            }
            _ => Problem::malformed(detail),
        }
    }
}

impl From<SharedError> for Problem {
    fn from(error: SharedError) -> Problem {
        match error {
            SharedError::Store(error) => Problem::store(&error),
            SharedError::Take(error) => Problem::own_fault(&error),
            SharedError::Write(error) => error.into(),
        }
    }
}

impl From<WitnessError> for Problem {
    fn from(error: WitnessError) -> Problem {
        match error {
            WitnessError::Store(error) => Problem::store(&error),
            WitnessError::Sign(error) => Problem::own_fault(&error),
            other => Problem::unavailable(other.to_string()),
        }
    }
}

impl From<NotBase64> for Problem {
    fn from(error: NotBase64) -> Problem {
        Problem::malformed(error.to_string())
    }
}

impl From<AskedError> for Problem {
    fn from(error: AskedError) -> Problem {
        let detail = error.to_string();
        match error {
            AskedError::Unknown => Problem::not_found(),
            AskedError::Field(_) => Problem::unprocessable("fields", detail),
            AskedError::Store(error) => Problem::store(&error),
            AskedError::Log(error) => Problem::own_fault(&error),
            AskedError::NotReady(_)
            | AskedError::View(_)
            | AskedError::Rng(_)
            | AskedError::ClockAhead(_) => Problem::unavailable(detail),
            AskedError::Item => Problem::unknown_item(detail),
            AskedError::TooMuch(_) => Problem::too_many_questions(detail),
        }
    }
}

impl From<CheckError> for Problem {
    fn from(error: CheckError) -> Problem {
        let detail = error.to_string();
        match error {
            CheckError::UnknownItem => Problem::unknown_item(detail),
            CheckError::Field(_) | CheckError::Subject { .. } | CheckError::Role(_) => {
                Problem::unprocessable("fields", detail)
            }
            CheckError::NotReady | CheckError::Rng(_) => Problem::unavailable(detail),
            CheckError::Store(error) => Problem::store(&error),
            CheckError::Receipt(error) => error.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, kind, self.document()).into_response();
        let mut add = |name, value| response.headers_mut().insert(name, HeaderValue::from_static(value));
        match self.status {
            StatusCode::UNAUTHORIZED => drop(add(header::WWW_AUTHENTICATE, "Bearer")),
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                drop(add(header::RETRY_AFTER, "1"));
            }
            // Where a body ends that did not come, nobody knows: there can be no next request.
            StatusCode::REQUEST_TIMEOUT => drop(add(header::CONNECTION, "close")),
            StatusCode::CONFLICT if self.slug == "idempotency-key-in-use" => {
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
        let title = |fault: &Fault| Problem::signature(fault).title;
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
