//! 归集 with real processes: cities report, the province compares and reconciles, a city finds and fetches what another one issued.

use std::net::TcpListener;
use std::sync::{Arc, OnceLock};

use licence_node::node::keys::{Keyring, Usage};
use licence_spec::http_signature::{Content, IdempotencyKey, sign};
use licence_spec::suite::Signer;
use serde_json::{Value, json};

use crate::audit::list;
use crate::harness::{Answer, HOLDER, Place, Running, licence, run, succeed, until};
use crate::trips::outcome;

/// A province, 广州 and 佛山, which know each other's addresses.
pub(crate) struct Federation {
    pub(crate) place: Place,
    pub(crate) province: Running,
    pub(crate) guangzhou: Running,
    pub(crate) foshan: Running,
}

/// Where the nodes listen before they are given free ports.
const NOWHERE: [&str; 3] = ["127.0.0.1:60001", "127.0.0.1:60002", "127.0.0.1:60003"];

impl Federation {
    pub(crate) fn new() -> Federation {
        Federation::start(Federation::prepared())
    }

    /// The data directories, with addresses that nobody else has; nothing runs yet.
    pub(crate) fn prepared() -> Place {
        static TEMPLATE: OnceLock<Place> = OnceLock::new();
        let place = Place::copy_of(TEMPLATE.get_or_init(Federation::place));
        let free = || {
            TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").to_string()
        };
        let ports = NOWHERE.map(|nowhere| (nowhere, free()));
        for node in ["province", "guangzhou", "foshan"] {
            let path = place.path(&format!("{node}/config.toml"));
            let text = std::fs::read_to_string(&path).expect("the configuration");
            let text = text.replace("[pull]\n", "[pull]\ninterval_s = 1\n");
            let text = ports.iter().fold(text, |text, (nowhere, free)| text.replace(nowhere, free));
            std::fs::write(&path, text).expect("written");
        }
        place
    }

    /// Starts all three, and waits until the cities are ready.
    pub(crate) fn start(place: Place) -> Federation {
        let [province, guangzhou, foshan] =
            ["province", "guangzhou", "foshan"].map(|node| Running::start(&place.path(node)));
        [&guangzhou, &foshan].into_iter().for_each(Running::until_ready);
        Federation { place, province, guangzhou, foshan }
    }

    /// Three nodes that know each other's names.
    fn place() -> Place {
        let [gd, gz, fs] = NOWHERE;
        let at = |host: &str, address: &str| format!("{host}.elic.example=http://{address}");
        let (to_gd, to_gz, to_fs) = (at("gd", gd), at("gz", gz), at("fs", fs));
        let up = ["--province", "https://gd.elic.example", "--address", &to_gd];
        let down = ["--peer", "https://gz.elic.example", "--peer", "https://fs.elic.example"];
        let own = [&["--listen", gd, "--address", &to_gz, "--address", &to_fs], down.as_slice()].concat();
        let asks = ["--witnessed-by", "https://fs.elic.example"];
        let north = [&["--listen", gz, "--address", &to_fs], asks.as_slice(), &up].concat();
        // A witness mirrors what it cosigns.
        let follows = ["--witness", "--peer", "https://gz.elic.example", "--address", &to_gz];
        let west = [&["--listen", fs], follows.as_slice(), &up].concat();
        Place::of(&own, &[("guangzhou", "440100", &north), ("foshan", "440600", &west)])
    }

    /// Waits until the province has been told all that 佛山 has logged.
    pub(crate) fn until_told(&self) {
        until("the index is told", || {
            let size = self.foshan.get("/log/checkpoint").1.lines().nth(1).and_then(|line| line.parse().ok());
            Some(self.province.metric("index_leaves{origin=\"fs.elic.example/log\"}")) == size
        });
    }
}

/// A licence of 佛山 for the holder whom 广州 asks about.
pub(crate) fn in_foshan(number: &str) -> Value {
    let mut request = licence(number);
    request["issuer"] = json!("11440600X060010123");
    request["area_code"] = json!("440606");
    request
}

pub(crate) fn case() -> Value {
    json!({
        "subjects": [{"code_type": "001", "code": HOLDER.1}],
        "case_number": "2026-0001", "operator": "示例经办", "authorisation": "示例授权"
    })
}

/// The key by which a node signs its calls.
pub(crate) fn node_key(place: &Place, node: &str) -> Arc<dyn Signer> {
    key_of(place, node, Usage::NODE)
}

