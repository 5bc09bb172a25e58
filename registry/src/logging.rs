//! Logs: JSON lines on standard error, one line a request, written by a thread of their own.
//!
//! In scope: the subscriber and its bounded queue. Out of scope: what a line says (each place that logs); the contract of the
//! request line is in `http/edge.rs`. Never in a log: names, identity numbers, credential bytes, tokens, bodies.
//!
//! A slow terminal or a full pipe must not slow requests down: lines that find the queue full are dropped and counted, and the
//! count is written as soon as there is room.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

use licence_node::node::config::Level;

/// Most lines that wait: about 2 MiB at 250 bytes a line.
const QUEUE: usize = 8_192;

/// Starts the log of this process; later calls change nothing.
///
/// # Errors
/// If the system gives no thread.
pub fn start(level: Level) -> io::Result<()> {
    let (lines, receiver) = sync_channel(QUEUE);
    let dropped = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&dropped);
    std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || drain(&receiver, &counter, io::stderr()))?;
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        // What is shown, the filter around it decides.
        .with_max_level(LevelFilter::TRACE)
        .with_writer(Queue { lines, dropped })
        .finish()
        .with(shown(level));
    // A second start, as tests make it, keeps the first log.
    drop(tracing::subscriber::set_global_default(subscriber));
    Ok(())
}

/// The packages of this house, by the beginning of their names.
const OURS: &str = "licence_";

/// What is shown: libraries below the node speak only when something is wrong.
fn shown(level: Level) -> Targets {
    let (others, ours) = match level {
        Level::Error => (LevelFilter::ERROR, LevelFilter::ERROR),
        Level::Warn => (LevelFilter::WARN, LevelFilter::WARN),
        Level::Info => (LevelFilter::WARN, LevelFilter::INFO),
        Level::Debug => (LevelFilter::WARN, LevelFilter::DEBUG),
        Level::Trace => (LevelFilter::INFO, LevelFilter::TRACE),
    };
    Targets::new().with_default(others).with_target(OURS, ours)
}

/// Writes lines until all senders are gone. What has gathered is written at once, so that a burst costs few system calls.
fn drain(lines: &Receiver<Vec<u8>>, dropped: &AtomicU64, mut out: impl Write) {
    let mut batch = Vec::new();
    while let Ok(line) = lines.recv() {
        batch.extend_from_slice(&line);
        while batch.len() < 65_536
            && let Ok(line) = lines.try_recv()
        {
            batch.extend_from_slice(&line);
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let told =
                format!("{{\"level\":\"WARN\",\"message\":\"log lines were dropped\",\"lines\":{lost}}}\n");
            batch.extend_from_slice(told.as_bytes());
        }
        // Nobody can be told that the log cannot be written.
        drop(out.write_all(&batch));
        batch.clear();
    }
}

#[derive(Clone)]
struct Queue {
    lines: SyncSender<Vec<u8>>,
    dropped: Arc<AtomicU64>,
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { bytes: Vec::with_capacity(256), queue: self.clone() }
    }
}

/// One line; handed over whole when it is dropped.
struct Line {
    bytes: Vec<u8>,
    queue: Queue,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Err(TrySendError::Full(_)) = self.queue.lines.try_send(std::mem::take(&mut self.bytes)) {
            self.queue.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_of_the_house_is_heard_and_libraries_only_when_something_is_wrong() {
        let info = shown(Level::Info);
        for package in ["licence_node::jobs", "licence_web::edge", "licence_registry::cli::serve"] {
            assert!(info.would_enable(package, &tracing::Level::INFO), "{package}");
            assert!(!info.would_enable(package, &tracing::Level::DEBUG), "{package}");
        }
        assert!(!info.would_enable("hyper::proto", &tracing::Level::INFO));
        assert!(info.would_enable("hyper::proto", &tracing::Level::WARN));
    }

    #[test]
    fn lines_that_find_the_queue_full_are_counted_and_told() {
        let (lines, receiver) = sync_channel(2);
        let queue = Queue { lines, dropped: Arc::new(AtomicU64::new(0)) };
        for number in 0..5 {
            queue.make_writer().write_all(format!("{number}\n").as_bytes()).unwrap();
        }
        let dropped = Arc::clone(&queue.dropped);
        drop(queue);
        let mut out = Vec::new();
        drain(&receiver, &dropped, &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("0\n1\n") && text.contains("\"lines\":3"), "{text}");
    }
}
