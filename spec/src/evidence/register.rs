//! What the verifying node's own register says of its own licences before a status token says it.
//!
//! In scope: changes of status that are durable at this node and that the token at hand does not show yet. Out of scope: reading the
//! register (the node), licences of other nodes: of them only tokens speak. Format: spec/status.md §5.

use alloc::collections::BTreeMap;
use alloc::string::String;

use crate::status::Status;
use crate::suite::Digest;
use crate::time::UnixTime;

/// The newest status of one licence, as the register has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The status.
    pub status: Status,
    /// Digest of the change record, as the log has it, and when it was recorded; `None` where only the status is known.
    pub change: Option<(Digest, UnixTime)>,
    /// Log index of the change: of two changes of one licence the later one counts.
    pub place: u64,
}

/// Changes that no token at hand shows yet, by uri of the list and index in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Register(BTreeMap<String, BTreeMap<u64, Registered>>);

impl Register {
    pub(super) fn note(&mut self, uri: &str, index: u64, registered: Registered) {
        let list = self.0.entry(String::from(uri)).or_default();
        if list.get(&index).is_none_or(|held| held.place <= registered.place) {
            list.insert(index, registered);
        }
    }

    pub(super) fn settle(&mut self, uri: &str, below: u64) {
        let Some(list) = self.0.get_mut(uri) else { return };
        list.retain(|_, registered| registered.place >= below);
        if list.is_empty() {
            self.0.remove(uri);
        }
    }

    pub(super) fn get(&self, uri: &str, index: u64) -> Option<&Registered> {
        self.0.get(uri)?.get(&index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "https://gz.elic.example/v1/status-lists/1";

    #[test]
    fn the_later_change_counts_whatever_comes_first_and_a_token_settles_what_it_shows() {
        let at = |status, place| Registered { status, change: None, place };
        let mut register = Register::default();
        register.note(LIST, 7, at(Status::Valid, 12));
        register.note(LIST, 7, at(Status::Suspended, 11));
        assert_eq!(
            register.get(LIST, 7).map(|own| own.status),
            Some(Status::Valid),
            "suspended, then reinstated"
        );
        register.settle(LIST, 12);
        assert!(
            register.get(LIST, 7).is_some(),
            "a token built from the first 12 leaves does not show leaf 12"
        );
        register.settle(LIST, 13);
        assert!(register.get(LIST, 7).is_none());
        assert!(register.0.is_empty(), "what is settled takes no room");
    }
}
