//! The open connections. Never too many, and a newcomer is never kept waiting for one that says nothing.
//!
//! In scope: how many connections there are, and which one is closed when one more comes. Out of scope: what is said on them. When there
//! are as many as may be, one is closed of the address that has most: no address can keep others out. First those of strangers
//! that ask nothing now, then those of clients between their requests, then those of strangers that are being answered; among these one
//! that never asked anything, then the one that has been as it is for longest. One on which a client or a node is being answered is
//! never closed for another.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// What happens on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    /// No request has come whole.
    Silent,
    /// Between the requests of a stranger.
    Rests,
    /// Between the requests of a client or a node.
    KnownRests,
    /// A stranger is being answered.
    Asks,
    /// A client or a node is being answered.
    KnownAsks,
}

impl State {
    /// Which are closed before which.
    const fn rank(self) -> u8 {
        match self {
            State::Silent | State::Rests => 0,
            State::KnownRests => 1,
            State::Asks => 2,
            State::KnownAsks => 3,
        }
    }
}

struct Entry {
    address: IpAddr,
    state: State,
    /// Counts up with every change: the smallest has been as it is for longest.
    since: u64,
    close: Arc<Notify>,
}

#[derive(Default)]
struct Table {
    next: u64,
    open: HashMap<u64, Entry>,
    /// Connections of each address.
    of: HashMap<IpAddr, usize>,
}

/// The table of open connections.
#[derive(Clone)]
pub(super) struct Connections {
    limit: usize,
    table: Arc<Mutex<Table>>,
}

/// A place in the table, held as long as the connection is open.
pub(super) struct Held {
    connections: Connections,
    id: u64,
    close: Arc<Notify>,
}

/// A connection, as its requests see it.
#[derive(Clone)]
pub(super) struct Link {
    connections: Connections,
    id: u64,
}

/// Held while a request is being answered; afterwards the connection rests.
pub(super) struct Asking(Link);

impl Connections {
    /// None are open yet, and at most so many will be.
    pub(super) fn new(limit: usize) -> Connections {
        Connections { limit, table: Arc::default() }
    }

    /// A place for one more, from this address, and whether another one was closed for it. `None` if all that could be closed for it
    /// are clients and nodes that are being answered.
    pub(super) fn enter(&self, address: IpAddr) -> Option<(Held, bool)> {
        let mut table = self.lock();
        let full = table.open.len() >= self.limit;
        if full && !table.shed() {
            return None;
        }
        let (id, close) = (table.turn(), Arc::new(Notify::new()));
        *table.of.entry(address).or_default() += 1;
        table.open.insert(id, Entry { address, state: State::Silent, since: id, close: Arc::clone(&close) });
        Some((Held { connections: self.clone(), id, close }, full))
    }

    /// Closes one if it can: the system has no room for more.
    pub(super) fn make_room(&self) -> bool {
        self.lock().shed()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Table> {
        // A poisoned table is whole: rows are put in and taken out in one step.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, id: u64, state: impl FnOnce(State) -> State) {
        let mut table = self.lock();
        let since = table.turn();
        if let Some(entry) = table.open.get_mut(&id) {
            (entry.state, entry.since) = (state(entry.state), since);
        }
    }
}

impl Table {
    fn turn(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Closes the connection that matters least.
    fn shed(&mut self) -> bool {
        let crowd = |entry: &Entry| self.of.get(&entry.address).copied().unwrap_or_default();
        let candidates = self.open.iter().filter(|(_, entry)| entry.state != State::KnownAsks);
        let least = candidates
            .min_by_key(|(_, entry)| (entry.state.rank(), Reverse(crowd(entry)), entry.state, entry.since));
        let Some(id) = least.map(|(id, _)| *id) else { return false };
        if let Some(entry) = self.remove(id) {
            entry.close.notify_one();
        }
        true
    }

    fn remove(&mut self, id: u64) -> Option<Entry> {
        let entry = self.open.remove(&id)?;
        let count = self.of.get_mut(&entry.address)?;
        *count -= 1;
        if *count == 0 {
            self.of.remove(&entry.address);
        }
        Some(entry)
    }
}

impl Held {
    /// Ready when the connection has to be closed for another one.
    pub(super) async fn closed(&self) {
        self.close.notified().await;
    }

    pub(super) fn link(&self) -> Link {
        Link { connections: self.connections.clone(), id: self.id }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.connections.lock().remove(self.id);
    }
}

impl Link {
    /// A request has come, from whom is not known yet.
    pub(super) fn asks(&self) -> Asking {
        self.connections.set(self.id, |_| State::Asks);
        Asking(self.clone())
    }

    /// It is that of a client or a node.
    pub(super) fn is_known(&self) {
        self.connections.set(self.id, |_| State::KnownAsks);
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let rests = |state| if state == State::KnownAsks { State::KnownRests } else { State::Rests };
        self.0.connections.set(self.0.id, rests);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn closed(held: &Held) -> bool {
        !held.connections.lock().open.contains_key(&held.id)
    }

    fn enter(connections: &Connections, last: u8) -> Held {
        connections.enter(at(last)).unwrap().0
    }

    #[test]
    fn what_matters_least_is_closed_first() {
        let connections = Connections::new(7);
        let client = enter(&connections, 1);
        let asking = client.link().asks();
        client.link().is_known();
        let known = enter(&connections, 1);
        let asked = known.link().asks();
        known.link().is_known();
        drop(asked);
        let stranger = enter(&connections, 2);
        let _asks = stranger.link().asks();
        let (alone, rests) = (enter(&connections, 3), enter(&connections, 4));
        drop(rests.link().asks());
        let (first, second) = (enter(&connections, 4), enter(&connections, 4));
        let order = [&first, &second, &alone, &rests, &known, &stranger];
        let mut new = Vec::new();
        for (count, next) in order.into_iter().enumerate() {
            assert!(!closed(next));
            let held = enter(&connections, 5 + count as u8);
            // Newcomers are busy at once, and so are not the next to go.
            held.link().is_known();
            new.push(held);
            assert!(closed(next), "number {count}");
        }
        assert!(connections.enter(at(9)).is_none(), "a client that is being answered is left alone");
        drop(asking);
        assert!(connections.enter(at(9)).is_some(), "and not any more once it rests");
        assert!(closed(&client));
    }

    #[test]
    fn no_address_keeps_others_out() {
        let connections = Connections::new(8);
        let crowd: Vec<Held> = (0..8).map(|_| enter(&connections, 1)).collect();
        // They have asked, and rest: still they are too many.
        crowd.iter().for_each(|held| drop(held.link().asks()));
        let others: Vec<Held> = (2..6).map(|last| enter(&connections, last)).collect();
        let more: Vec<Held> = (0..4).map(|_| enter(&connections, 1)).collect();
        assert!(others.iter().all(|held| !closed(held)), "each has one, and the crowd the rest");
        drop((crowd, others, more));
        assert_eq!(connections.lock().of.len(), 0, "addresses without connections are forgotten");
    }
}
