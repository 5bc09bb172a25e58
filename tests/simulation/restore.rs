//! Restarts, crashes, backups, and backups that are restored though the node has gone on since.

use licence_node::exchange::mirror::fork_cases;
use licence_node::exchange::mirror::{self, MirrorError, Mirrored};
use licence_node::node::commit::{Effect, Job};
use licence_spec::log::entry::{Entry, Op};
use licence_spec::status::StatusToken;
use licence_spec::suite::sha256;
use licence_store::{DocumentRow, Store as _, StoreError};
use std::sync::Arc;

use super::conditions::{Allowed, Broken, Condition, must};
use super::faults::Defect;
use super::{Done, PROVINCE, World};

fn broken_disk(error: StoreError) -> Broken {
    Broken::new(Condition::StoreDamaged, error.to_string())
}

impl World {
    /// Stops a node and starts it again from its disk.
    pub(crate) fn restart(&mut self, at: usize) -> Done {
        self.places[at].stop();
        self.places[at]
            .start()
            .map_err(|error| Broken::new(Condition::Stuck, format!("place {at} does not start: {error}")))?;
        self.allow(Allowed::Restarted);
        if self.settings.defect == Some(Defect::RevocationDroppedByRestart) {
            self.drop_revocation(at)?;
        }
        Ok(())
    }

    /// The defect: the first token of the list is loaded, and not the newest.
    fn drop_revocation(&self, at: usize) -> Done {
        let read = self.places[at].disk.read().map_err(broken_disk)?;
        for list in read.status_lists().map_err(broken_disk)? {
            let first = read.status_tokens_from(0, 64).map_err(broken_disk)?;
            if let Some(row) = first.into_iter().find(|row| row.list == list.id) {
                let token = Arc::new(StatusToken::parse(&row.bytes).expect("a stored token"));
                self.node(at).evidence.change(|evidence| evidence.add_token(token));
            }
        }
        Ok(())
    }

    /// The process has died: only its disk is left.
    pub(crate) fn crash(&mut self, at: usize) -> Done {
        if self.settings.defect == Some(Defect::LostByCrash)
            && let Some(backup) = self.places[at].backup.take()
        {
            self.places[at].disk = backup.disk;
        }
        self.crashed.insert(at);
        self.restart(at)
    }

    pub(crate) fn back_up(&mut self, at: usize) -> Done {
        self.places[at].backup = Some(self.places[at].copy_of_disk());
        Ok(())
    }

    /// An operator puts an old backup in the place of the disk. What the province has mirrored tells; nobody goes back.
    /// The good disk is found again afterwards.
    pub(crate) fn restore(&mut self, at: usize) -> Done {
        let Some(backup) = self.places[at].backup.take() else { return Ok(()) };
        let (leaves, seen) = (backup.leaves, self.places[at].seen.clone());
        let good = std::mem::replace(&mut self.places[at].disk, backup.disk);
        self.places[at].seen = Default::default();
        self.restart(at)?;
        let mirrored = if at == PROVINCE { 0 } else { self.restored_city_is_noticed(at, leaves)? };
        for other in (0..self.places.len()).filter(|other| *other != at) {
            // What is old is passed over or refused; `watch` sees that nothing goes back.
            match self.pull(other, at, false) {
                Err(Broken { condition: Condition::Stuck, .. }) if at == PROVINCE => {
                    self.allow(Allowed::RollbackRefused);
                }
                done => done?,
            }
        }
        // Only now: whoever pulled from it after that would rightly say of its proofs that its log has two trees.
        if mirrored > leaves {
            self.fork_is_noticed(at, leaves, mirrored)?;
        }
        let watched = self.places[at].seen.clone();
        self.watch()?;
        self.places[at].seen = watched;
        self.places[at].stop();
        self.places[at].disk = good;
        self.restart(at)?;
        self.places[at].seen = seen;
        if self.condemned.contains(&at) && !self.chance.one_in(4) {
            self.close_cases(at)?;
        }
        Ok(())
    }

