//! Setting up, and what officers and the province publish: trust lists, timestamps, catalogue versions, keys.

use std::sync::OnceLock;

use licence_catalogue::approval::Proposal;
use licence_catalogue::samples::Samples;
use licence_catalogue::{Authority, CatalogueData, KeyRole, Release, embedded};
use licence_node::jobs;
use licence_node::node::clock::Clock;
use licence_node::node::encoding::base64url;
use licence_node::node::keys::Usage;
use licence_node::operator::{Command, execute};
use licence_node::publication::ceremony::{NodeKeys, compromise};
use licence_node::publication::documents::{self, pin_root};
use licence_node::publication::timestamp::sign_timestamp;
use licence_spec::suite::{SeedSigner, Signer, sha256};
use licence_spec::trust::{Cut, CutTree, Entry, Key, KeyState, ListContent, Role, RoleKeys, RootContent};
use licence_store::Store as _;

use super::chance::Chance;
use super::conditions::{Allowed, Broken, Condition, must};
use super::place::{self, Place, signer, time};
use super::succession::Roots;
use super::truth::{KeyTruth, ListTruth, TimestampTruth, Truth};
use super::{Done, PROVINCE, Settings, Tally, World};

/// Where the nodes stand.
const REGIONS: [&str; 4] = ["440000", "440100", "440300", "440600"];
/// How far the clock of each is from the true time, seconds: within the skew that is allowed.
pub(crate) const SKEW_S: [i64; 4] = [-15, 0, 20, 5];
/// 2026-11-23 10:00 in China.
pub(crate) const BEGIN: i64 = 1_795_392_000 + 2 * 3_600;
/// 营业执照, which every city issues.
const TYPE: &str = "urn:elic:cn:11100000MB0143028R001";
/// Life of a list, seconds.
const LIST_LIFE_S: i64 = 90 * 86_400;

/// What the officers hold and have signed.
pub(crate) struct Scheme {
    pub(crate) roots: Roots,
    pub(crate) list_keys: Vec<SeedSigner>,
    approvers: Vec<SeedSigner>,
    entries: Vec<Entry>,
    witness_policy: String,
    version: u64,
    /// A list that has been signed, and that the province could not take.
    pub(crate) pending: Option<(u64, Vec<u8>)>,
    /// A catalogue version that has been approved, and that the province could not take.
    proposal: Option<Proposal>,
    /// Pairs of timestamp and list that were in force once.
    pub(crate) archive: Vec<(Vec<u8>, Vec<u8>)>,
    /// The requests.
    pub(crate) samples: Samples,
    rotations: u64,
}

fn data() -> &'static CatalogueData {
    static DATA: OnceLock<CatalogueData> = OnceLock::new();
    DATA.get_or_init(|| embedded().expect("the shipped data is sound"))
}

/// The authorities of a node: its own, the one that issues, and the publisher of the catalogue.
fn authorities(region: &str) -> Vec<Authority> {
    let all = data().authorities_of_node(region);
    let mut few = Vec::new();
    for authority in all {
        let own = authority.has(KeyRole::Receipt);
        let publishes = authority.has(KeyRole::Catalogue);
        let issues = region != "440000" && authority.vcts.iter().any(|vct| vct == TYPE);
        if own || publishes || issues {
            let mut authority = authority.clone();
            // Nobody makes a view here, and every key that could costs a table of points at each start of a node.
            authority.roles.retain(|role| *role != KeyRole::View);
            few.push(authority);
        }
    }
    few
}

pub(crate) fn role(threshold: usize, signers: &[SeedSigner]) -> RoleKeys {
    RoleKeys { threshold, keys: signers.iter().map(|signer| *signer.public_key()).collect() }
}

pub(crate) fn two(signers: &[SeedSigner]) -> Vec<&dyn Signer> {
    signers.iter().take(2).map(|signer| signer as &dyn Signer).collect()
}

