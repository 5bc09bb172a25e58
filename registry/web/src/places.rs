//! Places for requests that are being answered at once: nobody can take them all.
//!
//! In scope: how many requests run, in all, of strangers together, of each client, node and address; how many of each wait for
//! their body. Out of scope: how much a client asks for in a minute or a day (`quota`), connections (`connections`).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::who::Who;

/// Whose requests are counted together.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// A client's.
    Client(String),
    /// A node's, by its authority.
    Node(String),
    /// Those of strangers from one address.
    Stranger(IpAddr),
}

impl Key {
    pub(super) fn new(who: &Who, address: IpAddr) -> Key {
        match who {
            Who::Client(client) => Key::Client(client.id().to_owned()),
            Who::Node(node) => Key::Node(node.node.authority.clone()),
            Who::Stranger => Key::Stranger(address),
        }
    }
}

/// Why there is no place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Crowded {
    /// The node is busy.
    Node,
    /// The one who asks has enough already.
    Own,
}

#[derive(Default)]
struct Taken {
    all: usize,
    strangers: usize,
    /// Requests that run, and those of them that wait for their body.
    of: HashMap<Key, (usize, usize)>,
}

/// The places of a node.
#[derive(Clone)]
pub(super) struct Places {
    limit: usize,
    taken: Arc<Mutex<Taken>>,
}

/// A place, until it is dropped.
pub(super) struct Place {
    places: Places,
    key: Key,
}

/// A place of which the body is being read, until it is dropped.
pub(super) struct Reading(Arc<Place>);

impl Places {
    pub(super) fn new(limit: usize) -> Places {
        Places { limit, taken: Arc::default() }
    }

    /// So many of all places, at least one.
    fn share(&self, quarters: usize) -> usize {
        (self.limit * quarters / 4).max(1)
    }

    /// A place. Strangers have half of all, one address of them a quarter; a client or a node has three quarters.
    pub(super) fn take(&self, key: Key) -> Result<Arc<Place>, Crowded> {
        let mut taken = self.lock();
        let stranger = matches!(key, Key::Stranger(_));
        if taken.of.get(&key).is_some_and(|own| own.0 >= self.share(if stranger { 1 } else { 3 })) {
            return Err(Crowded::Own);
        }
        if taken.all >= self.limit || (stranger && taken.strangers >= self.share(2)) {
            return Err(Crowded::Node);
        }
        taken.all += 1;
        taken.strangers += usize::from(stranger);
        taken.of.entry(key.clone()).or_default().0 += 1;
        Ok(Arc::new(Place { places: self.clone(), key }))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Taken> {
        // Poisoned counts are whole: each is changed in one step.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Leave to wait for a body; `None` if a quarter of all places waits for bodies of this caller already.
    pub(super) fn read(self: &Arc<Place>) -> Option<Reading> {
        let mut taken = self.places.lock();
        let most = self.places.share(1);
        let waiting = &mut taken.of.get_mut(&self.key)?.1;
        if *waiting >= most {
            return None;
        }
        *waiting += 1;
        Some(Reading(Arc::clone(self)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all -= 1;
        taken.strangers -= usize::from(matches!(self.key, Key::Stranger(_)));
        if let Some(own) = taken.of.get_mut(&self.key) {
            own.0 -= 1;
            if own.0 == 0 {
                taken.of.remove(&self.key);
            }
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(own) = self.0.places.lock().of.get_mut(&self.0.key) {
            own.1 -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_all_places() {
        let places = Places::new(16);
        let stranger = |last: u8| places.take(Key::Stranger(IpAddr::from([192, 0, 2, last])));
        let client = |id: &str| places.take(Key::Client(id.to_owned()));
        let strangers: Vec<_> = (0..4).map(|_| stranger(1).unwrap()).collect();
        assert_eq!(stranger(1).err(), Some(Crowded::Own));
        let others: Vec<_> = (0..4).map(|_| stranger(2).unwrap()).collect();
        assert_eq!(stranger(3).err(), Some(Crowded::Node), "strangers have half of the places");
        let clients: Vec<_> = (0..8).map(|_| client("a").unwrap()).collect();
        assert_eq!(client("b").err(), Some(Crowded::Node));
        drop((strangers, others));
        let more: Vec<_> = (0..4).map(|_| client("a").unwrap()).collect();
        assert_eq!(client("a").err(), Some(Crowded::Own), "a client has three quarters");
        let _b = client("b").unwrap();
        drop((clients, more, _b));
        let taken = places.lock();
        assert_eq!((taken.all, taken.strangers, taken.of.len()), (0, 0, 0));
    }

    #[test]
    fn a_quarter_of_the_places_may_wait_for_the_bodies_of_one() {
        let places = Places::new(8);
        let held: Vec<_> = (0..3).map(|_| places.take(Key::Client("a".to_owned())).unwrap()).collect();
        let (first, _second) = (held[0].read().unwrap(), held[1].read().unwrap());
        assert!(held[2].read().is_none());
        drop(first);
        assert!(held[2].read().is_some());
    }
}
