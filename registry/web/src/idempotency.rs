//! `Idempotency-Key`: a request that is sent twice is done once, and answered with the same bytes (spec/http-signature.md).
//!
//! Clients may leave the key out; then a request that is repeated is a new request. What is still running is known to
//! this process; what is done is stored in the transaction of its effect (`db`). Two processes of one node may run a request at the same
//! time: one of them stores its answer, the other one gives the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use licence_node::access::caller::Caller;
use licence_spec::http_signature::{Decision, RecordState, decide, fingerprint};
use licence_spec::suite::{Digest, sha256};
use licence_store::{AnswerKey, IdempotentAnswer};
use serde::Serialize;

use super::call::{Call, key_of};
use super::problem::Problem;
use super::{Web, blocking};
use licence_node::node::Node;
use licence_node::node::commit::Remember;

/// Fingerprints of the requests that are running, by caller and key.
#[derive(Clone, Default)]
pub(super) struct Running(Arc<Mutex<HashMap<AnswerKey, Digest>>>);

/// A request that runs under a key until this is dropped.
pub(super) struct Turn {
    running: Running,
    key: AnswerKey,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.running.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// What to do with a request.
pub(super) enum Begun {
    /// Do it, and keep the answer if there is a key. Hold the turn until the answer is stored.
    Do(Option<(Remember, Turn)>),
    /// It has been done: answer this.
    Replay(Response),
}

/// Looks a request up under its key; `status` is that of its answer once there is an effect.
pub(super) async fn begin(
    web: &Arc<Web>,
    caller: &Caller,
    call: &Call,
    status: StatusCode,
) -> Result<Begun, Problem> {
    let Some(key) = key_of(&call.headers)? else { return Ok(Begun::Do(None)) };
    let key = AnswerKey { caller: caller.id().to_owned(), key: key.as_str().to_owned() };
    let target = format!("https://{}{}", web.app.node.host, call.target);
    let fingerprint = fingerprint(call.method.as_str(), &target, &sha256(&[&call.body]));
    let turn = take_turn(&web.running, &key, &fingerprint)?;
    let stored = stored(web, &key).await?;
    let state = stored.as_ref().map(|answer| (&answer.fingerprint, RecordState::Done));
    match (decide(state, &fingerprint).map_err(|fault| Problem::signature(&fault))?, stored) {
        (Decision::Replay, Some(answer)) => Ok(Begun::Replay(replay(answer))),
        _ => {
            let now = web.app.node.clock.now().0;
            Ok(Begun::Do(Some((Remember { key, fingerprint, status: status.as_u16(), now }, turn))))
        }
    }
}

async fn stored(web: &Web, key: &AnswerKey) -> Result<Option<IdempotentAnswer>, Problem> {
    let (store, wanted) = (Arc::clone(&web.app.node.store), key.clone());
    let found = blocking(move || store.read()?.idempotent_answers(&[wanted])).await?;
    Ok(found.map_err(|error| Problem::store(&error))?.pop().flatten())
}

/// What a request that failed is told: if another process has done it under the same key meanwhile, and the number is taken for
/// instance, that one's answer.
pub(super) async fn otherwise(
    web: &Web,
    remember: Option<&Remember>,
    problem: Problem,
) -> Result<Response, Problem> {
    let Some(Remember { key, fingerprint, .. }) = remember else { return Err(problem) };
    match stored(web, key).await {
        Ok(Some(other)) if other.fingerprint == *fingerprint => Ok(replay(other)),
        _ => Err(problem),
    }
}

/// Does a request and answers it.
pub(super) async fn answer<T, E>(
    web: Arc<Web>,
    turn: Option<(Remember, Turn)>,
    work: impl FnOnce(&Node, Option<Remember>) -> Result<T, E> + Send + 'static,
) -> Result<Response, Problem>
where
    T: Serialize + Send + 'static,
    E: Send + 'static,
    Problem: From<E>,
{
    let (node, remember) = (Arc::clone(&web.app.node), turn.as_ref().map(|(remember, _)| remember.clone()));
    // The turn goes along: the work goes on if the client hangs up.
    let (done, turn) = blocking(move || (work(&node, remember), turn)).await?;
    match done {
        Ok(done) => Ok((StatusCode::CREATED, Json(done)).into_response()),
        Err(error) => otherwise(&web, turn.as_ref().map(|(remember, _)| remember), error.into()).await,
    }
}

/// Enters a request among the running ones, unless one with its key is there.
fn take_turn(running: &Running, key: &AnswerKey, fingerprint: &Digest) -> Result<Turn, Problem> {
    // A poisoned map is whole: entries are put in and taken out in one step.
    let mut map = running.0.lock().unwrap_or_else(PoisonError::into_inner);
    let state = map.get(key).map(|other| (other, RecordState::Running));
    decide(state, fingerprint).map_err(|fault| Problem::signature(&fault))?;
    map.insert(key.clone(), *fingerprint);
    Ok(Turn { running: running.clone(), key: key.clone() })
}

fn replay(answer: IdempotentAnswer) -> Response {
    // Cannot fail: only statuses of this program are stored.
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers =
        [(header::CONTENT_TYPE.as_str(), answer.content_type.as_str()), ("idempotency-replayed", "true")];
    (status, headers, Body::from(answer.body)).into_response()
}