fn stuck(what: &str, error: impl std::fmt::Display) -> Broken {
    Broken::new(Condition::Stuck, format!("{what}: {error}"))
}

impl World {
    /// Province and cities after the ceremony, with lists published and exchanged.
    pub(crate) fn set_up(settings: Settings) -> Result<World, Broken> {
        let seed = settings.seed;
        let three = |name: &str| (1..=3).map(|at| signer(seed, &format!("{name}-{at}"))).collect();
        let (root_keys, list_keys): (Vec<SeedSigner>, Vec<SeedSigner>) = (three("root"), three("list"));
        let approvers: Vec<SeedSigner> = three("approver");
        let mut places: Vec<Place> = (REGIONS.into_iter().zip(SKEW_S).zip(1..))
            .map(|((region, skew), number)| {
                let clock = Clock::fixed(time(BEGIN + skew));
                Place::new(region, authorities(region), clock, seed * 8 + number, settings.defect)
            })
            .collect();
        let officer = |(at, key): (usize, &SeedSigner)| (format!("officer-{at}"), *key.public_key());
        places[PROVINCE].officers = approvers.iter().enumerate().map(officer).collect();
        let mut entries = Vec::new();
        for place in &mut places {
            place.start().map_err(|error| stuck("first start", error))?;
            let node = place.node().expect("it was started");
            let keys = NodeKeys::of(node).map_err(|error| stuck("keys", error))?;
            for authority in node.authorities.iter() {
                entries.push(keys.entry(authority, time(BEGIN - 60)).map_err(|error| stuck("entry", error))?);
            }
        }
        entries.sort_by(|a, b| a.id.cmp(&b.id));
        let province = places[PROVINCE].node().expect("it was started");
        let timestamp = province.keys.signer(&province.authority, Usage::Timestamp).expect("made above");
        let content = RootContent {
            version: 1,
            iat: time(BEGIN - 60),
            exp: time(BEGIN + 5 * 365 * 86_400),
            name: "elicence.gd.sim".to_owned(),
            root: role(2, &root_keys),
            list: role(2, &list_keys),
            timestamp: RoleKeys { threshold: 1, keys: vec![*timestamp.public_key()] },
        };
        let root = content.sign(&two(&root_keys)).map_err(|error| stuck("root", error))?;
        let witness = province.witness_key().expect("the province has a witness key");
        let scheme = Scheme {
            roots: Roots::new(root, root_keys),
            list_keys,
            approvers,
            entries,
            witness_policy: format!("witness w1 {witness}\nquorum none\n"),
            version: 0,
            pending: None,
            proposal: None,
            archive: Vec::new(),
            samples: Samples::new(seed),
            rotations: 0,
        };
        let mut world = World {
            settings,
            chance: Chance::new(seed),
            places,
            cut: Default::default(),
            truth: Truth::default(),
            tally: Tally::default(),
            scheme,
            condemned: Default::default(),
            crashed: Default::default(),
            now: BEGIN,
        };
        world.open()?;
        Ok(world)
    }

    fn open(&mut self) -> Done {
        for place in &self.places {
            let node = place.node().expect("it was started");
            pin_root(node, &self.scheme.roots.published[0]).map_err(|error| stuck("root", error))?;
        }
        self.sign_list();
        self.hand_in_list(false)?;
        self.propose_catalogue();
        self.hand_in_catalogue(false)?;
        for at in 1..self.places.len() {
            self.pull(at, PROVINCE, false)?;
            self.publish_quietly(at)?;
        }
        for at in 0..self.places.len() {
            (0..self.places.len())
                .filter(|peer| *peer != at)
                .try_for_each(|peer| self.pull(at, peer, false))?;
        }
        self.watch()
    }