/// A key of a node, as whoever has its folder and passphrase has it.
pub(crate) fn key_of(place: &Place, node: &str, wanted: Usage) -> Arc<dyn Signer> {
    let words = std::fs::read_to_string(place.path(&format!("{node}/passphrase"))).expect("a passphrase");
    let folder = place.path(&format!("{node}/keys"));
    let keys = Keyring::load(std::path::Path::new(&folder), &words).expect("keys");
    let key = keys.iter().find(|(_, usage, _)| *usage == wanted).map(|(_, _, key)| Arc::clone(key));
    key.expect("a key of this usage")
}

/// A call that `key` signs for `host`.
pub(crate) fn signed(
    node: &Running,
    host: &str,
    key: &dyn Signer,
    path: &str,
    body: Option<&Value>,
    nonce: u8,
) -> Answer {
    let bytes = body.map(Value::to_string).unwrap_or_default();
    let idempotency = IdempotencyKey::new("a-key").expect("a key");
    let content =
        Content { body: bytes.as_bytes(), content_type: "application/json", idempotency_key: &idempotency };
    let method = if body.is_some() { "POST" } else { "GET" };
    let now = licence_node::node::clock::Clock::system().now();
    let target = format!("https://{host}{path}");
    let headers = sign(method, &target, body.map(|_| &content), key, now, [nonce; 16]).expect("signed");
    let (quoted, digest) = (idempotency.to_string(), headers.content_digest.clone().unwrap_or_default());
    let mut list = vec![
        ("signature-input", headers.signature_input.as_str()),
        ("signature", headers.signature.as_str()),
    ];
    if body.is_some() {
        list.extend([
            ("content-type", "application/json"),
            ("idempotency-key", quoted.as_str()),
            ("content-digest", digest.as_str()),
        ]);
    }
    node.call(method, path, &list, body.map(|_| bytes.as_bytes()))
}

#[test]
fn a_licence_of_another_city_is_found_through_the_province_and_fetched_from_where_it_is() {
    let all = Federation::new();
    let token = all.foshan.token("desk", "*", "*", "*");
    let kept = all.foshan.post(&token, "/v1/licences", &in_foshan("佛示〔2026〕1号")).with(201);
    let gone = all.foshan.post(&token, "/v1/licences", &in_foshan("佛示〔2026〕2号")).with(201);
    let act = json!({"act": "revoke", "reason": {"legal_basis": "示例依据", "document_number": "佛示撤〔2026〕1号", "officer": "示例经办"}});
    let path = format!("/v1/licences/{}/status-changes", gone["id"].as_str().expect("an id"));
    all.foshan.post(&token, &path, &act).with(201);
    all.until_told();
    assert_eq!(all.province.metric("index_rejects{origin=\"fs.elic.example/log\"}"), 0.0);
    let data = all.place.path("province");
    let counts: Value =
        serde_json::from_str(&succeed(&["index", "counts", "--data", &data, "--json"])).expect("JSON");
    let foshan = counts.as_array().expect("logs").iter().find(|log| log["log"] == "fs.elic.example/log");
    let days: Vec<_> = foshan.expect("佛山")["days"]
        .as_array()
        .expect("days")
        .iter()
        .map(|day| day["kept"].clone())
        .collect();
    assert_eq!(days, [json!(2), json!(1)], "two licences and one change: {counts}");

    let desk = all.guangzhou.token("approvals", "*", "*", "*");
    let checks = "/v1/service-items/GZ-TH-0101/checks";
    until("the status list of 佛山 is known in 广州", || {
        let answer = all.guangzhou.post(&desk, checks, &case()).with(200);
        answer["licences"][0]["outcome"] == "ACCEPT"
    });
    let answer = all.guangzhou.post(&desk, checks, &case()).with(200);
    assert_eq!(answer["licences"].as_array().expect("licences").len(), 1, "the revoked one is not fetched");
    assert_eq!((&answer["licences"][0]["licence"], &answer["not_asked"]), (&kept["digest"], &json!([])));
    let mut here = case();
    here["elsewhere"] = json!(false);
    assert_eq!(all.guangzhou.post(&desk, checks, &here).with(200)["licences"], json!([]));

    // Without the province the case is answered all the same, and says what was not asked.
    let Federation { place, province, guangzhou, foshan } = all;
    province.stop();
    let answer = guangzhou.post(&desk, checks, &case()).with(200);
    assert_eq!(answer["licences"], json!([]));
    assert!(answer["not_asked"][0].as_str().expect("a cause").starts_with("gd.elic.example"), "{answer}");
    foshan.stop();
    for (node, act) in [("province", "located"), ("foshan", "shown_to_node")] {
        let rows = list(&place.path(node), &["--case", "2026-0001"]);
        assert!(rows.iter().any(|row| row["act"] == act), "{node}: {rows:#?}");
        let text = serde_json::to_string(&rows).expect("JSON");
        assert!(!text.contains(HOLDER.1), "who, what for, never whose");
    }
    let file = std::fs::read(place.path("province/registry.sqlite3")).expect("the database");
    let code = HOLDER.1.as_bytes();
    assert!(!file.windows(code.len()).any(|part| part == code), "the province keeps no code of a holder");
}

