//! The bundles of the vectors: one that is good, and others that differ from it in one thing.

use std::collections::BTreeMap;
use std::sync::Arc;

use licence_spec::bundle::{self, Bundle};
use licence_spec::catalogue::{
    self, Accepted, Alternative, Comparison, Constraint, HolderRole, Material, ServiceItem,
};
use licence_spec::evidence::{Evidence, Trust};
use licence_spec::log::cosignature::WitnessKey;
use licence_spec::log::note::LogKey;
use licence_spec::status::{self, Status, StatusArray};
use licence_spec::suite::sha256;
use licence_spec::time::{CivilDate, UnixTime};
use licence_spec::trust::{
    Cut, CutTree, Entry, Key, KeyState, ListContent, Log, Names, Role, RoleKeys, Root, RootContent, Scope,
    TimestampContent, TrustFiles,
};

use crate::keys::Keys;
use crate::log::Tree;
use crate::world::*;

type Parts = BTreeMap<String, Vec<u8>>;

fn names(some: &[&str]) -> Names {
    Names::Some(some.iter().map(|&name| name.to_owned()).collect())
}

fn scope(role: Role, region: &str) -> Scope {
    let (types, regions) =
        if role.is_scoped() { (names(&[PREMISES]), names(&[region])) } else { (Names::All, Names::All) };
    Scope { role, types, regions, from: SCOPES_FROM, to: at(2 * YEAR_S) }
}

/// A key with one scope, in use since the scopes began.
fn key(keys: &Keys, name: &str, role: Role, region: &str) -> Key {
    Key::new(keys.public(name), vec![scope(role, region)], KeyState::Active, SCOPES_FROM)
}

fn changed(mut key: Key, state: KeyState) -> Key {
    key.history.push((0, key.since));
    (key.state, key.since) = (state, KEYS_CHANGED);
    key
}

fn entry(id: &str, name: &str, host: &str, keys: Vec<Key>) -> Entry {
    let (id, name, hosts) = (id.to_owned(), name.to_owned(), vec![host.to_owned()]);
    Entry { id, name, hosts, logs: Vec::new(), keys, successor: None }
}

fn entries(keys: &Keys, tree: &Tree) -> Vec<Entry> {
    let province = vec![key(keys, "province catalogue", Role::Catalogue, "")];
    let cut = CutTree { origin: ORIGIN.to_owned(), root: tree.head_of(CUT).root };
    let stolen = KeyState::Compromised(Cut { index: CUT, tree: Some(cut) });
    let city = vec![
        key(keys, "issuer", Role::Licence, "4401"),
        key(keys, "status", Role::Status, ""),
        key(keys, "view", Role::View, "4401"),
        changed(key(keys, "issuer retired", Role::Licence, "4401"), KeyState::Retired),
        changed(key(keys, "issuer compromised", Role::Licence, "4401"), stolen),
    ];
    let other = vec![
        key(keys, "shenzhen issuer", Role::Licence, "4403"),
        key(keys, "shenzhen status", Role::Status, ""),
    ];
    let log = LogKey::new(ORIGIN, keys.public("log")).expect("a name");
    let log = Log { vkey: log.to_string(), key: log, since: SCOPES_FROM, until: None };
    vec![
        entry(PROVINCE, "广东省示例目录管理机关", "gd.elic.example", province),
        Entry { logs: vec![log], ..entry(CITY, "广州市示例发证机关", CITY_HOST, city) },
        Entry {
            successor: Some(PROVINCE.to_owned()),
            ..entry(OTHER_CITY, "深圳市示例发证机关", OTHER_HOST, other)
        },
    ]
}

/// Both witnesses have to have seen a checkpoint.
fn witness_policy(keys: &Keys) -> String {
    let vkey = |name: &str, key| WitnessKey::new(name, keys.public(key)).expect("a name");
    let (province, other) = (vkey("gd.elic.example/w1", "witness"), vkey("sz.elic.example/w1", "witness 2"));
    format!("witness gd1 {province}\nwitness sz1 {other}\ngroup both 2 gd1 sz1\nquorum both\n")
}

fn root(keys: &Keys, version: u64) -> Vec<u8> {
    let role = |threshold, names: &[&str]| RoleKeys { threshold, keys: keys.publics(names) };
    let content = RootContent {
        version,
        iat: at(-40 * DAY_S),
        exp: at(5 * YEAR_S),
        name: "elic.example".to_owned(),
        root: role(2, &["root 1", "root 2", "root 3"]),
        list: role(2, &["list 1", "list 2", "list 3"]),
        timestamp: role(1, &["timestamp 1"]),
    };
    content.sign(&keys.signers(&["root 1", "root 2"])).expect("signed")
}

fn list(keys: &Keys, tree: &Tree, version: u64, exp: UnixTime, officers: &[&str]) -> Vec<u8> {
    let (entries, witness_policy) = (entries(keys, tree), witness_policy(keys));
    let content = ListContent { version, iat: LIST_FROM, exp, entries, witness_policy };
    content.sign(&keys.signers(officers)).expect("signed")
}