    /// Officers sign the next list.
    pub(crate) fn sign_list(&mut self) {
        let scheme = &mut self.scheme;
        scheme.version += 1;
        let now = self.places[PROVINCE].clock.now();
        let content = ListContent {
            version: scheme.version,
            iat: now,
            exp: now.plus(LIST_LIFE_S),
            entries: scheme.entries.clone(),
            witness_policy: scheme.witness_policy.clone(),
        };
        let bytes = content.sign(&two(&scheme.list_keys)).expect("seeds sign");
        let keys = scheme.entries.iter().flat_map(|entry| &entry.keys);
        let keys =
            keys.filter(|key| key.has_role(Role::Licence)).map(|key| (*key.key.thumbprint(), truth(key)));
        let known = ListTruth { digest: sha256(&[&bytes]), exp: content.exp.0, keys: keys.collect() };
        self.truth.lists.insert(scheme.version, known);
        scheme.pending = Some((scheme.version, bytes));
    }

    /// The province publishes the list that is pending.
    pub(crate) fn hand_in_list(&mut self, with_faults: bool) -> Done {
        let Some((version, bytes)) = self.scheme.pending.clone() else { return Ok(()) };
        if with_faults {
            self.arm(PROVINCE);
        }
        let outcome = if self.scheme.roots.pending.is_some() {
            self.take_root(version, &bytes)
        } else {
            sign_timestamp(self.node(PROVINCE), version, &bytes).map(drop).map_err(|error| error.to_string())
        };
        let tripped = self.settle(PROVINCE)?;
        self.note_timestamp()?;
        match outcome {
            Ok(()) => {
                self.scheme.pending = None;
                let taken = self.scheme.roots.pending.take();
                self.scheme.roots.published.extend(taken);
            }
            Err(error) => must(tripped, Condition::Stuck, || format!("list {version}: {error}"))?,
        }
        Ok(())
    }

    /// A list with, perhaps, a key changed or compromised.
    pub(crate) fn publish_list(&mut self) -> Done {
        if self.scheme.pending.is_some() {
            return self.hand_in_list(true);
        }
        let (city, what) = (1 + self.chance.below(3), self.chance.below(3));
        let fresh = (what > 0).then(|| self.change_key(city, what == 2));
        self.sign_list();
        self.hand_in_list(true)?;
        if let Some(fresh) = fresh {
            // The city's operator puts the new key in its place, and starts the node again.
            let place = &mut self.places[city];
            place.keys.hold(&place.issuer, Usage::LICENCE, fresh);
            self.restart(city)?;
        }
        Ok(())
    }

    /// Retires the licence key of a city, or marks it as compromised; answers the key that takes its place.
    fn change_key(&mut self, city: usize, compromised: bool) -> SeedSigner {
        let place = &self.places[city];
        let (now, head) = (place.clock.now(), place.disk_head().expect("a node has a log"));
        let cut = Cut { index: head.size, tree: Some(CutTree { origin: head.origin, root: head.root }) };
        let own = place.licence_key().expect("cities issue");
        self.scheme.rotations += 1;
        let fresh = signer(place.seed, &format!("rotation-{}", self.scheme.rotations));
        let issuer = place.issuer.clone();
        let entry = self.scheme.entries.iter_mut().find(|entry| entry.id == issuer).expect("listed");
        let old = entry.keys.iter_mut().find(|key| *key.key.thumbprint() == own).expect("listed");
        let next = Key::new(*fresh.public_key(), old.scopes.clone(), KeyState::Active, now);
        if compromised {
            let key = old.key;
            compromise(entry, &key, now, &cut);
        } else {
            old.history.push((0, old.since));
            (old.state, old.since) = (KeyState::Retired, now);
        }
        entry.keys.push(next);
        fresh
    }

    pub(crate) fn renew(&mut self) -> Done {
        self.arm(PROVINCE);
        self.renew_quietly()
    }

    /// Without faults.
    pub(crate) fn renew_quietly(&mut self) -> Done {
        let outcome = jobs::renew(self.node(PROVINCE));
        let tripped = self.settle(PROVINCE)?;
        self.note_timestamp()?;
        outcome.or_else(|error| must(tripped, Condition::Stuck, || format!("renew: {error}")))
    }

