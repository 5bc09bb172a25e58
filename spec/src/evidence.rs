//! Evidence: all that a judgement may look at, at one moment, immutable.
//!
//! In scope: holding opened objects, finding out once who speaks with each status token (`trust::speaks`). Out of scope: fetching and storing.
//! Format: spec/verify.md §2.

mod register;

pub use register::Registered;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::catalogue::Catalogue;
use crate::log::merkle::TreeHead;
use crate::status::StatusToken;
use crate::suite::{Digest, PublicKey};
use crate::time::UnixTime;
use crate::trust::{SpeakFault, TrustFiles, TrustList};
use crate::verdict::Code;
use register::Register;

/// The trust files at hand. "Not at hand" and "refused" are states of their own, never "not configured".
#[derive(Clone, Debug, Default)]
pub enum Trust {
    /// Nothing is at hand.
    #[default]
    Unavailable,
    /// Files were offered and refused, with this code; nothing older is held.
    Refused(Code),
    /// Files that were opened; they may be past their end.
    Held(Arc<TrustFiles>),
}

/// A status token, and whether its signer may speak for its list.
#[derive(Clone, Debug)]
pub struct HeldToken {
    token: Arc<StatusToken>,
    signer: Result<PublicKey, SpeakFault>,
    /// The newest token seen of this uri, if that is not this one: its iat and digest.
    newest: Option<(UnixTime, Option<Digest>)>,
}

impl HeldToken {
    /// The token.
    #[must_use]
    pub const fn token(&self) -> &Arc<StatusToken> {
        &self.token
    }

    /// The key of the trust list that speaks with it for its list; `None` if none does, and the token then says nothing.
    #[must_use]
    pub const fn signer(&self) -> Option<&PublicKey> {
        match &self.signer {
            Ok(signer) => Some(signer),
            Err(_) => None,
        }
    }

    /// Why the token says nothing, if so.
    #[must_use]
    pub const fn fault(&self) -> Option<SpeakFault> {
        match &self.signer {
            Ok(_) => None,
            Err(fault) => Some(*fault),
        }
    }

    /// Whether a newer token, or another one of the same time, has been seen.
    #[must_use]
    pub fn is_rolled_back(&self) -> bool {
        self.newest.is_some_and(|(iat, digest)| {
            self.token.iat() < iat
                || (self.token.iat() == iat && digest.is_some_and(|digest| digest != *self.token.digest()))
        })
    }
}

/// Most tree heads of each kind that are kept of one log.
pub const MAX_HEADS: usize = 64;

/// The tree heads of one log: those that are known to lie in one tree, and those of which only the log's own key says so. They are kept
/// apart, so that the log's own key, which signs the latter as it likes, pushes none of the former out.
#[derive(Clone, Debug, Default)]
struct Heads {
    /// Ascending by size.
    vouched: Vec<TreeHead>,
    /// In the order in which they were shown.
    shown: Vec<TreeHead>,
}

/// All evidence at one moment.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    trust: Trust,
    catalogue: Option<Arc<Catalogue>>,
    tokens: BTreeMap<String, HeldToken>,
    heads: BTreeMap<String, Heads>,
    register: Register,
}

impl Evidence {
    /// Evidence that holds these trust files and nothing else yet.
    #[must_use]
    pub fn new(trust: Trust) -> Evidence {
        Evidence { trust, ..Evidence::default() }
    }

    /// The trust files.
    #[must_use]
    pub const fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The trust files, if they are held.
    #[must_use]
    pub const fn trust_files(&self) -> Option<&Arc<TrustFiles>> {
        match &self.trust {
            Trust::Held(files) => Some(files),
            _ => None,
        }
    }

    /// The trust list, if one is held.
    #[must_use]
    pub fn trust_list(&self) -> Option<&Arc<TrustList>> {
        self.trust_files().and_then(|files| files.list())
    }

    /// The catalogue.
    #[must_use]
    pub const fn catalogue(&self) -> Option<&Arc<Catalogue>> {
        self.catalogue.as_ref()
    }

    /// Adds the catalogue, which its own `open` or `advance` has checked.
    pub fn set_catalogue(&mut self, catalogue: Arc<Catalogue>) {
        self.catalogue = Some(catalogue);
    }

    /// Adds a status token under its own uri and finds out once whether its signer may speak for that list. Replaces one of the
    /// same uri, but never one that speaks by one that does not: a stranger's token is kept only where nothing better is at hand,
    /// so that a verdict can name the cause.
    pub fn add_token(&mut self, token: Arc<StatusToken>) {
        let list = self.trust_list();
        let signer = list.ok_or(SpeakFault::Signer).and_then(|list| {
            // Without a clock: a stored token was taken by one, and a verdict asks its own.
            list.speaker_of_token(&token, None).map(|(_, key)| key.key)
        });
        let held = self.tokens.get(token.uri());
        if signer.is_err() && held.is_some_and(|held| held.signer.is_ok()) {
            return;
        }
        let newest = held.and_then(|held| held.newest);
        self.tokens.insert(String::from(token.uri()), HeldToken { token, signer, newest });
    }

    /// Notes that a token of this uri with this signing time has been seen before: an older one is a roll-back.
    /// `digest` tells two tokens of one time apart.
    pub fn note_newest_token(&mut self, uri: &str, iat: UnixTime, digest: Option<Digest>) {
        if let Some(held) = self.tokens.get_mut(uri) {
            held.newest = Some((iat, digest));
        }
    }

