//! `sync`: takes what is newer from a node, a file or a folder, never what is older.
//!
//! What lies in the bundle is itself what must not go back: it counts as seen, whether the memory is there or not.
//! Order: verify every part against what is held and seen → write the bundle whole → note the newest. A crash between
//! the last two leaves a newer bundle than remembered, which the next load notes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use licence_spec::bundle::{self, Bundle};
use licence_spec::catalogue;
use licence_spec::numbers::CLOCK_SKEW_S;
use licence_spec::status::StatusToken;
use licence_spec::suite::Digest;
use licence_spec::time::UnixTime;
use licence_spec::trust::{Taken, TrustFiles, TrustList};
use licence_spec::verdict::Code;
use serde::Serialize;

use crate::arguments::{Format, SyncOptions};
use crate::lock::{Lock, LockFault};
use crate::place::{Place, read_bundle, write_bundle};
use crate::seen::Seen;
use crate::{Failure, Report, evidence, fetch, moment, pin};

/// Exit code when a part was refused: the evidence is not as fresh as what was offered claims to be.
const REFUSED: u8 = 2;

/// Fetches, verifies, writes.
pub(crate) fn run(options: &SyncOptions) -> Result<Report, Failure> {
    let now = moment(options.at.as_deref())?;
    let (place, pin) = (Place::of(&options.place)?, pin::of(&options.place)?);
    let offered = offered(options)?;
    // The network is done with; from here to the last write only one run at a time.
    let _lock = match Lock::take(&place.seen) {
        Err(LockFault::Busy(error)) => return Err(error.into()),
        // Where no lock can be written no memory can either, which is told below.
        taken => taken.ok(),
    };
    let held = read_bundle(&place.bundle)?.unwrap_or_default();
    let seen = evidence::seen_with(Seen::load(&place.seen)?, &held, pin, now);
    let behind = is_clock_behind(&offered, pin.as_ref(), now);
    let update = Update::new(held, pin, seen, now).take(&offered);
    if !update.done.taken.is_empty() {
        let parts = Bundle::new(update.parts).context("合并后的证据过大 / the merged bundle is too large")?;
        write_bundle(&place.bundle, &parts)?;
    }
    let mut notes: Vec<String> = Vec::new();
    if pin.is_none() {
        notes.extend(pin::advice(&offered, options.output.zh()));
    }
    if let Err(error) = update.seen.save(&place.seen) {
        notes.push(format!("未能记录最新证据 / the newest evidence was not noted: {error:#}"));
    }
    if let Some(newest) = behind {
        notes.push(format!(
            "本机时钟 {now} 早于所提供证据的签名时间 {newest}，请先校准时钟 / this machine's clock, {now}, is behind the signing time of what is offered, {newest}: set the clock first"
        ));
    }
    let text = match options.output.format {
        Format::Json => serde_json::to_string(&update.done).context("JSON")? + "\n",
        Format::Text => update.done.text(options.output.zh()),
    };
    let exit = if update.done.refused.is_empty() { 0 } else { REFUSED };
    Ok(Report { text, notes, exit })
}

/// The newest signing time offered, if the clock is behind it. A clock that was set back makes good files look broken.
fn is_clock_behind(offered: &Bundle, pin: Option<&Digest>, now: UnixTime) -> Option<UnixTime> {
    let files = evidence::open_trust(offered, pin).ok().flatten()?;
    Some(files.newest_iat()).filter(|newest| now.plus(CLOCK_SKEW_S) < *newest)
}

fn offered(options: &SyncOptions) -> Result<Bundle, Failure> {
    let source = &options.source;
    if fetch::is_address(source) {
        let bytes = fetch::bundle(source, options.allow_plain_http, options.ca.as_deref())?;
        return Ok(Bundle::parse(&bytes).with_context(|| source.clone())?);
    }
    if options.ca.is_some() {
        return Err(Failure::Usage("--ca 只用于 https:// / --ca goes with https:// only".to_owned()));
    }
    let missing = || anyhow::anyhow!("没有 {source} / there is no {source}");
    Ok(read_bundle(Path::new(source))?.ok_or_else(missing)?)
}

