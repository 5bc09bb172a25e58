//! What passes between nodes: bundles, logs, cosignatures; links that are cut; old files offered again.

use licence_node::exchange::ask_witness::{Reply, ask_witness};
use licence_node::exchange::error::ExchangeError;
use licence_node::exchange::mirror::fork_cases;
use licence_node::exchange::mirror::state::Growth;
use licence_node::exchange::mirror::{self, MirrorError, Mirrored, mirror};
use licence_node::exchange::pull;
use licence_node::exchange::witness::{WitnessError, add_checkpoint};
use licence_node::node::keys::Usage;
use licence_node::publication::documents::{self, bundle, take_catalogue, take_token};
use licence_spec::log::checkpoint::SignedCheckpoint;
use licence_spec::log::note::LogKey;
use licence_spec::log::witness::{AddCheckpoint, Refusal};
use licence_spec::status::StatusToken;
use licence_spec::suite::sha256;
use licence_store::{DocumentRow, Store as _, StoreError, transact};

use super::conditions::{Allowed, Broken, Condition, must};
use super::faults::Defect;
use super::place::serve;
use super::{Done, PROVINCE, World};

fn broken_disk(error: StoreError) -> Broken {
    Broken::new(Condition::StoreDamaged, error.to_string())
}

impl World {
    pub(crate) fn cut_or_heal(&mut self) -> Done {
        let (a, b) = (self.chance.below(4), self.chance.below(4));
        let link = (a.min(b), a.max(b));
        if a != b && !self.cut.remove(&link) && self.chance.one_in(2) {
            self.cut.insert(link);
        }
        Ok(())
    }

    fn reaches(&mut self, a: usize, b: usize) -> bool {
        let cut = self.cut.contains(&(a.min(b), a.max(b)));
        if cut {
            self.allow(Allowed::Unreachable);
        }
        !cut
    }

    /// A node asks one of the others.
    pub(crate) fn pull_one(&mut self, at: usize) -> Done {
        // Cities ask the province first of all.
        let other = (at + 1 + self.chance.below(3)) % 4;
        let peer = if at != PROVINCE && self.chance.one_in(2) { PROVINCE } else { other };
        if self.reaches(at, peer) { self.pull(at, peer, true) } else { Ok(()) }
    }

    /// A node asks another one for its evidence, as the job does.
    pub(crate) fn pull(&mut self, at: usize, peer: usize, with_faults: bool) -> Done {
        let made = bundle(self.node(peer)).map_err(broken_disk)?.to_bytes();
        let digest = sha256(&[&made]);
        if self.places[at].bundles.get(&peer) == Some(&digest) {
            return Ok(());
        }
        if with_faults {
            self.arm(at);
        }
        let before = self.node(at).evidence.snapshot();
        let (node, other) = (self.node(at), self.node(peer));
        let outcome =
            pull::take(node, &made, peer == PROVINCE, &other.host, &mut |path, cap| served(other, path, cap));
        let tripped = self.settle(at)?;
        match outcome {
            Ok(()) => {
                if !tripped {
                    self.places[at].bundles.insert(peer, digest);
                }
            }
            Err(error) => {
                let aged = self.newest_timestamp_has_ended(at);
                // Between a new root and the list under it nobody's tokens are known.
                let bare = peer != PROVINCE && before.trust_list().is_none();
                must(tripped || aged || bare, Condition::Stuck, || {
                    format!("place {at} pulls from {peer}: {error}")
                })?;
            }
        }
        if self.settings.defect == Some(Defect::TornSwap) {
            self.tear(at, &before);
        }
        Ok(())
    }

    /// The defect: a new list, and the tokens only with the next pull.
    fn tear(&self, at: usize, before: &licence_spec::evidence::Evidence) {
        let node = self.node(at);
        let version = |evidence: &licence_spec::evidence::Evidence| {
            evidence.trust_list().map(|list| list.content().version)
        };
        let after = node.evidence.snapshot();
        if version(&after) != version(before) {
            node.evidence.change(|evidence| {
                let mut torn = licence_spec::evidence::Evidence::new(after.trust().clone());
                after.catalogue().into_iter().for_each(|held| torn.set_catalogue(held.clone()));
                *evidence = torn;
            });
        }
    }

    /// A timestamp past its end is not taken, and what comes after it in a bundle waits for the next one.
    fn newest_timestamp_has_ended(&self, at: usize) -> bool {
        let now = self.places[at].clock.now().0;
        self.truth.timestamps.last_key_value().is_some_and(|(_, newest)| now >= newest.exp)
    }

