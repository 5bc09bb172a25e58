//! Officers come and go: a new root, with other keys for the root or for the list.

use std::cell::RefCell;

use licence_node::node::keys::Usage;
use licence_node::publication::ceremony;
use licence_node::publication::documents;
use licence_spec::suite::{SeedSigner, Signer};
use licence_spec::trust::{Root, TrustFiles};

use super::ceremony::{role, two};
use super::conditions::{Broken, Condition};
use super::place::signer;
use super::{Done, PROVINCE, World};

/// The roots of the scheme and who signs them.
pub(crate) struct Roots {
    /// All that the province has published, in order.
    pub(crate) published: Vec<Vec<u8>>,
    /// One that has been signed, and that the province could not take.
    pub(crate) pending: Option<Vec<u8>>,
    pub(crate) officers: Vec<SeedSigner>,
    /// Officers that have been replaced.
    pub(crate) replaced: u64,
    /// How many roots have been opened, and what they came to: none of them ever changes, and to open one takes a while.
    opened: RefCell<Option<(usize, TrustFiles)>>,
}

impl Roots {
    /// As at set-up.
    pub(crate) fn new(first: Vec<u8>, officers: Vec<SeedSigner>) -> Roots {
        Roots { published: vec![first], pending: None, officers, replaced: 0, opened: RefCell::default() }
    }

    /// Trust files that begin with the first root and have come to the last.
    pub(crate) fn files(&self) -> Result<TrustFiles, Broken> {
        let stuck = |error: String| Broken::new(Condition::Stuck, format!("own files: {error}"));
        let all: Vec<&[u8]> = self.published.iter().chain(&self.pending).map(Vec::as_slice).collect();
        let (known, mut files) = match self.opened.take() {
            Some(opened) => opened,
            None => {
                let first = Root::open_first(all[0]).map_err(|fault| stuck(fault.to_string()))?;
                (1, TrustFiles::new(first))
            }
        };
        for bytes in &all[known..] {
            files.take_root(bytes).map_err(|code| stuck(code.as_str().to_owned()))?;
        }
        self.opened.replace(Some((all.len(), files.clone())));
        Ok(files)
    }
}

impl World {
    /// An officer is replaced: one who signs lists (the list in force ends with his key, so a new list comes with the root), or one
    /// who signs roots.
    pub(crate) fn rotate_root(&mut self) -> Done {
        if self.scheme.pending.is_none() {
            let signs_lists = self.chance.one_in(2);
            self.sign_root(signs_lists)?;
            self.sign_list();
        }
        self.hand_in_list(true)
    }

    /// Officers sign the next root, with the thresholds of the one before and of its own.
    pub(crate) fn sign_root(&mut self, signs_lists: bool) -> Done {
        let mut content = self.scheme.roots.files()?.root().content().clone();
        self.scheme.roots.replaced += 1;
        let name = format!("officer-{}", self.scheme.roots.replaced);
        let fresh = signer(self.settings.seed, &name);
        content.version += 1;
        content.iat = self.places[PROVINCE].clock.now();
        let (officers, list_keys) = (&mut self.scheme.roots.officers, &mut self.scheme.list_keys);
        // Who goes signs for the last time, and who comes in as an officer signs too.
        let signed = if signs_lists {
            list_keys[0] = fresh;
            content.list = role(2, list_keys);
            content.sign(&two(officers))
        } else {
            let old = std::mem::replace(&mut officers[0], fresh);
            content.root = role(2, officers);
            content.sign(&[&old, &officers[1] as &dyn Signer, &officers[0]])
        };
        let signed = signed.map_err(|error| Broken::new(Condition::Stuck, error.to_string()))?;
        self.scheme.roots.pending = Some(signed);
        Ok(())
    }

    /// The province takes the pending root and the list that was signed under it, as `trust publish` does.
    pub(crate) fn take_root(&self, list_version: u64, list: &[u8]) -> Result<(), String> {
        let node = self.node(PROVINCE);
        let held = node.evidence.snapshot().trust_files().cloned().ok_or("no files")?;
        let version = held.timestamp().map_or(0, |held| held.content().version) + 1;
        let key = node.keys.signer(&node.authority, Usage::Timestamp).ok_or("no key")?;
        let stamp = ceremony::timestamp(version, list_version, list, (node.clock.now(), 72 * 3_600), &*key);
        let stamp = stamp.map_err(|error| error.to_string())?;
        let roots = &self.scheme.roots;
        let all: Vec<&[u8]> = roots.published.iter().chain(&roots.pending).map(Vec::as_slice).collect();
        documents::take_trust(node, &all, &stamp, list).map(drop).map_err(|error| error.to_string())
    }
}
