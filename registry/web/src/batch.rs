//! `POST /v1/verifications/batch`: one request a line (NDJSON), one answer a line, in the same order, with the number of its line.
//!
//! A wrong line gets a problem as its answer and does not disturb the others. The body is read whatever the client does first: lines
//! that wait to be judged are held, up to [`MAX_BATCH`] bytes of them, so a client may write all its lines before it reads an
//! answer, or read each answer before it writes the next line. A batch needs no more memory than that and [`AHEAD`] answers.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use licence_node::access::caller::{Caller, Errand};
use serde::Serialize;
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel};

use super::Web;
use super::call::{Asked, require_type};
use super::lines::{Cutter, Line, Text};
use super::problem::Problem;
use super::verifications::{Answer, judge, store};
use licence_node::node::clock::Stopwatch;
use licence_node::trips::verify::VerifyRequest;

/// Answers that may wait for the client to read them.
const AHEAD: usize = 64;
/// Longest body, bytes: 10,000 lines of 3 KiB.
const MAX_BATCH: usize = 33_554_432;
/// Batches at once, in all and of one client: half a gigabyte of lines if all clients write first.
const AT_ONCE: (usize, usize) = (16, 4);

/// The batches that run, by client.
#[derive(Clone, Default)]
pub(super) struct Batches(Arc<Mutex<HashMap<String, usize>>>);

/// One that runs, until this is dropped.
struct Running {
    batches: Batches,
    client: String,
}

impl Batches {
    fn begin(&self, client: &str) -> Result<Running, Problem> {
        // A poisoned map is whole: numbers are replaced in one step.
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, own) = (running.values().sum::<usize>(), running.get(client).copied().unwrap_or_default());
        if own >= AT_ONCE.1 {
            return Err(Problem::crowded());
        }
        if all >= AT_ONCE.0 {
            return Err(Problem::unavailable(
                "批量核验过多，请稍后重试 / too many batches at once: try again",
            ));
        }
        running.insert(client.to_owned(), own + 1);
        Ok(Running { batches: self.clone(), client: client.to_owned() })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.batches.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = running.get_mut(&self.client) {
            *own -= 1;
            if *own == 0 {
                running.remove(&self.client);
            }
        }
    }
}

/// 批量核验 / judge many licences: `application/x-ndjson`, one verification request a line, one answer a line with the number of its
/// line (`line`, from 1; blank lines count and get no answer). A wrong line is answered by a problem document and disturbs no other. At
/// most 32 MiB, each line at most 128 KiB; the limit of lines is in the configuration (10,000).
#[utoipa::path(post, path = "/v1/verifications/batch", tag = "verification",
    request_body(content = String, content_type = "application/x-ndjson"),
    responses((status = 200, body = String, content_type = "application/x-ndjson")))]
pub(super) async fn verify_batch(
    State(web): State<Arc<Web>>,
    asked: Asked,
    request: Request,
) -> Result<Response, Problem> {
    let caller = asked.caller(Errand::Verify)?;
    require_type(request.headers(), "application/x-ndjson")?;
    if request.body().size_hint().lower() > MAX_BATCH as u64 {
        return Err(Problem::batch_too_large());
    }
    let running = web.batches.begin(caller.id()).inspect_err(|_| web.app.metrics.refused("batches"))?;
    let (lines, waiting) = unbounded_channel();
    let (sender, receiver) = channel(AHEAD);
    tokio::spawn(Reader::new(Arc::clone(&web), lines).read_all(request.into_body()));
    tokio::spawn(answer_all(web, caller, waiting, sender, running));
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::new(Answers(receiver))).into_response())
}

/// What the reader found: a line, or why there is no more after this line.
type Found = Result<Line, (usize, Problem)>;

