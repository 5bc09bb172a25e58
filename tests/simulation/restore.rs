//! Restarts, crashes, backups, and backups that are restored though the node has gone on since.

use licence_registry::trips::mirror::{self, MirrorError};
use licence_spec::status::StatusToken;
use licence_store::{Store as _, StoreError};
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
        if at != PROVINCE {
            self.restored_city_is_noticed(at, leaves)?;
        }
        for other in (0..self.places.len()).filter(|other| *other != at) {
            // What is old is passed over or refused; `watch` sees that nothing goes back.
            match self.pull(other, at, false) {
                Err(Broken { condition: Condition::Stuck, .. }) if at == PROVINCE => {
                    self.allow(Allowed::RollbackRefused);
                }
                done => done?,
            }
        }
        let watched = self.places[at].seen.clone();
        self.watch()?;
        self.places[at].seen = watched;
        self.places[at].stop();
        self.places[at].disk = good;
        self.restart(at)?;
        self.places[at].seen = seen;
        Ok(())
    }

    fn restored_city_is_noticed(&mut self, city: usize, leaves: u64) -> Done {
        if self.settings.defect == Some(Defect::UnrevokedByRestore) {
            let published = licence_registry::trips::publish_status::publish(self.node(city), true);
            return published.map_err(|error| Broken::new(Condition::Stuck, error.to_string()));
        }
        let read = self.places[PROVINCE].disk.read().map_err(broken_disk)?;
        let origin = self.places[city].origin();
        let mirrored = mirror::held(&*read, &origin).map_err(broken_disk)?.size;
        let cosigned =
            read.document("witness-head", &origin).map_err(broken_disk)?.map_or(0, |row| row.version);
        drop(read);
        if cosigned > leaves {
            let refused = self.cosign_outcome(city).is_err();
            must(refused, Condition::RestoreUnnoticed, || format!("city {city}: cosigned after a restore"))?;
            self.allow(Allowed::RestoreNoticed);
        }
        if mirrored > leaves {
            let forked = matches!(self.mirror_outcome(city), Err(MirrorError::Fork));
            must(forked, Condition::RestoreUnnoticed, || format!("city {city}: mirrored after a restore"))?;
            self.condemned.insert(city);
            self.allow(Allowed::RestoreNoticed);
        }
        Ok(())
    }
}
