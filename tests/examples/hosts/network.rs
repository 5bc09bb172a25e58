//! The network: a namespace for each node and one, the hub, with the bridge between them and the load.
//!
//! Nothing is changed in the network of the machine: the bridge lies in the hub, so two runs may use the same addresses. Names carry the
//! process id; what a killed run left behind, folders too, is taken away by the next.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::harness::within;
use crate::nodes::NODES;

/// The namespace of the bridge and the load.
pub(crate) const HUB: &str = "hub";
/// Its address.
const HUB_ADDRESS: &str = "10.77.0.1/24";
/// What the names of all namespaces begin with; then the process id.
const FAMILY: &str = "elic-hosts-";

/// What the names of everything begin with that this process makes.
pub(crate) fn own_prefix() -> String {
    format!("{FAMILY}{}", std::process::id())
}

/// The namespaces of one run, until this is dropped.
pub(crate) struct Network {
    prefix: String,
}

impl Network {
    /// Makes namespaces, bridge and links.
    ///
    /// # Errors
    /// What `ip` says; what was made until then is taken away.
    pub(crate) fn make() -> Result<Network, String> {
        clear_up_after_the_killed();
        let network = Network { prefix: own_prefix() };
        let hub = network.name(HUB);
        ip(&["netns", "add", &hub])?;
        ip(&["-n", &hub, "link", "set", "lo", "up"])?;
        ip(&["-n", &hub, "link", "add", "bridge", "type", "bridge"])?;
        ip(&["-n", &hub, "addr", "add", HUB_ADDRESS, "dev", "bridge"])?;
        ip(&["-n", &hub, "link", "set", "bridge", "up"])?;
        for node in &NODES {
            let (own, port) = (network.name(node.region), node.port());
            ip(&["netns", "add", &own])?;
            ip(&["-n", &own, "link", "set", "lo", "up"])?;
            let pair = ["type", "veth", "peer", "name", "eth0", "netns", &own];
            ip(&[["-n", &hub, "link", "add", &port].as_slice(), &pair].concat())?;
            ip(&["-n", &hub, "link", "set", &port, "master", "bridge", "up"])?;
            ip(&["-n", &own, "addr", "add", &format!("{}/24", node.address), "dev", "eth0"])?;
            ip(&["-n", &own, "link", "set", "eth0", "up"])?;
        }
        Ok(network)
    }

    /// What all names of this run begin with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    fn name(&self, place: &str) -> String {
        name(&self.prefix, place)
    }

    /// A command in one of the namespaces.
    pub(crate) fn command(&self, place: &str, program: &OsStr) -> Command {
        inside(&self.prefix, place, program)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        clear_up(&format!("{}-", self.prefix));
    }
}

/// The name of a namespace.
pub(crate) fn name(prefix: &str, place: &str) -> String {
    format!("{prefix}-{place}")
}

/// A command in a namespace. `ip` becomes that program: its process is the program's.
pub(crate) fn inside(prefix: &str, place: &str, program: &OsStr) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &name(prefix, place)]).arg(program);
    command
}

/// Runs `ip` to its end; what it printed.
///
/// # Errors
/// What it says.
pub(crate) fn ip(arguments: &[&str]) -> Result<String, String> {
    said("ip", arguments)
}

/// Runs a program to its end; what it printed.
///
/// # Errors
/// What it says.
pub(crate) fn said(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let error = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} {}: {}", arguments.join(" "), error.trim()))
}

/// The namespaces whose names begin so.
fn namespaces(beginning: &str) -> Vec<String> {
    let all = ip(&["netns", "list"]).unwrap_or_default();
    let names = all.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| name.starts_with(beginning)).map(str::to_owned).collect()
}

/// Ends the processes in the namespaces whose names begin so, and takes the namespaces away with all their links.
fn clear_up(beginning: &str) {
    let names = namespaces(beginning);
    let processes = || -> Vec<String> {
        let lists = names.iter().filter_map(|name| ip(&["netns", "pids", name]).ok());
        lists.flat_map(|list| list.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    within(Duration::from_secs(20), "the processes in the namespaces end", || {
        let left = processes();
        for process in &left {
            // It may have ended already.
            let _gone = said("kill", &["-KILL", process]);
        }
        left.is_empty()
    });
    for name in &names {
        if let Err(error) = ip(&["netns", "del", name]) {
            eprintln!("未能删除 / not removed: {error}");
        }
    }
}

/// Takes away what runs left behind whose process is gone: they were killed before they could.
fn clear_up_after_the_killed() {
    for name in namespaces(FAMILY).into_iter().filter(|name| is_left(name)) {
        clear_up(&name);
    }
    let folders = std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    for folder in folders.filter(|folder| folder.file_name().to_str().is_some_and(is_left)) {
        if let Err(error) = std::fs::remove_dir_all(folder.path()) {
            eprintln!("未能删除 / not removed: {}: {error}", folder.path().display());
        }
    }
}

/// Whether this is the name of something that a run made whose process is gone.
fn is_left(name: &str) -> bool {
    let process = name.strip_prefix(FAMILY).and_then(|rest| rest.split('-').next()).unwrap_or_default();
    let is_number = !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit());
    is_number && !Path::new("/proc").join(process).exists()
}