/// The list with the city's log ended.
fn list_with_ended_log(keys: &Keys, tree: &Tree, until: UnixTime) -> Vec<u8> {
    let (mut entries, witness_policy) = (entries(keys, tree), witness_policy(keys));
    entries.iter_mut().flat_map(|entry| &mut entry.logs).for_each(|log| log.until = Some(until));
    let content = ListContent { version: 2, iat: LIST_FROM, exp: LIST_UNTIL, entries, witness_policy };
    content.sign(&keys.signers(&["list 1", "list 2"])).expect("signed")
}

fn timestamp(keys: &Keys, version: u64, list: &[u8], iat: UnixTime, exp: UnixTime) -> Vec<u8> {
    let content = TimestampContent {
        version,
        iat,
        exp,
        list_version: version,
        list_length: list.len() as u64,
        list_digest: sha256(&[list]),
    };
    content.sign(&keys.signers(&["timestamp 1"])).expect("signed")
}

/// Parts with this list and a timestamp that names it.
fn with_list(keys: &Keys, good: &Parts, list: Vec<u8>, version: u64) -> Parts {
    let mut parts = good.clone();
    let stamp = timestamp(keys, version, &list, TIMESTAMP_FROM, TIMESTAMP_UNTIL);
    parts.insert(bundle::TIMESTAMP.to_owned(), stamp);
    parts.insert(bundle::LIST.to_owned(), list);
    parts
}

/// A token of the list `uri`; three of its licences have ended or rest.
pub(crate) fn token(keys: &Keys, uri: &str, key: &str, iat: UnixTime, exp: UnixTime) -> Vec<u8> {
    let mut array = StatusArray::new(LIST_LENGTH);
    for (index, status) in
        [(REVOKED, Status::Invalid), (SUSPENDED, Status::Suspended), (SUPERSEDED, Status::Superseded)]
    {
        assert!(array.set(index, status), "the index is in the list");
    }
    status::sign(uri, iat, exp, TOKEN_TTL_S, &array, keys.signer(key)).expect("signed")
}

/// The types of the example catalogue, with the service items of the vectors.
fn catalogue(keys: &Keys, trust: &Parts) -> Vec<u8> {
    let example = include_bytes!("../../../spec/vectors/generated-examples/catalogue/catalogue_1.cbor");
    let root = Root::open_first(&trust[&bundle::root_path(1)]).expect("the root is good");
    let (stamp, list) = (trust[bundle::TIMESTAMP].as_slice(), trust[bundle::LIST].as_slice());
    let files = TrustFiles::load(root, &[], Some(stamp), Some(list)).expect("the trust files are good");
    let evidence = Evidence::new(Trust::Held(Arc::new(files)));
    let list = evidence.trust_list().expect("a list");
    let opened = catalogue::open(example, &**list, NOW).expect("the example is good");
    let mut content = opened.content().clone();
    content.service_items = service_items();
    catalogue::sign(&content, keys.signer("province catalogue")).expect("signed")
}

fn service_items() -> Vec<ServiceItem> {
    let accepted = |vct: &str, fields: &[u8]| Accepted { vct: vct.to_owned(), fields: fields.to_vec() };
    let premises = || accepted(PREMISES, &[0, 2, 3, 5, 7, 8, 24]);
    let demanding = |code: &str, change: &dyn Fn(&mut Material)| {
        let mut material = material();
        change(&mut material);
        item(code, "示例事项", vec![premises()], vec![material])
    };
    let constraint = |part: &str| Constraint {
        vct: PREMISES.to_owned(),
        key: 24,
        comparison: Comparison::Contains(part.to_owned()),
    };
    let yesterday = CivilDate::from_days(NOW.civil_date().days() - 1);
    let mut out_of_force = demanding(ITEM_OUT_OF_FORCE, &|_| ());
    out_of_force.in_force = (None, Some(yesterday));
    let business = accepted(BUSINESS, &[0, 2, 3, 5, 7]);
    let of_business = Material { alternatives: vec![alternative(BUSINESS, &[])], ..material() };
    vec![
        item(ITEM, "食品经营许可新办", vec![accepted(PREMISES, &[0, 2, 3, 5, 7, 24])], vec![material()]),
        item(OTHER_ITEM, "示例事项", vec![business.clone()], Vec::new()),
        demanding(ITEM_OF_OTHER_REGION, &|material| material.regions = vec!["4403".to_owned()]),
        demanding(ITEM_OF_YOUNG_LICENCES, &|material| material.max_age_days = Some(1)),
        demanding(ITEM_OF_OTHER_VALUE, &|material| material.constraints = vec![constraint("深圳")]),
        demanding(ITEM_OF_OTHER_ROLE, &|material| material.holder_role = HolderRole::LegalRepresentative),
        out_of_force,
        item(ITEM_WITHOUT_MATERIAL_OF_TYPE, "示例事项", vec![premises(), business], vec![of_business]),
    ]
}

