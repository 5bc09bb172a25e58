//! The one place of the tool that reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

use licence_spec::time::UnixTime;

/// Whole seconds since 1970. A clock before 1970 reads as 0, which every check of freshness refuses.
#[expect(clippy::disallowed_methods, reason = "this is the file in which the clock is read")]
pub(crate) fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
