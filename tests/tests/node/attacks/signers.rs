//! Listed keys that speak for what is not theirs, and stolen ones.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};

use licence_node::node::encoding::{base64url, from_base64url};
use licence_node::node::keys::{Keyring, Usage};
use licence_spec::bundle::{self, Bundle};
use licence_spec::cose::with_log_proof;
use licence_spec::credential::{self, Credential, Draft, NewField, Value as Field};
use licence_spec::evidence::{Evidence, Trust};
use licence_spec::log::checkpoint::Checkpoint;
use licence_spec::log::entry::{Entry, Op};
use licence_spec::log::merkle::TreeHead;
use licence_spec::log::note::LogKey;
use licence_spec::log::proof::format_proof;
use licence_spec::numbers::MAX_LICENCE;
use licence_spec::policy::Policy;
use licence_spec::status::{self, Status, StatusArray, StatusToken};
use licence_spec::suite::{Signer, sha256};
use licence_spec::time::UnixTime;
use licence_spec::trust::{ListContent, Proposal, Proposed, Role, Root, Scope, TrustFiles};
use licence_spec::verify::verify;
use licence_store::{DocumentRow, Store as _, transact};
use licence_store_sqlite::SqliteStore;
use serde_json::{Value, json};

use crate::enrolment::{configure, kid, published, split, trust};
use crate::federation::{Pair, mirrored, size};
use crate::harness::{AUTHORITY, Place, Running, licence, refused, succeed, until};

const DAY: i64 = 86_400;
const YEARS: i64 = 20 * 365 * DAY;
/// Who the neighbour says to be.
const NEIGHBOUR: &str = "sz.elic.example";

fn now() -> UnixTime {
    licence_node::node::clock::Clock::system().now()
}

fn keys(place: &Place, node: &str) -> Keyring {
    let words = std::fs::read_to_string(place.path(&format!("{node}/passphrase"))).expect("a passphrase");
    Keyring::load(Path::new(&place.path(&format!("{node}/keys"))), &words).expect("keys")
}

fn key(keys: &Keyring, wanted: Usage) -> Arc<dyn Signer> {
    let found = keys.iter().find(|(_, usage, _)| *usage == wanted).map(|(_, _, key)| Arc::clone(key));
    found.expect("a key of this usage")
}

/// A token in which every licence of the list has ended.
fn forged_token(uri: &str, iat: UnixTime, signer: &Arc<dyn Signer>) -> Vec<u8> {
    let mut array = StatusArray::new(1 << 20);
    (0..1 << 12).for_each(|index| assert!(array.set(index * 256, Status::Invalid)));
    status::sign(uri, iat, iat.plus(DAY), 300, &array, &**signer).expect("a token")
}

/// A neighbour that hands out any bundle.
struct Neighbour {
    url: String,
    bundle: Arc<Mutex<Vec<u8>>>,
}

impl Neighbour {
    fn new() -> Neighbour {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let bundle = Arc::new(Mutex::new(Vec::<u8>::new()));
        let handed = Arc::clone(&bundle);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut head = [0; 4_096];
                let read = stream.read(&mut head).unwrap_or(0);
                let body = handed.lock().expect("whole").clone();
                let found = head[..read].starts_with(b"GET /v1/bundle") && !body.is_empty();
                let (status, body) = if found { ("200 OK", body) } else { ("404 Not Found", Vec::new()) };
                let line = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                // A node that has gone away needs no answer.
                let _gone = stream.write_all(line.as_bytes()).and_then(|()| stream.write_all(&body));
            }
        });
        Neighbour { url, bundle }
    }

    fn hands_out(&self, bundle: &Bundle) {
        *self.bundle.lock().expect("whole") = bundle.to_bytes();
    }
}

fn bundle_of(node: &Running) -> Bundle {
    Bundle::parse(&node.call("GET", "/v1/bundle", &[], None).body).expect("a bundle")
}

/// A bundle with one token more, or in the place of the true one.
fn with_token(bundle: &Bundle, token: &[u8]) -> Bundle {
    let path = bundle::status_path(StatusToken::parse(token).expect("a token").uri());
    let others = bundle.parts().filter(|(own, _)| *own != path);
    let parts = others.map(|(own, bytes)| (own.to_owned(), bytes.to_vec()));
    Bundle::new(parts.chain([(path.clone(), token.to_vec())])).expect("a bundle")
}

