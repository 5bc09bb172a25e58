//! `POST /v1/verifications/batch`: one request a line (NDJSON), one answer a line, in the same order.
//!
//! A wrong line gets a problem as its answer and does not disturb the others. Lines are read as they come, and each is
//! answered as soon as its receipt is stored: a batch needs no more memory than [`AHEAD`] answers that wait to be read.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use licence_store::ClientRow;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::call::require_type;
use super::problem::Problem;
use super::verifications::{judge, store};
use super::{App, MAX_BODY};
use crate::trips::verify::VerifyRequest;

/// Answers that may wait for the client to read them.
const AHEAD: usize = 64;

/// 批量核验 / judge many licences: `application/x-ndjson`, one verification request a line, one answer a line. A wrong line is
/// answered by a problem document; the limit of lines is in the configuration (10,000).
#[utoipa::path(post, path = "/v1/verifications/batch", tag = "verification",
    request_body(content = String, content_type = "application/x-ndjson"),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub(super) async fn verify_batch(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let client = app.client(request.headers(), "verify")?;
    require_type(request.headers(), "application/x-ndjson")?;
    let lines = Lines { body: request.into_body(), held: Vec::new(), done: false };
    let (sender, receiver) = channel(AHEAD);
    tokio::spawn(answer_all(app, client, lines, sender));
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::new(Answers(receiver))).into_response())
}

async fn answer_all(app: Arc<App>, client: ClientRow, mut lines: Lines, sender: Sender<Bytes>) {
    for row in 0.. {
        // A client that stops sending in the middle of its batch must not hold memory for ever.
        let line = match tokio::time::timeout(app.limits.request_timeout, lines.next()).await {
            Ok(Ok(None)) => return,
            Ok(Ok(Some(line))) if row < app.limits.batch_rows => line,
            Ok(Ok(Some(_))) => {
                return send(&sender, Problem::too_many_rows(app.limits.batch_rows).to_line()).await;
            }
            Ok(Err(problem)) => return send(&sender, problem.to_line()).await,
            Err(_) => return send(&sender, Problem::timeout().to_line()).await,
        };
        let answer = answer_one(&app, &client, &line).await.unwrap_or_else(|problem| problem.to_line());
        if sender.send(Bytes::from(answer)).await.is_err() {
            // The client has gone.
            return;
        }
    }
}

async fn send(sender: &Sender<Bytes>, line: Vec<u8>) {
    // If the client has gone, nobody waits for the last line.
    drop(sender.send(Bytes::from(line)).await);
}

async fn answer_one(app: &Arc<App>, client: &ClientRow, line: &[u8]) -> Result<Vec<u8>, Problem> {
    let request: VerifyRequest =
        crate::strict_json::from_slice(line).map_err(|error| Problem::json(&error))?;
    let (answer, filed) = judge(app, client, &request).await?;
    if let Some(job) = filed {
        store(app, job, None).await?;
    }
    // Cannot fail: the answer is made of texts and numbers.
    let mut body = serde_json::to_vec(&answer).unwrap_or_default();
    body.push(b'\n');
    Ok(body)
}

/// The lines of a body, each at most [`MAX_BODY`] long.
struct Lines {
    body: Body,
    held: Vec<u8>,
    done: bool,
}

impl Lines {
    /// The next line that is not empty.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        loop {
            if let Some(at) = self.held.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.held.drain(..=at).collect();
                if line.iter().any(|byte| !byte.is_ascii_whitespace()) {
                    return Ok(Some(line));
                }
                continue;
            }
            if self.held.len() > MAX_BODY {
                return Err(Problem::too_large());
            }
            if self.done {
                let rest = std::mem::take(&mut self.held);
                return Ok(Some(rest).filter(|rest| !rest.is_empty()));
            }
            match self.body.frame().await {
                None => self.done = true,
                Some(Ok(frame)) => self.held.extend_from_slice(&frame.into_data().unwrap_or_default()),
                Some(Err(_)) => return Err(Problem::malformed("请求体不完整 / the body is incomplete")),
            }
        }
    }
}

/// The answers as a body.
struct Answers(Receiver<Bytes>);

impl HttpBody for Answers {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}
