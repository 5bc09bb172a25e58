//! Licences that were signed beside the log.

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use licence_node::node::clock::Clock;
use licence_node::node::encoding::{base64url, from_base64url};
use licence_node::node::keys::{Keyring, Usage};
use licence_spec::bundle::{self, Bundle};
use licence_spec::credential::{self, Credential, Draft, NewField, Value as Field};
use licence_spec::time::UnixTime;
use licence_spec::trust::{Proposal, Proposed, Root, TrustFiles};
use serde_json::{Value, json};

use crate::enrolment::{configure, published, split, trust};
use crate::harness::{AUTHORITY, Place, Running, licence, run, until, within};

const DAY: i64 = 86_400;

fn now() -> UnixTime {
    Clock::system().now()
}

/// A province and two cities; the keys of 广州 were listed a day ago, so that its licences may be older than ten minutes.
struct World {
    place: Place,
    province: Running,
    city: Running,
    other: Running,
}

impl World {
    fn new() -> World {
        let follows = ["--listen", "127.0.0.1:0", "--province", "https://gd.elic.example"];
        let address = ["--address", "gd.elic.example=http://127.0.0.1:9"];
        let words = [follows.as_slice(), &address].concat();
        let cities: [(&str, &str, &[&str]); 2] = [("city", "440100", &words), ("other", "440300", &words)];
        let place = Place::of(&["--listen", "127.0.0.1:0"], &cities);
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let gz = format!("http://127.0.0.1:{port}");
        follow(&place.path("province"), 0, ("gz.elic.example", &gz), &["https://gz.elic.example"]);
        let province = Running::start(&place.path("province"));
        list_since_yesterday(&place, &province);
        follow(&place.path("city"), port, ("gd.elic.example", &province.url), &[]);
        follow(&place.path("other"), 0, ("gd.elic.example", &province.url), &[]);
        let (city, other) = (Running::start(&place.path("city")), Running::start(&place.path("other")));
        for node in [&province, &city, &other] {
            until("ready", || node.get("/readyz").0 == 200);
            until("list 2", || trust(&node.data)["list"]["version"] == 2);
        }
        city.until_ready();
        World { place, province, city, other }
    }

    /// A licence that the thief of the city's licence key has signed, twenty minutes old.
    fn forged(&self, genuine: &[u8], number: u8) -> Vec<u8> {
        forge(&self.place.path("city"), genuine, number, now().plus(-1_200))
    }
}

