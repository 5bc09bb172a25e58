//! A province and a city in memory, with officers, trust list, catalogue and status lists: what tests beside trips and handlers work on.
//!
//! In scope: the ceremony of a first day, by the same functions as a real one, with keys from seeds that everybody knows, under a clock that
//! stands until it is turned. Out of scope: sockets, files, faults (`tests/simulation`). Protects nothing: never for a node that serves.

use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, Result};
use licence_catalogue::approval::{Officers, Proposal};
use licence_catalogue::{Authority, CatalogueData, KeyRole, Release, embedded};
use licence_spec::suite::{SeedSigner, Signer, sha256};
use licence_spec::time::UnixTime;
use licence_spec::trust::{Entry, ListContent, RoleKeys, RootContent};
use licence_store::Store;

use crate::node::Node;
use crate::node::clock::Clock;
use crate::node::config::{Disconnection, Role};
use crate::node::keys::{Keyring, Usage};
use crate::node::parts::Parts;
use crate::node::rng::Rng;
use crate::publication::ceremony::NodeKeys;
use crate::publication::documents;
use crate::publication::publish_status::{open_lists, publish};
use crate::publication::timestamp::sign_timestamp;

/// The morning of the first day: 2026-11-23 10:00 in China.
pub const MORNING: UnixTime = UnixTime(1_795_399_200);
/// 营业执照, the type that is issued.
pub const TYPE: &str = "urn:elic:cn:11100000MB0143028R001";
/// Life of root and list, seconds.
const LIFE_S: i64 = 90 * 86_400;

/// The two nodes. Each has a clock of its own, which stands until it is turned.
pub struct Rehearsal {
    /// The province, 440000.
    pub province: Node,
    /// Guangzhou, 440100, with the authority that issues [`TYPE`] there.
    pub city: Node,
}

impl Rehearsal {
    /// Plays the first day on two empty stores; both nodes are ready then, and the city can issue.
    ///
    /// # Errors
    /// If a step fails, which it does only if the shipped data or the ceremony is broken.
    pub fn play(stores: [Arc<dyn Store>; 2]) -> Result<Rehearsal> {
        let [first, second] = stores;
        let province = node("440000", Role::Province, first)?;
        let city = node("440100", Role::City, second)?;
        let list = sign_trust(&province, &city)?;
        let rows = province.store.read()?;
        let get = |place: (&str, &str)| rows.document(place.0, place.1);
        let timestamp = get(documents::TIMESTAMP)?.context("timestamp")?.bytes;
        let root = rows.documents(documents::ROOT)?.into_iter().next().context("root")?.bytes;
        drop(rows);
        documents::pin_root(&city, &root)?;
        documents::take_trust(&city, &[&root], &timestamp, &list)?;
        documents::take_catalogue(&city, &sign_catalogue(&province)?)?;
        open_lists(&city)?;
        publish(&city, true)?;
        Ok(Rehearsal { province, city })
    }
}

/// The shipped data, read once a process.
fn data() -> Result<&'static CatalogueData> {
    static DATA: OnceLock<Option<CatalogueData>> = OnceLock::new();
    DATA.get_or_init(|| embedded().ok()).as_ref().context("the shipped data")
}

/// A key of its own for every label.
fn key(label: &str) -> Result<SeedSigner> {
    Ok(SeedSigner::from_seed(&sha256(&[b"rehearsal", label.as_bytes()]))?)
}

fn three(label: &str) -> Result<Vec<SeedSigner>> {
    (1..=3).map(|at| key(&format!("{label}-{at}"))).collect()
}

fn two(signers: &[SeedSigner]) -> Vec<&dyn Signer> {
    signers.iter().take(2).map(|signer| signer as &dyn Signer).collect()
}

fn role(threshold: usize, signers: &[SeedSigner]) -> RoleKeys {
    RoleKeys { threshold, keys: signers.iter().map(|signer| *signer.public_key()).collect() }
}

