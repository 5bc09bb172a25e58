//! The update procedure: from the trust files held to newer ones, never backwards (TUF 1.0.34 §5).

use alloc::sync::Arc;

use super::root::claimed_version;
use super::{Root, Timestamp, TimestampContent, TrustList};
use crate::numbers::CLOCK_SKEW_S;
use crate::suite::{Digest, name_digest};
use crate::time::UnixTime;
use crate::verdict::Code;

/// What an offered file did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is the newest now; the caller stores it before going on.
    New,
    /// It is the one held already.
    Same,
}

/// The trust files that a node or a tool holds. What is in here was opened: signatures and rules hold.
///
/// Every `take` either replaces a file by a newer one or changes nothing and says why. The caller stores after each.
#[derive(Clone, Debug)]
pub struct TrustFiles {
    root: Root,
    timestamp: Option<Timestamp>,
    list: Option<Arc<TrustList>>,
    /// The newest timestamp that named the list held: it says how long the list is fresh. A newer timestamp that names
    /// a list which has not come yet must not lend its freshness to the old one.
    vouching: Option<Timestamp>,
    /// The list that was held last, though a root may have ended it: nothing is taken from it but tables of points.
    tables: Option<Arc<TrustList>>,
}

impl TrustFiles {
    /// Starts from a root that is trusted.
    #[must_use]
    pub const fn new(root: Root) -> TrustFiles {
        TrustFiles { root, timestamp: None, list: None, vouching: None, tables: None }
    }

    /// The newest root.
    #[must_use]
    pub const fn root(&self) -> &Root {
        &self.root
    }

    /// The newest timestamp.
    #[must_use]
    pub const fn timestamp(&self) -> Option<&Timestamp> {
        self.timestamp.as_ref()
    }

    /// The list.
    #[must_use]
    pub const fn list(&self) -> Option<&Arc<TrustList>> {
        self.list.as_ref()
    }

    /// The newest timestamp that named the list held.
    #[must_use]
    pub const fn vouching(&self) -> Option<&Timestamp> {
        self.vouching.as_ref()
    }

    /// Step 1: the next root. Returns whether the stored timestamp and list must be deleted, because their keys changed.
    ///
    /// # Errors
    /// `TRUST_LIST_ROLLBACK` if the version is not exactly one more; `TRUST_LIST_SIGNATURE_INVALID` if anything else is
    /// wrong. Expiry is asked after the last root, in the later steps.
    pub fn take_root(&mut self, bytes: &[u8]) -> Result<(Taken, bool), Code> {
        if name_digest(&[bytes]) == *self.root.digest() {
            return Ok((Taken::Same, false));
        }
        let version = claimed_version(bytes, &self.root).map_err(|_| Code::TrustListSignatureInvalid)?;
        if version != self.root.content().version + 1 {
            return Err(Code::TrustListRollback);
        }
        let next = self.root.open_next(bytes).map_err(|_| Code::TrustListSignatureInvalid)?;
        let (old, new) = (self.root.content(), next.content());
        let changed = old.list != new.list || old.timestamp != new.timestamp;
        if changed {
            // Recovery from a version that a thief drove up: what the old keys said binds nobody any more.
            (self.timestamp, self.list, self.vouching) = (None, None, None);
        }
        self.root = next;
        Ok((Taken::New, changed))
    }