    fn log_key(&self, city: usize) -> Option<LogKey> {
        let evidence = self.node(PROVINCE).evidence.snapshot();
        let origin = self.places[city].origin();
        let list = evidence.trust_list()?;
        let mut logs = list.logs_at(self.node(PROVINCE).clock.now()).map(|(_, log)| log);
        logs.find(|log| log.key.name() == origin).map(|log| log.key.clone())
    }

    /// The province follows the log of a city.
    pub(crate) fn mirror(&mut self, city: usize) -> Done {
        if !self.reaches(PROVINCE, city) {
            return Ok(());
        }
        self.arm(PROVINCE);
        self.mirror_under(city)
    }

    pub(crate) fn mirror_under(&mut self, city: usize) -> Done {
        let outcome = self.mirror_outcome(city);
        let tripped = self.settle(PROVINCE)?;
        let Err(error) = outcome else { return self.mirrored_is_the_log(city) };
        must(tripped, Condition::Stuck, || format!("the province mirrors city {city}: {error}"))
    }

    pub(crate) fn mirror_outcome(&self, city: usize) -> Result<Mirrored, MirrorError> {
        let key = self.log_key(city).ok_or_else(|| ExchangeError::cannot_ask("not listed"))?;
        let (node, other) = (self.node(PROVINCE), self.node(city));
        if self.settings.defect == Some(Defect::MirrorWithoutProof) {
            return self.mirror_blindly(city);
        }
        mirror(node, &key, Growth::default(), &mut |path, cap| served(other, path, cap))
    }

    /// The defect: the head is believed.
    fn mirror_blindly(&self, city: usize) -> Result<Mirrored, MirrorError> {
        let bytes = self.node(city).log.checkpoint();
        let signed = SignedCheckpoint::parse(bytes.as_bytes()).map_err(|_| MirrorError::Head)?;
        let (origin, size) = (self.places[city].origin(), signed.head().size);
        let row = DocumentRow {
            kind: mirror::HEAD.to_owned(),
            name: origin.clone(),
            version: size,
            iat: 0,
            digest: sha256(&[bytes.as_bytes()]),
            bytes: bytes.as_bytes().to_vec(),
            stored_at: 0,
        };
        transact(&*self.places[PROVINCE].disk, "blind", |write| {
            write.delete_document(mirror::HEAD, &origin)?;
            write.put_documents(std::slice::from_ref(&row)).map(drop)
        })
        .map_err(|error: StoreError| error.into())
        .map(|()| Mirrored::Whole(size))
    }

    /// The mirrored head is the one of the city's log.
    fn mirrored_is_the_log(&self, city: usize) -> Done {
        let read = self.places[PROVINCE].disk.read().map_err(broken_disk)?;
        let held = mirror::held(&*read, &self.places[city].origin()).map_err(broken_disk)?;
        let bytes = self.node(city).log.checkpoint();
        let own = SignedCheckpoint::parse(bytes.as_bytes()).map(|signed| signed.head());
        must(own.is_ok_and(|own| own == held), Condition::NotCaughtUp, || {
            format!("the mirror of city {city} has {} leaves and another root", held.size)
        })
    }

    /// A city has its log cosigned.
    pub(crate) fn cosign(&mut self, city: usize) -> Done {
        if !self.reaches(PROVINCE, city) {
            return Ok(());
        }
        let failing = if self.chance.one_in(2) { PROVINCE } else { city };
        self.arm(failing);
        let before = self.node(city).log.cosigned().0;
        let outcome = self.cosign_outcome(city);
        let tripped = self.settle(failing)?;
        match outcome {
            Ok(()) if self.node(city).log.cosigned().0 > before => self.cosigned(city),
            Ok(()) => Ok(()),
            Err(error) => {
                let expected = tripped || self.condemned.contains(&city);
                must(expected, Condition::Stuck, || format!("city {city} is not cosigned: {error}"))
            }
        }
    }

    pub(crate) fn cosign_outcome(&self, city: usize) -> Result<(), String> {
        let asked = ask_witness(self.node(city), &self.node(PROVINCE).host, &mut |body| {
            self.witness(body).map_err(ExchangeError::Unreachable)
        });
        asked.map_err(|error| error.to_string())
    }

