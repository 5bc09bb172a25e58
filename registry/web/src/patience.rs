//! A connection whose client has stopped is given up: it would hold its place, and its answer in memory, for ever. And one that is
//! closed while the client still sends is closed softly, so that the client reads why.
//!
//! In scope: the time in which not one byte could be written and none came; the last seconds of a connection. Out of scope: silent and
//! slow senders, for whom heads, bodies and requests have deadlines of their own (`serve`, `call`, `edge`).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// How long the rest of a body that nobody wants is taken in and thrown away.
const LINGER: Duration = Duration::from_secs(2);
/// How much of it: the longest body twice over.
const MAX_REST: usize = 2 * super::MAX_BODY;

/// A stream that fails once it could not write for `limit`, while nothing came either.
pub(super) struct Patient {
    stream: TcpStream,
    limit: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    unread: Arc<AtomicBool>,
    rest: Option<(Pin<Box<Sleep>>, usize)>,
}

impl Patient {
    /// `unread` is set by the edge while an answer goes out before the body was read.
    pub(super) const fn new(stream: TcpStream, limit: Duration, unread: Arc<AtomicBool>) -> Patient {
        Patient { stream, limit, waiting: None, unread, rest: None }
    }

    fn judge<T>(&mut self, context: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.waiting = None;
            return poll;
        }
        let limit = self.limit;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(limit)));
        waiting.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Reads on until the client has seen the end: closing a socket with unread bytes resets it, and the answer would be lost.
    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (until, left) = self.rest.get_or_insert_with(|| (Box::pin(sleep(LINGER)), MAX_REST));
        let mut bytes = [0; 8_192];
        loop {
            let mut into = ReadBuf::new(&mut bytes);
            if until.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut into));
            *left = left.saturating_sub(into.filled().len());
            if read.is_err() || into.filled().is_empty() || *left == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let poll = Pin::new(&mut self.stream).poll_read(context, into);
        if into.filled().len() > before {
            // It still sends, so it lives: it may read when it is done, as clients do that write a batch first.
            self.waiting = None;
        }
        poll
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.judge(context, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(context);
        self.judge(context, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.rest.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            if !self.unread.load(Ordering::Relaxed) {
                return Poll::Ready(Ok(()));
            }
        }
        self.poll_rest(context)
    }
}
