//! The next trust list as the successor of the one in force: what was signed under the old list stays good under the new.
//!
//! In scope: which keys, scopes, hosts and logs are taken over, and since when they count. Out of scope: taking an authority
//! off the list, and marking a key as compromised, which are acts of their own.

use licence_spec::numbers::{MAX_ENTRY_HOSTS, MAX_ENTRY_KEYS, MAX_ENTRY_LOGS, MAX_KEY_SCOPES};
use licence_spec::time::UnixTime;
use licence_spec::trust::{Entry, Key, KeyState, Log, Scope};

/// The entries of a new list, ascending by id: `offered` as the nodes and the catalogue's data have them at `now`, each with
/// what `held`, the entries in force, say of it. A key keeps its state and since when it has it; a key that is offered no more
/// is retired; an authority of which nothing is offered stays as it is.
#[must_use]
pub fn succeed(held: &[Entry], offered: Vec<Entry>, now: UnixTime) -> Vec<Entry> {
    let absent = held.iter().filter(|old| offered.iter().all(|new| new.id != old.id)).cloned();
    let mut next: Vec<Entry> = absent.collect();
    for mut entry in offered {
        if let Some(old) = held.iter().find(|old| old.id == entry.id) {
            follow(&mut entry, old, now);
        }
        next.push(entry);
    }
    next.sort_by(|a, b| a.id.cmp(&b.id));
    next
}

fn follow(entry: &mut Entry, old: &Entry, now: UnixTime) {
    for host in &old.hosts {
        if !entry.has_host(host) {
            entry.hosts.push(host.clone());
        }
    }
    entry.hosts.truncate(MAX_ENTRY_HOSTS);
    entry.successor.clone_from(&old.successor);
    logs(&mut entry.logs, &old.logs, now);
    for key in &mut entry.keys {
        if let Some(same) = old.keys.iter().find(|same| same.key == key.key) {
            keep(key, same, now);
        }
    }
    let gone = old.keys.iter().filter(|key| entry.keys.iter().all(|new| new.key != key.key));
    let gone: Vec<Key> = gone.map(|key| retired(key, now)).collect();
    entry.keys.extend(gone);
    entry.keys.truncate(MAX_ENTRY_KEYS);
}

/// A log that is offered again has been in use since then; another one ends now.
fn logs(offered: &mut Vec<Log>, held: &[Log], now: UnixTime) {
    for old in held {
        match offered.iter_mut().find(|log| log.vkey == old.vkey) {
            Some(log) => log.since = old.since,
            None => {
                // A period has at least one second.
                let until = old.until.unwrap_or(now).max(old.since.plus(1));
                offered.push(Log { until: Some(until), ..old.clone() });
            }
        }
    }
    offered.truncate(MAX_ENTRY_LOGS);
}

fn keep(key: &mut Key, old: &Key, now: UnixTime) {
    (key.state, key.since) = (old.state.clone(), old.since);
    key.history.clone_from(&old.history);
    key.scopes = match &old.state {
        KeyState::Active => scopes(&old.scopes, std::mem::take(&mut key.scopes), now),
        KeyState::Retired | KeyState::Compromised(_) => old.scopes.clone(),
    };
}

/// A permission that is given again goes on from its first moment; one that is not ends now, and what was signed under it
/// stays good.
fn scopes(held: &[Scope], mut offered: Vec<Scope>, now: UnixTime) -> Vec<Scope> {
    for old in held {
        let same =
            |new: &&mut Scope| (new.role, &new.types, &new.regions) == (old.role, &old.types, &old.regions);
        match offered.iter_mut().find(same) {
            Some(new) if old.to >= new.from => new.from = new.from.min(old.from),
            _ if old.from < now => offered.push(Scope { to: old.to.min(now), ..old.clone() }),
            // It has not begun, so nothing was signed under it.
            _ => {}
        }
    }
    offered.truncate(MAX_KEY_SCOPES);
    offered
}

fn retired(key: &Key, now: UnixTime) -> Key {
    let mut key = key.clone();
    if key.state == KeyState::Active {
        key.history.push((0, key.since));
        (key.state, key.since) = (KeyState::Retired, now);
    }
    key
}

#[cfg(test)]
mod tests {
    use licence_spec::suite::{SeedSigner, Signer as _};
    use licence_spec::trust::{Cut, Names, Role};

    use super::*;

    const THEN: UnixTime = UnixTime(1_000);
    const NOW: UnixTime = UnixTime(5_000);

    fn key(seed: u8, types: &[&str], from: UnixTime) -> Key {
        let key = *SeedSigner::from_seed(&[seed; 32]).unwrap().public_key();
        let types = Names::Some(types.iter().map(|vct| (*vct).to_owned()).collect());
        let scope = Scope { role: Role::Licence, types, regions: Names::All, from, to: from.plus(10_000) };
        Key::new(key, vec![scope], KeyState::Active, from)
    }

    fn entry(id: &str, keys: Vec<Key>) -> Entry {
        let (id, name) = (id.to_owned(), id.to_owned());
        Entry { id, name, hosts: vec!["a.example".to_owned()], logs: Vec::new(), keys, successor: None }
    }

    #[test]
    fn a_key_that_is_offered_again_goes_on_and_one_that_is_not_is_retired() {
        let held = [entry("B", vec![key(1, &["x"], THEN), key(2, &["x"], THEN)])];
        let next = succeed(&held, vec![entry("B", vec![key(1, &["x"], NOW), key(3, &["x"], NOW)])], NOW);
        let [entry] = next.as_slice() else { panic!("one entry") };
        let [same, new, gone] = entry.keys.as_slice() else { panic!("three keys") };
        assert_eq!((same.since, same.scopes[0].from, same.scopes[0].to), (THEN, THEN, NOW.plus(10_000)));
        assert_eq!((new.since, new.scopes[0].from), (NOW, NOW));
        assert_eq!(
            (gone.state.clone(), gone.since, gone.history.as_slice()),
            (KeyState::Retired, NOW, &[(0, THEN)][..])
        );
        assert_eq!(gone.scopes, held[0].keys[1].scopes, "what it signed was within its scope");
    }

    #[test]
    fn a_scope_that_changes_ends_and_what_was_signed_under_it_stays_within() {
        let held = [entry("B", vec![key(1, &["x", "y"], THEN)])];
        let next = succeed(&held, vec![entry("B", vec![key(1, &["x", "z"], NOW)])], NOW);
        let scopes = &next[0].keys[0].scopes;
        let may =
            |vct: &str, at: UnixTime| scopes.iter().any(|scope| scope.has_type(vct) && scope.has_time(at));
        assert!(may("y", THEN) && !may("y", NOW) && may("z", NOW) && !may("z", THEN));
        assert!(may("x", THEN) && may("x", NOW));
    }

    #[test]
    fn a_compromised_key_stays_compromised_and_an_authority_that_is_not_named_stays() {
        let mut stolen = entry("C", vec![key(1, &["x"], THEN)]);
        stolen.keys[0].state = KeyState::Compromised(Cut { index: 7, tree: None });
        let held = [entry("A", vec![key(4, &["x"], THEN)]), stolen];
        let next = succeed(&held, vec![entry("C", vec![key(1, &["x"], NOW)])], NOW);
        assert_eq!(next.iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>(), ["A", "C"]);
        assert_eq!(next[1].keys[0].state, KeyState::Compromised(Cut { index: 7, tree: None }));
        assert_eq!((next[0].keys[0].state.clone(), next[0].keys[0].since), (KeyState::Active, THEN));
    }
}
