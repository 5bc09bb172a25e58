//! A PostgreSQL server of a test's own: made by Debian's `initdb`, reached by a socket in a temporary directory, without fsync.
//!
//! It is stopped and removed by a guardian process when the test process is gone, however that ended: the guardian waits for the end of a
//! pipe that only the test process holds open. Server processes refuse to run as root, so then they run as user `postgres`.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests; each file uses a part"
)]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Ends the server and removes its directory; `$1` the directory, the rest how to call `pg_ctl`.
const GUARDIAN: &str = r#"directory="$1"; shift; while read -r _; do :; done
"$@" --pgdata "$directory/data" --mode immediate stop; rm -rf "$directory""#;

/// Longest wait for anything that the server is to do.
const PATIENCE: Duration = Duration::from_secs(60);

const MISSING: &str = "PostgreSQL is missing: apt-get install postgresql";

pub(crate) struct Cluster {
    directory: PathBuf,
    /// On 127.0.0.1, with TLS; without it there is the socket only.
    port: Option<u16>,
    _guardian: Child,
}

impl Cluster {
    /// The server that the tests of one process share.
    pub(crate) fn shared() -> &'static Cluster {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Cluster::start)
    }

    /// A hot standby of this server, which follows what is committed here.
    pub(crate) fn standby(&self) -> Cluster {
        let cluster = Cluster::place(None);
        let made = cluster.run(
            "pg_basebackup",
            &["--checkpoint=fast", "--write-recovery-conf", "--no-sync", "--dbname", &self.url("postgres")],
        );
        assert!(made, "pg_basebackup failed in {}", cluster.directory.display());
        cluster.go_on();
        cluster
    }

    /// A server that the test may stop.
    pub(crate) fn start() -> Cluster {
        Cluster::make(None)
    }

    /// One that listens on a free port of 127.0.0.1 besides, asks for passwords there, and has a certificate, `root.pem`.
    pub(crate) fn start_on_tcp() -> Cluster {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Cluster::make(Some(free))
    }

    /// A directory without a server yet, and its guardian.
    fn place(port: Option<u16>) -> Cluster {
        let directory = tempfile::Builder::new().prefix("elic-pg-").tempdir().unwrap().keep();
        // Before anything is there, so that a failure below leaves nothing either.
        let guardian = Command::new("sh")
            .args(["-c", GUARDIAN, "guardian"])
            .arg(&directory)
            .args(as_server(&program("pg_ctl")))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            .spawn()
            .unwrap();
        let cluster = Cluster { directory, port, _guardian: guardian };
        if is_root() {
            let owner = Command::new("chown").arg("postgres").arg(&cluster.directory).status();
            assert!(owner.is_ok_and(|status| status.success()), "{MISSING}");
        }
        cluster
    }

    fn make(port: Option<u16>) -> Cluster {
        let cluster = Cluster::place(port);
        let made = cluster.run(
            "initdb",
            &[
                "--username",
                "elic",
                "--encoding",
                "UTF8",
                "--no-locale",
                "--auth-local",
                "trust",
                "--auth-host",
                "scram-sha-256",
                "--no-sync",
            ],
        );
        assert!(made, "initdb failed in {}", cluster.directory.display());
        if port.is_some() {
            cluster.certify();
        }
        cluster.go_on();
        cluster
    }

    /// A certificate for 127.0.0.1 that vouches for itself.
    fn certify(&self) {
        let made = self
            .command("openssl")
            .args(["req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"])
            .args([
                "-addext",
                "subjectAltName=IP:127.0.0.1",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
                "-keyout",
                "data/server.key",
                "-out",
                "data/server.crt",
            ])
            .stderr(Stdio::null())
            .status();
        assert!(made.is_ok_and(|status| status.success()), "{MISSING} (it brings openssl)");
        fs::copy(self.directory.join("data/server.crt"), self.root()).unwrap();
    }

    /// The certificate by which the server is known.
    pub(crate) fn root(&self) -> PathBuf {
        self.directory.join("root.pem")
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port.unwrap())
    }

    /// Starts the server again. Answers when it takes connections.
    pub(crate) fn go_on(&self) {
        let tcp = self.port.map_or("-c listen_addresses=''".to_owned(), |port| {
            format!("-c listen_addresses=127.0.0.1 -c port={port} -c ssl=on")
        });
        let options = format!(
            "{tcp} -c unix_socket_directories='{}' -c fsync=off -c max_connections=200 -c shared_buffers=32MB",
            self.directory.display()
        );
        let log = self.directory.join("data/server.log").display().to_string();
        assert!(self.run("pg_ctl", &["--wait", "--log", &log, "--options", &options, "start"]), "see {log}");
    }

    /// Stops the server as a crash would.
    pub(crate) fn stop(&self) {
        assert!(self.run("pg_ctl", &["--mode", "immediate", "stop"]));
    }

    /// Connection string of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        let port = self.port.unwrap_or(5432);
        format!("postgres:///{database}?host={}&port={port}&user=elic", self.directory.display())
    }

    /// Makes a new, empty database and answers its connection string.
    pub(crate) fn database(&self) -> String {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// Runs SQL as the superuser and answers what it prints, without headings.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        let psql = self.psql(database).args(["--command", sql]).output().expect(MISSING);
        assert!(psql.status.success(), "{sql}: {}", String::from_utf8_lossy(&psql.stderr));
        String::from_utf8(psql.stdout).unwrap().trim().to_owned()
    }

    /// Asks until this is the answer, for a minute at most; the process that asks takes its time for it.
    #[expect(clippy::disallowed_methods, reason = "how long a test has waited")]
    pub(crate) fn until(&self, database: &str, sql: &str, answer: &str) {
        let begun = Instant::now();
        loop {
            let found = self.sql(database, sql);
            if found == answer {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "waited in vain for {answer}: {sql} says {found}");
        }
    }

    /// `psql` as the superuser.
    pub(crate) fn psql(&self, database: &str) -> Command {
        let mut psql = Command::new("psql");
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"]);
        psql.args(["--dbname", &self.url(database)]);
        psql
    }

    /// A client program of PostgreSQL on a database, by its connection string.
    pub(crate) fn tool(&self, name: &str, url: &str) -> Command {
        let mut tool = Command::new(program(name));
        tool.args(["--dbname", url]);
        tool
    }

    fn run(&self, name: &str, arguments: &[&str]) -> bool {
        let data = self.directory.join("data");
        let mut command = self.command(&program(name));
        command.arg("--pgdata").arg(data).args(arguments);
        command.status().is_ok_and(|status| status.success())
    }

    /// A command as the server's user, silent.
    fn command(&self, program: &str) -> Command {
        let mut words = as_server(program);
        let mut command = Command::new(words.remove(0));
        command.args(words).current_dir(&self.directory).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

/// Name of a database in its connection string.
pub(crate) fn name_of(url: &str) -> &str {
    url.trim_start_matches("postgres:///").split('?').next().unwrap()
}

/// Where a program of the server is: the newest version that Debian has.
fn program(name: &str) -> String {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .map(|entry| entry.path().join("bin").join(name))
        .filter(|path| path.exists())
        .max_by_key(|path| {
            let version = path.iter().nth(4).and_then(|version| version.to_str());
            version.and_then(|version| version.parse::<u32>().ok())
        });
    let path = newest.unwrap_or_else(|| {
        panic!("缺少 PostgreSQL，请安装 Debian 包 postgresql / PostgreSQL is missing ({name}): apt-get install postgresql")
    });
    path.display().to_string()
}

/// How to call a program as the server's user: not as root.
fn as_server(program: &str) -> Vec<String> {
    let before: &[&str] = if is_root() { &["runuser", "-u", "postgres", "--"] } else { &[] };
    before.iter().map(|word| (*word).to_owned()).chain([program.to_owned()]).collect()
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}
