//! A province and a city as an operator makes them, with the commands of the program alone.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use licence_node::metrics::table;
use serde_json::{Value, json};

/// The type, authority and place of the licences that tests issue: 营业执照 in 广州.
pub(crate) const TYPE: &str = "11100000MB0143028R001";
pub(crate) const AUTHORITY: &str = "11440100X00000027D";
pub(crate) const AREA: &str = "440106";
/// A synthetic company (spec/domain.md §2).
pub(crate) const HOLDER: (&str, &str) = ("广州示例科技有限公司", "91440101MA9XXXXX36");
/// Longest time for anything that is waited for.
const DEADLINE: Duration = Duration::from_secs(60);

/// Lines of a configuration for a client that asks for as much as it can.
pub(crate) const NO_CEILINGS: &str =
    "\n[limits]\nclient_per_minute = 1000000000\nclient_per_day = 1000000000\n";

/// A folder inside `target/` that outlives a test.
fn scratch() -> PathBuf {
    program().parent().expect("target/<profile>").join("node-tests")
}

/// The built program; `cargo test --workspace` builds it before any test runs.
pub(crate) fn program() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let folder = test.parent().and_then(Path::parent).expect("target/<profile>/deps");
    let program = folder.join("licence-registry");
    assert!(program.is_file(), "{} is missing: run `cargo build --workspace` first", program.display());
    program
}

/// Runs a command of the program to its end.
pub(crate) fn run<I, S>(arguments: I) -> Output
where
    I: IntoIterator<Item = S>,
    S: AsRef<std::ffi::OsStr>,
{
    Command::new(program()).args(arguments).stdin(Stdio::null()).output().expect("the program runs")
}

/// As [`run`], and the command succeeds; its standard output.
pub(crate) fn succeed(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What a command that is refused says: exactly one line, and its exit code.
pub(crate) fn refused(arguments: &[&str]) -> (i32, String) {
    let output = run(arguments);
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.stdout.is_empty(), "a refusal prints nothing on standard output");
    assert!(!text.contains("panicked"), "{text}");
    assert_eq!(text.trim_end().lines().count(), 1, "one line: {text}");
    (output.status.code().expect("an exit code"), text)
}

/// Waits until `holds`, looking again every 20 ms.
pub(crate) fn until(what: &str, holds: impl FnMut() -> bool) {
    within(DEADLINE, what, holds);
}

/// As [`until`], for at most so long.
pub(crate) fn within(deadline: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let (_never, tick) = channel::<()>();
    let begun = now();
    while !holds() {
        assert!(begun.elapsed() < deadline, "waited in vain for: {what}");
        // Nobody ever sends: this is a deadline until the next look.
        let _deadline = tick.recv_timeout(Duration::from_millis(20));
    }
}

/// The clock that the nodes of this machine read, too.
#[expect(clippy::disallowed_methods, reason = "a test waits for the clock of the nodes to pass a second")]
pub(crate) fn clock() -> licence_spec::time::UnixTime {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    licence_spec::time::UnixTime(i64::try_from(since.as_secs()).expect("before the end of time"))
}

