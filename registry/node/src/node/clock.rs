//! The one place of the node that reads a clock. Everything else is handed a [`Clock`], or a `now`.
//!
//! In scope: the time of day in whole seconds, and stopwatches for logs and metrics. Out of scope: what a time means (`spec`).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use licence_spec::time::UnixTime;

/// A clock. All clones of one clock share one hand, so a test that turns it turns it for the whole node.
#[derive(Clone, Debug)]
pub struct Clock(Hand);

#[derive(Clone, Debug)]
enum Hand {
    System,
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Clock {
        Clock(Hand::System)
    }

    /// A clock that stands at `now` until it is turned by [`Clock::set`] or [`Clock::advance`]. For tests and the demo.
    pub fn fixed(now: UnixTime) -> Clock {
        Clock(Hand::Fixed(Arc::new(AtomicI64::new(now.0))))
    }

    /// Whole seconds since 1970, UTC. A machine clock before 1970 reads as 0, which every check of freshness refuses.
    #[expect(clippy::disallowed_methods, reason = "this is the file in which the clock is read")]
    pub fn now(&self) -> UnixTime {
        match &self.0 {
            Hand::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
                UnixTime(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
            }
            Hand::Fixed(hand) => UnixTime(hand.load(Ordering::SeqCst)),
        }
    }

    /// Turns a fixed clock to `now`; false, and nothing done, on the machine's clock.
    pub fn set(&self, now: UnixTime) -> bool {
        match &self.0 {
            Hand::System => false,
            Hand::Fixed(hand) => {
                hand.store(now.0, Ordering::SeqCst);
                true
            }
        }
    }

    /// Turns a fixed clock forward by `seconds` (backward if negative); false on the machine's clock.
    pub fn advance(&self, seconds: i64) -> bool {
        self.set(self.now().plus(seconds))
    }
}

/// A running measurement of how long something takes. Never decides anything that is stored or signed.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "this is the file in which the clock is read")]
    pub fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// Milliseconds since the start, with three decimals, as logs show them.
    pub fn elapsed_ms(&self) -> f64 {
        (self.elapsed().as_secs_f64() * 1_000_000.0).round() / 1_000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_fixed_clock_share_one_hand() {
        let clock = Clock::fixed(UnixTime(100));
        let clone = clock.clone();
        assert!(clone.advance(60));
        assert_eq!(clock.now(), UnixTime(160));
        assert!(clock.set(UnixTime(5)));
        assert_eq!(clone.now(), UnixTime(5));
    }

    #[test]
    fn the_machine_clock_cannot_be_turned() {
        let clock = Clock::system();
        assert!(!clock.set(UnixTime(0)));
        assert!(clock.now() > UnixTime(1_700_000_000));
    }
}