#[test]
fn the_index_is_told_to_the_province_alone_and_once_for_each_request() {
    let all = Federation::new();
    let token = all.foshan.token("desk", "*", "*", "*");
    all.foshan.post(&token, "/v1/licences", &in_foshan("佛示〔2026〕1号")).with(201);
    all.until_told();
    let keys = ["province", "guangzhou", "foshan"].map(|node| node_key(&all.place, node));
    let [gd, gz, fs] = &keys;
    let (own, host) = ("/v1/index?after=0", "fs.elic.example");
    assert_eq!(all.foshan.call("GET", own, &[], None).status, 401, "unsigned");
    let page = signed(&all.foshan, host, &**gd, own, None, 1).with(200);
    let told = page["records"].as_array().expect("records");
    assert_eq!(told[0]["holders"][0]["code"], HOLDER.1);
    let again = signed(&all.foshan, host, &**gd, own, None, 1);
    assert_eq!((again.status, &again.json()["code"]), (401, &json!("signature-replay")));
    assert_eq!(signed(&all.foshan, host, &**gz, own, None, 2).status, 403, "another city");
    assert_eq!(signed(&all.foshan, host, &**fs, own, None, 3).status, 403, "itself");
    assert_eq!(signed(&all.foshan, host, &**gd, "/v1/index?after=x", None, 4).status, 400);
    assert_eq!(signed(&all.foshan, "gz.elic.example", &**gd, own, None, 5).status, 401, "for another host");

    // The province tells a node of its own log, without holders, and of no other.
    let (back, host) = ("/v1/index?origin=fs.elic.example%2Flog&after=0", "gd.elic.example");
    let page = signed(&all.province, host, &**fs, back, None, 6).with(200);
    assert_eq!(
        (&page["records"][0]["holders"], &page["origin"]),
        (&json!([]), &json!("fs.elic.example/log"))
    );
    assert_eq!(page["records"][0]["digest"], told[0]["digest"]);
    assert_eq!(signed(&all.province, host, &**gz, back, None, 7).status, 403);
    assert_eq!(signed(&all.province, host, &**fs, own, None, 8).status, 403, "a province reports to nobody");

    let purpose =
        json!({"service_item": "GZ-TH-0101", "case_number": "2026-0001", "authorisation": "示例授权"});
    let mut question =
        json!({"holders": [{"code_type": "001", "code": HOLDER.1}], "types": [], "purpose": purpose});
    assert_eq!(
        signed(&all.foshan, "fs.elic.example", &**gd, "/v1/index/holders", Some(&question), 9).status,
        404
    );
    let found = signed(&all.province, host, &**gz, "/v1/index/holders", Some(&question), 10).with(200);
    assert_eq!(found, json!({"licences": [], "complete": true}), "of no type");
    question["types"] = json!(["urn:elic:cn:11100000MB0143028R001"]);
    let found = signed(&all.province, host, &**gz, "/v1/index/holders", Some(&question), 11).with(200);
    assert_eq!(found["licences"][0]["digest"], told[0]["digest"]);
    let found = signed(&all.province, host, &**fs, "/v1/index/holders", Some(&question), 12).with(200);
    assert_eq!(found["licences"], json!([]), "a node is not told of its own");
    question["purpose"]["authorisation"] = json!("");
    assert_eq!(signed(&all.province, host, &**gz, "/v1/index/holders", Some(&question), 13).status, 422);
    let asked = json!({"holders": question["holders"], "purpose": purpose});
    let fetch = |digest: &str, asked: &Value, nonce| {
        let path = format!("/v1/index/licences/{digest}");
        signed(&all.foshan, "fs.elic.example", &**gz, &path, Some(asked), nonce)
    };
    let digest = told[0]["digest"].as_str().expect("a digest");
    let shown = fetch(digest, &asked, 14).with(200);
    assert!(shown["view"].is_string() && shown["log_proof"].is_string(), "a view, and no licence");
    let no_case = json!({"holders": question["holders"], "purpose": {"service_item": "GZ-TH-0101"}});
    assert_eq!(fetch(digest, &no_case, 15).status, 400, "for no case");
    assert_eq!(fetch(&format!("sha-256:{}", "0".repeat(64)), &asked, 16).status, 404);
    assert_eq!(fetch("sha-256:00", &asked, 17).status, 422);
}