    /// Notes what the node's own register says of its own licence at an index of its own list, ahead of the token.
    pub fn note_status(&mut self, uri: &str, index: u64, registered: Registered) {
        self.register.note(uri, index, registered);
    }

    /// Forgets what a token shows that was built when the log had `below` leaves.
    pub fn settle_statuses(&mut self, uri: &str, below: u64) {
        self.register.settle(uri, below);
    }

    /// What the node's own register says of an entry, if its token does not say it yet.
    #[must_use]
    pub fn registered(&self, uri: &str, index: u64) -> Option<&Registered> {
        self.register.get(uri, index)
    }

    /// The token of a list.
    #[must_use]
    pub fn token(&self, uri: &str) -> Option<&HeldToken> {
        self.tokens.get(uri)
    }

    /// All tokens.
    pub fn tokens(&self) -> impl Iterator<Item = &HeldToken> {
        self.tokens.values()
    }

    /// Adds a tree head that somebody else than the log vouches for: this node mirrors the log, witnesses have cosigned the head, or the
    /// user has pinned it. Unless one of its size is held: the first one is the one to compare with. Of each log the [`MAX_HEADS`] largest
    /// are kept, so that a node may run for years.
    pub fn add_head(&mut self, origin: &str, head: TreeHead) {
        let heads = &mut self.heads.entry(String::from(origin)).or_default().vouched;
        let Err(at) = heads.binary_search_by_key(&head.size, |held| held.size) else { return };
        heads.insert(at, head);
        if heads.len() > MAX_HEADS {
            heads.remove(0);
        }
    }

    /// Adds a tree head that was shown and that nobody but the log vouches for, unless one of its size is held. Of each log the
    /// [`MAX_HEADS`] that were shown last are kept, whatever size they claim; none of them pushes out one of [`Evidence::add_head`].
    pub fn add_shown_head(&mut self, origin: &str, head: TreeHead) {
        if self.head(origin, head.size).is_some() {
            return;
        }
        let heads = &mut self.heads.entry(String::from(origin)).or_default().shown;
        if heads.len() >= MAX_HEADS {
            heads.remove(0);
        }
        heads.push(head);
    }

    /// The same evidence under other trust files: who speaks with each token is found out anew.
    #[must_use]
    pub fn with_trust(&self, trust: Trust) -> Evidence {
        let mut next = Evidence {
            trust,
            catalogue: self.catalogue.clone(),
            heads: self.heads.clone(),
            register: self.register.clone(),
            ..Evidence::default()
        };
        for held in self.tokens.values() {
            next.add_token(Arc::clone(&held.token));
            if let Some(own) = next.tokens.get_mut(held.token.uri()) {
                own.newest = held.newest;
            }
        }
        next
    }

    /// The head of a log at exactly this size: one that is vouched for, else one that was shown.
    #[must_use]
    pub fn head(&self, origin: &str, size: u64) -> Option<&TreeHead> {
        let heads = self.heads.get(origin)?;
        heads.vouched.iter().chain(&heads.shown).find(|head| head.size == size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_log_the_newest_heads_are_kept_and_the_first_of_each_size() {
        let mut evidence = Evidence::default();
        let head = |size, root| TreeHead { size, root: [root; 32] };
        for size in 1..=1_000 {
            evidence.add_head("a/log", head(size, 1));
            evidence.add_head("a/log", head(size, 2));
        }
        assert_eq!(evidence.head("a/log", 1_000), Some(&head(1_000, 1)), "the first one seen");
        assert_eq!(evidence.head("a/log", 1_000 - MAX_HEADS as u64), None);
        let kept = evidence.with_trust(Trust::Unavailable);
        assert_eq!(kept.head("a/log", 1_000), Some(&head(1_000, 1)));
        assert_eq!(kept.heads["a/log"].vouched.len(), MAX_HEADS);
    }

    /// The largest 64 were kept whoever vouched for them: a log that signed 64 sizes of its fancy pushed out what had been mirrored.
    #[test]
    fn a_logs_own_key_pushes_out_no_head_that_others_vouch_for() {
        let mut evidence = Evidence::default();
        let head = |size, root| TreeHead { size, root: [root; 32] };
        evidence.add_head("a/log", head(7, 1));
        for size in (0..2 * MAX_HEADS as u64).map(|more| (1 << 60) + more) {
            evidence.add_shown_head("a/log", head(size, 2));
        }
        assert_eq!(evidence.head("a/log", 7), Some(&head(7, 1)), "mirrored");
        evidence.add_shown_head("a/log", head(9, 3));
        assert_eq!(evidence.head("a/log", 9), Some(&head(9, 3)), "a small one that is shown last is kept");
        evidence.add_shown_head("a/log", head(7, 4));
        assert_eq!(evidence.head("a/log", 7), Some(&head(7, 1)), "the one vouched for is compared with");
        evidence.add_head("a/log", head(9, 5));
        assert_eq!(evidence.head("a/log", 9), Some(&head(9, 5)), "so it is if it comes later");
        assert_eq!(evidence.with_trust(Trust::Unavailable).heads["a/log"].shown.len(), MAX_HEADS);
    }
}
