//! Logs that show an old head, another tree, or more than a disk holds.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use licence_node::node::keys::Usage;
use licence_spec::log::checkpoint::Checkpoint;
use licence_spec::log::entry::{Entry, Op};
use licence_spec::log::merkle::TreeHead;
use licence_spec::log::note::LogKey;
use licence_spec::log::tile::append_entry;
use licence_spec::time::UnixTime;
use serde_json::Value;

use crate::federation::{mirrored, size};
use crate::harness::{Place, Running, licence, private, refused, run, succeed, until};
use crate::index::{Federation, key_of};

const LOG: &str = "gz.elic.example/log";

/// What a proxy says in the place of the node behind it; `None` lets the call through.
type Says = Arc<dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync>;

/// A proxy before a node: it needs no key, only a place on the way.
struct Proxy {
    says: Arc<Mutex<Says>>,
}

impl Proxy {
    /// Stands before 广州 as the province sees it. Nothing of the place runs yet.
    fn before_guangzhou(place: &Place) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap();
        let path = place.path("province/config.toml");
        let text = fs::read_to_string(&path).unwrap();
        let name = "\"gz.elic.example\" = \"http://";
        let (before, after) = text.split_once(name).unwrap();
        let (behind, rest) = after.split_once('"').unwrap();
        fs::write(&path, format!("{before}{name}{own}\"{rest}")).unwrap();
        let says: Arc<Mutex<Says>> = Arc::new(Mutex::new(Arc::new(|_| None)));
        let (behind, answers) = (behind.to_owned(), Arc::clone(&says));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (behind, says) = (behind.clone(), Arc::clone(&answers.lock().unwrap()));
                // A call that is cut off is the caller's to repeat.
                std::thread::spawn(move || drop(pass(stream, &behind, &says)));
            }
        });
        Proxy { says }
    }

    fn says(&self, says: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) {
        *self.says.lock().unwrap() = Arc::new(says);
    }

    /// Shows this file as the head of the log, whatever the head is.
    fn shows_head(&self, head: &str) {
        let head = head.as_bytes().to_vec();
        self.says(move |path| (path == "/log/checkpoint").then(|| head.clone()));
    }

    fn is_honest(&self) {
        self.says(|_| None);
    }
}

/// One call through the proxy, without a body, on a connection of its own.
fn pass(mut client: TcpStream, behind: &str, says: &Says) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    if let Some(body) = says(path) {
        let length = body.len();
        write!(client, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n")?;
        return client.write_all(&body);
    }
    let lines = head.trim_end().lines().filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let asked: Vec<&str> = lines.chain(["connection: close"]).collect();
    let mut node = TcpStream::connect(behind)?;
    write!(node, "{}\r\n\r\n", asked.join("\r\n"))?;
    std::io::copy(&mut node, &mut client).map(drop)
}

fn issue(city: &Running, token: &str, of: u32) {
    city.post(token, "/v1/licences", &licence(&format!("示例〔2026〕{of}号"))).with(201);
}

fn is_cosigned(city: &Running) -> bool {
    city.get("/log/checkpoint").1.contains("— gd.elic.example/w1 ")
}

fn old_heads(province: &Running) -> f64 {
    province.metric(&format!("mirror_old_heads{{origin=\"{LOG}\"}}"))
}

fn forks(province: &Running) -> f64 {
    province.metric("log_fork_cases")
}

/// What `doctor` says of a node, and that nothing of it is wrong.
fn doctor(node: &Running) -> String {
    succeed(&["doctor", "--json", "--data", &node.data])
}

/// A head that whoever has the folder and the passphrase of 广州 signs.
fn forged(place: &Place, head: TreeHead) -> String {
    let signer = key_of(place, "guangzhou", Usage::Log);
    let key = LogKey::new(LOG, *signer.public_key()).unwrap();
    Checkpoint { origin: LOG, head }.sign(&key, &*signer).unwrap()
}

