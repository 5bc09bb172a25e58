//! Loading evidence: every part is verified again, and refused if it is older than the newest seen. What does not hold
//! is left out, and the verdict says so.

use std::sync::Arc;

use anyhow::Result;
use licence_spec::bundle::{self, Bundle};
use licence_spec::catalogue;
use licence_spec::evidence::{Evidence, Trust};
use licence_spec::log::checkpoint::SignedCheckpoint;
use licence_spec::log::merkle::TreeHead;
use licence_spec::status::StatusToken;
use licence_spec::suite::Digest;
use licence_spec::time::UnixTime;
use licence_spec::trust::{TrustFiles, TrustList};
use licence_spec::verdict::Code;

use crate::lock::{Lock, LockFault};
use crate::pin;
use crate::place::{Place, find_bundle, read_bundle};
use crate::seen::Seen;

/// What was loaded.
#[derive(Default)]
pub(crate) struct Loaded {
    /// The parts that hold.
    pub(crate) evidence: Evidence,
    /// What was left out, and why; for standard error.
    pub(crate) notes: Vec<String>,
    /// The bundle, if no root is pinned by which it could be opened.
    unpinned: Option<Bundle>,
}

impl Loaded {
    /// What to do about a root that nobody has pinned, with the digest to compare; `None` if one is.
    pub(crate) fn how_to_pin(&self, zh: bool) -> Option<String> {
        self.unpinned.as_ref().and_then(|bundle| pin::advice(bundle, zh))
    }
}

/// Loads the evidence under the pinned root, and remembers what is newest. With `archived` the evidence may be older than
/// the newest seen: a past moment is judged from the evidence of its time. The pin counts in any case.
pub(crate) fn load(place: &Place, pin: Option<Digest>, now: UnixTime, archived: bool) -> Result<Loaded> {
    if find_bundle(&place.bundle)?.is_none() {
        let note = format!("没有离线证据 {0} / no offline evidence at {0}", place.bundle.display());
        return Ok(Loaded { notes: vec![note], ..Loaded::default() });
    }
    // Held while the memory is read, compared and written, and while a sync may be exchanging the bundle.
    let lock = Lock::take(&place.seen);
    let seen = Seen::load(&place.seen)?;
    let bundle = read_bundle(&place.bundle)?.unwrap_or_default();
    let mut loader = Loader { seen: seen.clone(), pin, archived, now, notes: Vec::new() };
    let evidence = loader.open(&bundle);
    let Loader { seen: newer, mut notes, .. } = loader;
    let unpinned = pin.is_none().then_some(bundle);
    // Not being able to remember must not keep a counter from working; it is said every time.
    if newer != seen
        && let Err(error) = lock.map_err(LockFault::into_error).and_then(|_lock| newer.save(&place.seen))
    {
        notes.push(format!("未能记录最新证据 / the newest evidence was not noted: {error:#}"));
    }
    Ok(Loaded { evidence, notes, unpinned })
}

/// What has been seen, once the parts of a bundle that hold are counted in: they were taken when they were the newest.
pub(crate) fn seen_with(seen: Seen, bundle: &Bundle, pin: Option<Digest>, now: UnixTime) -> Seen {
    let mut loader = Loader { seen, pin, archived: false, now, notes: Vec::new() };
    loader.open(bundle);
    loader.seen
}

struct Loader {
    seen: Seen,
    pin: Option<Digest>,
    archived: bool,
    now: UnixTime,
    notes: Vec<String>,
}

impl Loader {
    fn open(&mut self, bundle: &Bundle) -> Evidence {
        let trust = match self.open_trust(bundle) {
            Ok(Some(files)) => Trust::Held(Arc::new(files)),
            Ok(None) => Trust::Unavailable,
            // Told with the digest to compare, by the verb.
            Err(Code::RootNotPinned) => Trust::Refused(Code::RootNotPinned),
            Err(code) => {
                self.refuse("trust", code);
                Trust::Refused(code)
            }
        };
        let mut evidence = Evidence::new(trust);
        if let Some(list) = evidence.trust_list().cloned() {
            self.add_catalogue(&mut evidence, bundle, &list);
            self.add_tokens(&mut evidence, bundle, &list);
            self.add_heads(&mut evidence, bundle, &list);
        }
        evidence
    }