    /// Takes up the timestamp on the disk of the province, and the pair of files in force.
    pub(crate) fn note_timestamp(&mut self) -> Done {
        let read = self.places[PROVINCE].disk.read().map_err(|error| stuck("disk", error))?;
        let get = |(kind, name)| read.document(kind, name).map_err(|error| stuck("disk", error));
        let (Some(row), list) = (get(documents::TIMESTAMP)?, get(documents::LIST)?) else { return Ok(()) };
        drop(read);
        let list = list.map(|list| (list.version, list.bytes));
        if self.truth.timestamps.get(&row.version).is_some_and(|known| known.digest == row.digest) {
            return Ok(());
        }
        let mut files = self.scheme.roots.files()?;
        files
            .take_timestamp(&row.bytes, self.places[PROVINCE].clock.now())
            .map_err(|code| stuck("timestamp", code.as_str()))?;
        let Some(content) = files.timestamp().map(|held| *held.content()) else { return Ok(()) };
        let named = content.list_version;
        let truth = TimestampTruth { digest: row.digest, exp: content.exp.0, list: named };
        let held = self.truth.timestamps.insert(row.version, truth);
        let same = held.is_none_or(|held| held.digest == row.digest);
        must(same, Condition::WentBackwards, || format!("timestamp {} has two contents", row.version))?;
        if held.is_none()
            && let Some((_, bytes)) = list.filter(|(version, _)| *version == named)
        {
            self.scheme.archive.push((row.bytes, bytes));
        }
        Ok(())
    }

    pub(crate) fn propose_catalogue(&mut self) {
        let node = self.node(PROVINCE);
        let (now, held) = (node.clock.now(), node.catalogue());
        let mut content = data().compile(&Release::after(held.as_deref(), now, now));
        // Two types are enough, and cheap to sign; a service item would name others.
        content.types.retain(|kind| kind.vct == TYPE);
        content.service_items.clear();
        self.scheme.proposal = Some(Proposal::new(&content).expect("a sound catalogue"));
    }

    pub(crate) fn hand_in_catalogue(&mut self, with_faults: bool) -> Done {
        let Some(proposal) = &self.scheme.proposal else { return Ok(()) };
        if self.node(PROVINCE).catalogue().is_some_and(|held| held.content() == proposal.content()) {
            // It was kept though its write was reported as lost; whoever publishes it again is told that it is not the next.
            self.scheme.proposal = None;
            return Ok(());
        }
        let at = proposal.content().issued_at;
        let approvals = self.scheme.approvers.iter().take(2);
        let approvals =
            approvals.map(|key| base64url(&proposal.approve(at, key).expect("seeds sign"))).collect();
        let (version, text) = (proposal.content().version, base64url(proposal.payload()));
        if with_faults {
            self.arm(PROVINCE);
        }
        let outcome = execute(self.node(PROVINCE), &Command::PublishCatalogue { proposal: text, approvals });
        let tripped = self.settle(PROVINCE)?;
        match outcome {
            Ok(_) => self.scheme.proposal = None,
            Err(error) => must(tripped, Condition::Stuck, || format!("catalogue {version}: {error}"))?,
        }
        Ok(())
    }

    pub(crate) fn publish_catalogue(&mut self) -> Done {
        if self.scheme.proposal.is_none() {
            self.propose_catalogue();
        }
        self.hand_in_catalogue(true)
    }

    /// Brings what is pending to an end; for the province that has no faults now.
    pub(crate) fn finish_publishing(&mut self) -> Done {
        self.hand_in_list(false)?;
        self.hand_in_catalogue(false)
    }