/// 佛山 cosigns the log of 广州 beside the province: two cosignatures on one head, from nodes that fail separately.
#[test]
fn a_city_cosigns_the_log_of_another_one_beside_the_province() {
    let all = Federation::new();
    let token = all.guangzhou.token("desk", "*", "*", "*");
    let issued = all.guangzhou.post(&token, "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    let names = ["— gd.elic.example/w1 ", "— fs.elic.example/w1 "];
    let cosigned = || {
        let text = all.guangzhou.get("/log/checkpoint").1;
        names.iter().filter(|name| text.contains(*name)).count()
    };
    until("cosigned by both", || cosigned() == 2);
    let Federation { province, guangzhou, foshan, place } = all;
    province.stop();
    // The province is away: its cosignature is missing on the next head, that of 佛山 is not.
    guangzhou.post(&token, "/v1/licences", &licence("示例〔2026〕2号")).with(201);
    let text = || guangzhou.get("/log/checkpoint").1;
    until("cosigned by 佛山", || text().contains(names[1]));
    assert!(!text().contains(names[0]));
    foshan.stop();
    guangzhou.stop();
    let guangzhou = Running::start(&place.path("guangzhou"));
    assert!(guangzhou.get("/log/checkpoint").1.contains(names[1]), "kept across a restart");
    let question = json!({"credential": crate::crash::licence_file(&issued), "receipt": false});
    let verdict = guangzhou.post(&token, "/v1/verifications", &question).with(200);
    assert_eq!(outcome(&verdict).0, "ACCEPT", "a good cosignature of a witness that the list names");
}

/// A city whose rows have been damaged tells what its log does not say: rejected, shown, and taken once it is mended.
#[test]
fn what_the_log_does_not_bear_out_is_rejected_until_the_city_has_mended_it() {
    let all = Federation::new();
    let token = all.foshan.token("desk", "*", "*", "*");
    let Federation { place, province, guangzhou: _guangzhou, foshan } = all;
    province.stop();
    let damaged = foshan.post(&token, "/v1/licences", &in_foshan("佛示〔2026〕1号")).with(201);
    foshan.post(&token, "/v1/licences", &in_foshan("佛示〔2026〕2号")).with(201);
    foshan.stop();
    let shift = |by: i64| {
        let database = rusqlite::Connection::open(place.path("foshan/registry.sqlite3")).expect("opened");
        let sql = "UPDATE licences SET issued_at = issued_at + ?1 WHERE id = ?2";
        let id = damaged["id"].as_str().expect("an id");
        assert_eq!(database.execute(sql, rusqlite::params![by, id]).expect("changed"), 1);
    };
    shift(1);
    let [province, foshan] = ["province", "foshan"].map(|node| Running::start(&place.path(node)));
    let rejects = || province.metric("index_rejects{origin=\"fs.elic.example/log\"}");
    until("rejected", || rejects() == 1.0);
    let (data, log) = (place.path("province"), "fs.elic.example/log");
    let text = succeed(&["index", "rejects", "--data", &data, log]);
    assert!(text.contains("与日志不符") && text.lines().count() == 1, "{text}");
    let text = succeed(&["index", "counts", "--data", &data, "--log", log]);
    assert!(text.contains("logged 2  入库 kept 1  拒收 rejected 1"), "{text}");
    let found = String::from_utf8(run(["doctor", "--data", &data]).stdout).expect("UTF-8");
    assert!(found.contains("1 rejected index records of fs.elic.example/log"), "{found}");
    foshan.stop();
    shift(-1);
    let _foshan = Running::start(&place.path("foshan"));
    succeed(&["index", "again", "--data", &data, log]);
    until("taken", || rejects() == 0.0);
    until("all told", || {
        // Between the forgetting and the first page the index has no such log.
        let output = run(["index", "counts", "--data", &data, "--log", log]);
        String::from_utf8_lossy(&output.stdout).contains("logged 2  入库 kept 2  拒收 rejected 0")
    });
    assert_eq!(run(["index", "again", "--data", &data, "none/log"]).status.code(), Some(64));
}