/// One replayed old checkpoint, which any cache can show, was a fork for ever, and the province not ready.
#[test]
fn an_old_checkpoint_that_is_replayed_is_no_fork() {
    let place = Federation::prepared();
    let proxy = Proxy::before_guangzhou(&place);
    let all = Federation::start(place);
    let (province, city) = (&all.province, &all.guangzhou);
    let token = city.token("desk", "*", "*", "*");
    issue(city, &token, 1);
    until("cosigned", || is_cosigned(city));
    let old = city.get("/log/checkpoint").1;
    (2..=6).for_each(|of| issue(city, &token, of));
    until("mirrored", || mirrored(province) == size(city));
    let before = mirrored(province);
    proxy.shows_head(&old);
    until("the old head is shown and counted", || old_heads(province) >= 2.0);
    assert_eq!((forks(province), mirrored(province)), (0.0, before), "no fork, and nothing went back");
    let told = doctor(province);
    assert!(told.contains(&format!("old heads of {LOG} are shown")), "{told}");
    assert_eq!(province.get("/readyz").0, 200);
    // The city goes on; once the true head is to be seen, it is mirrored and cosigned as if nothing had been.
    issue(city, &token, 7);
    proxy.is_honest();
    until("mirrored again", || mirrored(province) == size(city));
    until("cosigned again", || is_cosigned(city));
    until("nothing is left of it", || !doctor(province).contains("old heads"));
}

/// What is a fork is kept as evidence and never cosigned; the node stays ready, and officers close the case.
#[test]
fn a_fork_is_kept_and_closed_by_officers_and_the_node_stays_ready() {
    let place = Federation::prepared();
    let proxy = Proxy::before_guangzhou(&place);
    let all = Federation::start(place);
    let (province, city) = (&all.province, &all.guangzhou);
    let token = city.token("desk", "*", "*", "*");
    (1..=3).for_each(|of| issue(city, &token, of));
    until("cosigned", || is_cosigned(city));
    // A head of two leaves that does not lie in the mirrored tree: smaller, and a fork all the same.
    proxy.shows_head(&forged(&all.place, TreeHead { size: 2, root: [7; 32] }));
    until("the fork is noticed", || forks(province) == 1.0);
    assert_eq!(province.get("/readyz").0, 200);
    let told = doctor(province);
    assert!(told.contains(&format!("a log has forked: {LOG}, at 2 leaves")), "{told}");
    // Nothing of it is cosigned, also not when the proxy is gone.
    proxy.is_honest();
    let failed = || city.metric("job_runs_total{job=\"cosign\",result=\"failed\"}");
    let seen = failed();
    issue(city, &token, 4);
    until("refused", || failed() > seen);
    assert!(!is_cosigned(city));
    let data = &province.data;
    let cases = run(["log", "cases", "--json", "--data", data]);
    assert_eq!(cases.status.code(), Some(1), "a case is open");
    let cases: Value = serde_json::from_slice(&cases.stdout).unwrap();
    let case = &cases["open"][0];
    assert_eq!((&case["log"], &case["size"], &case["false_alarm"]), (&LOG.into(), &2.into(), &false.into()));
    let close = ["log", "close-case", "--data", data, LOG, "2", "--officer", "officer-1", "--reason"];
    assert_eq!(refused(&[close.as_slice(), &[" "]].concat()).0, 64, "a reason is written down");
    succeed(&[close.as_slice(), &["the log key was replaced"]].concat());
    until("cosigned again", || is_cosigned(city));
    assert_eq!(forks(province), 0.0);
    let cases: Value = serde_json::from_str(&succeed(&["log", "cases", "--json", "--data", data])).unwrap();
    let record = &cases["closed"][0];
    assert_eq!((&record["officer"], &record["size"]), (&"officer-1".into(), &2.into()));
    assert!(
        record["evidence"].as_str().unwrap().matches(LOG).count() >= 4,
        "both heads with their signatures"
    );
}

