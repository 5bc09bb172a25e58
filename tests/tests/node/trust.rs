//! The trust list as it is renewed, and as somebody in between may hand it out.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;

use licence_catalogue::samples::requests;
use licence_catalogue::{embedded, embedded_files};
use licence_node::node::encoding::from_base64url;
use licence_spec::bundle::{self, Bundle};
use licence_spec::credential::Credential;
use licence_spec::trust::{Proposal, Proposed};
use licence_store::Store as _;
use licence_store_sqlite::SqliteStore;
use serde_json::{Value, json};

use crate::enrolment::{published, split};
use crate::harness::{AUTHORITY, Place, Running, clock, licence, run, succeed, until};

/// Another authority of 广州, for construction.
const CONSTRUCTION: &str = "11440100X0000102XQ";
/// The same in 深圳.
const CONSTRUCTION_OF_SHENZHEN: &str = "11440300X000030257";

/// The officers sign the next list from the same key exports.
fn next_list(place: &Place) {
    let paths = ["officers", "secret", "province", "province.json", "city.json"].map(|name| place.path(name));
    let [officers, secret, province, own, other] = &paths;
    let officers = ["--officers", officers, "--passphrase-file", secret];
    let nodes = ["--data", province, "--node", own, "--node", other];
    succeed(&[["trust", "list"].as_slice(), &officers, &nodes].concat());
}

fn list_version(data: &str) -> Value {
    let trust: Value =
        serde_json::from_str(&succeed(&["trust", "show", "--json", "--data", data])).expect("JSON");
    trust["list"]["version"].clone()
}

#[test]
fn what_was_signed_under_one_trust_list_stays_good_under_the_next() {
    let place = Place::new();
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("desk", "*", "*", "*");
    let issued = city.post(&token, "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    let statement = from_base64url(issued["credential"].as_str().expect("a credential")).expect("base64url");
    let signed = Credential::parse(&statement).expect("a credential").iat;
    // Dates are in whole seconds: the next list is signed in a later one than the licence.
    until("a later second than that of the licence", || clock() > signed);
    next_list(&place);
    city.stop();
    let province_data = province.data.clone();
    province.stop();
    let province = Running::start(&province_data);
    let city = place.city(&province);
    until("list 2", || list_version(&city.data) == 2);
    let request = json!({"credential": issued["credential"], "receipt": false});
    let verdict = &city.post(&token, "/v1/verifications", &request).with(200)["verdict"];
    assert_eq!(
        (&verdict["outcome"], &verdict["basis"]["trust_list"]["version"]),
        (&json!("ACCEPT"), &json!(2)),
        "{verdict}"
    );
    city.post(&token, "/v1/licences", &licence("示例〔2026〕2号")).with(201);
}

#[test]
fn a_new_timestamp_handed_out_with_an_old_list_does_not_keep_the_node_from_starting() {
    let place = Place::new();
    let province = place.province();
    let old = Bundle::parse(&province.call("GET", "/v1/bundle", &[], None).body).expect("a bundle");
    let city = place.city(&province);
    city.stop();
    next_list(&place);
    let new = Bundle::parse(&province.call("GET", "/v1/bundle", &[], None).body).expect("a bundle");
    let parts = new.parts().map(|(path, bytes)| {
        let bytes = if path == bundle::LIST { old.part(path).expect("a list") } else { bytes };
        (path.to_owned(), bytes.to_vec())
    });
    let mixed = Bundle::new(parts).expect("a bundle").to_bytes();
    let between = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", between.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in between.incoming().map_while(Result::ok) {
            answer(stream, &mixed);
        }
    });
    let config = place.path("city/config.toml");
    let text = std::fs::read_to_string(&config).expect("the configuration");
    std::fs::write(&config, text.replace(&province.url, &address)).expect("the configuration");
    let city = Running::start(&place.path("city"));
    until("the list is refused", || city.metric("job_runs_total{job=\"pull\",result=\"failed\"}") >= 1.0);
    assert_eq!(list_version(&city.data), 1, "what was held stays in force");
    city.stop();
    let text = std::fs::read_to_string(&config).expect("the configuration");
    std::fs::write(&config, text.replace(&address, &province.url)).expect("the configuration");
    let city = place.city(&province);
    until("list 2", || list_version(&city.data) == 2);
}

fn answer(mut stream: std::net::TcpStream, body: &[u8]) {
    let mut head = [0; 4_096];
    let _asked = stream.read(&mut head);
    let line = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    // A node that has gone away needs no answer.
    let _gone = stream.write_all(line.as_bytes()).and_then(|()| stream.write_all(body));
}

#[test]
fn one_authority_without_its_status_key_does_not_keep_the_lists_of_the_others_from_being_published() {
    let place = Place::new();
    let province = place.province();
    std::fs::remove_file(place.path(&format!("city/keys/{AUTHORITY}.status.pem"))).expect("a key");
    place.point_city(&province);
    let city = Running::start(&place.path("city"));
    until("all lists but one", || {
        city.metric("status_indexes_free") > 0.0 && city.metric("status_lists_unpublished") <= 1.0
    });
    until("told", || city.metric("job_runs_total{job=\"publish_status\",result=\"failed\"}") >= 1.0);
}

