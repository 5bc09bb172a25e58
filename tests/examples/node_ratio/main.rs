//! The node under load, each figure with a reference from the same run. Run by `cargo xtask bench`.
//!
//! - `issue`: licences/s over HTTP by 64 clients, each acknowledged after a durable commit; reference: groups of 64 pieces of
//!   2 KiB appended to a file and fsynced.
//! - `http_verify`: verifications/s over HTTP without receipt, node on one core, load on the other; reference: a server of the same
//!   make that only runs `verify_strict` over the same bytes.
//! - `memory`: resident memory of the serving node at rest.
#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "a measuring program ends where it cannot go on"
)]

#[path = "../../tests/node/harness.rs"]
mod harness;
mod load;
mod reference;

use std::fs::File;
use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use harness::{Place, Running, licence, now, program};
use load::{Request, requests_per_second};

/// How long each measurement takes.
const SPAN: Duration = Duration::from_secs(5);
const CLIENTS: usize = 64;

fn main() {
    let mut arguments = std::env::args().skip(1);
    if let (Some("reference"), Some(credential)) = (arguments.next().as_deref(), arguments.next()) {
        return reference::serve(&credential);
    }
    let place = Place::new();
    let province = place.province();
    place.point_city(&province);
    place.configure("city", harness::NO_CEILINGS);
    issue(&place);
    verify(&place);
}

fn figure(name: &str, value: f64, unit: &str) {
    println!("figure {name} {value:.0} {unit}");
}

fn issue(place: &Place) {
    let city = Running::start(&place.path("city"));
    city.until_ready();
    figure("memory_at_rest", at_rest(&city), "KiB");
    let token = city.token("load", "*", "*", "*");
    let request = |client: usize, count: u64| Request {
        path: "/v1/licences",
        token: token.clone(),
        body: licence(&format!("示例〔2026〕{client}-{count}号")).to_string(),
        expected: "HTTP/1.1 201",
    };
    let (rate, times) = requests_per_second(&city.url, CLIENTS, SPAN, &request);
    figure("issue", rate, "licences/s");
    println!("figure issue_p50 {:.1} ms", times.at(0.5));
    println!("figure issue_p99 {:.1} ms", times.at(0.99));
    let disk = appends_per_second(&place.path("reference.bin"));
    println!("ratio issue {:.2}", rate / disk);
    city.stop();
}

/// The least resident memory within some seconds: what unlocking the keys took is given back a while after the node is ready.
fn at_rest(city: &Running) -> f64 {
    let (_never, tick) = std::sync::mpsc::channel::<()>();
    let looks = (0..15).map(|_| {
        // Nobody ever sends: this is a deadline until the next look.
        let _deadline = tick.recv_timeout(Duration::from_secs(1));
        resident_kib(city)
    });
    looks.fold(f64::INFINITY, f64::min)
}

/// Pieces of 2 KiB per second, appended in groups of 64, each group fsynced.
fn appends_per_second(path: &str) -> f64 {
    let mut file = File::create_new(path).unwrap();
    let group = vec![0x5a; CLIENTS * 2_048];
    let (begun, mut groups) = (now(), 0_u32);
    while begun.elapsed() < SPAN {
        file.write_all(&group).unwrap();
        file.sync_data().unwrap();
        groups += 1;
    }
    f64::from(groups) * CLIENTS as f64 / begun.elapsed().as_secs_f64()
}

fn verify(place: &Place) {
    let city =
        pinned(program().to_str().unwrap(), &["serve", "--data", &place.path("city")], &place.path("city"));
    city.until_ready();
    let token = city.token("judge", "*", "*", "*");
    let issued = city.post(&token, "/v1/licences", &licence("示例〔2026〕核验号")).with(201);
    let credential = issued["credential"].as_str().unwrap().to_owned();
    let body = serde_json::json!({"credential": credential, "receipt": false}).to_string();
    let request = |_: usize, _: u64| Request {
        path: "/v1/verifications",
        token: token.clone(),
        body: body.clone(),
        expected: "HTTP/1.1 200",
    };
    let own = std::env::current_exe().unwrap();
    let bare = pinned(own.to_str().unwrap(), &["reference", &credential], "reference");
    // In turns, so that a machine that is busy elsewhere is unfair to both alike.
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..3 {
        for (node, rates) in [&city, &bare].into_iter().zip(&mut rates) {
            rates.push(requests_per_second(&node.url, 16, SPAN / 2, &request).0);
        }
    }
    let [own, bare] = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates[1]
    });
    figure("http_verify", own, "verifications/s");
    figure("http_verify_reference", bare, "verify_strict/s");
    println!("ratio http_verify {:.2}", own / bare);
}

/// A server that may use the first core only; the load runs on the others.
fn pinned(program: &str, arguments: &[&str], data: &str) -> Running {
    Running::start_by(Command::new("taskset").args(["--cpu-list", "0", program]).args(arguments), data)
}

fn resident_kib(node: &Running) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
