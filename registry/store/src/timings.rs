//! How long named transactions take: the same few numbers from every backend, for `/metrics` and `doctor`.
//! The only file of the store crates that reads a (monotonic) clock; no stored value ever comes from it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is known of one named transaction since the store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Name given to [`crate::Store::write`].
    pub name: &'static str,
    /// How often it was asked for.
    pub count: u64,
    /// How many of these ended in an error.
    pub failed: u64,
    /// Time of all of them together, waiting for the writer's turn included.
    pub total: Duration,
    /// Time of the slowest.
    pub longest: Duration,
}

/// Collects [`Timing`]s; cheap beside an fsync.
#[derive(Debug, Default)]
pub struct Timings(Mutex<BTreeMap<&'static str, Timing>>);

/// A running measurement; see [`Timings::record`].
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "measures, decides nothing: the edge of the store")]
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Stopwatch {
    /// How long ago it was started.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

impl Timings {
    /// Adds one transaction that began with `stopwatch` and has ended now.
    pub fn record(&self, name: &'static str, stopwatch: Stopwatch, succeeded: bool) {
        let took = stopwatch.0.elapsed();
        // A panic elsewhere cannot leave half a number here, so a poisoned lock is as good as any.
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = Timing { name, count: 0, failed: 0, total: Duration::ZERO, longest: Duration::ZERO };
        let timing = table.entry(name).or_insert(fresh);
        timing.count += 1;
        timing.failed += u64::from(!succeeded);
        timing.total += took;
        timing.longest = timing.longest.max(took);
    }

    /// All timings, ascending by name.
    pub fn all(&self) -> Vec<Timing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transaction_is_counted_under_its_name() {
        let timings = Timings::default();
        timings.record("issue", Stopwatch::start(), true);
        timings.record("issue", Stopwatch::start(), false);
        timings.record("lease", Stopwatch::start(), true);
        let counts: Vec<_> = timings.all().iter().map(|t| (t.name, t.count, t.failed)).collect();
        assert_eq!(counts, [("issue", 2, 1), ("lease", 1, 0)]);
    }
}
