//! How long a group commit takes: `cargo run --release -p licence-store-sqlite --example group_commit -- DIR [COMMITS]`.
//! Prints milliseconds for one transaction of 64 issued licences with holders, leaves, tile, head and answers, on disk in DIR
//! and in memory; the difference is the price of the disk, fsync included.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measuring program, not part of the product"
)]

use std::path::Path;
use std::time::Instant;

use licence_store::conformance::make;
use licence_store::{LicenceRow, Store, StoreError, StoredCredential, TileRow, Write, transact};
use licence_store_sqlite::SqliteStore;

const GROUP: u64 = 64;

fn group(write: &mut dyn Write, old: u64) -> Result<(), StoreError> {
    let rows: Vec<_> = (old..old + GROUP)
        .map(|n| LicenceRow {
            credential: StoredCredential::Whole(vec![n as u8; 800]),
            ..make::licence(n as u32)
        })
        .collect();
    let keys: Vec<_> = rows.iter().map(|row| make::answer_key("client-1", &row.number)).collect();
    assert!(write.idempotent_answers(&keys)?.iter().all(Option::is_none));
    assert!(write.taken_licences(&rows)?.iter().all(Option::is_none));
    write.add_licences(&rows)?;
    let leaves: Vec<_> = (old..old + GROUP).map(make::leaf).collect();
    let tile: TileRow = make::tile(old / 256, old % 256 + GROUP);
    write.append_log(old, &leaves, &[tile], &make::head(old + GROUP))?;
    let answers: Vec<_> = keys
        .into_iter()
        .map(|key| licence_store::IdempotentAnswer {
            body: vec![b'x'; 2000],
            ..make::answer(&key.caller, &key.key, 1)
        })
        .collect();
    write.add_idempotent_answers(&answers)
}

fn measure(name: &str, store: &dyn Store, commits: u64) {
    transact::<_, StoreError>(store, "prepare", |write| {
        write.add_status_lists(&[make::list(1, 1 << 24)])?;
        write.create_log(make::ORIGIN, &make::digest(0x4e, 0))
    })
    .unwrap();
    let mut took: Vec<f64> = (0..commits)
        .map(|n| {
            let start = Instant::now();
            transact::<_, StoreError>(store, "group", |write| group(write, n * GROUP)).unwrap();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    let total: f64 = took.iter().sum();
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    let rate = (commits * GROUP) as f64 / total * 1e3;
    println!(
        "{name}: p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms, {rate:.0} licences/s",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

fn main() {
    let directory = std::env::args().nth(1).unwrap();
    let commits = std::env::args().nth(2).map_or(500, |count| count.parse().unwrap());
    measure("memory", &SqliteStore::open_in_memory().unwrap(), commits);
    measure("disk", &SqliteStore::open(Path::new(&directory)).unwrap(), commits);
}