/// An older version kept an old head as evidence of a fork: it is told from a true one, named, and closed with a record.
#[test]
fn a_false_fork_of_an_older_version_is_named_and_closed() {
    use licence_store::{DocumentRow, transact};
    let place = Federation::prepared();
    let _proxy = Proxy::before_guangzhou(&place);
    let all = Federation::start(place);
    let (province, city) = (all.province, all.guangzhou);
    let token = city.token("desk", "*", "*", "*");
    issue(&city, &token, 1);
    until("mirrored", || mirrored(&province) == size(&city));
    let old = city.get("/log/checkpoint").1;
    issue(&city, &token, 2);
    until("mirrored", || mirrored(&province) == size(&city));
    let (held, shown) = (city.get("/log/checkpoint").1, old.lines().nth(1).unwrap().to_owned());
    let data = province.data.clone();
    province.stop();
    let evidence = format!("{held}\n{old}");
    let row = DocumentRow {
        kind: "fork".to_owned(),
        name: format!("{LOG} {shown}"),
        version: 1,
        iat: 1_790_000_000,
        digest: licence_spec::suite::sha256(&[evidence.as_bytes()]),
        bytes: evidence.into_bytes(),
        stored_at: 1_790_000_000,
    };
    let store = licence_store_sqlite::SqliteStore::open(data.as_ref()).unwrap();
    transact::<_, licence_store::StoreError>(&store, "older", |write| {
        write.put_documents(std::slice::from_ref(&row)).map(drop)
    })
    .unwrap();
    drop(store);
    let province = Running::start(&data);
    let told = doctor(&province);
    assert!(told.contains("false alarm"), "{told}");
    let by = ["--officer", "officer-1", "--reason", "false alarm"];
    let said =
        succeed(&[&["log", "close-case", "--data", &data, LOG, shown.as_str()], by.as_slice()].concat());
    assert!(said.contains("false alarm"), "{said}");
    issue(&city, &token, 3);
    until("cosigned", || is_cosigned(&city));
}

