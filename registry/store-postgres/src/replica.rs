//! A hot standby for reads that may be stale. In scope: leaving it alone for a while when it cannot be reached, so that whoever reads does not
//! wait for it each time. Out of scope: what may be read there (`licence_store::read_copy_first`).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use licence_store::{Read, Result, Stopwatch};

use crate::pool::Pool;
use crate::session::Session;
use crate::settings::Settings;

/// Connections to it.
const READERS: usize = 4;
/// How long a thread waits for one; then the primary is quicker.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long it is left alone after it could not be reached.
const PAUSE: Duration = Duration::from_secs(10);

/// A read-only copy of the database.
pub(crate) struct Replica {
    readers: Pool,
    failed: Mutex<Option<Stopwatch>>,
}

impl Replica {
    /// One by its connection string; it is connected when it is first used.
    pub(crate) fn new(connection: &str) -> Result<Self> {
        let settings = Arc::new(Settings::parse(connection)?);
        Ok(Self { readers: Pool::new(settings, READERS, PATIENCE), failed: Mutex::new(None) })
    }

    /// A view of some moment; `None` if it cannot be had at once.
    pub(crate) fn read(&self) -> Option<Box<dyn Read + '_>> {
        // A poisoned lock holds a moment or none: both are whole.
        let failed = || self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed().is_some_and(|since| since.elapsed() < PAUSE) {
            return None;
        }
        match self.readers.checkout().and_then(Session::snapshot) {
            Ok(session) => {
                *failed() = None;
                Some(Box::new(session))
            }
            Err(_) => {
                *failed() = Some(Stopwatch::start());
                None
            }
        }
    }
}
