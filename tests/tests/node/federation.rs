//! Province and city as separate processes: mirrored and cosigned logs, a log that goes back, calls that only nodes may make.

use std::net::TcpListener;

use licence_spec::http_signature::{Content, IdempotencyKey, sign};
use licence_spec::suite::{SeedSigner, Signer};
use licence_spec::time::UnixTime;

use crate::harness::{Answer, Place, Running, licence, succeed, until};
use crate::index::node_key;

/// A province and a city that know each other's addresses before they start.
pub(crate) struct Pair {
    pub(crate) place: Place,
    ports: (u16, u16),
}

impl Pair {
    pub(crate) fn new() -> Pair {
        let place = Place::new();
        let free =
            || TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let ports = (free(), free());
        let write = |node: &str, listen: u16, pull: &str, address: &str| {
            let path = place.path(&format!("{node}/config.toml"));
            let text = std::fs::read_to_string(&path).expect("the configuration");
            let text = text.replace("127.0.0.1:0", &format!("127.0.0.1:{listen}"));
            let text = text.replace("[pull]\n", "[pull]\ninterval_s = 1\n").replace("peers = []", pull);
            let kept = text.lines().filter(|line| !line.starts_with("\"gd.elic.example\""));
            let text = kept
                .collect::<Vec<_>>()
                .join("\n")
                .replace("[addresses]", &format!("[addresses]\n{address}"));
            std::fs::write(&path, text).expect("the configuration");
        };
        let to_city = format!("\"gz.elic.example\" = \"http://127.0.0.1:{}\"", ports.1);
        let to_province = format!("\"gd.elic.example\" = \"http://127.0.0.1:{}\"", ports.0);
        write("province", ports.0, "peers = [\"https://gz.elic.example\"]", &to_city);
        write("city", ports.1, "peers = []", &to_province);
        Pair { place, ports }
    }

    pub(crate) fn start(&self, node: &str) -> Running {
        let running = Running::start(&self.place.path(node));
        assert!(
            running.url.ends_with(&format!(":{}", if node == "city" { self.ports.1 } else { self.ports.0 }))
        );
        running
    }
}

pub(crate) fn size(node: &Running) -> u64 {
    node.get("/log/checkpoint").1.lines().nth(1).and_then(|line| line.parse().ok()).unwrap_or(0)
}

pub(crate) fn mirrored(province: &Running) -> u64 {
    let (status, text) = province.get("/v1/mirrors/gz.elic.example/checkpoint");
    if status == 200 { text.lines().nth(1).and_then(|line| line.parse().ok()).unwrap_or(0) } else { 0 }
}

#[test]
fn the_province_mirrors_and_cosigns_a_citys_log_across_restarts() {
    let pair = Pair::new();
    let province = pair.start("province");
    let city = pair.start("city");
    city.until_ready();
    let token = city.token("desk", "*", "*", "*");
    let issue = |city: &Running, from: u32, count: u32| {
        for number in from..from + count {
            city.post(&token, "/v1/licences", &licence(&format!("示例〔2026〕{number}号"))).with(201);
        }
    };
    issue(&city, 1, 30);
    until("mirrored", || mirrored(&province) == size(&city));
    until("cosigned", || city.get("/log/checkpoint").1.contains("— gd.elic.example/w1 "));
    let (place, width) = (format!("entries/000.p/{}", size(&city)), size(&city));
    let own = city.call("GET", &format!("/log/tile/{place}"), &[], None);
    let copy = province.call("GET", &format!("/v1/mirrors/gz.elic.example/tile/{place}"), &[], None);
    assert_eq!((own.status, copy.status), (200, 200));
    assert_eq!(own.body, copy.body, "{width} entries");
    let more = province.get(&format!("/v1/mirrors/gz.elic.example/tile/entries/000.p/{}", width + 1));
    assert_eq!(more.0, 404, "nothing beyond the verified head");
    // The province is away: the city goes on, and is caught up with.
    province.kill();
    issue(&city, 31, 300);
    let province = pair.start("province");
    until("caught up", || mirrored(&province) == size(&city));
    until("cosigned again", || city.get("/log/checkpoint").1.contains("— gd.elic.example/w1 "));
    // The city restarts and goes on from what the witness has seen.
    city.kill();
    let city = pair.start("city");
    city.until_ready();
    issue(&city, 400, 1);
    until("cosigned after a restart", || city.get("/log/checkpoint").1.contains("— gd.elic.example/w1 "));
    assert_eq!(province.get("/readyz").0, 200);
}

/// A city that is lost right after it was cosigned can come back: what the province signs of it, the province holds, with its records.
#[test]
fn the_province_mirrors_and_is_told_what_it_cosigns() {
    let pair = Pair::new();
    let path = pair.place.path("province/config.toml");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    // Its own turns come once, before the city is there: whatever it holds afterwards it fetched because it was asked to cosign.
    std::fs::write(&path, text.replace("interval_s = 1\n", "interval_s = 3600\n")).expect("written");
    let province = pair.start("province");
    let turned = || province.metric("job_runs_total{job=\"mirror\",result=\"failed\"}") == 1.0;
    until("the province has had its turn in vain", turned);
    let city = pair.start("city");
    city.until_ready();
    let token = city.token("desk", "*", "*", "*");
    for number in 1..=5 {
        city.post(&token, "/v1/licences", &licence(&format!("示例〔2026〕{number}号"))).with(201);
    }
    until("cosigned", || city.get("/log/checkpoint").1.contains("— gd.elic.example/w1 "));
    let size = size(&city);
    assert_eq!(mirrored(&province), size);
    assert_eq!(province.metric("index_leaves{origin=\"gz.elic.example/log\"}"), size as f64);
}

