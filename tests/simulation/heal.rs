//! All links are healed, and everything that is queued is done: then all mirrors are all logs, and evidence is equal everywhere.

use licence_node::exchange::mirror;
use licence_spec::log::tile::Bundle;
use licence_store::{Store as _, StoreError};

use super::conditions::{Allowed, Broken, Condition, must};
use super::place::serve;
use super::{Done, PROVINCE, World};

fn broken_disk(error: StoreError) -> Broken {
    Broken::new(Condition::StoreDamaged, error.to_string())
}

impl World {
    pub(crate) fn heal(&mut self) -> Done {
        self.cut.clear();
        // Two tokens of one second would be a fork: the jobs come round in the next one.
        self.turn(1)?;
        self.renew_quietly()?;
        self.finish_publishing()?;
        for city in 1..self.places.len() {
            self.pull(city, PROVINCE, false)?;
            self.publish_quietly(city)?;
        }
        for _ in 0..2 {
            for at in 0..self.places.len() {
                let peers = (0..self.places.len()).filter(|peer| *peer != at);
                peers.into_iter().try_for_each(|peer| self.pull(at, peer, false))?;
            }
        }
        for city in 1..self.places.len() {
            self.mirror_under(city)?;
            if !self.condemned.contains(&city) {
                let outcome = self.cosign_outcome(city);
                outcome.map_err(|error| {
                    Broken::new(Condition::NotCaughtUp, format!("cosign {city}: {error}"))
                })?;
            }
            self.has_no_false_case(city)?;
            self.mirrored_entries(city)?;
        }
        self.watch()?;
        self.evidence_is_equal()?;
        self.allow(Allowed::CaughtUp);
        Ok(())
    }

    fn evidence_is_equal(&self) -> Done {
        let first = &self.places[PROVINCE].seen;
        for (at, place) in self.places.iter().enumerate() {
            let seen = &place.seen;
            let trust = seen.has_same_files(first) && !seen.bare && !seen.uncatalogued;
            must(trust && seen.tokens == first.tokens, Condition::NotCaughtUp, || {
                format!("place {at} and the province hold different evidence (trust equal: {trust})")
            })?;
        }
        for (uri, tokens) in &self.truth.tokens {
            let newest = tokens.last_key_value().map(|(iat, _)| *iat);
            must(first.tokens.get(uri).map(|(iat, ..)| *iat) == newest, Condition::NotCaughtUp, || {
                format!("the newest token of {uri} has not come")
            })?;
        }
        Ok(())
    }

    /// Every entry that the province keeps is that of the city's log.
    fn mirrored_entries(&self, city: usize) -> Done {
        let read = self.places[PROVINCE].disk.read().map_err(broken_disk)?;
        let (origin, size) = (self.places[city].origin(), self.places[city].disk_size());
        for index in 0..size.div_ceil(256) {
            let Some(bundle) = Bundle::of_tree(index, size) else { continue };
            let kept = mirror::entries(&*read, &origin, bundle).map_err(broken_disk)?;
            let path = format!("/log/{}", licence_spec::log::tile::TilePath::Entries(bundle));
            let own = serve(self.node(city), &path, usize::MAX).ok();
            must(own.is_some() && kept == own, Condition::NotCaughtUp, || {
                format!("bundle {index} of the log of city {city}")
            })?;
        }
        let head = self.places[city].disk.read().and_then(|read| read.log_head()).map_err(broken_disk)?;
        let held = mirror::held(&*read, &origin).map_err(broken_disk)?;
        let same = head.is_some_and(|head| (head.size, head.root) == (held.size, held.root));
        let known = read.document(mirror::HEAD, &origin).map_err(broken_disk)?.is_some();
        must(same && known, Condition::NotCaughtUp, || format!("the head of the log of city {city}"))
    }
}
