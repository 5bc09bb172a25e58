//! The trust list as it is renewed, and as somebody in between may hand it out.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use licence_registry::encoding::from_base64url;
use licence_spec::bundle::{self, Bundle};
use licence_spec::credential::Credential;
use serde_json::{Value, json};

use crate::harness::{AUTHORITY, Place, Running, clock, licence, succeed, until};

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
        city.metric("state{what=\"status_indexes_free\"}") > 0.0
            && city.metric("state{what=\"status_lists_unpublished\"}") <= 1.0
    });
    until("told", || city.metric("job_runs_total{job=\"publish_status\",result=\"failed\"}") >= 1.0);
}