/// What was done, part by part.
#[derive(Default, Serialize)]
struct Done {
    /// Paths of the parts that are new.
    taken: Vec<String>,
    /// Parts that were refused; what was held stays.
    refused: Vec<Refusal>,
}

#[derive(Serialize)]
struct Refusal {
    path: String,
    code: Code,
}

impl Done {
    fn text(&self, zh: bool) -> String {
        let first = match (self.taken.is_empty(), self.refused.is_empty(), zh) {
            (true, true, true) => "已是最新 CURRENT".to_owned(),
            (true, true, false) => "CURRENT".to_owned(),
            (_, true, true) => format!("已更新 UPDATED {} 项", self.taken.len()),
            (_, true, false) => format!("UPDATED {}", self.taken.len()),
            (_, false, true) => {
                format!("部分被拒 REFUSED {} 项，更新 {} 项", self.refused.len(), self.taken.len())
            }
            (_, false, false) => format!("REFUSED {}, updated {}", self.refused.len(), self.taken.len()),
        };
        let taken = self.taken.iter().map(|path| format!("  + {path}\n"));
        let refused = self.refused.iter().map(|refusal| {
            let Refusal { path, code } = refusal;
            format!("  ! {path} {code} {}\n", if zh { code.zh() } else { code.en() })
        });
        format!("{first}\n{}{}", taken.collect::<String>(), refused.collect::<String>())
    }
}

struct Update {
    parts: BTreeMap<String, Vec<u8>>,
    held: Bundle,
    pin: Option<Digest>,
    seen: Seen,
    now: UnixTime,
    done: Done,
}

impl Update {
    fn new(held: Bundle, pin: Option<Digest>, seen: Seen, now: UnixTime) -> Update {
        let parts = held.parts().map(|(path, bytes)| (path.to_owned(), bytes.to_vec())).collect();
        Update { parts, held, pin, seen, now, done: Done::default() }
    }

    fn take(mut self, offered: &Bundle) -> Update {
        if let Some(files) = self.take_trust(offered)
            && let Some(list) = files.list().cloned()
        {
            self.take_catalogue(offered, &list);
            self.take_tokens(offered, &list);
            self.take_heads(offered, &list);
        }
        self
    }

    fn keep(&mut self, path: &str, bytes: &[u8]) {
        self.parts.insert(path.to_owned(), bytes.to_vec());
        self.done.taken.push(path.to_owned());
    }

    fn refuse(&mut self, path: &str, code: Code) {
        self.done.refused.push(Refusal { path: path.to_owned(), code });
    }

    /// The trust files after the update; `None` if there are none to rely on.
    fn take_trust(&mut self, offered: &Bundle) -> Option<Arc<TrustFiles>> {
        let mut files = match self.first_files(offered) {
            Ok(files) => files,
            Err(code) => {
                self.refuse(&bundle::root_path(1), code);
                return None;
            }
        };
        self.take_roots(&mut files, offered);
        self.take_list(&mut files, offered);
        if let Err(code) = self.seen.judge_trust(&files) {
            self.refuse("trust", code);
            return None;
        }
        self.seen.note_trust(self.pin.as_ref(), &files);
        Some(Arc::new(files))
    }

    /// The files held, or else the offered roots. Both must lead through the pinned root.
    fn first_files(&mut self, offered: &Bundle) -> Result<TrustFiles, Code> {
        let (pin, roots) = (self.pin, offered.roots());
        let offers = TrustFiles::load_pinned(pin.as_ref(), &roots, None, None);
        if !roots.is_empty() || pin.is_none() {
            offers.as_ref().map_err(|code| *code)?;
        }
        if let Ok(Some(files)) = evidence::open_trust(&self.held, pin.as_ref()) {
            return Ok(files);
        }
        // What is held does not hold: it is replaced whole, under the same pin.
        let files = offers.map_err(|_| Code::TrustListUnavailable)?;
        self.seen.adopt(&roots);
        self.parts.clear();
        for (version, root) in (1..).zip(roots) {
            self.keep(&bundle::root_path(version), root);
        }
        Ok(files)
    }