#[expect(clippy::disallowed_methods, reason = "how long a test has waited")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Data directories of a province and of 广州, with trust list and catalogue, and nothing running.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// A copy of a place that is made once: nobody has written to it yet.
    pub(crate) fn new() -> Place {
        static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
        let template = TEMPLATE.get_or_init(|| {
            let kept = scratch().join("node-template");
            // The last run's, if any: its trust list ages.
            let _absent = std::fs::remove_dir_all(&kept);
            copy(Place::make(&[]).folder.path(), &kept);
            kept
        });
        let folder = tempfile::tempdir().expect("a folder");
        copy(template, folder.path());
        Place { folder }
    }

    /// A copy of another place, of which no node may run.
    pub(crate) fn copy_of(other: &Place) -> Place {
        let place = Place::empty();
        copy(other.folder.path(), place.folder.path());
        place
    }

    /// A folder with nothing in it.
    pub(crate) fn empty() -> Place {
        Place { folder: tempfile::tempdir().expect("a folder") }
    }

    /// Makes both nodes and performs the ceremony; `store` says where the city keeps its data.
    pub(crate) fn make(store: &[&str]) -> Place {
        let listen = ["--listen", "127.0.0.1:0"];
        let unreachable = "gd.elic.example=http://127.0.0.1:9";
        let follows = ["--province", "https://gd.elic.example", "--address", unreachable];
        Place::of(&listen, &[("city", "440100", &[listen.as_slice(), &follows, store].concat())])
    }

    /// Makes a province and cities, each with the words for its `init`, and performs the ceremony. A city has a folder and a region.
    pub(crate) fn of(province: &[&str], cities: &[(&str, &str, &[&str])]) -> Place {
        let place = Place::empty();
        let (own, officers, secret) = (place.path("province"), place.path("officers"), place.path("secret"));
        private(&secret, "words of the officers\n");
        let by_officers = ["--officers", &officers, "--passphrase-file", &secret];
        let with_officers = |words: &[&str]| succeed(&[words, by_officers.as_slice()].concat());
        with_officers(&["trust", "officers"]);
        let mut nodes = Vec::new();
        let mut init = |name: &str, role, region, more: &[&str]| {
            let (data, keys) = (place.path(name), place.path(&format!("{name}.json")));
            succeed(
                &[["init", "--data", &data, "--role", role, "--region", region].as_slice(), more].concat(),
            );
            succeed(&["key", "export", "--data", &data, "--out", &keys]);
            nodes.push(keys);
        };
        init("province", "province", "440000", &[["--officers", &officers].as_slice(), province].concat());
        for (folder, region, words) in cities {
            init(folder, "city", region, words);
        }
        with_officers(&["trust", "root", "--data", &own]);
        let nodes = nodes.iter().flat_map(|keys| ["--node", keys]);
        with_officers(&["trust", "list", "--data", &own].into_iter().chain(nodes).collect::<Vec<_>>());
        with_officers(&["catalogue", "publish", "--data", &own]);
        let files = place.path("trust");
        succeed(&["trust", "export", "--data", &own, &files]);
        for (folder, _, _) in cities {
            succeed(&["trust", "pin", "--data", &place.path(folder), &format!("{files}/root_1.cbor")]);
        }
        place
    }

    /// A path below the folder, as text.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    /// Starts the province.
    pub(crate) fn province(&self) -> Running {
        Running::start(&self.path("province"))
    }

    /// Starts the city, told where the province is, and waits until it can judge.
    pub(crate) fn city(&self, province: &Running) -> Running {
        self.point_city(province);
        let city = Running::start(&self.path("city"));
        city.until_ready();
        city
    }

    /// Adds lines to the configuration of a node, behind those of its tables.
    pub(crate) fn configure(&self, name: &str, lines: &str) {
        let path = self.path(&format!("{name}/config.toml"));
        let text = std::fs::read_to_string(&path).expect("the configuration");
        std::fs::write(&path, text + lines).expect("the configuration");
    }

    /// Writes the province's address into the city's configuration.
    pub(crate) fn point_city(&self, province: &Running) {
        let path = self.path("city/config.toml");
        let text = std::fs::read_to_string(&path).expect("the configuration");
        let lines = text.lines().map(|line| match line.starts_with("\"gd.elic.example\"") {
            true => format!("\"gd.elic.example\" = \"{}\"", province.url),
            false => line.to_owned(),
        });
        std::fs::write(&path, lines.collect::<Vec<_>>().join("\n")).expect("the configuration");
    }
}

/// Copies a folder with its modes; sockets are left out.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("a name");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a type") {
            kind if kind.is_dir() => copy(&entry.path(), &target),
            kind if kind.is_file() => drop(std::fs::copy(entry.path(), target).expect("a copy")),
            _ => {}
        }
    }
}

/// Writes a file that only this user may read.
pub(crate) fn private(path: &str, text: &str) {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).expect("a new file");
    std::io::Write::write_all(&mut file, text.as_bytes()).expect("a new file");
}

/// A node that runs until it is dropped or ended.
pub(crate) struct Running {
    child: Child,
    pub(crate) url: String,
    pub(crate) data: String,
    log: Mutex<Receiver<String>>,
}