    fn refuse(&mut self, part: &str, code: Code) {
        self.notes.push(format!("未采用 / not taken: {part}: {code} {} / {}", code.zh(), code.en()));
    }

    fn open_trust(&mut self, bundle: &Bundle) -> Result<Option<TrustFiles>, Code> {
        let Some(files) = open_trust(bundle, self.pin.as_ref())? else { return Ok(None) };
        if !self.archived {
            self.seen.adopt(&bundle.roots());
            self.seen.judge_trust(&files)?;
            self.seen.note_trust(self.pin.as_ref(), &files);
        }
        Ok(Some(files))
    }

    fn add_catalogue(&mut self, evidence: &mut Evidence, bundle: &Bundle, list: &TrustList) {
        let Some(bytes) = bundle.part(bundle::CATALOGUE) else { return };
        let opened = catalogue::open(bytes, list, self.now).map_err(|fault| fault.code());
        let noted = opened.and_then(|catalogue| match self.archived {
            true => Ok(catalogue),
            false => self.seen.note_catalogue(&catalogue).map(|()| catalogue),
        });
        match noted {
            Ok(catalogue) => evidence.set_catalogue(Arc::new(catalogue)),
            Err(code) => self.refuse(bundle::CATALOGUE, code),
        }
    }

    fn add_tokens(&mut self, evidence: &mut Evidence, bundle: &Bundle, list: &TrustList) {
        for (path, bytes) in bundle.parts().filter(|(path, _)| path.starts_with("status/")) {
            let token = match StatusToken::parse(bytes) {
                Ok(token) if bundle::status_path(token.uri()) == path => Arc::new(token),
                _ => {
                    self.refuse(path, Code::NotConformant);
                    continue;
                }
            };
            evidence.add_token(Arc::clone(&token));
            if self.archived {
                continue;
            }
            if let Some((iat, digest)) = self.seen.newest_token(token.uri(), self.now) {
                evidence.note_newest_token(token.uri(), iat, digest);
            }
            // Only a token that speaks for its list may move the memory: else a stranger's could make the true list look old.
            if list.speaker_of_token(&token, Some(self.now)).is_ok()
                && let Err(code) = self.seen.note_token(&token, self.now)
            {
                self.refuse(path, code);
            }
        }
    }

    fn add_heads(&mut self, evidence: &mut Evidence, bundle: &Bundle, list: &TrustList) {
        if !self.archived {
            self.seen.heads().for_each(|(origin, head)| evidence.add_head(origin, head));
        }
        for (path, bytes) in bundle.parts().filter(|(path, _)| path.starts_with("log/")) {
            let opened = open_head(bytes, list, self.now);
            let Some((origin, head)) = opened.filter(|(origin, _)| bundle::checkpoint_path(origin) == path)
            else {
                self.refuse(path, Code::LogProofInvalid);
                continue;
            };
            let noted = if self.archived { Ok(false) } else { self.seen.note_head(&origin, &head) };
            match noted {
                Ok(_) => evidence.add_head(&origin, head),
                Err(code) => self.refuse(path, code),
            }
        }
    }
}

/// Opens the trust files of a bundle, in whose roots the pinned one must be; `None` if it has none.
pub(crate) fn open_trust(bundle: &Bundle, pin: Option<&Digest>) -> Result<Option<TrustFiles>, Code> {
    let roots = bundle.roots();
    if roots.is_empty() {
        return Ok(None);
    }
    TrustFiles::load_pinned(pin, &roots, bundle.part(bundle::TIMESTAMP), bundle.part(bundle::LIST)).map(Some)
}

/// The head in a checkpoint that a listed log in use at `now` signed.
pub(crate) fn open_head(bytes: &[u8], list: &TrustList, now: UnixTime) -> Option<(String, TreeHead)> {
    let checkpoint = SignedCheckpoint::parse(bytes).ok()?;
    list.speaker_of_checkpoint(&checkpoint, now)?;
    Some((checkpoint.origin().to_owned(), checkpoint.head()))
}
