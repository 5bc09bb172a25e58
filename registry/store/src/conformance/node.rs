//! Whose database, and numbers that are given out once.

use std::collections::BTreeSet;

use super::{Open, read, refused, write};
use crate::{Conflict, NodeRow};

pub(super) fn a_database_belongs_to_one_node(open: Open<'_>) {
    let store = open();
    let node = NodeRow { role: "city".into(), region: "440100".into(), created_at: 7 };
    let later = NodeRow { created_at: 8, ..node.clone() };
    let other = NodeRow { region: "440300".into(), ..node.clone() };
    write(&*store, |write| write.create_node(&node));
    write(&*store, |write| write.create_node(&later));
    assert_eq!(refused(&*store, |write| write.create_node(&other)), Conflict::NodeDiffers.into());
    assert_eq!(read(&*store, |read| read.node()), Some(node));
}

pub(super) fn a_counter_never_gives_a_number_twice(open: Open<'_>) {
    let store = open();
    let lease = |name: &str, count| write(&*store, |write| write.lease(name, count));
    assert_eq!(lease("numbers", 100), 0);
    assert_eq!(lease("numbers", 1), 100);
    assert_eq!(lease("numbers", u32::MAX), 101);
    assert_eq!(lease("numbers", 1), 101 + u64::from(u32::MAX));
    assert_eq!(lease("其他", 5), 0);
    assert_eq!(lease("其他", 0), 5);
    assert_eq!(lease("其他", 1), 5);
}

pub(super) fn racing_leases_never_overlap(open: Open<'_>) {
    let store = open();
    let store = &*store;
    let mut given = BTreeSet::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| (0..25).map(|_| write(store, |write| write.lease("n", 3))).collect::<Vec<_>>())
            })
            .collect();
        for first in threads.into_iter().flat_map(|thread| thread.join().unwrap()) {
            for number in first..first + 3 {
                assert!(given.insert(number), "{number} was given out twice");
            }
        }
    });
    assert_eq!(given.len(), 300);
}
