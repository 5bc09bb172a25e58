//! A load of requests over connections that stay open, one request at a time on each.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::harness::now;

/// One request.
pub(crate) struct Request {
    pub(crate) path: &'static str,
    pub(crate) token: String,
    pub(crate) body: String,
    /// What the first line of the answer must begin with.
    pub(crate) expected: &'static str,
}

/// How long requests took, milliseconds, ascending.
pub(crate) struct Times(Vec<f64>);

impl Times {
    /// The time below which a share of the requests stayed.
    pub(crate) fn at(&self, share: f64) -> f64 {
        self.0[((self.0.len() - 1) as f64 * share) as usize]
    }
}

/// Requests answered a second, over `span`, by so many clients.
pub(crate) fn requests_per_second(
    url: &str,
    clients: usize,
    span: Duration,
    request: &(impl Fn(usize, u64) -> Request + Sync),
) -> (f64, Times) {
    let address = url.trim_start_matches("http://");
    let begun = now();
    let mut times: Vec<f64> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..clients).map(|client| scope.spawn(move || one(address, client, span, request))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let seconds = begun.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    (times.len() as f64 / seconds, Times(times))
}

fn one(address: &str, client: usize, span: Duration, request: &impl Fn(usize, u64) -> Request) -> Vec<f64> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    let (begun, mut times) = (now(), Vec::new());
    for count in 0.. {
        if begun.elapsed() >= span {
            break;
        }
        let Request { path, token, body, expected } = request(client, count);
        let length = body.len();
        let text = format!(
            "POST {path} HTTP/1.1\r\nhost: load\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let sent = now();
        stream.write_all(text.as_bytes()).unwrap();
        answer(&mut answers, expected);
        times.push(sent.elapsed().as_secs_f64() * 1e3);
    }
    times
}

/// Reads one answer whole.
fn answer(stream: &mut BufReader<TcpStream>, expected: &str) {
    let (mut line, mut length) = (String::new(), 0);
    stream.read_line(&mut line).unwrap();
    assert!(line.starts_with(expected), "{line}");
    loop {
        line.clear();
        stream.read_line(&mut line).unwrap();
        let head = line.trim_end();
        if head.is_empty() {
            break;
        }
        if let Some(value) = head.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
}
