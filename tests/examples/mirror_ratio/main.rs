//! Following other nodes, each figure with a reference from the same run. Run by `cargo xtask bench`.
//!
//! - `mirror`: leaves/s of a log of 1,000,000 leaves, followed from nothing into a store on disk; reference: the same entries hashed
//!   into the same tree and kept nowhere.
//! - `mirror_catch_up`: the same for 10,000 more leaves.
//! - `revocation_p50`, `revocation_p99`: time from an acknowledged revocation in one city until another city rejects the licence, real
//!   processes; reference: the sum of the two intervals, publishing and pulling, at their minimum of 1 s each.
#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "a measuring program ends where it cannot go on"
)]

#[path = "../../tests/node/harness.rs"]
mod harness;
mod revocation;

use std::sync::Arc;
use std::time::Duration;

use harness::now;
use licence_catalogue::KeyRole;
use licence_node::exchange::error::ExchangeError;
use licence_node::exchange::mirror::state::Growth;
use licence_node::exchange::mirror::{Mirrored, mirror};
use licence_node::node::Node;
use licence_node::node::clock::Clock;
use licence_node::node::config::{Disconnection, Role};
use licence_node::node::keys::{Keyring, Usage};
use licence_node::node::parts::Parts;
use licence_node::node::rng::Rng;
use licence_spec::log::checkpoint::Checkpoint;
use licence_spec::log::entry::{Entry, Op};
use licence_spec::log::merkle::leaf_hash;
use licence_spec::log::note::LogKey;
use licence_spec::log::tile::{TilePath, append_entry};
use licence_spec::log::tiled_tree::TileEdge;
use licence_spec::suite::{SeedSigner, Signer as _, sha256};
use licence_spec::time::UnixTime;
use licence_store::Store;
use licence_store_sqlite::SqliteStore;

/// Leaves of the log that is followed from nothing, and leaves that are caught up with.
const LEAVES: u64 = 1_000_000;
const MORE: u64 = 10_000;
/// The log that is followed.
const ORIGIN: &str = "gz.elic.example/log";

fn main() {
    let (key, log) = (SeedSigner::from_seed(&[5; 32]).unwrap(), Log::make(LEAVES + MORE));
    let verified_by = LogKey::new(ORIGIN, *key.public_key()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let node = province(folder.path());
    // References first, in the same run: the entries are in memory already, for both.
    let (mut edge, mut measured) = (TileEdge::default(), Vec::new());
    for size in [LEAVES, LEAVES + MORE] {
        let begun = now();
        log.hash(&mut edge, size);
        let reference = begun.elapsed();
        let head = Checkpoint { origin: ORIGIN, head: edge.head() }.sign(&verified_by, &key).unwrap();
        let mut fetch =
            |path: &str, cap: usize| log.serve(path, &head, size, cap).map_err(ExchangeError::Unreachable);
        let begun = now();
        // One run, however long: what is measured is the work of one leaf.
        let growth = Growth { run: u64::MAX, day: u64::MAX };
        assert_eq!(mirror(&node, &verified_by, growth, &mut fetch).unwrap(), Mirrored::Whole(size));
        measured.push((begun.elapsed(), reference));
    }
    for ((name, leaves), (own, reference)) in
        [("mirror", LEAVES), ("mirror_catch_up", MORE)].iter().zip(measured)
    {
        let per_second = |span: Duration| *leaves as f64 / span.as_secs_f64();
        println!("figure {name} {:.0} leaves/s", per_second(own));
        println!("figure {name}_reference {:.0} leaves/s", per_second(reference));
        println!("ratio {name} {:.2}", per_second(own) / per_second(reference));
    }
    node.close();
    revocation::measure();
}

/// A log that is served from memory: its full bundles of entries, and a place for what is cut off from the last one.
struct Log(Vec<Vec<Vec<u8>>>);

impl Log {
    fn make(leaves: u64) -> Log {
        let entry = |number: u64| {
            let digest = sha256(&[&number.to_be_bytes()]);
            Entry { op: Op::Issued, time: UnixTime(1_790_000_000), digest }.to_bytes()
        };
        let bundle = |index: u64| (index * 256..((index + 1) * 256).min(leaves)).map(entry).collect();
        Log((0..leaves.div_ceil(256)).map(bundle).collect())
    }

    /// Appends the hashes of the entries up to `size`.
    fn hash(&self, edge: &mut TileEdge, size: u64) {
        let from = usize::try_from(edge.size()).unwrap();
        let entries = self.0.iter().skip(from / 256).flatten().skip(from % 256);
        entries
            .take(usize::try_from(size).unwrap() - from)
            .for_each(|entry| edge.push(&leaf_hash(entry), |_, _| {}));
    }

    /// What a node that has this log answers.
    fn serve(&self, path: &str, head: &str, size: u64, cap: usize) -> Result<Vec<u8>, String> {
        if path == "/log/checkpoint" {
            return Ok(head.as_bytes().to_vec());
        }
        let Some(Ok(TilePath::Entries(wanted))) = path.strip_prefix("/log/").map(TilePath::parse) else {
            return Err(format!("{path}: 404"));
        };
        assert!(wanted.first_entry() + u64::from(wanted.width()) <= size, "{path}");
        let entries = &self.0[usize::try_from(wanted.index()).unwrap()];
        let mut bytes = Vec::new();
        entries
            .iter()
            .take(usize::from(wanted.width()))
            .for_each(|entry| append_entry(&mut bytes, entry).unwrap());
        if bytes.len() > cap { Err(format!("{path}: {} bytes", bytes.len())) } else { Ok(bytes) }
    }
}

/// The node of the province over a store on disk, put together as `serve` does.
fn province(directory: &std::path::Path) -> Node {
    let data = licence_catalogue::embedded().unwrap();
    let authorities: Vec<_> = data.authorities_of_node("440000").cloned().collect();
    let own = authorities.iter().find(|authority| authority.has(KeyRole::Receipt)).unwrap().clone();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(directory).unwrap());
    let (clock, rng) = (Clock::system(), Rng::system());
    let mut keys = Keyring::default();
    keys.hold(&own.code, Usage::Log, SeedSigner::from_seed(&[6; 32]).unwrap());
    let parts = Parts {
        role: Role::Province,
        region: "440000".to_owned(),
        production: false,
        disconnection: Disconnection::default(),
        officers: Vec::new(),
        authority: own.code,
        host: own.host,
        shared: false,
        clock,
        rng,
        store,
        keys,
        authorities: Arc::new(authorities),
    };
    parts.assemble().unwrap()
}
