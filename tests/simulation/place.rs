//! A node in its place: a disk that outlives it, keys, clock, and what it was last seen to hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use licence_catalogue::{Authority, KeyRole};
use licence_node::node::Node;
use licence_node::node::clock::Clock;
use licence_node::node::config::{Disconnection, Role};
use licence_node::node::keys::{Keyring, Usage};
use licence_node::node::parts::Parts;
use licence_node::node::rng::Rng;
use licence_node::publication::documents;
use licence_node::publication::refresh;
use licence_spec::evidence::{Evidence, Trust};
use licence_spec::log::tile::{Tile, TilePath, append_entry};
use licence_spec::suite::{Digest, PublicKey, SeedSigner, sha256};
use licence_spec::time::UnixTime;
use licence_spec::trust::TrustFiles;
use licence_store::{LogHead, Store as _, TileKey};
use licence_store_sqlite::SqliteStore;

use super::faults::{Defect, FaultyStore};

/// What a node was last seen to hold: none of it may go back.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) root: Option<(u64, Digest)>,
    pub(crate) list: Option<(u64, Digest)>,
    /// Its root is newer than the list that it was last seen to hold, and it has none now.
    pub(crate) bare: bool,
    /// It was started in that state, and has no catalogue since.
    pub(crate) uncatalogued: bool,
    pub(crate) timestamp: Option<(u64, Digest)>,
    pub(crate) catalogue: Option<(u64, Digest)>,
    /// By uri: time, digest, and the event of the token.
    pub(crate) tokens: BTreeMap<String, (i64, Digest, u64)>,
    pub(crate) log_size: u64,
    /// The evidence in which all this was seen. It never changes, so it is looked at once.
    pub(crate) evidence: Option<Arc<Evidence>>,
}

impl Seen {
    /// Whether both hold the same trust files and catalogue.
    pub(crate) fn has_same_files(&self, other: &Seen) -> bool {
        let files = |seen: &Seen| {
            (seen.root, seen.list, seen.bare, seen.timestamp, seen.catalogue, seen.uncatalogued)
        };
        files(self) == files(other)
    }
}

/// A copy of a disk, and what stood on it.
pub(crate) struct Backup {
    pub(crate) disk: Arc<SqliteStore>,
    pub(crate) leaves: u64,
}

/// The city that issues only by trust files that have not ended.
const STRICT: &str = "440300";

/// A node, or the place where it will stand again.
pub(crate) struct Place {
    pub(crate) region: &'static str,
    pub(crate) role: Role,
    pub(crate) clock: Clock,
    pub(crate) disk: Arc<SqliteStore>,
    pub(crate) keys: Keyring,
    pub(crate) authorities: Arc<Vec<Authority>>,
    /// The authority that issues; that of the node itself for the province.
    pub(crate) issuer: String,
    pub(crate) officers: Vec<(String, PublicKey)>,
    pub(crate) defect: Option<Defect>,
    pub(crate) seed: u64,
    pub(crate) boots: u64,
    pub(crate) up: Option<(Node, Arc<FaultyStore>)>,
    /// The trust files that it held when it was stopped: `load` verifies what is stored, and makes no table of a key twice.
    stopped_with: Option<Arc<TrustFiles>>,
    pub(crate) seen: Seen,
    pub(crate) backup: Option<Backup>,
    /// Digests of the bundles that were taken last, by place.
    pub(crate) bundles: BTreeMap<usize, Digest>,
    /// Some heads that its log has signed, as a cache may keep them.
    pub(crate) old_heads: Vec<Arc<str>>,
}

/// A key of its own for every label.
pub(crate) fn signer(seed: u64, label: &str) -> SeedSigner {
    let seed = sha256(&[&seed.to_be_bytes(), label.as_bytes()]);
    SeedSigner::from_seed(&seed).expect("a digest is a seed")
}

impl Place {
    /// A place with an empty disk.
    pub(crate) fn new(
        region: &'static str,
        authorities: Vec<Authority>,
        clock: Clock,
        seed: u64,
        defect: Option<Defect>,
    ) -> Place {
        let role = if region == "440000" { Role::Province } else { Role::City };
        let own = own(&authorities).code.clone();
        let issuer = authorities.iter().find(|authority| authority.has(KeyRole::Licence));
        let issuer = issuer.map_or_else(|| own.clone(), |authority| authority.code.clone());
        let mut keys = Keyring::default();
        for authority in &authorities {
            for role in &authority.roles {
                let label = format!("{}.{}", authority.code, Usage::Role(*role).as_str());
                keys.hold(&authority.code, Usage::Role(*role), signer(seed, &label));
            }
        }
        let more: &[Usage] = match role {
            Role::Province => &[Usage::Log, Usage::Timestamp, Usage::Witness],
            Role::City => &[Usage::Log],
        };
        for usage in more {
            keys.hold(&own, *usage, signer(seed, &format!("{own}.{}", usage.as_str())));
        }
        Place {
            region,
            role,
            clock,
            disk: Arc::new(SqliteStore::open_in_memory().expect("memory")),
            keys,
            authorities: Arc::new(authorities),
            issuer,
            officers: Vec::new(),
            defect,
            seed,
            boots: 0,
            up: None,
            stopped_with: None,
            seen: Seen::default(),
            backup: None,
            bundles: BTreeMap::new(),
            old_heads: Vec::new(),
        }
    }

    /// The running node.
    pub(crate) fn node(&self) -> Option<&Node> {
        self.up.as_ref().map(|(node, _)| node)
    }

    /// The store through which it reaches its disk.
    pub(crate) fn store(&self) -> Option<&FaultyStore> {
        self.up.as_ref().map(|(_, store)| &**store)
    }

