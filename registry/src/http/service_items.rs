//! `POST /v1/service-items/{code}/checks`: which materials of a case the licences at hand meet (免提交).

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::call::Call;
use super::idempotency::{Begun, begin};
use super::problem::Problem;
use super::verifications::keep;
use super::{App, blocking};
use crate::trips::check_service_item::{self, Checked, ItemRequest};

/// 事项核验 / which materials of a service item are met: by the licences that are handed in, and by those of this node that
/// the people of the case hold. Answers no field of any licence. Who asked, for which case and on what ground is kept.
#[utoipa::path(post, path = "/v1/service-items/{code}/checks", tag = "verification", params(("code" = String, Path)),
    request_body = ItemRequest, responses((status = 200, body = Checked)))]
pub(super) async fn check(
    State(app): State<Arc<App>>,
    Path(code): Path<String>,
    call: Call,
) -> Result<Response, Problem> {
    let client = app.client(&call.headers, "check")?;
    let request: ItemRequest = call.json()?;
    let turn = match begin(&app, &client, &call, StatusCode::OK).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Do(turn) => turn,
    };
    let own = Arc::clone(&app);
    let (checked, job) =
        blocking(move || check_service_item::check(&own.node, &client, &code, &request)).await??;
    // Cannot fail: the answer is made of texts and numbers.
    let body = serde_json::to_vec(&checked).unwrap_or_default();
    keep(&app, job, turn, body).await
}