    /// Officers have looked: the good disk is back, and the log goes on from what is mirrored.
    fn close_cases(&mut self, city: usize) -> Done {
        let origin = self.places[city].origin();
        let read = self.places[PROVINCE].disk.read().map_err(broken_disk)?;
        let cases = fork_cases::open_cases(&*read);
        drop(read);
        for case in cases.unwrap_or_default().iter().filter(|case| case.log == origin) {
            let reason = "the good disk was found again";
            let closed = fork_cases::close(self.node(PROVINCE), &origin, case.size, "officer-1", reason);
            let is_fork = closed.as_ref().is_ok_and(|closed| !closed.false_alarm);
            must(is_fork, Condition::RestoreUnnoticed, || format!("city {city}: {closed:?}"))?;
        }
        self.condemned.remove(&city);
        self.allow(Allowed::CaseClosed);
        Ok(())
    }

    /// How many leaves of the city are mirrored.
    fn restored_city_is_noticed(&mut self, city: usize, leaves: u64) -> Result<u64, Broken> {
        if self.settings.defect == Some(Defect::UnrevokedByRestore) {
            let published = licence_node::publication::publish_status::publish(self.node(city), true);
            return published.map(|()| 0).map_err(|error| Broken::new(Condition::Stuck, error.to_string()));
        }
        let read = self.places[PROVINCE].disk.read().map_err(broken_disk)?;
        let origin = self.places[city].origin();
        let mirrored = mirror::held(&*read, &origin).map_err(broken_disk)?.size;
        let cosigned =
            read.document("witness-head", &origin).map_err(broken_disk)?.map_or(0, |row| row.version);
        drop(read);
        if cosigned > leaves {
            // It may show the cosignature that it has; it gets no other.
            let before = self.node(city).log.cosigned().0;
            let refused = self.cosign_outcome(city).is_err() || self.node(city).log.cosigned().0 == before;
            must(refused, Condition::RestoreUnnoticed, || format!("city {city}: cosigned after a restore"))?;
            self.allow(Allowed::RestoreNoticed);
        }
        if mirrored > leaves {
            // An old head alone is no fork: any cache could show it.
            let old = matches!(self.mirror_outcome(city), Ok(Mirrored::Old { .. }));
            must(old, Condition::RestoreUnnoticed, || format!("city {city}: mirrored after a restore"))?;
        }
        Ok(mirrored)
    }

    /// The restored city goes on, and what it signs next does not extend what is mirrored, whether it is shorter or longer.
    fn fork_is_noticed(&mut self, city: usize, leaves: u64, mirrored: u64) -> Done {
        let more = if self.chance.one_in(2) { 1 } else { mirrored - leaves + 1 };
        self.goes_on_from_backup(city, more)?;
        let outcome = self.mirror_outcome(city);
        let forked = matches!(outcome, Err(MirrorError::Fork));
        must(forked, Condition::RestoreUnnoticed, || {
            format!("city {city}: {more} leaves after a restore: {outcome:?}")
        })?;
        self.condemned.insert(city);
        let refused = self.cosign_outcome(city).is_err();
        must(refused, Condition::RestoreUnnoticed, || format!("city {city}: cosigned after a fork"))?;
        self.allow(Allowed::RestoreNoticed);
        Ok(())
    }

    /// A restored node goes on as if nothing had been: so many leaves, which stand where others stood.
    fn goes_on_from_backup(&mut self, city: usize, leaves: u64) -> Done {
        let (salt, node) = (self.chance.next(), self.node(city));
        let now = node.clock.now();
        let effect = |number: u64| {
            let digest = sha256(&[&salt.to_be_bytes(), &number.to_be_bytes()]);
            let row = DocumentRow {
                kind: "after-backup".to_owned(),
                name: format!("{salt} {number}"),
                version: 1,
                iat: now.0,
                digest,
                bytes: digest.to_vec(),
                stored_at: now.0,
            };
            (Effect::Document(row), Some(Entry { op: Op::Catalogue, time: now, digest }))
        };
        let written = node.writer.write(Job::new((0..leaves).map(effect).collect()));
        written.map(drop).map_err(|error| Broken::new(Condition::Stuck, format!("city {city}: {error}")))
    }
}
