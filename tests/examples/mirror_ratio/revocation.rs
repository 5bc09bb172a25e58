//! How long a revocation in one city takes to change the verdict in another: a province and two cities as processes on loopback.

use std::net::TcpListener;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Place, Running, licence, now, until, within};

/// Revocations that are measured.
const REVOCATIONS: u32 = 50;
/// Time between two of them: no multiple of the intervals, so that they fall on all moments between two turns.
const APART: Duration = Duration::from_millis(530);
/// The interval of publishing and that of pulling, both at their minimum.
const INTERVALS: Duration = Duration::from_secs(2);

pub(crate) fn measure() {
    let (place, addresses) = place();
    let [_province, issuing, judging] =
        ["province", "440100", "440600"].map(|name| Running::start(&place.path(name)));
    assert!(addresses.contains(&judging.url));
    [&issuing, &judging].into_iter().for_each(Running::until_ready);
    let tokens = [&issuing, &judging].map(|node| node.token("bench", "*", "*", "*"));
    let make = |number: u32| {
        issuing.post(&tokens[0], "/v1/licences", &licence(&format!("示例〔2026〕{number}号"))).with(201)
    };
    let issued: Vec<Value> = (0..REVOCATIONS).map(make).collect();
    let outcome = |licence: &Value| outcome(&judging, &tokens[1], licence);
    until("accepted in the other city", || issued.iter().all(|licence| outcome(licence) == "ACCEPT"));
    let (begun, trips) = (now(), 200_u32);
    (0..trips).for_each(|_| assert_eq!(outcome(&issued[0]), "ACCEPT"));
    println!(
        "figure verification_round_trip {:.2} ms",
        begun.elapsed().as_secs_f64() * 1e3 / f64::from(trips)
    );
    let mut times = revoke_all(&issued, &|licence| revoke(&issuing, &tokens[0], licence), &outcome);
    times.sort();
    for (name, share) in [("revocation_p50", 0.5), ("revocation_p99", 0.99)] {
        let time = times[((times.len() - 1) as f64 * share).round() as usize];
        println!("figure {name} {:.0} ms", time.as_secs_f64() * 1e3);
        println!("ratio {name} {:.2}", time.as_secs_f64() / INTERVALS.as_secs_f64());
    }
}

/// Revokes one licence after the other at even distances, and waits for each until the other city rejects it.
fn revoke_all(
    issued: &[Value],
    revoke: &(impl Fn(&Value) -> Instant + Sync),
    outcome: &(impl Fn(&Value) -> String + Sync),
) -> Vec<Duration> {
    let (begun, (_never, clock)) = (now(), channel::<()>());
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for (number, licence) in (0..).zip(issued) {
            // Nobody ever sends: this is the moment of the next revocation.
            let _moment = clock.recv_timeout((APART * number).saturating_sub(begun.elapsed()));
            threads.push(scope.spawn(move || {
                let acknowledged = revoke(licence);
                within(Duration::from_secs(30), "rejected in the other city", || {
                    outcome(licence) == "REJECT"
                });
                acknowledged.elapsed()
            }));
        }
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Revokes a licence; when that was acknowledged.
fn revoke(city: &Running, token: &str, licence: &Value) -> Instant {
    let reason =
        json!({"legal_basis": "示例依据", "document_number": "示例〔2026〕1号", "officer": "示例经办人"});
    let path = format!("/v1/licences/{}/status-changes", licence["id"].as_str().unwrap());
    city.post(token, &path, &json!({"act": "revoke", "reason": reason})).with(201);
    now()
}

fn outcome(city: &Running, token: &str, licence: &Value) -> String {
    let body = json!({"credential": licence["credential"], "receipt": false});
    let answer = city.post(token, "/v1/verifications", &body).with(200);
    answer["verdict"]["outcome"].as_str().unwrap().to_owned()
}

/// A province and two cities that follow each other every second; their addresses.
fn place() -> (Place, [String; 3]) {
    let held: [TcpListener; 3] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    let listen = held.each_ref().map(|socket| socket.local_addr().unwrap().to_string());
    drop(held);
    let hosts = ["gd.elic.example", "gz.elic.example", "fs.elic.example"];
    let words = [0, 1, 2].map(|own: usize| {
        let mut words = vec!["--listen".to_owned(), listen[own].clone()];
        for other in (0..3).filter(|other| *other != own) {
            let follow = if other == 0 { "--province" } else { "--peer" };
            words.extend([follow.to_owned(), format!("https://{}", hosts[other])]);
            words.extend(["--address".to_owned(), format!("{}=http://{}", hosts[other], listen[other])]);
        }
        words
    });
    let words = words.each_ref().map(|words| words.iter().map(String::as_str).collect::<Vec<_>>());
    let place = Place::of(&words[0], &[("440100", "440100", &words[1]), ("440600", "440600", &words[2])]);
    for name in ["province", "440100", "440600"] {
        let path = place.path(&format!("{name}/config.toml"));
        let text = std::fs::read_to_string(&path).unwrap().replace("[pull]\n", "[pull]\ninterval_s = 1\n");
        std::fs::write(&path, text + "\n[status]\npublish_interval_s = 1\n\n[log]\nlevel = \"warn\"\n")
            .unwrap();
    }
    (place, listen.map(|address| format!("http://{address}")))
}