    /// Step 3: a timestamp.
    ///
    /// # Errors
    /// `TRUST_LIST_SIGNATURE_INVALID`, `TRUST_LIST_ROLLBACK` for an older one or another one of the same version,
    /// `TRUST_LIST_EXPIRED` if it or the root has ended.
    pub fn take_timestamp(&mut self, bytes: &[u8], now: UnixTime) -> Result<Taken, Code> {
        if now >= self.root.content().exp {
            return Err(Code::TrustListExpired);
        }
        let offered = Timestamp::open(bytes, &self.root).map_err(|_| Code::TrustListSignatureInvalid)?;
        let content = offered.content();
        if content.iat > now.plus(CLOCK_SKEW_S) {
            return Err(Code::TrustListSignatureInvalid);
        }
        if let Some(held) = &self.timestamp {
            if held.digest() == offered.digest() {
                return Ok(Taken::Same);
            }
            // Versions before dates: a rolled-back file may well carry a later end. Two files of one version are a fork.
            if content.version <= held.content().version || content.list_version < held.content().list_version
            {
                return Err(Code::TrustListRollback);
            }
        }
        if self.list.as_ref().is_some_and(|list| goes_back(content, list)) {
            return Err(Code::TrustListRollback);
        }
        if now >= content.exp {
            return Err(Code::TrustListExpired);
        }
        self.keep_timestamp(offered);
        Ok(Taken::New)
    }

    fn keep_timestamp(&mut self, timestamp: Timestamp) {
        if self.list.as_ref().is_some_and(|list| *list.digest() == timestamp.content().list_digest) {
            self.vouching = Some(timestamp);
        }
        self.timestamp = Some(timestamp);
    }

    /// The list that the timestamp names and that is not held yet: version, length in bytes, digest.
    #[must_use]
    pub fn wanted_list(&self) -> Option<(u64, u64, [u8; 32])> {
        let content = self.timestamp.as_ref()?.content();
        let held = self.list.as_ref().is_some_and(|list| *list.digest() == content.list_digest);
        (!held).then_some((content.list_version, content.list_length, content.list_digest))
    }

    /// Step 4: the list that the timestamp names.
    ///
    /// # Errors
    /// `TRUST_LIST_SIGNATURE_INVALID` if it is not the named one or breaks any rule; `TRUST_LIST_EXPIRED` if it has ended.
    pub fn take_list(&mut self, bytes: &[u8], now: UnixTime) -> Result<Taken, Code> {
        let (taken, list) = self.open_list(bytes)?;
        if taken == Taken::New {
            if now >= list.content().exp {
                return Err(Code::TrustListExpired);
            }
            self.keep_list(list);
        }
        Ok(taken)
    }

    fn keep_list(&mut self, list: Arc<TrustList>) {
        self.tables = Some(Arc::clone(&list));
        self.list = Some(list);
        self.vouching = self.timestamp;
    }

    /// Opens a list against the timestamp without asking for its end.
    fn open_list(&self, bytes: &[u8]) -> Result<(Taken, Arc<TrustList>), Code> {
        let timestamp = self.timestamp.as_ref().ok_or(Code::TrustListUnavailable)?.content();
        let digest = name_digest(&[bytes]);
        if let Some(held) = self.list.as_ref().filter(|list| *list.digest() == digest) {
            return Ok((Taken::Same, Arc::clone(held)));
        }
        if bytes.len() as u64 != timestamp.list_length || digest != timestamp.list_digest {
            return Err(Code::TrustListSignatureInvalid);
        }
        let list = TrustList::open(bytes, &self.root, self.tables.as_deref());
        let list = list.map_err(|_| Code::TrustListSignatureInvalid)?;
        if list.content().version != timestamp.list_version {
            return Err(Code::TrustListSignatureInvalid);
        }
        Ok((Taken::New, Arc::new(list)))
    }

    /// Loads files that were stored or bundled earlier: everything is checked again but expiry, which a verdict reports
    /// as `TRUST_LIST_EXPIRED`. Without a list that fits, the list is unavailable.
    ///
    /// # Errors
    /// `TRUST_LIST_SIGNATURE_INVALID` or `TRUST_LIST_ROLLBACK` for the first file that does not fit.
    pub fn load(
        root: Root,
        later_roots: &[&[u8]],
        timestamp: Option<&[u8]>,
        list: Option<&[u8]>,
    ) -> Result<TrustFiles, Code> {
        TrustFiles::load_over(None, root, later_roots, timestamp, list)
    }