/// A city that comes back from an old copy of its data, and goes on from there, has forked its log.
#[test]
fn a_log_that_went_back_is_kept_as_evidence_alarmed_and_never_cosigned() {
    let pair = Pair::new();
    let province = pair.start("province");
    let city = pair.start("city");
    city.until_ready();
    let token = city.token("desk", "*", "*", "*");
    let data = pair.place.path("city");
    city.stop();
    let (file, old) = (format!("{data}/registry.sqlite3"), pair.place.path("old.sqlite3"));
    std::fs::copy(&file, &old).expect("a copy");
    let city = pair.start("city");
    city.until_ready();
    for number in 1..=20 {
        city.post(&token, "/v1/licences", &licence(&format!("示例〔2026〕{number}号"))).with(201);
    }
    until("mirrored", || mirrored(&province) == size(&city));
    let before = mirrored(&province);
    city.stop();
    for side in ["-wal", "-shm"] {
        let _absent = std::fs::remove_file(format!("{file}{side}"));
    }
    std::fs::copy(&old, &file).expect("restored");
    let city = pair.start("city");
    city.until_ready();
    for number in 101..=105 {
        city.post(&token, "/v1/licences", &licence(&format!("示例〔2026〕{number}号"))).with(201);
    }
    until("the fork is noticed", || province.metric("log_fork_cases") == 1.0);
    // The log of one node says nothing against the others: the province goes on, and says what is wrong.
    assert_eq!(province.get("/readyz").0, 200);
    let told = succeed(&["doctor", "--json", "--data", &province.data]);
    assert!(told.contains("a log has forked: gz.elic.example/log"), "{told}");
    assert_eq!(mirrored(&province), before, "what was verified stays");
    for number in 106..=130 {
        city.post(&token, "/v1/licences", &licence(&format!("示例〔2026〕{number}号"))).with(201);
    }
    // Also once it is longer than what was cosigned: two more rounds of the job, told by its counter, bring no cosignature.
    let failed = || city.metric("job_runs_total{job=\"cosign\",result=\"failed\"}");
    let seen = failed();
    until("refused", || failed() >= seen + 1.0);
    assert!(size(&city) > before && !city.get("/log/checkpoint").1.contains("— gd.elic.example/w1 "));
    assert_eq!(mirrored(&province), before);
}

fn now() -> UnixTime {
    licence_node::node::clock::Clock::system().now()
}

fn signed(province: &Running, key: &dyn Signer, body: &[u8], created: UnixTime, nonce: u8) -> Answer {
    let own = IdempotencyKey::new("a-key").expect("a key");
    let content = Content { body, content_type: "text/plain", idempotency_key: &own };
    let target = "https://gd.elic.example/v1/witness/add-checkpoint";
    let headers = sign("POST", target, Some(&content), key, created, [nonce; 16]).expect("signed");
    let quoted = own.to_string();
    let digest = headers.content_digest.unwrap_or_default();
    let list = [
        ("content-type", "text/plain"),
        ("idempotency-key", quoted.as_str()),
        ("content-digest", digest.as_str()),
        ("signature-input", headers.signature_input.as_str()),
        ("signature", headers.signature.as_str()),
    ];
    province.call("POST", "/v1/witness/add-checkpoint", &list, Some(body))
}

#[test]
fn only_listed_nodes_may_ask_a_witness_once_each_and_in_time() {
    let pair = Pair::new();
    let province = pair.start("province");
    province.until_ready();
    let key = node_key(&pair.place, "city");
    let code = |answer: &Answer| answer.json()["code"].as_str().unwrap_or_default().to_owned();
    let unsigned = province.call(
        "POST",
        "/v1/witness/add-checkpoint",
        &[("content-type", "text/plain")],
        Some(b"old 0\n"),
    );
    assert!(unsigned.status == 400 || unsigned.status == 401, "{}", unsigned.status);
    let body = b"old 0\n\nnonsense\n";
    assert_eq!(
        signed(&province, &*key, body, now(), 1).status,
        400,
        "well signed, and not the body of the call"
    );
    let again = signed(&province, &*key, body, now(), 1);
    assert_eq!((again.status, code(&again)), (401, "signature-replay".to_owned()));
    let old = signed(&province, &*key, body, now().plus(-400), 2);
    assert_eq!((old.status, code(&old)), (401, "signature-time".to_owned()));
    let before = signed(&province, &*key, body, now().plus(-200), 3);
    assert_eq!(
        (before.status, code(&before)),
        (401, "signature-replay".to_owned()),
        "signed before the node began"
    );
    let stranger = SeedSigner::from_seed(&[9; 32]).expect("a key");
    let answer = signed(&province, &stranger, body, now(), 4);
    assert_eq!((answer.status, code(&answer)), (401, "signature-key".to_owned()));
}
