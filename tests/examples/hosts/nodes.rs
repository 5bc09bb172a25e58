//! The nodes: who they are, their data directories, and their processes.

use std::sync::{Mutex, PoisonError};

use crate::harness::{Place, Running, program};
use crate::network;

/// A node and its place in the network.
pub(crate) struct Node {
    pub(crate) region: &'static str,
    pub(crate) host: &'static str,
    pub(crate) zh: &'static str,
    pub(crate) address: &'static str,
}

/// The province, then the cities.
pub(crate) const NODES: [Node; 4] = [
    Node { region: "440000", host: "gd.elic.example", zh: "广东", address: "10.77.0.10" },
    Node { region: "440600", host: "fs.elic.example", zh: "佛山", address: "10.77.0.11" },
    Node { region: "440800", host: "zj.elic.example", zh: "湛江", address: "10.77.0.12" },
    Node { region: "440100", host: "gz.elic.example", zh: "广州", address: "10.77.0.13" },
];
/// The cities, by their places in [`NODES`].
pub(crate) const PROVINCE: usize = 0;
pub(crate) const FOSHAN: usize = 1;
pub(crate) const ZHANJIANG: usize = 2;
pub(crate) const GUANGZHOU: usize = 3;
pub(crate) const CITIES: [usize; 3] = [FOSHAN, ZHANJIANG, GUANGZHOU];
/// What `init` writes; the configuration is then given the address in the network.
const LISTEN: &str = "127.0.0.1:8400";

impl Node {
    /// The end of its link at the bridge.
    pub(crate) fn port(&self) -> String {
        format!("to{}", self.region)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}:8400", self.address)
    }
}

/// The data directories and the running nodes.
pub(crate) struct Nodes {
    prefix: String,
    place: Place,
    running: [Mutex<Option<Running>>; 4],
}

impl Nodes {
    /// Makes all data directories and performs the ceremony; nothing runs yet.
    pub(crate) fn make(prefix: &str) -> Nodes {
        let words = |own: usize| {
            let others = NODES.iter().enumerate().filter(|(at, _)| *at != own);
            let mut words = vec!["--listen".to_owned(), LISTEN.to_owned()];
            for (at, node) in others {
                let follow = if at == PROVINCE { "--province" } else { "--peer" };
                words.extend([follow.to_owned(), format!("https://{}", node.host)]);
                words.extend(["--address".to_owned(), format!("{}={}", node.host, node.url())]);
                // The network of the namespaces is on this machine alone.
                words.extend(["--address-in-clear".to_owned(), node.host.to_owned()]);
            }
            words
        };
        let words: Vec<Vec<String>> = (0..NODES.len()).map(words).collect();
        let words: Vec<Vec<&str>> =
            words.iter().map(|words| words.iter().map(String::as_str).collect()).collect();
        let cities = CITIES.map(|at| (NODES[at].region, NODES[at].region, words[at].as_slice()));
        let place = Place::of(&words[PROVINCE], &cities);
        let nodes = Nodes { prefix: prefix.to_owned(), place, running: Default::default() };
        (0..NODES.len()).for_each(|at| nodes.configure(at));
        nodes
    }

    fn data(&self, at: usize) -> String {
        self.place.path(if at == PROVINCE { "province" } else { NODES[at].region })
    }

    /// `init` makes a node on loopback; here each listens on the address of its host, and is quick to publish and to pull.
    fn configure(&self, at: usize) {
        let path = format!("{}/config.toml", self.data(at));
        let text = std::fs::read_to_string(&path).unwrap();
        let listens = format!("address = \"{}:8400\"\nbehind_tls_proxy = true", NODES[at].address);
        let text = text
            .replace(&format!("address = \"{LISTEN}\""), &listens)
            .replace("[pull]\n", "[pull]\ninterval_s = 1\n");
        assert!(text.contains(&listens) && text.contains("interval_s = 1"), "{text}");
        let more = "\n[status]\npublish_interval_s = 1\n\n[log]\nlevel = \"warn\"\n";
        std::fs::write(&path, text + more + crate::harness::NO_CEILINGS).unwrap();
    }

    /// Starts a node in its namespace and waits until it listens.
    pub(crate) fn start(&self, at: usize) {
        let data = self.data(at);
        let mut command = network::inside(&self.prefix, NODES[at].region, program().as_os_str());
        let running = Running::start_by(command.args(["serve", "--data", &data]), &data);
        assert_eq!(running.url, NODES[at].url());
        *self.running[at].lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
    }

    /// Does something with a running node.
    pub(crate) fn with<T>(&self, at: usize, work: impl FnOnce(&Running) -> T) -> T {
        let running = self.running[at].lock().unwrap_or_else(PoisonError::into_inner);
        work(running.as_ref().expect("the node runs"))
    }

    fn take(&self, at: usize) -> Running {
        let taken = self.running[at].lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.expect("the node runs")
    }

    /// Kills a node at once, as a power cut would its process.
    pub(crate) fn kill(&self, at: usize) {
        self.take(at).kill();
    }

    /// Tells a node to stop; whether it ended well and what is stored then passes `fsck`.
    pub(crate) fn stops_whole(&self, at: usize) -> Result<(), String> {
        let (code, said) = self.take(at).stop();
        if code != Some(0) {
            return Err(format!("exit code {code:?}: {said}"));
        }
        let output = crate::harness::run(["fsck", "--json", "--data", &self.data(at)]);
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() { Ok(()) } else { Err(told) }
    }
}
