//! How long a group commit takes: `cargo run --release -p licence-store-postgres --example group_commit_postgres -- URL [COMMITS]`, on an
//! empty database. Prints milliseconds for one transaction of 64 issued licences with holders, leaves, tile, head and answers,
//! in tenths of the run: they must not grow with the tables.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measuring program, not part of the product"
)]

use std::time::Instant;

use licence_store::conformance::make;
use licence_store::{IdempotentAnswer, LicenceRow, StoreError, StoredCredential, Write, transact};
use licence_store_postgres::PostgresStore;

const GROUP: u64 = 64;

fn group(write: &mut dyn Write, old: u64) -> Result<(), StoreError> {
    let row = |n: u64| LicenceRow {
        credential: StoredCredential::Whole(vec![n as u8; 800]),
        ..make::licence(n as u32)
    };
    let rows: Vec<_> = (old..old + GROUP).map(row).collect();
    let keys: Vec<_> = rows.iter().map(|row| make::answer_key("client-1", &row.number)).collect();
    assert!(write.idempotent_answers(&keys)?.iter().all(Option::is_none));
    assert!(write.taken_licences(&rows)?.iter().all(Option::is_none));
    write.add_licences(&rows)?;
    let leaves: Vec<_> = (old..old + GROUP).map(make::leaf).collect();
    let tile = make::tile(old / 256, old % 256 + GROUP);
    write.append_log(old, &leaves, &[tile], &make::head(old + GROUP))?;
    let answer = |key: licence_store::AnswerKey| IdempotentAnswer {
        body: vec![b'x'; 2000],
        ..make::answer(&key.caller, &key.key, 1)
    };
    let answers: Vec<_> = keys.into_iter().map(answer).collect();
    write.add_idempotent_answers(&answers)
}

fn main() {
    let url = std::env::args().nth(1).unwrap();
    let commits: u64 = std::env::args().nth(2).map_or(500, |count| count.parse().unwrap());
    let store = PostgresStore::open(&url).unwrap();
    transact::<_, StoreError>(&store, "prepare", |write| {
        write.add_status_lists(&[make::list(1, 1 << 24)])?;
        write.create_log(make::ORIGIN, &make::digest(0x4e, 0))
    })
    .unwrap();
    for tenth in 0..10 {
        let part = tenth * commits / 10..(tenth + 1) * commits / 10;
        let (count, start) = (part.end - part.start, Instant::now());
        for n in part {
            transact::<_, StoreError>(&store, "group", |write| group(write, n * GROUP)).unwrap();
        }
        let took = start.elapsed().as_secs_f64() * 1e3 / count as f64;
        println!("tenth {tenth}: {took:.2} ms a commit, {:.0} licences/s", GROUP as f64 / took * 1e3);
    }
}
