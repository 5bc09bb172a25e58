//! The socket of a node: plain HTTP/1.1 on loopback or behind a proxy that speaks TLS.
//!
//! Bounded: connections at once (`connections`), time for the head of a request, time and number of requests (`edge`), time in which a
//! client reads nothing (`patience`). On a signal to stop it
//! takes no new connections, lets running requests end, and gives up on those that take longer than the configured time.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tower::ServiceExt as _;

use super::connections::{Asking, Connections, Held};
use super::patience::Patient;
use super::who::{Arrival, Door, network};
use super::{Web, router, watch_router};

/// Longest head of a request, bytes.
const MAX_HEAD: usize = 32_768;
/// Most header lines.
const MAX_HEADERS: usize = 64;
/// Pause after the system refused a connection, for instance for want of file descriptors.
const BREATH: Duration = Duration::from_millis(50);

/// Why a node cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be taken.
    #[error("无法监听 {address}：{error} / cannot listen on {address}: {error}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
}

/// Connections that may wait until they are accepted, as many as Linux permits unless it is told otherwise.
const BACKLOG: u32 = 4_096;
/// Most connections of the monitoring.
const MONITORS: usize = 64;

/// Bound sockets: that of the API, and that of the monitoring if there is one.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    operator: Option<TcpListener>,
}

impl Server {
    /// Takes an address for the API, and perhaps one for the monitoring; port 0 takes a free one.
    ///
    /// # Errors
    /// [`ServeError::Bind`] if one is in use or not ours.
    pub async fn bind(address: SocketAddr, operator: Option<SocketAddr>) -> Result<Server, ServeError> {
        let failed = |address| move |error| ServeError::Bind { address, error };
        allow_files();
        let listener = listen(address).map_err(failed(address))?;
        let address = listener.local_addr().map_err(failed(address))?;
        let operator = operator.map(|place| listen(place).map_err(failed(place))).transpose()?;
        Ok(Server { listener, address, operator })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is ready and running requests have ended.
    pub async fn run(self, web: Arc<Web>, stop: impl Future<Output = ()>) {
        let graceful = GracefulShutdown::new();
        let public = Listening::new(&web, self.listener, Door::Public, web.limits.connections);
        let watched = self.operator.map(|place| Listening::new(&web, place, Door::Operator, MONITORS));
        tokio::select! {
            () = stop => {}
            () = public.accept_all(&graceful) => {}
            () = accept_others(watched.as_ref(), &graceful) => {}
        }
        drop((public, watched));
        if tokio::time::timeout(web.limits.shutdown_timeout, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were still running when the time to stop was over");
        }
    }
}

/// Listens with room for a rush: beyond it the system lets clients wait for a second before they may knock again.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// As [`Listening::accept_all`]; never ready if nobody is expected there.
async fn accept_others(listening: Option<&Listening>, graceful: &GracefulShutdown) {
    match listening {
        Some(listening) => listening.accept_all(graceful).await,
        None => std::future::pending().await,
    }
}

/// Lets this process open as many files and sockets as the system permits it: many systems begin with 1,024, fewer than the connections
/// that a node keeps.
fn allow_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

/// One socket and the connections that came through it.
struct Listening {
    web: Arc<Web>,
    listener: TcpListener,
    door: Door,
    connections: Connections,
    router: Router,
    http: http1::Builder,
}

impl Listening {
    fn new(web: &Arc<Web>, listener: TcpListener, door: Door, most: usize) -> Listening {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(web.limits.header_timeout)
            .max_buf_size(MAX_HEAD)
            .max_headers(MAX_HEADERS);
        let router = match door {
            Door::Public => router(Arc::clone(web)),
            Door::Operator => watch_router(Arc::clone(web)),
        };
        Listening { web: Arc::clone(web), listener, door, connections: Connections::new(most), router, http }
    }

    /// Takes connections until it is dropped; nobody waits outside.
    async fn accept_all(&self, graceful: &GracefulShutdown) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    match self.connections.enter(network(peer.ip())) {
                        Some((held, shed)) => {
                            if shed {
                                self.web.app.metrics.refused("connection_shed");
                            }
                            self.serve(stream, peer, held, graceful);
                        }
                        // Dropped at once: all that could be closed for it are being answered.
                        None => self.web.app.metrics.refused("connection"),
                    }
                    // What it has sent already is read before the next one comes: it is not silent then.
                    tokio::task::yield_now().await;
                }
                Err(error) => {
                    tracing::warn!(%error, "connection refused by the system");
                    // For want of file descriptors, for instance: one that says nothing may have to give up its own.
                    self.connections.make_room();
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }

    fn serve(&self, stream: TcpStream, peer: SocketAddr, held: Held, graceful: &GracefulShutdown) {
        // Answers are small and wanted at once; if the option is refused they come a little later.
        drop(stream.set_nodelay(true));
        let unread = Arc::default();
        let stream = Patient::new(stream, self.web.limits.request_timeout, Arc::clone(&unread));
        let arrival = Arrival { peer: peer.ip(), door: self.door, link: held.link(), unread };
        let router = self.router.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let (router, arrival) = (router.clone(), arrival.clone());
            async move { Ok::<_, Infallible>(asked(router, arrival, request).await) }
        });
        let connection = graceful.watch(self.http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            tokio::select! {
                ended = connection => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "connection ended");
                    }
                }
                () = held.closed() => tracing::debug!("connection closed for another one"),
            }
        });
    }
}

/// One request of a connection. The connection counts as busy until the last of the answer has been handed to it.
async fn asked(
    router: Router,
    arrival: Arrival,
    mut request: Request<Incoming>,
) -> axum::http::Response<Answer> {
    let asking = arrival.link.asks();
    request.extensions_mut().insert(arrival);
    let response = never_fails(router.oneshot(request).await);
    response.map(|body| Answer { body, _asking: asking })
}

/// The body of an answer.
struct Answer {
    body: Body,
    _asking: Asking,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn never_fails<T>(result: Result<T, Infallible>) -> T {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}