/// A log that claims any size was mirrored until the disk was full.
#[test]
fn a_log_that_claims_any_size_is_mirrored_within_bounds() {
    const A_DAY: u64 = 1_000;
    let place = Federation::prepared();
    let proxy = Proxy::before_guangzhou(&place);
    let path = place.path("province/config.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("[pull]\n", &format!("[pull]\nmirror_leaves_per_day = {A_DAY}\n")))
        .unwrap();
    let all = Federation::start(place);
    let (province, city) = (&all.province, &all.guangzhou);
    let token = city.token("desk", "*", "*", "*");
    issue(city, &token, 1);
    until("cosigned", || is_cosigned(city));
    let before = mirrored(province);
    // A key of the log signs 2^40 leaves, and the node serves them, all the same.
    let head = forged(&all.place, TreeHead { size: 1 << 40, root: [7; 32] });
    let entry = Entry { op: Op::Issued, time: UnixTime(1_790_000_000), digest: [9; 32] }.to_bytes();
    let genuine = city.call("GET", &format!("/log/tile/entries/000.p/{before}"), &[], None).body;
    let asked = Arc::new(AtomicU64::new(0));
    let (count, shown) = (Arc::clone(&asked), head.clone());
    proxy.says(move |path| match path {
        "/log/checkpoint" => Some(shown.clone().into_bytes()),
        _ if path.starts_with("/log/tile/entries/") => {
            count.fetch_add(1, Ordering::Relaxed);
            let mut bytes = if path.ends_with("/000") { genuine.clone() } else { Vec::new() };
            let known = if path.ends_with("/000") { before } else { 0 };
            (known..256).for_each(|_| append_entry(&mut bytes, &entry).unwrap());
            Some(bytes)
        }
        _ => None,
    });
    until("it is stopped", || doctor(province).contains("more than is mirrored in a day"));
    let bundles = asked.load(Ordering::Relaxed);
    assert!(bundles <= A_DAY / 256 + 2, "{bundles} bundles were fetched");
    assert_eq!(mirrored(province), before, "none of it is verified");
    // Another log is followed as before, and the node is ready.
    let theirs = all.foshan.token("desk", "*", "*", "*");
    let mut request = licence("示例〔2026〕1号");
    (request["issuer"], request["area_code"]) = ("11440600X060010123".into(), "440606".into());
    all.foshan.post(&theirs, "/v1/licences", &request).with(201);
    until("the other city is cosigned", || is_cosigned(&all.foshan));
    assert_eq!(province.get("/readyz").0, 200);
    let turns = || province.metric("job_runs_total{job=\"mirror\",result=\"failed\"}");
    let seen = turns();
    until("more turns", || turns() > seen);
    assert_eq!(asked.load(Ordering::Relaxed), bundles, "nothing more of it today");
}

/// Entries that are none of the profile are not taken, however well their head is signed.
#[test]
fn garbage_under_a_signed_head_is_not_mirrored() {
    let place = Federation::prepared();
    let proxy = Proxy::before_guangzhou(&place);
    let all = Federation::start(place);
    let (province, city) = (&all.province, &all.guangzhou);
    let token = city.token("desk", "*", "*", "*");
    issue(city, &token, 1);
    until("cosigned", || is_cosigned(city));
    let before = mirrored(province);
    let genuine = city.call("GET", &format!("/log/tile/entries/000.p/{before}"), &[], None).body;
    let mut bytes = genuine;
    (before..256).for_each(|_| append_entry(&mut bytes, b"a film in parts").unwrap());
    let answers = BTreeMap::from([
        (
            "/log/checkpoint".to_owned(),
            forged(&all.place, TreeHead { size: 256, root: [7; 32] }).into_bytes(),
        ),
        ("/log/tile/entries/000".to_owned(), bytes),
    ]);
    proxy.says(move |path| answers.get(path).cloned());
    let named = format!("leaf {before} is no entry of the profile");
    until("it is stopped", || doctor(province).contains(&named));
    assert_eq!((forks(province), mirrored(province)), (0.0, before));
    proxy.is_honest();
    issue(city, &token, 2);
    until("the true log is mirrored and cosigned", || mirrored(province) == size(city) && is_cosigned(city));
}

/// A province without peers mirrored nobody and cosigned all the same: a city that was lost could not come back.
#[test]
fn nothing_is_cosigned_without_a_mirror() {
    let place = Place::new();
    let province = place.province();
    let city = place.city(&province);
    let failed = || city.metric("job_runs_total{job=\"cosign\",result=\"failed\"}");
    until("the witness was asked", || failed() >= 1.0);
    assert!(!is_cosigned(&city));
    let told = doctor(&province);
    assert!(told.contains(&format!("{LOG} is listed and not mirrored")), "{told}");
    assert_eq!(province.get("/readyz").0, 200);
    assert!(city.kill().contains("not mirrored here"), "the city is told why");
}

/// A restore without a mirror forked the log though a witness that could be reached had cosigned more.
#[test]
fn a_restore_without_a_mirror_asks_every_witness() {
    let place = Federation::prepared();
    // The province does not follow 广州: 佛山 alone has cosigned it.
    let path = place.path("province/config.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"https://gz.elic.example\", ", "")).unwrap();
    let Federation { place, province: _province, guangzhou: city, foshan } = Federation::start(place);
    let token = city.token("desk", "*", "*", "*");
    issue(&city, &token, 1);
    let (data, file, words) = (place.path("guangzhou"), place.path("old"), place.path("words"));
    private(&words, "words of the backup\n");
    succeed(&["backup", "--data", &data, "--to", &file, "--passphrase-file", &words]);
    (2..=4).for_each(|of| issue(&city, &token, of));
    until("cosigned", || city.get("/log/checkpoint").1.contains("— fs.elic.example/w1 "));
    city.stop();
    let passphrase = fs::read_to_string(format!("{data}/passphrase")).unwrap();
    fs::remove_dir_all(&data).unwrap();
    succeed(&["restore", &file, "--to", &data, "--passphrase-file", &words]);
    private(&format!("{data}/passphrase"), &passphrase);
    let resume = ["restore", "--resume", "--data", &data, "--no-mirror", LOG];
    let last = |more: &[&str]| {
        let output = run([resume.as_slice(), more].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), said)
    };
    let (went_on, said) = last(&[]);
    assert!(!went_on && said.contains("the witness has seen"), "{said}");
    foshan.stop();
    let (went_on, said) = last(&[]);
    assert!(!went_on && said.contains("--without-witness fs.elic.example"), "{said}");
    let (went_on, said) = last(&["--without-witness", "zh.elic.example"]);
    assert!(!went_on && said.contains("no witness of this node's log"), "{said}");
    let mut said = String::new();
    until("caught up", || {
        let (went_on, told) = last(&["--without-witness", "fs.elic.example"]);
        assert!(went_on || told.contains("clock is behind"), "{told}");
        said = told;
        went_on
    });
    assert!(said.contains("WARNING: fs.elic.example is not asked"), "{said}");
}
