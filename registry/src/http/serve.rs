//! The socket of a node: plain HTTP/1.1 on loopback or behind a proxy that speaks TLS.
//!
//! Bounded: connections at once, time for the head of a request, time and number of requests (`edge`), time in which a client
//! reads nothing (`patience`). On a signal to stop it
//! takes no new connections, lets running requests end, and gives up on those that take longer than the configured time.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt as _;

use super::patience::Patient;
use super::{App, router};

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

/// A bound socket.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Takes an address; port 0 takes a free one.
    ///
    /// # Errors
    /// [`ServeError::Bind`] if it is in use or not ours.
    pub async fn bind(address: SocketAddr) -> Result<Server, ServeError> {
        let failed = |error| ServeError::Bind { address, error };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Server { listener, address })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is ready and running requests have ended.
    pub async fn run(self, app: Arc<App>, stop: impl Future<Output = ()>) {
        let limits = app.limits;
        let connections = Arc::new(Semaphore::new(limits.connections));
        let (graceful, router) = (GracefulShutdown::new(), router(app));
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_buf_size(MAX_HEAD)
            .max_headers(MAX_HEADERS);
        tokio::pin!(stop);
        loop {
            let (stream, permit) = tokio::select! {
                () = &mut stop => break,
                accepted = accept(&self.listener, &connections) => accepted,
            };
            let router = router.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let router = router.clone();
                async move { Ok::<_, Infallible>(never_fails(router.oneshot(request).await)) }
            });
            let stream = TokioIo::new(Patient::new(stream, limits.request_timeout));
            let connection = graceful.watch(http.serve_connection(stream, service));
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "connection ended");
                }
                drop(permit);
            });
        }
        drop(self.listener);
        if tokio::time::timeout(limits.shutdown_timeout, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were still running when the time to stop was over");
        }
    }
}

fn never_fails<T>(result: Result<T, Infallible>) -> T {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

/// The next connection, once one more is allowed.
async fn accept(listener: &TcpListener, connections: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    loop {
        // Cannot fail: the semaphore is never closed.
        let Ok(permit) = Arc::clone(connections).acquire_owned().await else { continue };
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are small and wanted at once; if the option is refused they come a little later.
                drop(stream.set_nodelay(true));
                return (stream, permit);
            }
            Err(error) => {
                tracing::warn!(%error, "connection refused by the system");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}
