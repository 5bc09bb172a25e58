//! How a command of the operator reaches a running node: a Unix socket in the data directory, one JSON line each way.
//!
//! A running node holds its data directory alone, so the command line cannot write beside it. Who may open the socket (mode
//! 600, in a directory of mode 700) may also read the keys' files: the socket asks for nothing more.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

use crate::node::Node;
use crate::operator::{Command, Refusal, execute};
use crate::publication::refresh::refresh;

/// Name of the socket in the data directory.
pub const SOCKET: &str = "admin.sock";
/// Longest command or answer, bytes: a trust list of 8 MiB in base64url.
const MAX_LINE: u64 = 16 * 1_024 * 1_024;
/// Longest time for one command.
const DEADLINE: Duration = Duration::from_secs(60);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Done(Value),
    Refused(Refusal),
}

/// Listens on the socket of a data directory whose lock this process holds.
///
/// # Errors
/// If the socket cannot be made, for instance because the path is longer than 107 bytes.
pub fn listen(directory: &Path) -> std::io::Result<UnixListener> {
    let path = directory.join(SOCKET);
    // Whoever holds the lock is alone: a socket that is there was left by a process that was killed.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers commands until the task is dropped.
pub async fn serve(listener: UnixListener, node: Arc<Node>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(answer(stream, Arc::clone(&node)));
            }
            Err(error) => {
                tracing::warn!(%error, "admin socket");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn answer(stream: tokio::net::UnixStream, node: Arc<Node>) {
    let (reading, mut writing) = stream.into_split();
    let mut line = Vec::new();
    let mut bounded = tokio::io::BufReader::new(reading).take(MAX_LINE);
    let read = tokio::time::timeout(DEADLINE, bounded.read_until(b'\n', &mut line)).await;
    let Ok(Ok(_)) = read else { return };
    let done = tokio::task::spawn_blocking(move || {
        let command: Command = serde_json::from_slice(&line)
            .map_err(|error| Refusal { text: format!("line {}", error.line()), usage: true })?;
        if let Err(error) = refresh(&node) {
            // The command itself will say what is wrong, if it needs the store.
            tracing::warn!(%error, "before a command");
        }
        execute(&node, &command)
    });
    let answer = match done.await {
        Ok(Ok(value)) => Answer::Done(value),
        Ok(Err(refusal)) => Answer::Refused(refusal),
        Err(_) => Answer::Refused(Refusal { text: "内部错误 / internal error".to_owned(), usage: false }),
    };
    // Cannot fail: the answer is a JSON value already.
    let mut bytes = serde_json::to_vec(&answer).unwrap_or_default();
    bytes.push(b'\n');
    // If the command line was interrupted, nobody waits for the answer.
    drop(writing.write_all(&bytes).await);
}

/// Asks the node that runs on a data directory.
///
/// # Errors
/// [`std::io::Error`] if nobody listens; inside, the node's own [`Refusal`].
pub fn ask(directory: &Path, command: &Command) -> std::io::Result<Result<Value, Refusal>> {
    let mut stream = UnixStream::connect(directory.join(SOCKET))?;
    stream.set_read_timeout(Some(DEADLINE))?;
    let mut line = serde_json::to_vec(command)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = Vec::new();
    BufReader::new(stream.take(MAX_LINE)).read_until(b'\n', &mut answer)?;
    Ok(match serde_json::from_slice(&answer)? {
        Answer::Done(value) => Ok(value),
        Answer::Refused(refusal) => Err(refusal),
    })
}