impl Running {
    /// Serves a data directory and waits until it listens.
    pub(crate) fn start(data: &str) -> Running {
        Running::start_by(Command::new(program()).args(["serve", "--data", data]), data)
    }

    /// As [`Running::start`], with a command of one's own.
    pub(crate) fn start_by(command: &mut Command, data: &str) -> Running {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let stderr = BufReader::new(child.stderr.take().expect("standard error"));
        let (sender, log) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut said = Vec::new();
        let url = loop {
            match log.recv_timeout(DEADLINE) {
                Ok(line) => match line.split_once("listening on ") {
                    Some((_, url)) => break url.to_owned(),
                    None => said.push(line),
                },
                Err(_) => panic!("the node did not start: {said:?}"),
            }
        };
        Running { child, url, data: data.to_owned(), log: Mutex::new(log) }
    }

    /// Waits until the node can give a right verdict and has published its status lists.
    pub(crate) fn until_ready(&self) {
        until("ready", || self.get("/readyz").0 == 200);
        until("status lists", || {
            self.metric("status_indexes_free") > 0.0 && self.metric("status_lists_unpublished") == 0.0
        });
    }

    /// A number of `/metrics`; 0 if it is not there, as long as nothing was counted.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let family = name.split('{').next().unwrap_or_default();
        let known = table::ALL.iter().any(|row| row.shown() == format!("{}_{family}", table::PREFIX));
        assert!(known, "no metric is called {family}");
        let text = self.get("/metrics").1;
        let line = text.lines().find_map(|line| line.strip_prefix("licence_registry_")?.strip_prefix(name));
        line.and_then(|value| value.trim().parse().ok()).unwrap_or(0.0)
    }

    /// Makes a client and answers its token.
    pub(crate) fn token(&self, id: &str, authority: &str, licence_type: &str, call: &str) -> String {
        let scope = ["--authority", authority, "--type", licence_type, "--call", call];
        let client = ["client", "add", "--data", &self.data, id, "--name", id];
        let answer = succeed(&[client.as_slice(), &scope].concat());
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        answer["token"].as_str().expect("a token").to_owned()
    }

    /// One call without a token: status and text.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let answer = self.call("GET", path, &[], None);
        (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
    }

    /// One call with a token and a JSON body.
    pub(crate) fn post(&self, token: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        self.call("POST", path, &headers, Some(body.to_string().as_bytes()))
    }

    /// One call.
    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Answer {
        self.try_call(method, path, headers, body).expect("the node answers")
    }

    /// One call; `None` if the node does not answer.
    pub(crate) fn try_call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Option<Answer> {
        let config = ureq::config::Config::builder()
            .http_status_as_error(false)
            .timeout_global(Some(DEADLINE))
            .build();
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.unwrap_or_default().to_vec()).expect("a request");
        let mut answer = ureq::Agent::new_with_config(config).run(request).ok()?;
        Some(Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.body_mut().with_config().limit(64 << 20).read_to_vec().ok()?,
        })
    }

    /// Kills the node at once.
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().expect("killed");
        self.child.wait().expect("waited for");
        self.said()
    }

    /// Tells the node to stop and waits; its exit code and what it wrote.
    pub(crate) fn stop(self) -> (Option<i32>, String) {
        self.signal("TERM");
        self.ended()
    }

    /// Waits for a node that has been told to stop; a second signal would end it at once.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().expect("waited for");
        (status.code(), self.said())
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()));
    }

    /// All that the node has written since the last look, once it has ended.
    fn said(&self) -> String {
        let mut text = String::new();
        let log = self.log.lock().expect("whole");
        while let Ok(line) = log.recv_timeout(Duration::from_secs(5)) {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// What a node answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The JSON of an answer with this status.
    pub(crate) fn with(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }
}

/// A request for a business licence under this number.
pub(crate) fn licence(number: &str) -> Value {
    json!({
        "type": TYPE, "issuer": AUTHORITY, "number": number, "area_code": AREA,
        "holders": [{"name": HOLDER.0, "code_type": "001", "code": HOLDER.1}],
        "issued_on": "2026-11-23", "valid_from": "2026-11-23", "valid_until": null,
        "fields": {"法定代表人": "测试㛃", "经营范围": "软件开发；信息技术咨询"}
    })
}
