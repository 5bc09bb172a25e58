//! The memory of the newest evidence seen: versions that must never go back.
//!
//! In scope: what was seen, and whether what is at hand is older. Out of scope: signatures (`licence_spec` has checked
//! them before anything is noted here), and which root is trusted (`pin.rs`): this file may lie beside a bundle. Losing it
//! loses the memory, not the checks, and what lies in the bundle still counts (`sync.rs`).

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, Result};
use licence_spec::catalogue::Catalogue;
use licence_spec::log::merkle::TreeHead;
use licence_spec::status::{StatusToken, signed_ahead};
use licence_spec::suite::{Digest, name_digest, sha256};
use licence_spec::time::UnixTime;
use licence_spec::trust::{RootContent, TrustFiles};
use licence_spec::verdict::Code;
use serde::{Deserialize, Serialize};

use crate::place::{read_bounded, write_whole};

/// Largest memory: some thousand status lists and logs of 256 characters each.
const MAX_SEEN: usize = 8 * 1024 * 1024;

/// A version and the digest of what carried it; two digests of one version are a fork.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    version: u64,
    digest: String,
}

impl Mark {
    fn new(version: u64, digest: &Digest) -> Mark {
        Mark { version, digest: hex::encode(digest) }
    }

    /// Whether `other` is older than this mark, or another one of its version.
    fn is_newer_than(&self, other: &Mark) -> bool {
        other.version < self.version || (other.version == self.version && other.digest != self.digest)
    }
}

/// What has been seen of one trust scheme.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Seen {
    /// Digest of the pinned root under which all this was seen, in hex.
    first_root: Option<String>,
    root: Option<Mark>,
    /// Digest over the keys of list and timestamp: when a root changes them, the marks of both begin anew.
    update_keys: String,
    timestamp: Option<Mark>,
    list: Option<Mark>,
    catalogue: Option<Mark>,
    /// By uri: iat in seconds, and statement digest.
    status: BTreeMap<String, Mark>,
    /// By origin: tree size, and root hash.
    logs: BTreeMap<String, Mark>,
}

impl Seen {
    /// Reads the memory; nothing seen yet if there is none.
    pub(crate) fn load(path: &Path) -> Result<Seen> {
        match path.try_exists() {
            Ok(true) => {}
            Ok(false) => return Ok(Seen::default()),
            // Nothing can be kept there, which is told when it is tried.
            Err(error) if error.kind() == ErrorKind::NotADirectory => return Ok(Seen::default()),
            Err(error) => return Err(error).with_context(|| format!("{}", path.display())),
        }
        serde_json::from_slice(&read_bounded(path, MAX_SEEN)?).with_context(|| {
            let shown = path.display();
            format!("记录文件 {shown} 已损坏，确认证据来源后可删除 / the memory {shown} is damaged; delete it once you trust the bundle")
        })
    }