/// Reads the body to its end, whether or not answers are wanted yet. What is queued is never more than [`MAX_BATCH`].
struct Reader {
    web: Arc<Web>,
    lines: UnboundedSender<Found>,
    cutter: Cutter,
    /// Lines that have been cut and not handed on.
    found: Vec<Line>,
    /// Bytes read, lines found that are not blank, number of the last of these and the time since.
    read: usize,
    rows: usize,
    last: usize,
    since: Stopwatch,
    /// Whether the client has been told that no more is judged.
    over: bool,
}

impl Reader {
    fn new(web: Arc<Web>, lines: UnboundedSender<Found>) -> Reader {
        let (cutter, found, since) = (Cutter::default(), Vec::new(), Stopwatch::start());
        Reader { web, lines, cutter, found, read: 0, rows: 0, last: 0, since, over: false }
    }

    async fn read_all(mut self, mut body: Body) {
        // Nobody waits for more once the client has gone: then a line cannot be handed on.
        while !self.lines.is_closed() {
            // A client that stops sending in the middle of a line must not hold memory for ever, nor one that sends it byte by byte.
            let patience = self.web.limits.request_timeout.saturating_sub(self.since.elapsed());
            let piece = match tokio::time::timeout(patience, body.frame()).await {
                Ok(None) => None,
                Ok(Some(Ok(frame))) => Some(frame.into_data().unwrap_or_default()),
                Ok(Some(Err(_))) => {
                    return self.end(Problem::malformed("请求体不完整 / the body is incomplete"));
                }
                Err(_) => return self.end(Problem::slow_body()),
            };
            match &piece {
                Some(piece) => self.cutter.take(piece, &mut self.found),
                None => self.found.extend(self.cutter.end()),
            }
            self.hand_on();
            let Some(piece) = piece else { return };
            self.read += piece.len();
            if self.read > MAX_BATCH {
                return self.end(Problem::batch_too_large());
            }
        }
    }

    /// Hands lines on as long as there are not too many. The rest is read and thrown away: the client may not look at answers
    /// before it is done.
    fn hand_on(&mut self) {
        let most = self.web.limits.batch_rows;
        for line in std::mem::take(&mut self.found) {
            (self.rows, self.since) = (self.rows + 1, Stopwatch::start());
            if self.rows > most {
                self.end(Problem::too_many_rows(most));
                continue;
            }
            self.last = line.number;
            drop(self.lines.send(Ok(line)));
        }
    }

    /// Says once why the lines after the last one are not judged.
    fn end(&mut self, problem: Problem) {
        if !std::mem::replace(&mut self.over, true) {
            // If the client has gone, nobody waits for it.
            drop(self.lines.send(Err((self.last + 1, problem))));
        }
    }
}

async fn answer_all(
    web: Arc<Web>,
    caller: Caller,
    mut lines: UnboundedReceiver<Found>,
    sender: Sender<Bytes>,
    _running: Running,
) {
    while let Some(found) = lines.recv().await {
        let answer = match found {
            Ok(Line { number, text }) => answer_one(&web, &caller, number, &text)
                .await
                .unwrap_or_else(|problem| problem.to_line(number)),
            Err((number, problem)) => problem.to_line(number),
        };
        if sender.send(Bytes::from(answer)).await.is_err() {
            // The client has gone.
            return;
        }
    }
}

/// An answer with the number of its line.
#[derive(Serialize)]
struct Numbered<'a> {
    line: usize,
    #[serde(flatten)]
    answer: &'a Answer,
}

async fn answer_one(web: &Arc<Web>, caller: &Caller, number: usize, text: &Text) -> Result<Vec<u8>, Problem> {
    let Text::Whole(line) = text else { return Err(Problem::too_large()) };
    web.spend(caller.id())?;
    let request: VerifyRequest =
        licence_node::node::strict_json::from_slice(line).map_err(|error| Problem::json(&error))?;
    let (answer, filed) = judge(web, caller, &request).await?;
    if let Some(job) = filed {
        store(web, job, None).await?;
    }
    // Cannot fail: the answer is made of texts and numbers.
    let mut body = serde_json::to_vec(&Numbered { line: number, answer: &answer }).unwrap_or_default();
    body.push(b'\n');
    Ok(body)
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
