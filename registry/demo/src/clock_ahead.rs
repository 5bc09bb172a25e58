//! A node whose clock is ahead, with real nodes on loopback: it signs nothing, says so, and goes on once its clock is set.

use std::path::Path;
use std::time::Duration;

use licence_spec::time::UnixTime;
use licence_store::Store;
use licence_store_sqlite::SqliteStore;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::*;
use licence_node::upkeep::set_up::open;

/// Less than a day: the client's token is good for one, and must not be what is refused.
const AHEAD_S: i64 = 23 * 3_600;

/// The demo's nodes keep their data in SQLite, as the program opens them.
fn sqlite(directory: &Path, _: &Config) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(SqliteStore::open(directory)?))
}

/// Waits until something is there, looking again every 50 ms for a minute at most.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let (_never, tick) = channel::<()>();
    let begun = Stopwatch::start();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain for: {what}");
        let _deadline = tick.recv_timeout(Duration::from_millis(50));
    }
}

/// Province and cities of the demo, on ports that are free.
fn stage(folder: &Path, runtime: &Runtime) -> Stage {
    until("three free ports in a row", || {
        let probe = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let base_port = probe.local_addr().unwrap().port();
        drop(probe);
        let options = Options { once: true, json: false, data: folder.to_owned(), base_port };
        match set_up(&options, runtime, &sqlite) {
            Err(error) if error.to_string().contains("cannot listen") => None,
            stage => Some(stage.unwrap()),
        }
    })
}

/// Ends a node and starts it anew as `serve` does, with this clock.
fn restart(old: Running, data: &Path, clock: &Clock, runtime: &Runtime) -> (Running, JoinSet<()>) {
    let (token, directory) = (old.token.clone(), data.join("nodes/440100"));
    runtime.block_on(old.end());
    let config = Config::load(&directory).unwrap();
    // A job that was running may hold the data directory for a moment.
    let node = until("the data directory", || open(&directory, &config, clock.clone(), true, &sqlite).ok());
    let server = until("the port", || runtime.block_on(Server::bind(config.listen, None)).ok());
    let running = serve(server, node, config, token, runtime);
    let _context = runtime.enter();
    let jobs = jobs::start(&running.app, &running.config);
    (running, jobs)
}

fn get(node: &Running, path: &str) -> (u16, String) {
    let mut answer = agent(PATIENCE, &node.url).get(format!("{}{path}", node.url)).call().unwrap();
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

fn issue(node: &Running, number: &str) -> (u16, Value) {
    let request = json!({
        "type": "11100000MB0143028R001", "issuer": "11440100X00000027D", "number": number, "area_code": "440106",
        "holders": [{"name": "广州示例科技有限公司", "code_type": "001", "code": "91440101MA9XXXXX36"}],
        "issued_on": "2026-11-23", "valid_from": "2026-11-23", "valid_until": null,
        "fields": {"法定代表人": "测试㛃", "经营范围": "软件开发；信息技术咨询"}
    });
    node.post("/v1/licences", &request).unwrap()
}

fn revoke(node: &Running, licence: &Value) -> (u16, Value) {
    let path = format!("/v1/licences/{}/status-changes", licence["id"].as_str().unwrap());
    let reason = json!({"legal_basis": "示例条例第一条", "document_number": "示例〔2026〕1号", "officer": "示例经办人"});
    node.post(&path, &json!({"act": "revoke", "reason": reason})).unwrap()
}

fn newest_iat(node: &Node) -> Option<UnixTime> {
    let lists = node.store.read().unwrap().status_lists().unwrap();
    lists.iter().filter_map(|list| list.token_iat).max().map(UnixTime)
}

#[test]
fn a_city_with_a_clock_a_day_ahead_signs_nothing_says_so_and_goes_on_once_it_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let Stage { province, guangzhou, shenzhen, .. } = stage(folder.path(), &runtime);
    let (status, licence) = issue(&guangzhou, "示例〔2026〕1号");
    assert_eq!(status, 201, "{licence}");
    let nonce = "00112233445566778899aabbccddeeff";
    assert_eq!(get(&province, &format!("/v1/witness/time/{nonce}")).0, 200);
    assert_eq!(get(&province, "/v1/witness/time/00").0, 400);
    assert_eq!(get(&guangzhou, &format!("/v1/witness/time/{nonce}")).0, 404, "it is no witness");

    let ahead = Clock::fixed(Clock::system().now().plus(AHEAD_S));
    let (city, mut jobs) = restart(guangzhou, folder.path(), &ahead, &runtime);
    until("the lists had their turn", || {
        city.app.metrics.render(city.node()).contains("job_runs_total{job=\"publish_status\"").then_some(())
    });
    let newest = newest_iat(city.node()).unwrap();
    assert!(newest <= Clock::system().now(), "a token of {newest} was signed");
    let size = city.node().store.read().unwrap().log_head().unwrap().unwrap().size;
    for (status, problem) in [issue(&city, "示例〔2026〕2号"), revoke(&city, &licence)] {
        let detail = problem["detail"].as_str().unwrap();
        assert_eq!(status, 503, "{problem}");
        assert!(detail.contains("本机时钟比") && detail.contains("ahead of gd.elic.example"), "{detail}");
    }
    let (status, reasons) = get(&city, "/readyz");
    assert!(status == 503 && reasons.contains("s ahead of gd.elic.example"), "{reasons}");
    let told = execute(city.node(), &Command::Diagnose).unwrap().to_string();
    assert!(told.contains("校正本机时钟"), "{told}");
    let (_, metrics) = get(&city, "/metrics");
    let lead = metrics.split("clock_ahead_seconds{from=\"gd.elic.example\"} ").nth(1).unwrap();
    let lead: i64 = lead.lines().next().unwrap().parse().unwrap();
    assert!((AHEAD_S - 60..=AHEAD_S).contains(&lead), "{lead}");
    assert_eq!(
        city.node().store.read().unwrap().log_head().unwrap().unwrap().size,
        size,
        "nothing is logged"
    );

    runtime.block_on(jobs.shutdown());
    let (city, mut jobs) = restart(city, folder.path(), &Clock::system(), &runtime);
    until("ready", || (get(&city, "/readyz").0 == 200).then_some(()));
    assert_eq!(issue(&city, "示例〔2026〕2号").0, 201);
    let (status, problem) = revoke(&city, &licence);
    assert_eq!(status, 201, "{problem}");
    let question = json!({"credential": licence["credential"], "policy": "counter", "receipt": false});
    until("the province knows of it", || {
        pull(province.node(), &city.peer(), false).unwrap();
        let (_, answer) = province.post("/v1/verifications", &question).unwrap();
        (answer["verdict"]["outcome"] == "REJECT").then_some(())
    });
    runtime.block_on(async {
        jobs.shutdown().await;
        for running in [city, province, shenzhen] {
            running.end().await;
        }
    });
}
