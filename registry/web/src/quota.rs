//! Ceilings of clients: how much each may ask for in a minute and in a day.
//!
//! What is spent is known to this process alone and forgotten when it ends: several processes of a node count each for itself. A
//! ceiling protects from a program that has run wild and from a token that was stolen, and neither starts nodes anew.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use licence_spec::time::UnixTime;

use licence_node::node::config::{Limits, Quota};

/// Seconds of a minute and of a day.
const WINDOWS: [i64; 2] = [60, 86_400];

/// What clients have spent.
pub(super) struct Quotas {
    all: Quota,
    own: BTreeMap<String, Quota>,
    /// By client; only clients with a good token are counted, so there are no more than the store holds.
    spent: Mutex<HashMap<String, [Window; 2]>>,
}

/// The number of a minute or a day, and the requests in it.
#[derive(Clone, Copy, Default)]
struct Window {
    number: i64,
    requests: u64,
}

impl Quotas {
    pub(super) fn new(limits: &Limits) -> Quotas {
        Quotas { all: limits.quota, own: limits.quotas.clone(), spent: Mutex::default() }
    }

    /// Counts one request of a client.
    ///
    /// # Errors
    /// The seconds after which the client may ask again; nothing is counted then.
    pub(super) fn take(&self, client: &str, now: UnixTime) -> Result<(), i64> {
        let Quota { per_minute, per_day } = self.own.get(client).copied().unwrap_or(self.all);
        // A poisoned map is whole: it holds numbers that are replaced in one step.
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let windows = spent.entry(client.to_owned()).or_default();
        for (window, length) in windows.iter_mut().zip(WINDOWS) {
            let number = now.0.div_euclid(length);
            if window.number != number {
                *window = Window { number, requests: 0 };
            }
        }
        let ceilings = [per_minute, per_day].into_iter().zip(WINDOWS);
        // If both are reached the day's decides: it ends later.
        let mut both = windows.iter().zip(ceilings).rev();
        if let Some((_, (_, length))) = both.find(|(window, (most, _))| window.requests >= *most) {
            return Err(length - now.0.rem_euclid(length));
        }
        windows.iter_mut().for_each(|window| window.requests += 1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_its_ceilings_and_takes_nothing_from_another() {
        let quota = Quota { per_minute: 2, per_day: 3 };
        let own = BTreeMap::from([("more".to_owned(), Quota { per_minute: 5, per_day: 5 })]);
        let quotas = Quotas::new(&Limits { quota, quotas: own, ..Limits::default() });
        let take = |client, now| quotas.take(client, UnixTime(now));
        assert_eq!([take("a", 0), take("a", 10), take("a", 45)], [Ok(()), Ok(()), Err(15)]);
        assert_eq!(take("b", 45), Ok(()));
        assert_eq!(
            [take("a", 60), take("a", 61)],
            [Ok(()), Err(86_339)],
            "the third of the day was the last"
        );
        assert_eq!(take("a", 86_400), Ok(()));
        assert!((0..5).all(|_| take("more", 0).is_ok()) && take("more", 0).is_err());
    }
}
