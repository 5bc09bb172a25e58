//! Problem documents (RFC 9457): the only place that knows status codes.

use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use axum::response::IntoResponse;
use licence_store::StoreError;
use serde::Serialize;

use crate::db::WriteError;
use crate::trips::change_status::ChangeError;
use crate::trips::issue::IssueError;
use crate::trips::receipt::ReceiptTripError;
use crate::trips::verify::VerifyError;

/// A problem on its way to a client. It never carries what the client sent.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    slug: &'static str,
    title: &'static str,
    detail: String,
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
}

impl Problem {
    fn new(
        status: StatusCode,
        slug: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Problem {
        Problem { status, slug, title, detail: detail.into() }
    }

    pub(super) fn not_found() -> Problem {
        Problem::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "未找到 / not found",
            "没有此资源 / there is no such resource",
        )
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

    pub(super) fn media_type() -> Problem {
        let detail = "请求体须为 application/json / the body must be application/json";
        Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media-type",
            "媒体类型不符 / wrong media type",
            detail,
        )
    }

    /// The place in the document is told, and the name of the field if that is what is wrong; never a value.
    pub(super) fn json(error: &serde_json::Error) -> Problem {
        let place = format!("第 {0} 行第 {1} 列 / line {0}, column {1}", error.line(), error.column());
        let text = error.to_string();
        let named =
            ["unknown field", "missing field", "duplicate field"].iter().any(|known| text.starts_with(known));
        let what = if named {
            text.split(", expected").next().unwrap_or_default().to_owned()
        } else {
            String::new()
        };
        let detail = if what.is_empty() { place } else { format!("{what}；{place}") };
        Problem::new(StatusCode::BAD_REQUEST, "malformed", "请求体无法解析 / malformed body", detail)
    }

    pub(super) fn too_large() -> Problem {
        let title = "请求体过大 / body too large";
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", title, "上限 128 KiB / the limit is 128 KiB")
    }

    pub(super) fn internal(what: &'static str) -> Problem {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "内部错误 / internal error", what)
    }

    pub(super) fn store(error: &StoreError) -> Problem {
        Problem::unavailable(error.to_string())
    }

    pub(super) fn unavailable(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "暂不可用 / unavailable", detail)
    }

    fn unprocessable(slug: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, slug, "请求不成立 / the request cannot be met", detail)
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Problem {
        let detail = error.to_string();
        match error {
            WriteError::Taken(_) | WriteError::Conflict(_) => {
                Problem::new(StatusCode::CONFLICT, "conflict", "冲突 / conflict", detail)
            }
            WriteError::Busy | WriteError::Unavailable(_) => Problem::unavailable(detail),
        }
    }
}

impl From<IssueError> for Problem {
    fn from(error: IssueError) -> Problem {
        let detail = error.to_string();
        match error {
            IssueError::UnknownAuthority(_) | IssueError::OutOfScope(_) => {
                Problem::new(StatusCode::FORBIDDEN, "out-of-scope", "超出授权 / out of scope", detail)
            }
            IssueError::UnknownType(_) => Problem::unprocessable("unknown-type", detail),
            IssueError::Fields(_) | IssueError::Draft(_) => Problem::unprocessable("fields", detail),
            IssueError::Predecessor => {
                Problem::new(StatusCode::CONFLICT, "predecessor", "冲突 / conflict", detail)
            }
            IssueError::NotReady(_) | IssueError::Rng(_) | IssueError::Log(_) => Problem::unavailable(detail),
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
            ChangeError::UnknownAct | ChangeError::Field(_) => Problem::unprocessable("fields", detail),
            ChangeError::Transition => {
                Problem::new(StatusCode::CONFLICT, "transition", "冲突 / conflict", detail)
            }
            ChangeError::Store(error) => Problem::store(&error),
            ChangeError::Write(error) => error.into(),
            ChangeError::Rng(_) => Problem::unavailable(detail),
        }
    }
}

impl From<ReceiptTripError> for Problem {
    fn from(error: ReceiptTripError) -> Problem {
        let detail = error.to_string();
        match error {
            ReceiptTripError::Receipt(_) => Problem::unprocessable("receipt", detail),
            ReceiptTripError::NoKey | ReceiptTripError::Rng(_) => Problem::unavailable(detail),
        }
    }
}

impl From<VerifyError> for Problem {
    fn from(error: VerifyError) -> Problem {
        let detail = error.to_string();
        match error {
            VerifyError::Store(error) => Problem::store(&error),
            _ => Problem::new(StatusCode::BAD_REQUEST, "malformed", "请求不合规定 / wrong request", detail),
        }
    }
}

/// A problem as a response.
pub(super) fn render(problem: &Problem) -> Response<Body> {
    let document = Document {
        r#type: format!("urn:elic:problem:{}", problem.slug),
        title: problem.title,
        status: problem.status.as_u16(),
        detail: &problem.detail,
        code: problem.slug,
    };
    // Cannot fail: the document is made of texts and a number.
    let body = serde_json::to_vec(&document).unwrap_or_default();
    (problem.status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        render(&self)
    }
}