/// A licence that the thief of a node's licence key has signed, at no index that was given out.
pub(crate) fn forge(data: &str, genuine: &[u8], number: u8, iat: UnixTime) -> Vec<u8> {
    let words = std::fs::read_to_string(format!("{data}/passphrase")).expect("a passphrase");
    let keys = Keyring::load(Path::new(&format!("{data}/keys")), &words).expect("keys");
    let stolen = keys.signer(AUTHORITY, Usage::LICENCE).expect("a key");
    let own = Credential::parse(genuine).expect("a licence");
    let fields: Vec<(u8, NewField)> = own.fields.iter().map(|(key, value)| (key, copy(value))).collect();
    let status = own.status.expect("a list");
    let draft = Draft {
        iss: own.iss,
        sub: own.sub,
        // The longest life counts from the issue.
        exp: own.exp.plus(-3_600),
        nbf: own.nbf,
        iat,
        cti: [number; 16],
        vct: own.vct,
        status_index: (status.index + 77_777 + u64::from(number)) % (1 << 20),
        status_uri: status.uri,
        fields: &fields,
    };
    credential::sign(&draft, &*stolen).expect("signed")
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

/// Listens where it will be found, and pulls every second.
fn follow(data: &str, port: u16, address: (&str, &str), peers: &[&str]) {
    configure(data, &[address], peers);
    let path = format!("{data}/config.toml");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    let text =
        text.replace("127.0.0.1:0", &format!("127.0.0.1:{port}")).replace("interval_s = 5", "interval_s = 1");
    std::fs::write(&path, text).expect("the configuration");
}

/// The officers sign a list in which all scopes and logs began a day ago.
fn list_since_yesterday(place: &Place, province: &Running) {
    let officers = split(place);
    let bundle = Bundle::parse(&province.call("GET", "/v1/bundle", &[], None).body).expect("a bundle");
    let root = Root::open_first(bundle.roots()[0]).expect("a root");
    let part = |path| bundle.part(path);
    let files =
        TrustFiles::load(root, &[], part(bundle::TIMESTAMP), part(bundle::LIST)).expect("trust files");
    let mut content = files.list().expect("a list").content().clone();
    (content.version, content.iat) = (content.version + 1, now());
    for entry in &mut content.entries {
        entry.logs.iter_mut().for_each(|log| log.since = log.since.plus(-DAY));
        for scope in entry.keys.iter_mut().flat_map(|key| &mut key.scopes) {
            scope.from = scope.from.plus(-DAY);
        }
    }
    let proposal = Proposal::new(&Proposed::List(content)).expect("a proposal");
    let list = place.path("list-2");
    std::fs::write(&list, proposal.payload()).expect("a file");
    let signatures = ["officer-1", "officer-2"].map(|office| officers.sign(office, office, &list));
    published(&province.data, &[&list], &[&signatures[0], &signatures[1]]);
}

/// The verdict of a node under `approval`.
fn judged(node: &Running, token: &str, credential: &[u8]) -> Value {
    let asked = json!({"credential": base64url(credential), "receipt": false});
    let answer = node.post(token, "/v1/verifications", &asked).with(200);
    answer["verdict"].clone()
}

fn is_missing(verdict: &Value) -> bool {
    verdict["code"] == "LOG_ENTRY_MISSING"
}

/// Waits for a verdict; what was said last is in the message.
fn until_said(last: &mut Value, ask: impl Fn() -> Value, holds: impl Fn(&Value) -> bool) {
    let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        within(Duration::from_secs(30), "the verdict", || {
            *last = ask();
            holds(last)
        });
    }));
    assert!(found.is_ok(), "{last}");
}

