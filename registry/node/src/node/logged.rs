//! Licences that are known to stand in a log, or not to, in memory.
//!
//! Out of scope: looking them up (`exchange::look_up`).

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use licence_spec::policy::Remembered;
use licence_spec::suite::Digest;
use licence_spec::time::UnixTime;

/// Licences that each of two generations of the memory holds: about 16 MiB together.
const REMEMBERED: usize = 65_536;

/// What is known of a licence, and until when.
type Generation = HashMap<Digest, (Remembered, i64)>;

/// What is remembered of licences: for ever that a log has one, which it cannot take back; for a minute what another node does not know.
#[derive(Clone, Default)]
pub struct LoggedLicences(Arc<RwLock<[Generation; 2]>>);

impl LoggedLicences {
    pub(crate) fn get(&self, licence: &Digest, now: UnixTime) -> Option<Remembered> {
        // A poisoned map is whole: entries are put in in one step.
        let generations = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let held = generations.iter().find_map(|generation| generation.get(licence));
        held.filter(|(_, until)| now.0 < *until).map(|(known, _)| known.clone())
    }

    pub(crate) fn put(&self, licence: Digest, known: Remembered, until: i64) {
        let mut generations = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let [young, old] = &mut *generations;
        if young.len() >= REMEMBERED {
            // What nobody asked for since the last turn is forgotten, and is looked up again.
            *old = std::mem::take(young);
        }
        young.insert(licence, (known, until));
    }
}
