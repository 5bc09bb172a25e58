//! One connection to the server: every call on it ends in a bounded time, and says whether the connection is still good.
//!
//! The driver is asynchronous; each link has a small runtime of its own, on which the calling thread waits. So a link must not be used
//! on an async task, and it may be used in `spawn_blocking`.
//! Out of scope: transactions (`session`), which connection a thread gets (`pool`).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use licence_store::StoreError;
use tokio::runtime::Runtime;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, NoTls, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::errors::Failure;
use crate::settings::Settings;

/// Values for the `$n` of a statement.
pub(crate) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// How long a connection may take to be made, TLS and sign-in included.
const CONNECT: Duration = Duration::from_secs(10);

/// How long the server may be silent during one call. Above all timeouts of [`SESSION`], which end a call in an orderly way;
/// this one is for a server that has frozen or a network that swallows packets.
const SILENCE: Duration = Duration::from_secs(45);

/// Set on every connection. Timeouts bound what one process can do to the others. Every query of this program has an index, and
/// batches look up row by row (`LATERAL`, scalar subqueries, `= ANY`); a plan that was made while a table was empty must not
/// read it whole when it has grown, so other plans are not considered.
/// `synchronous_commit`: an acknowledged write survives a power cut, whatever the server's default is; a stronger
/// setting (`remote_apply`) is left alone.
const SESSION: &str = "SET statement_timeout = '30s'; SET lock_timeout = '10s'; \
     SET idle_in_transaction_session_timeout = '60s'; SET client_encoding = 'UTF8'; \
     SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; SET enable_bitmapscan = off; SET jit = off; \
     SET default_transaction_isolation = 'serializable'; \
     SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')";

/// An open connection.
pub(crate) struct Link {
    // `None` only while being dropped.
    runtime: Option<Runtime>,
    client: Client,
    statements: HashMap<&'static str, Statement>,
    /// What the server said when it ended the connection.
    ended: Arc<Mutex<Option<Failure>>>,
    broken: bool,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("broken", &self.broken).finish_non_exhaustive()
    }
}

impl Link {
    /// Connects and prepares the session.
    pub(crate) fn connect(settings: &Settings) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::of(StoreError::Unavailable(error.to_string())))?;
        let ended = Arc::new(Mutex::new(None));
        let connecting = connect(settings, Arc::clone(&ended));
        let client = within(&runtime, CONNECT, connecting)?;
        let mut link =
            Self { runtime: Some(runtime), client, statements: HashMap::new(), ended, broken: false };
        link.batch(SESSION)?;
        Ok(link)
    }

    /// Whether nothing can be asked of it any more.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken || self.client.is_closed()
    }

    /// Makes sure that nobody gets this connection again.
    pub(crate) fn discard(&mut self) {
        self.broken = true;
    }

    /// Runs statements without values; their answers are thrown away.
    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), Failure> {
        let outcome = wait(&self.runtime, self.client.batch_execute(sql));
        self.heard(outcome)
    }

    /// The rows that `sql` answers. It is prepared once for each connection.
    pub(crate) fn query(&mut self, sql: &'static str, params: Params<'_>) -> Result<Vec<Row>, Failure> {
        let statement = self.prepared(sql)?;
        let outcome = wait(&self.runtime, self.client.query(&statement, params));
        self.heard(outcome)
    }

    /// How many rows `sql` has written.
    pub(crate) fn execute(&mut self, sql: &'static str, params: Params<'_>) -> Result<u64, Failure> {
        let statement = self.prepared(sql)?;
        let outcome = wait(&self.runtime, self.client.execute(&statement, params));
        self.heard(outcome)
    }

    fn prepared(&mut self, sql: &'static str) -> Result<Statement, Failure> {
        if let Entry::Occupied(known) = self.statements.entry(sql) {
            return Ok(known.get().clone());
        }
        let outcome = wait(&self.runtime, self.client.prepare(sql));
        let statement = self.heard(outcome)?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }

    /// Notes whether the connection is still good after a call.
    fn heard<T>(&mut self, outcome: Result<T, Failure>) -> Result<T, Failure> {
        let Err(failure) = outcome else { return outcome };
        if failure.survived() && !self.client.is_closed() {
            return Err(failure);
        }
        self.broken = true;
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        Err(ended.unwrap_or(failure))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Dropping a runtime waits for its threads, which an async task must not do; a store may be dropped on one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Connects, and leaves the driver's half of the connection to the runtime.
async fn connect(settings: &Settings, ended: Arc<Mutex<Option<Failure>>>) -> Result<Client, Error> {
    let keep = move |outcome: Result<(), Error>| {
        if let Err(error) = outcome {
            *ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(Failure::from_driver(&error));
        }
    };
    match &settings.tls {
        None => {
            let (client, connection) = settings.server.connect(NoTls).await?;
            tokio::spawn(async move { keep(connection.await) });
            Ok(client)
        }
        Some(tls) => {
            let tls = MakeRustlsConnect::new(tls.as_ref().clone());
            let (client, connection) = settings.server.connect(tls).await?;
            tokio::spawn(async move { keep(connection.await) });
            Ok(client)
        }
    }
}

fn wait<T>(runtime: &Option<Runtime>, call: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
    match runtime {
        Some(runtime) => within(runtime, SILENCE, call),
        None => Err(Failure::of(StoreError::Unavailable("the connection is being closed".into()))),
    }
}

fn within<T>(
    runtime: &Runtime,
    limit: Duration,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, Failure> {
    // The timer needs the runtime, so it is made inside.
    match runtime.block_on(async { tokio::time::timeout(limit, call).await }) {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Failure::from_driver(&error)),
        Err(_) => Err(Failure::of(StoreError::Unavailable(format!(
            "{0} 秒内无应答：数据库或网络停滞，恢复后自动重连 / no answer within {0} s: the server or the network hangs; the store \
             reconnects by itself",
            limit.as_secs()
        )))),
    }
}