    /// Offers a node trust files that were in force once, or a second list of the version in force.
    pub(crate) fn offer_old_list(&mut self, at: usize) -> Done {
        let pick = self.chance.below(self.scheme.archive.len());
        let Some((timestamp, list)) = self.scheme.archive.get(pick).cloned() else { return Ok(()) };
        let node = self.node(at);
        // With the roots of that time: newer ones would be taken, and end the list that the node holds.
        let held = node.evidence.snapshot().trust_files().map_or(0, |files| files.root().content().version);
        let held = usize::try_from(held).expect("a simulation has few roots");
        let roots: Vec<&[u8]> = self.scheme.roots.published.iter().map(Vec::as_slice).take(held).collect();
        let outcome = documents::take_trust(node, &roots, &timestamp, &list);
        if outcome.is_err() {
            self.allow(Allowed::RollbackRefused);
        }
        Ok(())
    }

    /// The province's operator hands in another list of the version in force: officers signed two drafts.
    pub(crate) fn offer_second_list(&mut self) -> Done {
        if self.scheme.pending.is_some() {
            return Ok(());
        }
        let version = self.scheme.version;
        let now = self.places[PROVINCE].clock.now();
        let content = ListContent {
            version,
            iat: now,
            exp: now.plus(LIST_LIFE_S / 2),
            entries: self.scheme.entries.clone(),
            witness_policy: self.scheme.witness_policy.clone(),
        };
        let bytes = content.sign(&two(&self.scheme.list_keys)).expect("seeds sign");
        if self.settings.defect == Some(super::Defect::EqualVersionOtherBytes) {
            return self.take_blindly(version, &bytes);
        }
        let outcome = sign_timestamp(self.node(PROVINCE), version, &bytes);
        must(outcome.is_err(), Condition::WentBackwards, || format!("list {version} has two contents"))?;
        self.allow(Allowed::RollbackRefused);
        self.note_timestamp()
    }

    /// The defect: what the province is given is served as the list in force.
    fn take_blindly(&mut self, list_version: u64, list: &[u8]) -> Done {
        let node = self.node(PROVINCE);
        let key = node.keys.signer(&node.authority, Usage::Timestamp).expect("the province has one");
        let files = node.evidence.snapshot().trust_files().cloned().expect("held");
        let version = files.timestamp().map_or(1, |held| held.content().version + 1);
        let now = node.clock.now();
        let stamp = licence_node::publication::ceremony::timestamp(
            version,
            list_version,
            list,
            (now, 72 * 3_600),
            &*key,
        );
        let stamp = stamp.map_err(|error| stuck("timestamp", error))?;
        let mut files = self.scheme.roots.files()?;
        files.take_timestamp(&stamp, now).map_err(|code| stuck("timestamp", code.as_str()))?;
        files.take_list(list, now).map_err(|code| stuck("list", code.as_str()))?;
        node.evidence.change(|evidence| {
            let trust = licence_spec::evidence::Trust::Held(std::sync::Arc::new(files));
            let mut next = licence_spec::evidence::Evidence::new(trust);
            evidence.catalogue().into_iter().for_each(|held| next.set_catalogue(held.clone()));
            evidence.tokens().for_each(|held| next.add_token(held.token().clone()));
            *evidence = next;
        });
        Ok(())
    }

    /// A key that no list names.
    pub(crate) fn rogue(&self) -> SeedSigner {
        signer(self.settings.seed, "rogue")
    }

    /// The node at a place. Every operation leaves all of them running.
    pub(crate) fn node(&self, at: usize) -> &licence_node::node::Node {
        self.places[at].node().expect("every operation leaves the nodes running")
    }

    /// The authority in whose name a city issues.
    pub(crate) fn issuing(&self, city: usize) -> &Authority {
        let place = &self.places[city];
        place
            .authorities
            .iter()
            .find(|own| own.code == place.issuer)
            .unwrap_or_else(|| place::own(&place.authorities))
    }
}

fn truth(key: &Key) -> KeyTruth {
    match &key.state {
        KeyState::Active => KeyTruth::Active,
        KeyState::Retired => KeyTruth::RetiredSince(key.since.0),
        KeyState::Compromised(Cut { index, .. }) => KeyTruth::CompromisedFrom(*index),
    }
}
