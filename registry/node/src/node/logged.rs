//! Licences that are known to stand in a log, or not to, in memory.
//!
//! Out of scope: looking them up (`exchange::look_up`).

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use licence_spec::policy::{LeafPlace, LogLookUp};
use licence_spec::suite::Digest;
use licence_spec::time::UnixTime;

/// Licences that each of two generations of the memory holds: about 16 MiB together.
const REMEMBERED: usize = 65_536;

/// What a look-up came to, as it is remembered.
#[derive(Clone)]
pub(crate) enum Known {
    Found(Arc<str>, Option<LeafPlace>),
    Missing,
    Pending,
    NotAsked,
}

impl Known {
    pub(crate) fn as_look_up(&self) -> LogLookUp<'_> {
        match self {
            Known::Found(origin, place) => LogLookUp::Found { origin, place: *place },
            Known::Missing => LogLookUp::Missing,
            Known::Pending => LogLookUp::Pending,
            Known::NotAsked => LogLookUp::NotAsked,
        }
    }

    /// How much of a doubt it is: of several logs of one issuer, the one that leaves most decides, unless one has the licence.
    pub(crate) const fn rank(&self) -> u8 {
        match self {
            Known::Missing => 0,
            Known::Pending => 1,
            Known::NotAsked => 2,
            Known::Found(..) => 3,
        }
    }
}

/// What is known of a licence, and until when.
type Generation = HashMap<Digest, (Known, i64)>;

/// What is remembered of licences: for ever that a log has one, which it cannot take back; for a minute what another node does not know.
#[derive(Clone, Default)]
pub struct LoggedLicences(Arc<RwLock<[Generation; 2]>>);

impl LoggedLicences {
    pub(crate) fn get(&self, licence: &Digest, now: UnixTime) -> Option<Known> {
        // A poisoned map is whole: entries are put in in one step.
        let generations = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let held = generations.iter().find_map(|generation| generation.get(licence));
        held.filter(|(_, until)| now.0 < *until).map(|(known, _)| known.clone())
    }

    pub(crate) fn put(&self, licence: Digest, known: Known, until: i64) {
        let mut generations = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let [young, old] = &mut *generations;
        if young.len() >= REMEMBERED {
            // What nobody asked for since the last turn is forgotten, and is looked up again.
            *old = std::mem::take(young);
        }
        young.insert(licence, (known, until));
    }
}