/// What a node says of a licence: outcome and code.
fn judged(node: &Running, token: &str, credential: &[u8]) -> (String, Option<String>) {
    let asked = json!({"credential": base64url(credential), "receipt": false});
    let verdict = &node.post(token, "/v1/verifications", &asked).with(200)["verdict"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    (text(&verdict["outcome"]).expect("an outcome"), text(&verdict["code"]))
}

fn accepted() -> (String, Option<String>) {
    ("ACCEPT".to_owned(), None)
}

/// How much a node has refused of the neighbour.
fn refused_of(node: &Running) -> f64 {
    node.metric(&format!("evidence_refused_total{{from=\"{NEIGHBOUR}\"}}"))
}

fn pulls(node: &Running) -> f64 {
    node.metric("job_runs_total{job=\"pull\",result=\"ok\"}")
}

fn findings(data: &str) -> Vec<Value> {
    let found = std::process::Command::new(crate::harness::program())
        .args(["doctor", "--json", "--data", data])
        .output();
    let found: Value = serde_json::from_slice(&found.expect("the program runs").stdout).expect("JSON");
    found["findings"].as_array().expect("findings").clone()
}

fn names(findings: &[Value], text: &str) -> bool {
    findings.iter().any(|one| one["cause"].as_str().is_some_and(|cause| cause.contains(text)))
}

/// Listens where it will be found, and pulls every second or so.
fn listens(data: &str, port: u16, addresses: &[(&str, &str)], peers: &[&str]) {
    configure(data, addresses, peers);
    let path = format!("{data}/config.toml");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    let text =
        text.replace("127.0.0.1:0", &format!("127.0.0.1:{port}")).replace("interval_s = 5", "interval_s = 1");
    std::fs::write(&path, text).expect("the configuration");
}

#[test]
fn a_token_of_a_stranger_changes_nothing_anywhere_and_its_sender_is_named() {
    let follows = [
        "--listen",
        "127.0.0.1:0",
        "--province",
        "https://gd.elic.example",
        "--address",
        "gd.elic.example=http://127.0.0.1:9",
    ];
    let place = Place::of(
        &["--listen", "127.0.0.1:0"],
        &[("city", "440100", &follows), ("other", "440300", &follows)],
    );
    let free = || TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let (port, neighbour) = (free(), Neighbour::new());
    let gz = format!("http://127.0.0.1:{port}");
    listens(
        &place.path("province"),
        0,
        &[("gz.elic.example", &gz), (NEIGHBOUR, &neighbour.url)],
        &["https://gz.elic.example", "https://sz.elic.example"],
    );
    let province = Running::start(&place.path("province"));
    let to_province = ("gd.elic.example", province.url.as_str());
    listens(
        &place.path("city"),
        port,
        &[to_province, (NEIGHBOUR, &neighbour.url)],
        &["https://sz.elic.example"],
    );
    listens(&place.path("other"), 0, &[to_province], &[]);
    let (city, other) = (Running::start(&place.path("city")), Running::start(&place.path("other")));
    let nodes = [&province, &city, &other];
    nodes.iter().for_each(|node| until("ready", || node.get("/readyz").0 == 200));
    city.until_ready();
    let tokens = nodes.map(|node| node.token("desk", "*", "*", "*"));
    let issued = city.post(&tokens[1], "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    let credential = from_base64url(issued["credential"].as_str().expect("bytes")).expect("base64url");
    let uri = Credential::parse(&credential).expect("a licence").status.expect("a list").uri.to_owned();
    let all_accept = |when: &str| {
        for (node, token) in nodes.iter().zip(&tokens) {
            until(when, || judged(node, token, &credential) == accepted());
            assert_eq!(node.get("/readyz").0, 200, "{when}: {}", node.get("/readyz").1);
        }
    };
    all_accept("everybody has the true token");
    let (of_city, of_other) = (keys(&place, "city"), keys(&place, "other"));
    let later = now().plus(YEARS);
    let forged = [
        ("the key by which another city calls", forged_token(&uri, later, &key(&of_other, Usage::NODE))),
        ("another city's status key", forged_token(&uri, now(), &key(&of_other, Usage::STATUS))),
        ("the city's own licence key", forged_token(&uri, later, &key(&of_city, Usage::LICENCE))),
        ("the city's own status key, in the future", {
            forged_token(&uri, later, &of_city.signer(AUTHORITY, Usage::STATUS).expect("a key"))
        }),
    ];
    for (what, token) in &forged {
        let before = (refused_of(&province), refused_of(&city), pulls(&other));
        neighbour.hands_out(&with_token(&bundle_of(&province), token));
        until(what, || refused_of(&province) > before.0 && refused_of(&city) > before.1);
        until("the other city has asked the province", || pulls(&other) > before.2 + 1.0);
        all_accept(what);
        assert!(
            bundle_of(&province).parts().all(|(_, bytes)| bytes != token.as_slice()),
            "handed on: {what}"
        );
    }
    let found = findings(&city.data);
    assert!(names(&found, &format!("from {NEIGHBOUR} refused")), "{found:?}");
    // It survives no restart either.
    let (data, said) = (city.data.clone(), city.stop().1);
    assert!(said.contains("alarm") && said.contains(NEIGHBOUR), "{said}");
    let city = Running::start(&data);
    city.until_ready();
    assert_eq!(judged(&city, &tokens[1], &credential), accepted());
}

/// A token in the store of a node, as an older version took it.
fn plant(data: &str, uri: &str, token: &[u8]) {
    let store = SqliteStore::open(Path::new(data)).expect("the store");
    let iat = StatusToken::parse(token).expect("a token").iat().0;
    let row = DocumentRow {
        kind: "peer-token".to_owned(),
        name: uri.to_owned(),
        version: u64::try_from(iat).expect("after 1970"),
        iat,
        digest: sha256(&[token]),
        bytes: token.to_vec(),
        stored_at: now().0,
    };
    transact(&store, "plant", |write| write.put_documents(std::slice::from_ref(&row)).map(drop))
        .expect("planted");
}

fn cleared(data: &str) -> usize {
    let store = SqliteStore::open(Path::new(data)).expect("the store");
    let rows = store.read().expect("readable").documents("cleared-token").expect("readable");
    rows.len()
}

#[test]
fn what_an_older_version_stored_is_ignored_named_and_cleared_with_a_record() {
    let pair = Pair::new();
    let (province, city) = (pair.start("province"), pair.start("city"));
    city.until_ready();
    let (token, asked) = (city.token("desk", "*", "*", "*"), province.token("desk", "*", "*", "*"));
    let issued = city.post(&token, "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    let credential = from_base64url(issued["credential"].as_str().expect("bytes")).expect("base64url");
    let uri = Credential::parse(&credential).expect("a licence").status.expect("a list").uri.to_owned();
    until("the province has the token", || judged(&province, &asked, &credential) == accepted());
    let data = province.data.clone();
    province.stop();
    let own = key(&keys(&pair.place, "province"), Usage::NODE);
    plant(&data, &uri, &forged_token(&uri, now().plus(YEARS), &own));
    let named = format!("stored token of {uri}");
    assert!(names(&findings(&data), &named), "{:?}", findings(&data));
    // It keeps nothing from working: the node starts, and the next true token takes its place.
    let province = pair.start("province");
    assert_eq!(province.get("/readyz").0, 200, "{}", province.get("/readyz").1);
    until("the true token is back", || judged(&province, &asked, &credential) == accepted());
    province.stop();
    assert!(!names(&findings(&data), &named) && cleared(&data) == 1);
    // Where nothing newer comes, the operator clears it.
    plant(&data, &uri, &forged_token(&uri, now().plus(YEARS + 1), &own));
    let said = succeed(&["trust", "repair", "--data", &data]);
    assert!(said.contains(&uri) && said.contains("cleared: 1"), "{said}");
    assert!(!names(&findings(&data), &named), "{:?}", findings(&data));
    assert_eq!(cleared(&data), 2, "both records stay");
    assert!(succeed(&["trust", "repair", "--data", &data]).contains("cleared: 0"));
}

/// The same licence under another number of its bytes, signed with the stolen key, in a tree of its own that the stolen log key signs.
fn forged_licence(genuine: &[u8], keys: &Keyring) -> Vec<u8> {
    let own = Credential::parse(genuine).expect("a licence");
    let fields: Vec<(u8, NewField)> = own.fields.iter().map(|(key, value)| (key, copy(value))).collect();
    let status = own.status.expect("a list");
    let draft = Draft {
        iss: own.iss,
        sub: own.sub,
        exp: own.exp,
        nbf: own.nbf,
        iat: own.iat,
        cti: [0x5a; 16],
        vct: own.vct,
        status_index: status.index,
        status_uri: status.uri,
        fields: &fields,
    };
    let stolen = keys.signer(AUTHORITY, Usage::LICENCE).expect("a key");
    let statement = credential::sign(&draft, &*stolen).expect("signed");
    let digest = Credential::parse(&statement).expect("a licence").object.statement_digest();
    let root = Entry { op: Op::Issued, time: own.iat, digest }.leaf_hash();
    let (origin, signer) = ("gz.elic.example/log", key(keys, Usage::Log));
    let log = LogKey::new(origin, *signer.public_key()).expect("a name");
    let checkpoint =
        Checkpoint { origin, head: TreeHead { size: 1, root } }.sign(&log, &*signer).expect("signed");
    with_log_proof(&statement, MAX_LICENCE, format_proof(0, &[], &checkpoint).as_bytes()).expect("a file")
}

fn copy(value: &Field<'_>) -> NewField {
    match value {
        Field::Text(text) => NewField::Text((*text).to_owned()),
        Field::Int(value) => NewField::Int(*value),
        Field::Bool(value) => NewField::Bool(*value),
        Field::Bytes(bytes) => NewField::Bytes(bytes.to_vec()),
        Field::List(items) => NewField::List(items.iter().map(copy).collect()),
    }
}

/// What a counter says that has the bundle of a node and holds no log.
fn at_a_counter(bundle: &Bundle, credential: &[u8]) -> (String, Option<String>) {
    let roots = bundle.roots();
    let root = Root::open_first(roots[0]).expect("a root");
    let part = |path| bundle.part(path);
    let files = TrustFiles::load(root, &roots[1..], part(bundle::TIMESTAMP), part(bundle::LIST))
        .expect("trust files");
    let mut evidence = Evidence::new(Trust::Held(Arc::new(files)));
    let list = evidence.trust_list().expect("a list").clone();
    let catalogue = part(bundle::CATALOGUE).expect("a catalogue");
    let catalogue = licence_spec::catalogue::open(catalogue, &*list, now()).expect("a catalogue");
    evidence.set_catalogue(Arc::new(catalogue));
    for (_, bytes) in bundle.parts().filter(|(path, _)| path.starts_with("status/")) {
        evidence.add_token(Arc::new(StatusToken::parse(bytes).expect("a token")));
    }
    let verdict = verify(credential, &evidence, &Policy::counter(), now());
    (verdict.outcome().as_str().to_owned(), verdict.code().map(|code| code.as_str().to_owned()))
}

#[test]
fn whoever_stole_the_log_key_too_makes_no_old_licence_and_true_old_ones_stay_good() {
    let pair = Pair::new();
    let officers = split(&pair.place);
    let (province, city) = (pair.start("province"), pair.start("city"));
    city.until_ready();
    let (token, asked) = (city.token("desk", "*", "*", "*"), province.token("desk", "*", "*", "*"));
    let issue = |number: &str| {
        let issued = city.post(&token, "/v1/licences", &licence(number)).with(201);
        let bytes = from_base64url(issued["credential"].as_str().expect("bytes")).expect("base64url");
        let id = issued["id"].as_str().expect("an id").to_owned();
        (bytes, issued["log"]["index"].as_u64().expect("an index"), id)
    };
    let (before, _, id_before) = issue("示例〔2026〕1号");
    until("the province mirrors", || mirrored(&province) == size(&city));
    until("the province has the token", || judged(&province, &asked, &before) == accepted());
    let cut = mirrored(&province);
    let (after, index, id_after) = issue("示例〔2026〕2号");
    assert!(index >= cut);
    let kid = kid(&province.data, AUTHORITY, "licence");
    let list = pair.place.path("list-2");
    let propose = |cut: u64, more: &[&str]| {
        let cut = cut.to_string();
        let words = [
            "trust",
            "propose",
            "--data",
            &province.data,
            "--out",
            &list,
            "--compromise",
            &kid,
            "--cut",
            &cut,
        ];
        [words.as_slice(), more].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let words = propose(cut + 1_000, &[]);
    let (code, said) = refused(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(
        code != 0 && said.contains("nothing to compare with"),
        "a tree that the mirror does not hold: {said}"
    );
    let words = propose(cut, &[]);
    let said = succeed(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(said.contains("gz.elic.example/log") && said.contains("whose root there is"), "{said}");
    let signatures = ["officer-1", "officer-2"].map(|office| officers.sign(office, office, &list));
    published(&province.data, &[&list], &[&signatures[0], &signatures[1]]);
    until("the city has list 2", || trust(&city.data)["list"]["version"] == 2);
    let forged = forged_licence(&before, &keys(&pair.place, "city"));
    let (bundle, no_proof) = (bundle_of(&province), Some("KEY_COMPROMISED_NO_PROOF".to_owned()));
    for (node, token) in [(&province, &asked), (&city, &token)] {
        assert_eq!(judged(node, token, &forged), ("INDETERMINATE".to_owned(), no_proof.clone()));
        assert_eq!(judged(node, token, &before), accepted(), "who holds the log looks there");
        assert_eq!(judged(node, token, &after).0, "INDETERMINATE", "behind the cut");
    }
    assert_eq!(at_a_counter(&bundle, &forged), ("INDETERMINATE".to_owned(), no_proof.clone()));
    assert_eq!(
        at_a_counter(&bundle, &before),
        ("INDETERMINATE".to_owned(), no_proof),
        "nothing at hand dates it"
    );
    // Fetched again, each with the proof that its issuer can give now: in the tree of the cut, or behind it.
    let fetched = |id: &str| {
        let bearer = format!("Bearer {token}");
        let path = format!("/v1/licences/{id}");
        let stored = city.call("GET", &path, &[("authorization", bearer.as_str())], None).with(200);
        from_base64url(stored["credential"].as_str().expect("bytes")).expect("base64url")
    };
    assert_eq!(at_a_counter(&bundle, &fetched(&id_before)), accepted(), "the issuer's proof dates it");
    let behind = at_a_counter(&bundle, &fetched(&id_after)).1;
    assert_eq!(behind.as_deref(), Some("KEY_COMPROMISED_AFTER_CUT"));
}

#[test]
fn a_second_scope_of_one_key_lets_the_city_issue_after_the_first_has_ended() {
    let place = Place::new();
    let officers = split(&place);
    let province = place.province();
    let mut content = listed(&bundle_of(&province));
    content.version += 1;
    content.iat = now();
    let entry = content.entries.iter_mut().find(|entry| entry.id == AUTHORITY).expect("listed");
    let key = entry.keys.iter_mut().find(|key| key.has_role(Role::Licence)).expect("a licence key");
    let scope = key.scopes[0].clone();
    key.scopes.insert(0, Scope { from: scope.from.plus(-2 * DAY), to: scope.from.plus(-DAY), ..scope });
    let proposal = Proposal::new(&Proposed::List(content)).expect("a proposal");
    let list = place.path("list-2");
    std::fs::write(&list, proposal.payload()).expect("a file");
    let signatures = ["officer-1", "officer-2"].map(|office| officers.sign(office, office, &list));
    published(&province.data, &[&list], &[&signatures[0], &signatures[1]]);
    let city = place.city(&province);
    until("the city has list 2", || trust(&city.data)["list"]["version"] == 2);
    let token = city.token("desk", "*", "*", "*");
    city.post(&token, "/v1/licences", &licence("示例〔2026〕1号")).with(201);
}

fn listed(bundle: &Bundle) -> ListContent {
    let roots = bundle.roots();
    let root = Root::open_first(roots[0]).expect("a root");
    let files =
        TrustFiles::load(root, &roots[1..], bundle.part(bundle::TIMESTAMP), bundle.part(bundle::LIST));
    files.expect("trust files").list().expect("a list").content().clone()
}

#[test]
fn pinning_another_root_on_a_node_is_refused_and_the_same_again_changes_nothing() {
    let place = Place::new();
    let other = Place::make(&[]);
    let (own, foreign) = (place.path("trust/root_1.cbor"), other.path("trust/root_1.cbor"));
    let province = place.province();
    let city = place.city(&province);
    let before = trust(&city.data);
    let (code, said) = refused(&["trust", "pin", "--data", &city.data, &foreign]);
    assert!(code != 0 && said.contains("another root is pinned already"), "{said}");
    assert_eq!((trust(&city.data), city.get("/readyz").0), (before.clone(), 200));
    succeed(&["trust", "pin", "--data", &city.data, &own]);
    assert_eq!(trust(&city.data), before);
}
