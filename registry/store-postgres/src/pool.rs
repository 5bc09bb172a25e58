//! A bounded set of connections, made when needed, lent to one thread at a time, and replaced when broken.
//! In scope: waiting for a free one, and saying at once when waiting would never end. Out of scope: what is run on them.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use licence_store::{Result, StoreError};

use crate::errors::Failure;
use crate::link::Link;
use crate::settings::Settings;

/// Connections of one kind to one server.
pub(crate) struct Pool {
    settings: Arc<Settings>,
    state: Mutex<State>,
    returned: Condvar,
    patience: Duration,
}

struct State {
    /// Places that nobody holds; an empty one is connected by whoever takes it.
    free: Vec<Option<Link>>,
    holders: Vec<ThreadId>,
}

/// A borrowed connection; goes back when dropped, if it is still good.
pub(crate) struct Checkout<'a> {
    pool: &'a Pool,
    link: Option<Link>,
    /// Whether it has served before, so that the server may have closed it unnoticed.
    used: bool,
}

impl Pool {
    /// At most `places` connections; a borrower waits for at most `patience`.
    pub(crate) fn new(settings: Arc<Settings>, places: usize, patience: Duration) -> Self {
        let free = std::iter::repeat_with(|| None).take(places).collect();
        let state = State { free, holders: Vec::new() };
        Self { settings, state: Mutex::new(state), returned: Condvar::new(), patience }
    }

    /// The next free connection.
    /// # Errors
    /// [`StoreError::Unavailable`] if none comes free in time, this thread holds them all itself, or the server cannot be reached.
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
        let Some(link) = state.free.pop() else {
            return Err(StoreError::Unavailable(format!(
                "{0} 秒内没有空闲的数据库连接，稍后重试 / every connection was busy for {0} s: try again",
                self.patience.as_secs()
            )));
        };
        state.holders.push(me);
        drop(state);
        // From here on the place goes back when the checkout is dropped, connected or not.
        let mut checkout = Checkout { pool: self, used: link.is_some(), link };
        if checkout.link.as_ref().is_none_or(Link::is_broken) {
            checkout.reconnect().map_err(|failure| failure.error)?;
        }
        Ok(checkout)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing between lock and unlock can panic half-way, so a poisoned pool is a whole one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Checkout<'_> {
    /// Runs the first statements of a transaction. If a connection that has served before turns out to be dead, a new one
    /// is tried, once: nothing has been done on it yet.
    pub(crate) fn begin(&mut self, sql: &str) -> Result<(), Failure> {
        match self.batch(sql) {
            Err(_) if self.used && self.is_broken() => {
                self.reconnect()?;
                self.batch(sql)
            }
            outcome => outcome,
        }
    }

    fn reconnect(&mut self) -> Result<(), Failure> {
        // On failure the old one stays: whoever holds a checkout may rely on a link, if only on a broken one.
        self.link = Some(Link::connect(&self.pool.settings)?);
        self.used = false;
        Ok(())
    }
}

impl Deref for Checkout<'_> {
    type Target = Link;

    #[expect(clippy::expect_used, reason = "cannot fail: a checkout is handed out connected")]
    fn deref(&self) -> &Link {
        self.link.as_ref().expect("a checkout is connected")
    }
}

impl DerefMut for Checkout<'_> {
    #[expect(clippy::expect_used, reason = "cannot fail: a checkout is handed out connected")]
    fn deref_mut(&mut self) -> &mut Link {
        self.link.as_mut().expect("a checkout is connected")
    }
}

impl Drop for Checkout<'_> {
    fn drop(&mut self) {
        let link = self.link.take().filter(|link| !link.is_broken());
        let mut state = self.pool.lock();
        let me = thread::current().id();
        if let Some(at) = state.holders.iter().position(|holder| *holder == me) {
            state.holders.swap_remove(at);
        }
        state.free.push(link);
        self.pool.returned.notify_one();
    }
}