/// A request for a licence that this authority may issue.
fn sample_of(authority: &str) -> Value {
    let (data, today) = (embedded().expect("the shipped data"), clock().civil_date());
    let samples = data.types().iter().filter_map(|kind| requests(&data, kind.code(), 7, today));
    let found = samples.flat_map(|samples| samples.take(200)).find(|sample| sample.issuer == authority);
    serde_json::to_value(found.expect("a type of the authority")).expect("JSON")
}

/// Takes both keys of an authority away and has the node make others, which no list names.
fn make_other_keys(place: &Place, node: &str, authority: &str) {
    for usage in ["licence", "status"] {
        let file = place.path(&format!("{node}/keys/{authority}.{usage}.pem"));
        std::fs::remove_file(file).expect("a key");
    }
    let said = succeed(&["key", "make", "--data", &place.path(node)]);
    assert!(said.contains("keys made: 2"), "{said}");
}

/// Whether each status list of a stopped node has been signed, for the lists of one authority and for all others.
fn signed_lists(data: &str, authority: &str) -> (Vec<bool>, Vec<bool>) {
    let store = SqliteStore::open(Path::new(data)).expect("the store");
    let lists = store.read().and_then(|read| read.status_lists()).expect("the lists");
    let (own, others): (Vec<_>, Vec<_>) = lists.into_iter().partition(|list| list.authority == authority);
    let signed = |lists: Vec<licence_store::StatusListRow>| {
        lists.iter().map(|list| list.token_iat.is_some()).collect::<Vec<_>>()
    };
    (signed(own), signed(others))
}

