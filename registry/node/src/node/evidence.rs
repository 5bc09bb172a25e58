//! The evidence of a node, swapped whole: readers never wait and never see half of a change.

use std::sync::{Arc, PoisonError, RwLock};

use licence_spec::evidence::Evidence;

/// The newest evidence. Readers take a reference-counted snapshot; the lock is held for one pointer copy.
#[derive(Clone, Default)]
pub struct Current(Arc<RwLock<Arc<Evidence>>>);

impl Current {
    /// The evidence of this moment.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Evidence> {
        // A poisoned lock still holds whole evidence: it is replaced in one assignment.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the evidence by a changed copy. Changes are made one after the other, under the lock of writers.
    pub fn change(&self, change: impl FnOnce(&mut Evidence)) {
        let mut slot = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = Evidence::clone(&slot);
        change(&mut next);
        *slot = Arc::new(next);
    }
}
