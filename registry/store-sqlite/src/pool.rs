//! A fixed set of connections, lent to one thread at a time.
//! In scope: waiting for a free one, and saying at once when waiting would never end. Out of scope: what is run on them.

use std::ops::Deref;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use licence_store::{Result, StoreError};
use rusqlite::Connection;

/// Connections of one kind.
#[derive(Debug)]
pub(crate) struct Pool {
    state: Mutex<State>,
    returned: Condvar,
    patience: Duration,
}

#[derive(Debug)]
struct State {
    free: Vec<Connection>,
    holders: Vec<ThreadId>,
}

/// A borrowed connection; goes back when dropped.
#[derive(Debug)]
pub(crate) struct Checkout<'a> {
    pool: &'a Pool,
    connection: Option<Connection>,
}

impl Pool {
    /// Lends `connections`; a borrower waits for at most `patience`.
    pub(crate) fn new(connections: Vec<Connection>, patience: Duration) -> Self {
        let state = State { free: connections, holders: Vec::new() };
        Self { state: Mutex::new(state), returned: Condvar::new(), patience }
    }

    /// The next free connection.
    /// # Errors
    /// [`StoreError::Unavailable`] if none comes free in time, or this thread holds them all itself.
    pub(crate) fn checkout(&self) -> Result<Checkout<'_>> {
        let me = thread::current().id();
        let state = self.lock();
        if state.free.is_empty() && state.holders.iter().all(|holder| *holder == me) {
            return Err(StoreError::Unavailable(
                "this thread holds every connection: drop its read first".into(),
            ));
        }
        let (mut state, _) = self
            .returned
            .wait_timeout_while(state, self.patience, |state| state.free.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        let Some(connection) = state.free.pop() else {
            let text = format!("every connection was busy for {} s", self.patience.as_secs());
            return Err(StoreError::Unavailable(text));
        };
        state.holders.push(me);
        Ok(Checkout { pool: self, connection: Some(connection) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing between lock and unlock can panic half-way, so a poisoned pool is a whole one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Checkout<'_> {
    type Target = Connection;

    #[expect(clippy::expect_used, reason = "cannot fail: only `drop` takes the connection out")]
    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("a checkout has its connection until it is dropped")
    }
}

impl Drop for Checkout<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        let me = thread::current().id();
        if let Some(at) = state.holders.iter().position(|holder| *holder == me) {
            state.holders.swap_remove(at);
        }
        state.free.extend(self.connection.take());
        self.pool.returned.notify_one();
    }
}