#[test]
fn a_key_that_is_not_listed_yet_signs_nothing_and_the_other_authorities_go_on() {
    let place = Place::new();
    let province = place.province();
    make_other_keys(&place, "city", CONSTRUCTION);
    place.point_city(&province);
    let city = Running::start(&place.path("city"));
    until("ready", || city.get("/readyz").0 == 200);
    let token = city.token("desk", "*", "*", "*");
    let accepted = |city: &Running, issued: &Value| {
        let asked = json!({"credential": issued["credential"], "receipt": false});
        city.post(&token, "/v1/verifications", &asked).with(200)["verdict"]["outcome"] == "ACCEPT"
    };
    let issued = city.post(&token, "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    until("the licence of another authority is accepted", || accepted(&city, &issued));
    let refused = city.post(&token, "/v1/licences", &sample_of(CONSTRUCTION));
    assert!(refused.status == 403 && refused.json().to_string().contains("ISSUER_NOT_LISTED"));
    // Each job has looked at all lists when the next turn begins.
    let turns = || city.metric("job_runs_total{job=\"publish_status\",result=\"ok\"}");
    let before = turns();
    until("two turns of publishing, none of which failed", || turns() >= before + 2.0);

    let report: Value =
        serde_json::from_str(&succeed(&["doctor", "--json", "--data", &city.data])).expect("JSON");
    let about_status = report["findings"].as_array().expect("findings").iter();
    let about_status: Vec<&Value> = about_status.filter(|one| one["about"] == "status").collect();
    let waiting: Vec<&&Value> = about_status.iter().filter(|one| one["state"] == "soon").collect();
    let cause = waiting.first().and_then(|one| one["cause"].as_str()).unwrap_or_default();
    assert!(waiting.len() == 1 && cause.contains(CONSTRUCTION), "{about_status:?}");
    assert!(cause.starts_with("1 authorities"), "{cause}");
    assert_eq!(report["ok"], true, "{report}");

    std::fs::remove_file(place.path("city.json")).expect("the first export");
    succeed(&["key", "export", "--data", &city.data, "--out", &place.path("city.json")]);
    city.stop();
    let (unlisted, others) = signed_lists(&place.path("city"), CONSTRUCTION);
    assert!(!unlisted.is_empty() && unlisted.iter().all(|signed| !signed), "signed with the unlisted key");
    assert!(!others.is_empty() && others.iter().all(|signed| *signed), "the lists of the others");

    next_list(&place);
    let city = place.city(&province);
    until("list 2", || list_version(&city.data) == 2);
    city.until_ready();
    let issued = city.post(&token, "/v1/licences", &sample_of(CONSTRUCTION)).with(201);
    until("the licence of the listed key is accepted", || accepted(&city, &issued));
}

/// The shipped catalogue in a folder, with one authority whose permission ended, for these nodes.
fn end_permission(place: &Place, authority: &str, nodes: &[&str]) {
    let folder = place.path("catalogue");
    let code = format!("code = \"{authority}\"\n");
    for (path, bytes) in embedded_files() {
        let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
        let text = match path.starts_with("authorities/") {
            true => text.replace(&code, &format!("{code}until = \"2026-01-31\"\n")),
            false => text,
        };
        let file = Path::new(&folder).join(path);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(file, text).expect("a file");
    }
    for node in nodes {
        let path = place.path(&format!("{node}/config.toml"));
        let mut table: toml::Table =
            std::fs::read_to_string(&path).expect("the configuration").parse().expect("TOML");
        let catalogue: toml::Table = [("folder".to_owned(), folder.clone().into())].into_iter().collect();
        table.insert("catalogue".to_owned(), catalogue.into());
        std::fs::write(&path, table.to_string()).expect("the configuration");
    }
}

/// The authorities of a region that the list in force at a node names.
fn listed(data: &str, region: &str) -> Vec<String> {
    let trust: Value =
        serde_json::from_str(&succeed(&["trust", "show", "--json", "--data", data])).expect("JSON");
    let codes = trust["authorities"].as_array().into_iter().flatten();
    let codes = codes.filter_map(|entry| entry["code"].as_str().map(str::to_owned));
    codes.filter(|code| code[2..].starts_with(region)).collect()
}

#[test]
fn an_authority_whose_permission_is_over_is_left_out_of_the_next_list_and_said() {
    let place = Place::new();
    let (province, list) = (place.path("province"), place.path("list-2"));
    let officers = split(&place);
    succeed(&["trust", "propose", "--data", &province, "--out", &list, "--remove", CONSTRUCTION]);
    let signatures = ["officer-1", "officer-2"].map(|office| officers.sign(office, office, &list));
    published(&province, &[&list], &[&signatures[0], &signatures[1]]);
    let before = listed(&province, "4401");
    assert!(before.len() > 1 && !before.contains(&CONSTRUCTION.to_owned()), "{before:?}");
    end_permission(&place, CONSTRUCTION, &["province"]);
    let paths = ["officers", "secret", "province.json", "city.json"].map(|name| place.path(name));
    let [officers, secret, own, other] = &paths;
    let nodes = ["--data", &province, "--node", own, "--node", other];
    let by = ["trust", "list", "--officers", officers, "--passphrase-file", secret];
    let output = run([by.as_slice(), &nodes].concat());
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{said}");
    assert!(said.contains(&format!("the permission of authority {CONSTRUCTION} is over")), "{said}");
    assert_eq!(said.lines().count(), 1, "nothing is said of the others: {said}");
    assert_eq!((list_version(&province), listed(&province, "4401")), (json!(3), before));
}

#[test]
fn an_authority_whose_permission_is_over_keeps_no_city_from_enrolling() {
    let place = Place::new();
    let (province, city) = (place.path("province"), place.path("shenzhen"));
    let follows = ["--province", "https://gd.elic.example", "--listen", "127.0.0.1:0"];
    let init = ["init", "--data", &city, "--role", "city", "--region", "440300"];
    succeed(&[init.as_slice(), &follows].concat());
    let request = place.path("shenzhen.enrolment");
    let ended = CONSTRUCTION_OF_SHENZHEN;
    // Asked by a node whose data are older: it has the keys of the ended authority and sends them.
    succeed(&["enrol", "request", "--data", &city, "--out", &request]);
    assert!(succeed(&["enrol", "show", &request]).contains(ended));
    end_permission(&place, ended, &["province", "shenzhen"]);
    let left_out = format!("the permission of authority {ended} is over");
    let proposed = |request: &str, name: &str| {
        let (folder, list) = (place.path(&format!("next-{name}")), place.path(&format!("list-{name}")));
        let said = succeed(&["enrol", "approve", request, "--data", &province, "--proposal", &folder]);
        assert!(said.contains(&left_out), "{said}");
        let propose = ["trust", "propose", "--data", &province, "--out", &list, "--proposal", &folder];
        let said = succeed(&propose);
        assert!(said.contains(&left_out), "{said}");
        let bytes = std::fs::read(&list).expect("a proposal");
        match Proposal::open(&bytes).expect("a proposal").proposed() {
            Proposed::List(list) => list.entries.iter().map(|entry| entry.id.clone()).collect::<Vec<_>>(),
            Proposed::Root(_) => panic!("a root"),
        }
    };
    let data = embedded().expect("the shipped data");
    let codes = || data.authorities_of_node("440300").map(|authority| authority.code.as_str());
    let is_right =
        |entries: &[String]| codes().all(|code| entries.iter().any(|entry| entry == code) == (code != ended));
    assert!(codes().count() > 1 && is_right(&proposed(&request, "of-older-data")));
    // Asked by a node that knows, and has no keys for that authority any more.
    for usage in ["licence", "status"] {
        std::fs::remove_file(place.path(&format!("shenzhen/keys/{ended}.{usage}.pem"))).expect("a key");
    }
    let request = place.path("shenzhen-2.enrolment");
    succeed(&["enrol", "request", "--data", &city, "--out", &request]);
    assert!(!succeed(&["enrol", "show", &request]).contains(ended));
    assert!(is_right(&proposed(&request, "of-newer-data")));
}