    /// Writes the memory whole or not at all.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        write_whole(path, &serde_json::to_vec_pretty(self).context("JSON")?)
    }

    /// Begins anew if this memory is of another trust scheme than the one of these roots, of which one is pinned. What was
    /// seen of one scheme says nothing about another, to which only a pin can lead.
    pub(crate) fn adopt(&mut self, roots: &[&[u8]]) {
        let is_of = |root: &[u8]| self.first_root.as_deref() == Some(&hex::encode(name_digest(&[root])));
        if self.first_root.is_some() && !roots.iter().any(|root| is_of(root)) {
            *self = Seen::default();
        }
    }

    /// Whether trust files are at least as new as those seen.
    ///
    /// # Errors
    /// `TRUST_LIST_ROLLBACK`.
    pub(crate) fn judge_trust(&self, files: &TrustFiles) -> Result<(), Code> {
        let offered = Seen::of_trust(files);
        let goes_back = |seen: &Option<Mark>, offered: &Option<Mark>| {
            seen.as_ref().zip(offered.as_ref()).is_some_and(|(seen, offered)| seen.is_newer_than(offered))
        };
        let same_keys = self.update_keys == offered.update_keys;
        if goes_back(&self.root, &offered.root)
            || (same_keys && goes_back(&self.timestamp, &offered.timestamp))
            || (same_keys && goes_back(&self.list, &offered.list))
        {
            return Err(Code::TrustListRollback);
        }
        Ok(())
    }

    fn of_trust(files: &TrustFiles) -> Seen {
        let root = files.root();
        Seen {
            root: Some(Mark::new(root.content().version, root.digest())),
            update_keys: update_keys(root.content()),
            timestamp: files.timestamp().map(|file| Mark::new(file.content().version, file.digest())),
            list: files.list().map(|list| Mark::new(list.content().version, list.digest())),
            ..Seen::default()
        }
    }

    /// Notes trust files that [`Seen::judge_trust`] has let pass.
    pub(crate) fn note_trust(&mut self, pin: Option<&Digest>, files: &TrustFiles) {
        let offered = Seen::of_trust(files);
        if self.update_keys != offered.update_keys {
            (self.timestamp, self.list) = (None, None);
        }
        self.first_root = pin.map(hex::encode);
        self.root = offered.root;
        self.update_keys = offered.update_keys;
        // A file that is missing today was still seen.
        self.timestamp = offered.timestamp.or(self.timestamp.take());
        self.list = offered.list.or(self.list.take());
    }

    /// Notes a catalogue.
    ///
    /// # Errors
    /// `CATALOGUE_ROLLBACK` if a newer one has been seen, or another one of its version.
    pub(crate) fn note_catalogue(&mut self, catalogue: &Catalogue) -> Result<(), Code> {
        let offered = Mark::new(catalogue.version(), catalogue.digest());
        if self.catalogue.as_ref().is_some_and(|seen| seen.is_newer_than(&offered)) {
            return Err(Code::CatalogueRollback);
        }
        self.catalogue = Some(offered);
        Ok(())
    }

    /// The newest token seen of a list: its iat and statement digest.
    /// One that was signed by a clock that was ahead was not seen (spec/status.md, rule 5).
    pub(crate) fn newest_token(&self, uri: &str, now: UnixTime) -> Option<(UnixTime, Option<Digest>)> {
        let mark = self.status.get(uri).filter(|mark| !is_ahead(mark, now))?;
        let digest = hex::decode(&mark.digest).ok().and_then(|digest| digest.try_into().ok());
        Some((UnixTime(i64::try_from(mark.version).unwrap_or(i64::MAX)), digest))
    }

    /// Notes a status token whose signer may speak for its list.
    ///
    /// # Errors
    /// `STATUS_ROLLBACK` if a newer one has been seen, or another one of its time.
    pub(crate) fn note_token(&mut self, token: &StatusToken, now: UnixTime) -> Result<(), Code> {
        if self.status.get(token.uri()).is_some_and(|mark| is_ahead(mark, now)) {
            self.status.remove(token.uri());
        }
        let offered = Mark::new(u64::try_from(token.iat().0).unwrap_or(0), token.digest());
        note(&mut self.status, token.uri(), offered).map_err(|_| Code::StatusRollback)
    }

    /// Notes a tree head that a listed log signed; whether it is the newest now. A smaller one is old, which is no fault: one
    /// node hears of another's log later than a third.
    ///
    /// # Errors
    /// `LOG_SPLIT_VIEW` for another tree of the size seen.
    pub(crate) fn note_head(&mut self, origin: &str, head: &TreeHead) -> Result<bool, Code> {
        let offered = Mark::new(head.size, &head.root);
        match note(&mut self.logs, origin, offered) {
            Ok(()) => Ok(true),
            Err(seen) if seen == head.size => Err(Code::LogSplitView),
            Err(_) => Ok(false),
        }
    }

    /// The newest head seen of every log.
    pub(crate) fn heads(&self) -> impl Iterator<Item = (&str, TreeHead)> {
        self.logs.iter().filter_map(|(origin, mark)| {
            let root = hex::decode(&mark.digest).ok()?.try_into().ok()?;
            Some((origin.as_str(), TreeHead { size: mark.version, root }))
        })
    }
}

/// Whether the mark of a token is of one that was signed by a clock that was ahead.
fn is_ahead(mark: &Mark, now: UnixTime) -> bool {
    signed_ahead(UnixTime(i64::try_from(mark.version).unwrap_or(i64::MAX)), now)
}

/// Keeps the newer mark; the version seen if `offered` goes back.
fn note(marks: &mut BTreeMap<String, Mark>, name: &str, offered: Mark) -> Result<(), u64> {
    match marks.get_mut(name) {
        Some(seen) if seen.is_newer_than(&offered) => Err(seen.version),
        Some(seen) => {
            *seen = offered;
            Ok(())
        }
        None => {
            marks.insert(name.to_owned(), offered);
            Ok(())
        }
    }
}

fn update_keys(root: &RootContent) -> String {
    let mut text = String::new();
    for role in [&root.list, &root.timestamp] {
        text.push_str(&role.threshold.to_string());
        role.keys.iter().for_each(|key| text.push_str(&hex::encode(key.bytes())));
        text.push('/');
    }
    hex::encode(sha256(&[text.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_forks_is_refused_an_old_head_is_old_and_the_mark_stays() {
        let mut seen = Seen::default();
        let head = |size, byte| TreeHead { size, root: [byte; 32] };
        assert_eq!(seen.note_head("log", &head(5, 1)), Ok(true));
        assert_eq!(seen.note_head("log", &head(5, 1)), Ok(true));
        assert_eq!(seen.note_head("log", &head(5, 2)), Err(Code::LogSplitView));
        assert_eq!(seen.note_head("log", &head(4, 1)), Ok(false));
        assert_eq!(seen.heads().next(), Some(("log", head(5, 1))));
    }

    #[test]
    fn the_memory_round_trips_and_refuses_unknown_members() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/seen.json");
        let mut seen = Seen::default();
        seen.note_head("log", &TreeHead { size: 5, root: [1; 32] }).unwrap();
        seen.save(&path).unwrap();
        assert_eq!(Seen::load(&path).unwrap(), seen);
        std::fs::write(&path, r#"{"unknown":1}"#).unwrap();
        assert!(Seen::load(&path).is_err());
    }
}