#[test]
fn an_unlogged_licence_of_a_stolen_key_is_accepted_nowhere_and_told() {
    let world = World::new();
    let World { province, city, other, .. } = &world;
    let desks = [province, city, other].map(|node| node.token("desk", "*", "*", "*"));
    let issued = city.post(&desks[1], "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    let genuine = from_base64url(issued["credential"].as_str().expect("bytes")).expect("base64url");
    let forged = world.forged(&genuine, 1);
    // The issuer knows at once, the province once it mirrors, and another city once the province knows.
    for (node, token) in [(city, &desks[1]), (province, &desks[0]), (other, &desks[2])] {
        let mut said = Value::Null;
        until_said(&mut said, || judged(node, token, &forged), is_missing);
        let verdict = judged(node, token, &forged);
        assert_eq!((&verdict["outcome"], &verdict["alarm"]), (&json!("INDETERMINATE"), &json!(true)));
        assert_eq!(verdict["advice"], "refer_to_issuer");
        until_said(&mut said, || judged(node, token, &genuine), |verdict| verdict["outcome"] == "ACCEPT");
    }
    for node in [city, province] {
        until("told", || node.metric("log_entries_missing") == 1.0);
        let doctor = run(["doctor", "--json", "--data", &node.data]);
        let said = String::from_utf8(doctor.stdout).expect("UTF-8");
        assert!(said.contains("are in no log") && said.contains(AUTHORITY), "{said}");
    }
    // Handed in for a service item, it meets nothing and gets no receipt that says so.
    let case = json!({
        "subjects": [{"code_type": "001", "code": crate::harness::HOLDER.1}], "case_number": "甲-2", "operator": "李示例",
        "authorisation": "授-1", "credentials": [base64url(&forged)], "elsewhere": false,
    });
    let checked = other.post(&desks[2], "/v1/service-items/GZ-TH-0101/checks", &case).with(200);
    assert_eq!(checked["licences"][0]["code"], "LOG_ENTRY_MISSING", "{checked}");
    assert!(checked["licences"].as_array().expect("licences").iter().all(|one| one["receipt"].is_null()));
}

fn is_revoked(verdict: &Value) -> bool {
    verdict["outcome"] == "REJECT" && verdict["code"] == "REVOKED"
}

/// `status end` at the city: what it printed on standard output and standard error, and its exit code.
fn end(city: &Running, file: &str, officer: &str) -> (Value, String, Option<i32>) {
    let ground = [
        "--legal-basis",
        "《中华人民共和国行政许可法》第六十九条",
        "--document-number",
        "穗示例废〔2026〕1号",
    ];
    let words = ["status", "end", "--data", &city.data, file, "--officer", officer];
    let done = run(words.iter().chain(&ground));
    let said = String::from_utf8(done.stderr).expect("UTF-8");
    (serde_json::from_slice(&done.stdout).unwrap_or_default(), said, done.status.code())
}

#[test]
fn an_unlogged_licence_is_revoked_singly_and_no_other_with_it() {
    let world = World::new();
    let World { place, province, city, other } = &world;
    let desks = [province, city, other].map(|node| node.token("desk", "*", "*", "*"));
    let issued = city.post(&desks[1], "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    let genuine = from_base64url(issued["credential"].as_str().expect("bytes")).expect("base64url");
    let (forged, spared) = (world.forged(&genuine, 3), world.forged(&genuine, 4));
    let file = |name: &str, bytes: &[u8]| {
        let path = place.path(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    };
    let mut broken = forged.clone();
    *broken.last_mut().expect("bytes") ^= 1;
    let id = issued["id"].as_str().expect("an id");
    let own = file("genuine.elic", &genuine);
    for (what, path, officer, told) in [
        ("an own licence", &own, "李示例", id),
        ("no signature of ours", &file("broken.elic", &broken), "李示例", "no key of it that signed this"),
        ("no licence", &file("noise.elic", b"noise"), "李示例", "no full licence"),
        ("no officer", &file("forged.elic", &forged), " ", "officer"),
    ] {
        let (answer, said, code) = end(city, path, officer);
        assert_eq!((answer, code), (Value::Null, Some(64)), "{what}: {said}");
        assert!(said.contains(told), "{what}: {said}");
    }
    let before = city.get("/log/checkpoint").1;
    let (ended, said, code) = end(city, &place.path("forged.elic"), "李示例");
    assert_eq!((code, &ended["before"]), (Some(0), &json!(false)), "{said}");
    // At once at its own node; elsewhere once the list has travelled.
    assert!(is_revoked(&judged(city, &desks[1], &forged)), "{}", judged(city, &desks[1], &forged));
    for (node, token) in [(province, &desks[0]), (other, &desks[2])] {
        let mut said = Value::Null;
        until_said(&mut said, || judged(node, token, &forged), is_revoked);
    }
    for (node, token) in [(city, &desks[1]), (province, &desks[0]), (other, &desks[2])] {
        let mut said = Value::Null;
        until_said(&mut said, || judged(node, token, &genuine), |verdict| verdict["outcome"] == "ACCEPT");
        until_said(&mut said, || judged(node, token, &spared), is_missing);
    }
    // A second time it is the same answer, and nothing is written.
    let (again, said, code) = end(city, &place.path("forged.elic"), "王示例");
    assert_eq!(
        (code, &again["before"], &again["log_index"]),
        (Some(0), &json!(true), &ended["log_index"]),
        "{said}"
    );
    assert_ne!(city.get("/log/checkpoint").1, before);
    // The province takes the record of a licence that nobody has told it of.
    let mut counts = Value::Null;
    within(Duration::from_secs(30), "the change is told", || {
        let done = run(["index", "counts", "--json", "--data", &province.data]);
        counts = serde_json::from_slice(&done.stdout).unwrap_or_default();
        let days = counts.as_array().into_iter().flatten().flat_map(|log| log["days"].as_array().cloned());
        let days: Vec<Value> = days.flatten().collect();
        days.iter().any(|day| day["kind"] == "status_change" && day["kept"] == 1)
            && days.iter().all(|day| day["rejected"] == 0)
    });
    let data = place.path("city");
    world.city.kill();
    let sound = run(["fsck", "--json", "--data", &data]);
    let report: Value = serde_json::from_slice(&sound.stdout).expect("a report");
    assert_eq!((&report["ok"], &report["ended_indexes"]), (&json!(true), &json!(1)), "{report}");
}

#[test]
fn a_city_that_cannot_ask_its_province_accepts_and_says_so() {
    let World { place, province, city, other } = World::new();
    let desks = [&city, &other].map(|node| node.token("desk", "*", "*", "*"));
    let issued = city.post(&desks[0], "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    let genuine = from_base64url(issued["credential"].as_str().expect("bytes")).expect("base64url");
    let mut said = Value::Null;
    until_said(&mut said, || judged(&other, &desks[1], &genuine), |verdict| verdict["outcome"] == "ACCEPT");
    let world = World { place, province, city, other };
    let unlogged = world.forged(&genuine, 2);
    world.province.kill();
    let verdict = judged(&world.other, &desks[1], &unlogged);
    assert_eq!(verdict["outcome"], "ACCEPT", "{verdict}");
    assert_eq!(verdict["warnings"], json!(["LOG_PENDING", "LOG_NOT_ASKED"]));
    // The issuer needs nobody.
    assert!(is_missing(&judged(&world.city, &desks[0], &unlogged)));
}

/// How long a verification takes without a look-up, and with each kind of one. `spec/policy.md` §2 says which is when; nothing is asserted of
/// the times: `cargo test -p licence-tests --test node --release -- --ignored --nocapture what_a_look_up_costs`.
#[test]
#[ignore = "tells figures"]
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn what_a_look_up_costs() {
    const EACH: u8 = 50;
    let world = World::new();
    let desks = [&world.city, &world.other].map(|node| node.token("desk", "*", "*", "*"));
    let issued = world.city.post(&desks[0], "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    let genuine = from_base64url(issued["credential"].as_str().expect("bytes")).expect("base64url");
    let mut said = Value::Null;
    until_said(
        &mut said,
        || judged(&world.other, &desks[1], &genuine),
        |verdict| verdict["outcome"] == "ACCEPT",
    );
    let unlogged: Vec<Vec<u8>> = (2..2 + EACH).map(|number| world.forged(&genuine, number)).collect();
    let young = vec![genuine; usize::from(EACH)];
    let median = |node: &Running, token: &str, licences: &[Vec<u8>], is_right: fn(&Value) -> bool| {
        let mut times: Vec<Duration> = licences
            .iter()
            .map(|licence| {
                let begun = Instant::now();
                let verdict = judged(node, token, licence);
                assert!(is_right(&verdict), "{verdict}");
                begun.elapsed()
            })
            .collect();
        times.sort_unstable();
        times[times.len() / 2]
    };
    let is_accepted = |verdict: &Value| verdict["outcome"] == "ACCEPT";
    let [city, other] = [(&world.city, &desks[0]), (&world.other, &desks[1])];
    println!("none asked          {:?}", median(other.0, other.1, &young, is_accepted));
    println!("own log, one read   {:?}", median(city.0, city.1, &unlogged, is_missing));
    println!("asks the province   {:?}", median(other.0, other.1, &unlogged, is_missing));
    println!("remembered answer   {:?}", median(other.0, other.1, &unlogged, is_missing));
}
