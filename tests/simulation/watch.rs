//! The conditions that are asked after every step, after a crash, and of everything at times.

use std::sync::Arc;

use licence_node::upkeep::fsck::fsck;
use licence_spec::evidence::Evidence;
use licence_spec::log::checkpoint::SignedCheckpoint;
use licence_spec::log::entry::{Entry, Op};
use licence_spec::suite::Digest;
use licence_spec::time::UnixTime;
use licence_store::{Read, Store as _, StoreError};

use super::conditions::{Broken, Condition, must};
use super::faults::FaultyStore;
use super::truth::Licence;
use super::{Done, World};

fn broken_disk(error: StoreError) -> Broken {
    Broken::new(Condition::StoreDamaged, error.to_string())
}

/// How many licences are looked up after a crash: the newest, and as many others.
const SAMPLE: usize = 16;

impl World {
    /// Nothing that a node holds goes back, and no version has two contents.
    pub(crate) fn watch(&mut self) -> Done {
        (0..self.places.len()).try_for_each(|at| {
            let evidence = self.node(at).evidence.snapshot();
            // What the officers and the cities have signed only grows: what held of this evidence holds.
            if !self.places[at].seen.evidence.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, &evidence)) {
                self.watch_trust(at, &evidence)?;
                self.watch_tokens(at, &evidence)?;
                self.places[at].seen.evidence = Some(evidence);
            }
            self.watch_log(at)
        })?;
        std::mem::take(&mut self.crashed).into_iter().try_for_each(|at| self.survived(at))
    }

    fn watch_trust(&mut self, at: usize, evidence: &Evidence) -> Done {
        let files = evidence.trust_files();
        let list = files.and_then(|files| files.list()).map(|list| (list.content().version, *list.digest()));
        let stamp =
            files.and_then(|files| files.timestamp()).map(|own| (own.content().version, *own.digest()));
        let root = files.map(|files| (files.root().content().version, *files.root().digest()));
        let catalogue = evidence.catalogue().map(|own| (own.version(), *own.digest()));
        let seen = &self.places[at].seen;
        // A new root ends what the old keys signed; whoever got it with an old list waits for the next one.
        let bare = list.is_none() && stamp.is_none() && (seen.bare || root > seen.root);
        let (list, stamp) = if bare { (seen.list, seen.timestamp) } else { (list, stamp) };
        // Nor can a node that starts in that state check its catalogue; it takes none that is older (the store sees to that).
        let uncatalogued = catalogue.is_none() && (bare || seen.uncatalogued);
        let catalogue = if uncatalogued { seen.catalogue } else { catalogue };
        for (name, before, now) in [
            ("root", seen.root, root),
            ("list", seen.list, list),
            ("timestamp", seen.timestamp, stamp),
            ("catalogue", seen.catalogue, catalogue),
        ] {
            must(follows(before, now), Condition::WentBackwards, || {
                let (before, now) = (before.map(|own| own.0), now.map(|own| own.0));
                format!("place {at}, {name}: {before:?} to {now:?}")
            })?;
        }
        if let Some((version, digest)) = list {
            let known = self.truth.lists.get(&version).is_some_and(|own| own.digest == digest);
            must(known, Condition::WentBackwards, || format!("place {at}: list {version} has two contents"))?;
        }
        if let Some((version, digest)) = catalogue {
            let known = self.truth.catalogues.entry(version).or_insert(digest);
            must(*known == digest, Condition::WentBackwards, || {
                format!("place {at}: catalogue {version} has two contents")
            })?;
        }
        let seen = &mut self.places[at].seen;
        (seen.root, seen.list, seen.timestamp, seen.catalogue) = (root, list, stamp, catalogue);
        (seen.bare, seen.uncatalogued) = (bare, uncatalogued);
        Ok(())
    }

    fn watch_tokens(&mut self, at: usize, evidence: &Evidence) -> Done {
        for (uri, (iat, ..)) in &self.places[at].seen.tokens {
            let held = evidence.token(uri).map(|held| held.token().iat().0);
            must(held.is_some_and(|held| held >= *iat), Condition::WentBackwards, || {
                format!("place {at}: token of {uri} from {iat} to {held:?}")
            })?;
        }
        for held in evidence.tokens() {
            let token = held.token();
            let (uri, now) = (token.uri(), (token.iat().0, *token.digest()));
            let before = self.places[at].seen.tokens.get(uri).copied();
            if before.is_some_and(|(iat, digest, _)| (iat, digest) == now) {
                continue;
            }
            // An end that was seen stays seen.
            let until = before.map_or(0, |(_, _, event)| event);
            for licence in self.truth.licences.iter().filter(|own| own.uri == uri && own.ended_by(until)) {
                let shown = token.array().get(licence.index).map(|status| status.value());
                must(shown.is_some_and(|value| value != 0), Condition::RevocationUnseen, || {
                    format!("place {at}: {} is un-revoked", licence.id)
                })?;
            }
            let known = self.truth.tokens.get(uri).and_then(|tokens| tokens.get(&now.0));
            let event = known.filter(|(digest, _)| *digest == now.1).map(|(_, event)| *event);
            let event = event.ok_or_else(|| {
                Broken::new(
                    Condition::WentBackwards,
                    format!("place {at}: a token of {} that no city keeps", now.0),
                )
            })?;
            self.places[at].seen.tokens.insert(uri.to_owned(), (now.0, now.1, event));
        }
        Ok(())
    }

    fn watch_log(&mut self, at: usize) -> Done {
        let node = self.node(at);
        let checkpoint = node.log.checkpoint();
        let signed = SignedCheckpoint::parse(checkpoint.as_bytes());
        let size = signed.map_or(0, |signed| signed.head().size);
        let before = self.places[at].seen.log_size;
        must(size >= before, Condition::WentBackwards, || {
            format!("place {at}: log from {before} to {size}")
        })?;
        if node.writer.is_well() {
            let stored = self.places[at].store().map_or(Ok(0), FaultyStore::leaves).map_err(broken_disk)?;
            must(size == stored, Condition::AcknowledgedIsLost, || {
                format!("place {at}: {size} leaves are signed, {stored} are on the disk")
            })?;
        }
        self.places[at].seen.log_size = size;
        Ok(())
    }

    /// After a crash: what was acknowledged is still there.
    fn survived(&mut self, at: usize) -> Done {
        let own: Vec<usize> =
            (0..self.truth.licences.len()).filter(|one| self.truth.licences[*one].city == at).collect();
        let newest = own.iter().rev().take(SAMPLE).copied();
        let others: Vec<usize> = (0..SAMPLE.min(own.len())).map(|_| self.chance.pick(&own)).collect();
        let read = self.places[at].disk.read().map_err(broken_disk)?;
        newest.chain(others).try_for_each(|one| still_there(&*read, &self.truth.licences[one]))
    }

    /// Everything, on every disk.
    pub(crate) fn whole(&mut self) -> Done {
        for at in 0..self.places.len() {
            let evidence = self.node(at).evidence.snapshot();
            let disk = &*self.places[at].disk;
            let report = fsck(disk, evidence.trust_list().map(|list| &**list), &mut |_, _| {});
            let report = report.map_err(broken_disk)?;
            must(report.faults == 0, Condition::StoreDamaged, || {
                format!("place {at}: {:?}", report.findings)
            })?;
            let read = disk.read().map_err(broken_disk)?;
            let own = self.truth.licences.iter().filter(|licence| licence.city == at);
            let count = own.clone().count() as u64;
            own.into_iter().try_for_each(|licence| still_there(&*read, licence))?;
            let stored = read.licence_count().map_err(broken_disk)?;
            must(stored == count, Condition::DoneTwice, || {
                format!("place {at}: {stored} licences are stored, {count} were asked for")
            })?;
        }
        Ok(())
    }
}

/// Whether what is held now may follow on what was held before.
fn follows(before: Option<(u64, Digest)>, now: Option<(u64, Digest)>) -> bool {
    match (before, now) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(before), Some(now)) => now.0 > before.0 || now == before,
    }
}

fn still_there(read: &(impl Read + ?Sized), licence: &Licence) -> Done {
    let row = read.licence(&licence.digest).map_err(broken_disk)?;
    let leaf = read.log_leaves(licence.log_index, 1).map_err(broken_disk)?.into_iter().next();
    let entry = Entry { op: Op::Issued, time: UnixTime(licence.times.iat), digest: licence.digest };
    let there = leaf.is_some_and(|leaf| leaf.index == licence.log_index && leaf.hash == entry.leaf_hash());
    let same =
        row.is_some_and(|row| row.status.value() == licence.status() && row.log_index == licence.log_index);
    must(there && same, Condition::AcknowledgedIsLost, || {
        format!("{} with status {} at leaf {}", licence.id, licence.status(), licence.log_index)
    })
}