fn node(region: &str, role: Role, store: Arc<dyn Store>) -> Result<Node> {
    // A few authorities are enough: every key of the trust list costs a table of points.
    let needed = |authority: &&Authority| {
        authority.has(KeyRole::Receipt)
            || authority.has(KeyRole::Catalogue)
            || authority.vcts.iter().any(|vct| vct == TYPE)
    };
    let authorities: Vec<Authority> = data()?.authorities_of_node(region).filter(needed).cloned().collect();
    let own = authorities.iter().find(|authority| authority.has(KeyRole::Receipt)).context("own")?.clone();
    let mut keys = Keyring::default();
    for authority in &authorities {
        for role in &authority.roles {
            let usage = Usage::Role(*role);
            keys.hold(&authority.code, usage, key(&format!("{}.{}", authority.code, usage.as_str()))?);
        }
    }
    for usage in [Usage::Log, Usage::Timestamp, Usage::Witness] {
        keys.hold(&own.code, usage, key(&format!("{}.{}", own.code, usage.as_str()))?);
    }
    let officer = |(at, key): (usize, &SeedSigner)| (format!("officer-{at}"), *key.public_key());
    let parts = Parts {
        role,
        region: region.to_owned(),
        production: false,
        disconnection: Disconnection::default(),
        officers: three("approver")?.iter().enumerate().map(officer).collect(),
        authority: own.code,
        host: own.host,
        shared: false,
        clock: Clock::fixed(MORNING),
        rng: Rng::seeded(7),
        store,
        keys,
        authorities: Arc::new(authorities),
    };
    Ok(parts.assemble()?)
}

/// Root, list and timestamp; the list names all authorities of both nodes. The bytes of the list.
fn sign_trust(province: &Node, city: &Node) -> Result<Vec<u8>> {
    let (roots, lists, since) = (three("root")?, three("list")?, MORNING.plus(-60));
    let timestamp = province.keys.signer(&province.authority, Usage::Timestamp).context("timestamp key")?;
    let root = RootContent {
        version: 1,
        iat: since,
        exp: since.plus(LIFE_S),
        name: "rehearsal.example".to_owned(),
        root: role(2, &roots),
        list: role(2, &lists),
        timestamp: RoleKeys { threshold: 1, keys: vec![*timestamp.public_key()] },
    };
    documents::pin_root(province, &root.sign(&two(&roots))?)?;
    let mut entries: Vec<Entry> = Vec::new();
    for node in [province, city] {
        let keys = NodeKeys::of(node)?;
        for authority in node.authorities.iter() {
            entries.push(keys.entry(authority, since)?);
        }
    }
    entries.sort_by(|a, b| a.id.cmp(&b.id));
    let witness = province.witness_key().context("witness key")?;
    let witness_policy = format!("witness w1 {witness}\nquorum none\n");
    let content = ListContent { version: 1, iat: since, exp: since.plus(LIFE_S), entries, witness_policy };
    let list = content.sign(&two(&lists))?;
    sign_timestamp(province, 1, &list)?;
    Ok(list)
}

/// The shipped catalogue as its first version, approved by two officers.
fn sign_catalogue(province: &Node) -> Result<Vec<u8>> {
    let proposal = Proposal::new(&data()?.compile(&Release::after(None, MORNING, MORNING)))?;
    let approvers = three("approver")?;
    let approvals = approvers.iter().take(2).map(|key| proposal.approve(MORNING, key));
    let approvals = approvals.collect::<Result<Vec<_>, _>>()?;
    let publisher = province.authorities.iter().find(|authority| authority.has(KeyRole::Catalogue));
    let signer = province.keys.signer(&publisher.context("publisher")?.code, Usage::CATALOGUE);
    let officers = Officers::new(province.officers.clone(), 2)?;
    let signed = proposal.sign(None, &officers, &approvals, &*signer.context("catalogue key")?)?;
    documents::take_catalogue(province, &signed)?;
    Ok(signed)
}