fn item(code: &str, name: &str, accepts: Vec<Accepted>, materials: Vec<Material>) -> ServiceItem {
    ServiceItem {
        code: code.to_owned(),
        name: name.to_owned(),
        accepts,
        longest_view_life_s: 1_800,
        purpose: None,
        materials,
        method: None,
        in_force: (None, None),
        choices: Vec::new(),
        metadata: Vec::new(),
    }
}

fn alternative(vct: &str, required: &[u8]) -> Alternative {
    Alternative { vct: vct.to_owned(), required: required.to_vec() }
}

fn material() -> Material {
    Material {
        code: "1".to_owned(),
        name: "经营场所使用证明".to_owned(),
        holder_role: HolderRole::Applicant,
        regions: vec!["*".to_owned()],
        alternatives: vec![alternative(PREMISES, &[24])],
        max_age_days: None,
        constraints: Vec::new(),
        en: None,
    }
}

fn good(keys: &Keys, tree: &Tree) -> Parts {
    let list = list(keys, tree, 2, LIST_UNTIL, &["list 1", "list 2"]);
    let mut parts = Parts::from([(bundle::root_path(1), root(keys, 1))]);
    parts = with_list(keys, &parts, list, 2);
    parts.insert(bundle::CATALOGUE.to_owned(), catalogue(keys, &parts));
    for (uri, key) in
        [(STATUS_LIST, "status"), (FOREIGN_LIST, "status"), (OTHER_CITY_LIST, "shenzhen status")]
    {
        parts.insert(bundle::status_path(uri), token(keys, uri, key, TOKEN_FROM, TOKEN_UNTIL));
    }
    parts.insert(bundle::checkpoint_path(ORIGIN), tree.checkpoint(keys, true).into_bytes());
    parts
}

/// All bundles by their names.
pub(crate) fn bundles(keys: &Keys, tree: &Tree) -> BTreeMap<String, Bundle> {
    let good = good(keys, tree);
    let without = |path: &str| {
        let mut parts = good.clone();
        parts.remove(path).expect("the part was there");
        parts
    };
    let with = |path: String, bytes| {
        let mut parts = good.clone();
        parts.insert(path, bytes);
        parts
    };
    let with_token =
        |key, iat, exp| with(bundle::status_path(STATUS_LIST), token(keys, STATUS_LIST, key, iat, exp));
    let ended = timestamp(keys, 2, &good[bundle::LIST], TIMESTAMP_ENDED.plus(-DAY_S), TIMESTAMP_ENDED);
    let officers = ["list 1", "list 2"];
    let mut ended_and_stale = with_token("status", NOW.plus(-DAY_S), NOW);
    ended_and_stale.insert(bundle::TIMESTAMP.to_owned(), ended.clone());
    let all = [
        ("good", good.clone()),
        ("empty", Parts::new()),
        ("no-root", without(&bundle::root_path(1))),
        ("no-timestamp", without(bundle::TIMESTAMP)),
        ("no-list", without(bundle::LIST)),
        ("no-catalogue", without(bundle::CATALOGUE)),
        ("no-token", without(&bundle::status_path(STATUS_LIST))),
        ("no-checkpoint", without(&bundle::checkpoint_path(ORIGIN))),
        ("timestamp-ended", with(bundle::TIMESTAMP.to_owned(), ended)),
        ("timestamp-ended-token-stale", ended_and_stale),
        ("list-ended", with_list(keys, &good, list(keys, tree, 2, at(-60), &officers), 2)),
        ("list-of-one-officer", with_list(keys, &good, list(keys, tree, 2, LIST_UNTIL, &["list 1"]), 2)),
        ("list-3", with_list(keys, &good, list(keys, tree, 3, LIST_UNTIL, &officers), 3)),
        ("log-ended", with_list(keys, &good, list_with_ended_log(keys, tree, at(-400)), 2)),
        ("log-ended-after-cosigning", with_list(keys, &good, list_with_ended_log(keys, tree, at(-299)), 2)),
        ("log-ended-before-issue", with_list(keys, &good, list_with_ended_log(keys, tree, ISSUED), 2)),
        ("root-2-missing", with(bundle::root_path(2), root(keys, 3))),
        ("second-root", with(bundle::root_path(2), root(keys, 2))),
        ("token-stale", with_token("status", NOW.plus(-DAY_S), NOW)),
        ("token-newer", with_token("status", at(-60), at(-60 + DAY_S))),
        ("token-of-the-future", with_token("status", at(61), at(61 + DAY_S))),
        ("token-by-other-city", with_token("shenzhen status", TOKEN_FROM, TOKEN_UNTIL)),
        ("token-by-other-city-stale", with_token("shenzhen status", NOW.plus(-DAY_S), NOW)),
        ("token-by-licence-key", with_token("issuer", TOKEN_FROM, TOKEN_UNTIL)),
        ("forked-log", with(bundle::checkpoint_path(ORIGIN), tree.forked_checkpoint(keys).into_bytes())),
    ];
    all.into_iter()
        .map(|(name, parts)| {
            (name.to_owned(), Bundle::new(parts).expect("the paths are those of the layout"))
        })
        .collect()
}
