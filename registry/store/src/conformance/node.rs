//! Whose database, numbers that are given out once, and jobs that one process does.

use std::collections::BTreeSet;

use super::{Open, read, refused, write};
use crate::{Conflict, CounterRow, JobLease, NodeRow, Store};

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

pub(super) fn counters_are_told_by_name(open: Open<'_>) {
    let store = open();
    for (name, count) in [("b", 7), ("号", 1), ("B", 0), ("b", 2)] {
        write(&*store, |write| write.lease(name, count));
    }
    let told = [("B", 0), ("b", 9), ("号", 1)].map(|(name, next)| CounterRow { name: name.into(), next });
    assert_eq!(read(&*store, |read| read.counters()), told);
}

fn takes(store: &dyn Store, job: &str, holder: &str, until: i64, now: i64) -> bool {
    let lease = JobLease { job: job.into(), holder: holder.into(), until };
    write(store, |write| write.take_job_lease(&lease, now))
}

pub(super) fn a_job_is_leased_to_one_holder_until_its_time(open: Open<'_>) {
    let store = open();
    assert!(takes(&*store, "publish", "a", 130, 100));
    assert!(!takes(&*store, "publish", "b", 140, 110), "held by another");
    assert!(takes(&*store, "publish", "a", 160, 129), "prolonged by its holder");
    assert!(!takes(&*store, "publish", "b", 190, 159), "held in its last second");
    assert!(takes(&*store, "publish", "b", 190, 160), "free from its end on");
    assert!(!takes(&*store, "publish", "a", 200, 161), "the former holder comes too late");
    assert!(takes(&*store, "renew", "a", 200, 161), "jobs are leased each on its own");
    assert!(takes(&*store, "publish", "b", 165, 165), "given up");
    assert!(takes(&*store, "publish", "a", 200, 165));
}

pub(super) fn racing_processes_share_no_job(open: Open<'_>) {
    let store = open();
    let store = &*store;
    let names = ["a", "b", "c", "d"];
    for round in 0..10 {
        let (now, until) = (round * 10, round * 10 + 10);
        let taken: usize = std::thread::scope(|scope| {
            let threads = names.map(|name| scope.spawn(move || takes(store, "publish", name, until, now)));
            threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum()
        });
        assert_eq!(taken, 1, "round {round}");
    }
}