    /// The name of its log.
    pub(crate) fn origin(&self) -> String {
        format!("{}/log", own(&self.authorities).host)
    }

    /// The thumbprint of the key by which it issues.
    pub(crate) fn licence_key(&self) -> Option<[u8; 32]> {
        self.keys.signer(&self.issuer, Usage::LICENCE).map(|signer| *signer.public_key().thumbprint())
    }

    /// Stops the node: what was handed to the writer is written, unless the store is dead.
    pub(crate) fn stop(&mut self) {
        if let Some((node, _)) = self.up.take() {
            self.stopped_with = node.evidence.snapshot().trust_files().cloned();
            node.close();
        }
    }

    /// Starts the node from what is on its disk, as `serve` does.
    pub(crate) fn start(&mut self) -> Result<(), String> {
        self.boots += 1;
        self.bundles.clear();
        let faulty = Arc::new(FaultyStore::over(Arc::clone(&self.disk), self.defect));
        let store: Arc<dyn licence_store::Store> = faulty.clone();
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let own = own(&self.authorities).clone();
        let parts = Parts {
            role: self.role,
            region: self.region.to_owned(),
            production: false,
            disconnection: self.disconnection(),
            officers: self.officers.clone(),
            authority: own.code,
            host: own.host,
            shared: false,
            clock: self.clock.clone(),
            rng: Rng::seeded(self.seed.wrapping_mul(1_000_003).wrapping_add(self.boots)),
            store,
            keys: self.keys.clone(),
            authorities: Arc::clone(&self.authorities),
        };
        let node = parts.assemble().map_err(|error| text(&error))?;
        if let Some(files) = self.stopped_with.take() {
            node.evidence.change(|evidence| *evidence = Evidence::new(Trust::Held(files)));
        }
        let loaded = documents::load(&node).map_err(|error| text(&error));
        // What was changed and is in no token yet counts again, too.
        if let Err(error) = loaded.and_then(|()| refresh::refresh(&node).map_err(|error| text(&error))) {
            node.close();
            return Err(error);
        }
        self.up = Some((node, faulty));
        Ok(())
    }

    /// One city issues nothing once its trust files have ended; the others go on until their keys end.
    pub(crate) fn disconnection(&self) -> Disconnection {
        let strict = self.region == STRICT;
        Disconnection { issue_after_end_s: strict.then_some(0), ..Disconnection::default() }
    }

    /// The size of the log on disk.
    pub(crate) fn disk_size(&self) -> u64 {
        self.disk_head().map_or(0, |head| head.size)
    }

    /// The head of its log on disk.
    pub(crate) fn disk_head(&self) -> Option<LogHead> {
        self.disk.read().and_then(|read| read.log_head()).ok().flatten()
    }

    /// A copy of the disk, row by row.
    pub(crate) fn copy_of_disk(&self) -> Backup {
        let copy = SqliteStore::open_in_memory().expect("memory");
        licence_store::copy(&*self.disk, &copy, &mut |_, _| {}).expect("a sound disk can be copied");
        Backup { disk: Arc::new(copy), leaves: self.disk_size() }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The node's own authority.
pub(crate) fn own(authorities: &[Authority]) -> &Authority {
    authorities.iter().find(|authority| authority.has(KeyRole::Receipt)).expect("every node has its own")
}

/// What a node answers to another one that asks for a file: what `http` serves under this path.
pub(crate) fn serve(node: &Node, path: &str, cap: usize) -> Result<Vec<u8>, String> {
    let bytes = answer(node, path)?;
    if bytes.len() > cap { Err(format!("{path}: {} bytes", bytes.len())) } else { Ok(bytes) }
}

fn answer(node: &Node, path: &str) -> Result<Vec<u8>, String> {
    let failed = |error: licence_store::StoreError| error.to_string();
    if path == "/log/checkpoint" {
        return Ok(node.log.served().as_bytes().to_vec());
    }
    if let Some(version) = path.strip_prefix("/v1/catalogue?version=") {
        let read = node.store.read().map_err(failed)?;
        let row = read.document(documents::CATALOGUE_VERSION, version).map_err(failed)?;
        return row.map(|row| row.bytes).ok_or_else(|| format!("{path}: 404"));
    }
    let wanted = match path.strip_prefix("/log/").map(TilePath::parse) {
        Some(Ok(TilePath::Entries(wanted))) => wanted,
        Some(Ok(TilePath::Hashes(tile))) => return hashes(node, tile),
        _ => return Err(format!("{path}: 404")),
    };
    let read = node.store.read().map_err(failed)?;
    let width = usize::from(wanted.width());
    let leaves = read.log_leaves(wanted.first_entry(), u32::from(wanted.width())).map_err(failed)?;
    if leaves.len() != width {
        return Err(format!("{path}: 404"));
    }
    let mut bytes = Vec::new();
    for leaf in &leaves {
        append_entry(&mut bytes, &leaf.entry).map_err(|error| error.to_string())?;
    }
    Ok(bytes)
}

/// A tile of hashes, cut to the width that is asked for.
fn hashes(node: &Node, tile: Tile) -> Result<Vec<u8>, String> {
    let key = TileKey { level: tile.level(), index: tile.index() };
    let read = node.store.read().map_err(|error| error.to_string())?;
    let found = read.log_tiles(&[key]).map_err(|error| error.to_string())?.into_iter().next().flatten();
    let bytes = found.filter(|bytes| bytes.len() >= tile.byte_len());
    bytes.map(|bytes| bytes[..tile.byte_len()].to_vec()).ok_or_else(|| format!("{tile}: 404"))
}

/// A moment of the world.
pub(crate) const fn time(seconds: i64) -> UnixTime {
    UnixTime(seconds)
}