    /// What the province answers as a witness.
    pub(crate) fn witness(&self, body: &str) -> Result<Reply, String> {
        if self.settings.defect == Some(Defect::CosignedUnmirrored) {
            return self.cosign_blindly(body);
        }
        // As the job does: whoever asks can be reached, and is followed before it is cosigned.
        let follow = |origin: &str, _| {
            let city = self.places.iter().position(|place| place.origin() == origin);
            // What comes of it stands in the mirror.
            let _followed = city.map(|city| self.mirror_outcome(city));
        };
        match add_checkpoint(self.node(PROVINCE), body.as_bytes(), &follow) {
            Ok(lines) => Ok(Reply::Cosignature(lines)),
            Err(WitnessError::Refused(Refusal::Conflict { stored })) => Ok(Reply::Holds(stored)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The defect: whatever extends what was cosigned before is cosigned.
    fn cosign_blindly(&self, body: &str) -> Result<Reply, String> {
        let (node, disk) = (self.node(PROVINCE), &self.places[PROVINCE].disk);
        let request = AddCheckpoint::parse(body.as_bytes()).map_err(|error| error.to_string())?;
        let origin = request.origin();
        let city = self.places.iter().position(|place| place.origin() == origin).ok_or("no such city")?;
        let key = self.log_key(city).ok_or("not listed")?;
        let read = disk.read().map_err(|error| error.to_string())?;
        let stored = read.document("witness-head", origin).map_err(|error| error.to_string())?;
        drop(read);
        let stored = stored.and_then(|row| SignedCheckpoint::parse(&row.bytes).ok().map(|own| own.head()));
        let accepted = match request.decide([&key], stored) {
            Ok(accepted) => accepted,
            Err(Refusal::Conflict { stored }) => return Ok(Reply::Holds(stored)),
            Err(error) => return Err(error.to_string()),
        };
        let row = DocumentRow {
            kind: "witness-head".to_owned(),
            name: origin.to_owned(),
            version: accepted.head().size,
            iat: 0,
            digest: sha256(&[&accepted.head().root]),
            bytes: request.note().as_bytes().to_vec(),
            stored_at: 0,
        };
        transact::<_, StoreError>(&**disk, "blind", |write| {
            write.put_documents(std::slice::from_ref(&row)).map(drop)
        })
        .map_err(|error| error.to_string())?;
        let signer = node.keys.signer(&node.authority, Usage::Witness).ok_or("no witness key")?;
        let key = node.witness_key().ok_or("no witness key")?;
        let lines = accepted.cosign(&key, node.clock.now(), &*signer);
        lines.map(Reply::Cosignature).map_err(|error| error.to_string())
    }

    /// What was cosigned is written down and mirrored, and is no log that has forked.
    fn cosigned(&mut self, city: usize) -> Done {
        must(!self.condemned.contains(&city), Condition::RestoreUnnoticed, || {
            format!("city {city} has forked and is cosigned")
        })?;
        let size = self.node(city).log.cosigned().0;
        let read = self.places[PROVINCE].disk.read().map_err(broken_disk)?;
        let row = read.document("witness-head", &self.places[city].origin()).map_err(broken_disk)?;
        let known = row.map_or(0, |row| row.version);
        let mirrored = mirror::held(&*read, &self.places[city].origin()).map_err(broken_disk)?.size;
        drop(read);
        must(mirrored >= size, Condition::CosignedUnmirrored, || {
            format!("{size} leaves of city {city} are cosigned, {mirrored} are mirrored")
        })?;
        must(known >= size, Condition::WentBackwards, || {
            format!("{size} leaves of city {city} are cosigned, {known} are written down")
        })?;
        self.allow(Allowed::Cosigned);
        Ok(())
    }

    /// Offers a node what was in force once.
    pub(crate) fn offer_old(&mut self, at: usize) -> Done {
        match self.chance.below(8) {
            0 | 1 => self.offer_old_list(at),
            2 => self.offer_second_list(),
            3 => self.offer_old_catalogue(at),
            4 => self.offer_old_head(),
            5 => self.show_old_head(),
            _ => self.offer_old_token(at),
        }
    }

    fn offer_old_catalogue(&mut self, at: usize) -> Done {
        let read = self.places[PROVINCE].disk.read().map_err(broken_disk)?;
        let versions = read.documents(documents::CATALOGUE_VERSION).map_err(broken_disk)?;
        drop(read);
        let pick = self.chance.below(versions.len());
        let (row, held) = (&versions[pick], self.node(at).catalogue().map_or(0, |held| held.version()));
        if row.version < held {
            let refused = take_catalogue(self.node(at), &row.bytes).is_err();
            must(refused, Condition::WentBackwards, || format!("catalogue {} over {held}", row.version))?;
            self.allow(Allowed::RollbackRefused);
        }
        Ok(())
    }

    fn offer_old_token(&mut self, at: usize) -> Done {
        let city = 1 + self.chance.below(3);
        let read = self.places[city].disk.read().map_err(broken_disk)?;
        let Some(list) = read.status_lists().map_err(broken_disk)?.into_iter().next() else { return Ok(()) };
        let times: Vec<i64> =
            self.truth.tokens.get(&list.uri).into_iter().flatten().map(|(iat, _)| *iat).collect();
        let pick = self.chance.below(times.len());
        let Some(iat) = times.get(pick) else { return Ok(()) };
        let Some(row) = read.status_token_at(list.id, *iat).map_err(broken_disk)? else { return Ok(()) };
        drop(read);
        let node = self.node(at);
        let held = node.evidence.snapshot().token(&list.uri).map_or(0, |held| held.token().iat().0);
        if row.iat >= held {
            return Ok(());
        }
        if self.settings.defect == Some(Defect::OlderTokenTaken) {
            let token = StatusToken::parse(&row.bytes).expect("a stored token");
            node.evidence.change(|evidence| evidence.add_token(std::sync::Arc::new(token)));
            return Ok(());
        }
        must(take_token(node, &row.bytes).is_err(), Condition::WentBackwards, || {
            format!("token {iat} over {held}")
        })?;
        self.allow(Allowed::RollbackRefused);
        Ok(())
    }

    /// Somebody asks the witness to cosign what it has cosigned before: it answers with the size that it holds.
    fn offer_old_head(&mut self) -> Done {
        let city = 1 + self.chance.below(3);
        let read = self.places[PROVINCE].disk.read().map_err(broken_disk)?;
        let row = read.document("witness-head", &self.places[city].origin()).map_err(broken_disk)?;
        drop(read);
        let Some(row) = row.filter(|row| row.version > 0) else { return Ok(()) };
        let body = format!("old 0\n\n{}", String::from_utf8_lossy(&row.bytes));
        let refused = add_checkpoint(self.node(PROVINCE), body.as_bytes(), &|_, _| {}).is_err();
        must(refused, Condition::WentBackwards, || format!("city {city}: a head is cosigned from 0 again"))?;
        self.allow(Allowed::RollbackRefused);
        Ok(())
    }
    /// A cache shows the province an old head of a city: it says nothing new, and the city has not forked.
    fn show_old_head(&mut self) -> Done {
        let city = 1 + self.chance.below(3);
        let newest = self.node(city).log.checkpoint();
        let heads = &mut self.places[city].old_heads;
        heads.push(newest);
        if heads.len() > 8 {
            heads.remove(0);
        }
        let heads = self.places[city].old_heads.clone();
        let (shown, Some(key)) = (&heads[self.chance.below(heads.len())], self.log_key(city)) else {
            return Ok(());
        };
        let (node, other) = (self.node(PROVINCE), self.node(city));
        let mut fetch = |path: &str, cap| match path {
            "/log/checkpoint" => Ok(shown.as_bytes().to_vec()),
            _ => served(other, path, cap),
        };
        let outcome = mirror(node, &key, Growth::default(), &mut fetch);
        let is_old = matches!(outcome, Ok(Mirrored::Old { .. }));
        if is_old && self.settings.defect == Some(Defect::OldHeadIsFork) {
            let head = SignedCheckpoint::parse(shown.as_bytes()).expect("a stored head").head();
            fork_cases::keep_fork(node, key.name(), &head, shown.as_bytes()).map_err(broken_disk)?;
        }
        let forked = matches!(outcome, Err(MirrorError::Fork));
        let condition = if forked { Condition::FalseFork } else { Condition::NotCaughtUp };
        must(outcome.is_ok(), condition, || format!("city {city}, an old head: {outcome:?}"))?;
        if is_old {
            self.allow(Allowed::OldHeadShown);
        }
        self.has_no_false_case(city)
    }

    /// No case is open of a city that has one log.
    pub(crate) fn has_no_false_case(&self, city: usize) -> Done {
        let read = self.places[PROVINCE].disk.read().map_err(broken_disk)?;
        let open = fork_cases::is_open(&*read, &self.places[city].origin()).map_err(broken_disk)?;
        must(!open || self.condemned.contains(&city), Condition::FalseFork, || {
            format!("the log of city {city} is taken for one that has forked")
        })
    }
}

/// What a link brings.
fn served(node: &licence_node::node::Node, path: &str, cap: usize) -> Result<Vec<u8>, ExchangeError> {
    serve(node, path, cap).map_err(ExchangeError::Unreachable)
}