    fn take_roots(&mut self, files: &mut TrustFiles, offered: &Bundle) {
        loop {
            let path = bundle::root_path(files.root().content().version + 1);
            let Some(bytes) = offered.part(&path) else { return };
            match files.take_root(bytes) {
                Ok((_, changed)) => {
                    if changed {
                        self.parts.remove(bundle::TIMESTAMP);
                        self.parts.remove(bundle::LIST);
                    }
                    self.keep(&path, bytes);
                }
                Err(code) => return self.refuse(&path, code),
            }
        }
    }

    /// Timestamp and list together: a timestamp whose list did not come would leave a bundle that does not open.
    fn take_list(&mut self, files: &mut TrustFiles, offered: &Bundle) {
        let Some(timestamp) = offered.part(bundle::TIMESTAMP) else { return };
        let mut next = files.clone();
        match next.take_timestamp(timestamp, self.now) {
            Ok(Taken::Same) => return,
            Ok(Taken::New) => {}
            Err(code) => return self.refuse(bundle::TIMESTAMP, code),
        }
        if next.wanted_list().is_some() {
            let list = offered.part(bundle::LIST).unwrap_or_default();
            if let Err(code) = next.take_list(list, self.now) {
                return self.refuse(bundle::LIST, code);
            }
            self.keep(bundle::LIST, list);
        }
        self.keep(bundle::TIMESTAMP, timestamp);
        *files = next;
    }

    fn take_catalogue(&mut self, offered: &Bundle, list: &TrustList) {
        let Some(bytes) = offered.part(bundle::CATALOGUE) else { return };
        if self.parts.get(bundle::CATALOGUE).is_some_and(|own| own == bytes) {
            return;
        }
        let opened = catalogue::open(bytes, list, self.now).map_err(|fault| fault.code());
        match opened.and_then(|catalogue| self.seen.note_catalogue(&catalogue)) {
            Ok(()) => self.keep(bundle::CATALOGUE, bytes),
            Err(code) => self.refuse(bundle::CATALOGUE, code),
        }
    }

    fn take_tokens(&mut self, offered: &Bundle, list: &TrustList) {
        for (path, bytes) in offered.parts().filter(|(path, _)| path.starts_with("status/")) {
            if self.parts.get(path).is_some_and(|own| own == bytes) {
                continue;
            }
            match self.take_token(path, bytes, list) {
                Ok(()) => self.keep(path, bytes),
                Err(code) => self.refuse(path, code),
            }
        }
    }

    fn take_token(&mut self, path: &str, bytes: &[u8], list: &TrustList) -> Result<(), Code> {
        let token = StatusToken::parse(bytes).map_err(|_| Code::StatusUnavailable)?;
        if bundle::status_path(token.uri()) != path {
            return Err(Code::StatusUnavailable);
        }
        list.speaker_of_token(&token, Some(self.now)).map_err(|fault| fault.code())?;
        self.seen.note_token(&token, self.now)
    }

    fn take_heads(&mut self, offered: &Bundle, list: &TrustList) {
        for (path, bytes) in offered.parts().filter(|(path, _)| path.starts_with("log/")) {
            if self.parts.get(path).is_some_and(|own| own == bytes) {
                continue;
            }
            let noted = match evidence::open_head(bytes, list, self.now) {
                Some((origin, head)) if bundle::checkpoint_path(&origin) == path => {
                    self.seen.note_head(&origin, &head)
                }
                _ => Err(Code::LogProofInvalid),
            };
            match noted {
                Ok(true) => self.keep(path, bytes),
                Ok(false) => {}
                Err(code) => self.refuse(path, code),
            }
        }
    }
}
