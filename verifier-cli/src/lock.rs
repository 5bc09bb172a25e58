//! One at a time: whoever reads, compares and writes what lies at a place holds its lock meanwhile, so that two runs do
//! not lose each other's memory of the newest evidence.
//!
//! In scope: taking the lock, with an end to the waiting. Out of scope: the network, which is done with before.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, anyhow};

use crate::place::beside;

/// Longest wait for another run, which verifies and writes at most 64 MiB under the lock.
const WAIT: Duration = Duration::from_secs(20);

/// The lock; dropping it, or the end of the process however it comes, gives it back.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "held for its lock alone")] File);

/// Why there is no lock.
#[derive(Debug)]
pub(crate) enum LockFault {
    /// Another run holds it and does not end.
    Busy(anyhow::Error),
    /// There can be no lock here, as nothing can be written.
    NotWritable(anyhow::Error),
}

impl LockFault {
    /// The reason, for people.
    pub(crate) fn into_error(self) -> anyhow::Error {
        match self {
            LockFault::Busy(error) | LockFault::NotWritable(error) => error,
        }
    }
}

impl Lock {
    /// Takes the lock of a memory file: an empty file beside it, which stays.
    ///
    /// # Errors
    /// [`LockFault`].
    pub(crate) fn take(memory: &Path) -> Result<Lock, LockFault> {
        Lock::within(memory, WAIT)
    }

    fn within(memory: &Path, wait: Duration) -> Result<Lock, LockFault> {
        let path = beside(memory, ".lock");
        let shown = path.display();
        let open = || {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            File::options().create(true).append(true).open(&path)
        };
        let file = open()
            .with_context(|| format!("无法写入 {shown} / cannot write {shown}"))
            .map_err(LockFault::NotWritable)?;
        let locked = match file.try_lock() {
            Ok(()) => Some(Ok(file)),
            Err(TryLockError::Error(error)) => Some(Err(error)),
            Err(TryLockError::WouldBlock) => {
                let (sender, receiver) = channel();
                // Waiting has no deadline of its own: a thread waits, and is left behind if it takes too long.
                thread::spawn(move || sender.send(file.lock().map(|()| file)));
                receiver.recv_timeout(wait).ok()
            }
        };
        match locked {
            Some(Ok(file)) => Ok(Lock(file)),
            Some(Err(error)) => Err(LockFault::NotWritable(anyhow!(error).context(format!("{shown}")))),
            None => Err(LockFault::Busy(anyhow!(
                "另一个 licence-verify 正在更新，请稍后再试（{shown}） / another licence-verify is at work here; try again later ({shown})"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_for_one_and_the_wait_has_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let memory = folder.path().join("deep/seen.json");
        let held = Lock::take(&memory).unwrap();
        assert!(matches!(Lock::within(&memory, Duration::from_millis(1)), Err(LockFault::Busy(_))));
        drop(held);
        assert!(Lock::take(&memory).is_ok());
    }

    #[test]
    fn a_place_that_cannot_be_written_has_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), b"").unwrap();
        let taken = Lock::take(&folder.path().join("file/seen.json"));
        assert!(matches!(taken, Err(LockFault::NotWritable(_))));
    }
}