    /// As [`TrustFiles::load`], for files that anybody may have brought, such as an offline bundle: one of the roots, in the
    /// order of their versions from the first, must be the one that was compared by hand and pinned. Each root is signed by
    /// the keys of the one before, so whatever stands after the pinned one is vouched for by it.
    ///
    /// # Errors
    /// `ROOT_NOT_PINNED` if nothing has been pinned, `TRUST_LIST_SIGNATURE_INVALID` if the pinned root is not among these;
    /// else as [`TrustFiles::load`].
    pub fn load_pinned(
        pinned: Option<&Digest>,
        roots: &[&[u8]],
        timestamp: Option<&[u8]>,
        list: Option<&[u8]>,
    ) -> Result<TrustFiles, Code> {
        let pinned = pinned.ok_or(Code::RootNotPinned)?;
        if !roots.iter().any(|root| name_digest(&[root]) == *pinned) {
            return Err(Code::TrustListSignatureInvalid);
        }
        let (first, later) = roots.split_first().ok_or(Code::TrustListSignatureInvalid)?;
        let root = Root::open_first(first).map_err(|_| Code::TrustListSignatureInvalid)?;
        TrustFiles::load(root, later, timestamp, list)
    }

    /// As [`TrustFiles::load`], the same files in less time: keys that were in the list `held` keep their tables of points.
    ///
    /// # Errors
    /// As [`TrustFiles::load`].
    pub fn load_over(
        held: Option<&TrustFiles>,
        root: Root,
        later_roots: &[&[u8]],
        timestamp: Option<&[u8]>,
        list: Option<&[u8]>,
    ) -> Result<TrustFiles, Code> {
        let mut files = TrustFiles::new(root);
        files.tables = held.and_then(|held| held.tables.clone());
        for bytes in later_roots {
            files.take_root(bytes)?;
        }
        if let Some(bytes) = timestamp {
            let opened = Timestamp::open(bytes, &files.root).map_err(|_| Code::TrustListSignatureInvalid)?;
            files.timestamp = Some(opened);
        }
        if let Some(bytes) = list.filter(|_| files.timestamp.is_some()) {
            let (_, list) = files.open_list(bytes)?;
            files.keep_list(list);
        }
        Ok(files)
    }

    /// The newest signing time in the files: a clock that is behind it is wrong.
    #[must_use]
    pub fn newest_iat(&self) -> UnixTime {
        let timestamp = self.timestamp.as_ref().map(|timestamp| timestamp.content().iat);
        let list = self.list.as_ref().map(|list| list.content().iat);
        [timestamp, list].into_iter().flatten().fold(self.root.content().iat, UnixTime::max)
    }

    /// From when on the list may no longer be relied on: its end, or that of the timestamp that names it. `None` without both.
    #[must_use]
    pub fn end(&self) -> Option<UnixTime> {
        let (list, timestamp) = (self.list.as_ref()?, self.vouching.as_ref()?);
        Some(list.content().exp.min(timestamp.content().exp))
    }

    /// Whether the list may be relied on at `now`: before the end of the list and of the timestamp that names it, the
    /// latter with `grace_s` seconds more (a stated policy of offline counters; 0 elsewhere).
    #[must_use]
    pub fn is_fresh(&self, now: UnixTime, grace_s: i64) -> bool {
        match (&self.list, &self.vouching) {
            (Some(list), Some(timestamp)) => {
                now < list.content().exp && now < timestamp.content().exp.plus(grace_s)
            }
            _ => false,
        }
    }
}

/// Whether a timestamp names an older list than the one held, or another one of the same version, which is a fork.
fn goes_back(offered: &TimestampContent, held: &TrustList) -> bool {
    let (version, digest) = (held.content().version, held.digest());
    offered.list_version < version || (offered.list_version == version && offered.list_digest != *digest)
}
