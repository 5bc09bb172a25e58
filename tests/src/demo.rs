//! A demo that serves while a check asks it.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Stdio};

use crate::programs;

/// Where free ports for the demo are looked for: apart from those that a developer's own demo uses.
const PORTS: std::ops::Range<u16> = 18_400..18_800;

/// The first of three neighbouring ports that nobody listens on.
fn free_ports() -> Option<u16> {
    let free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    PORTS.step_by(10).find(|base| (*base..*base + 3).all(free))
}

/// A demo whose nodes serve until this is dropped.
pub(crate) struct Serving {
    child: Child,
    /// What it reported when its tour had ended, one line of JSON.
    pub(crate) report: String,
    /// Port of the province; the cities have the next two.
    pub(crate) port: u16,
}

impl Serving {
    /// Starts the demo in a folder of its own and waits until its tour has ended.
    pub(crate) fn start(demo: &Path) -> Option<Serving> {
        let port = free_ports()?;
        let mut command = programs::command("licence-registry")?;
        command.args(["demo", "--json", "--base-port", &port.to_string(), "--data"]).arg(demo);
        let mut child = command.stdout(Stdio::piped()).spawn().ok()?;
        let out = child.stdout.take();
        let mut serving = Serving { child, report: String::new(), port };
        // A demo that fails ends, and the line stays empty.
        BufReader::new(out?).read_line(&mut serving.report).ok()?;
        (!serving.report.is_empty()).then_some(serving)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // If it has ended by itself there is nothing left to end.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Removes what the last run left; nothing is there the first time.
pub(crate) fn remove(folder: &Path) {
    let _absent = std::fs::remove_dir_all(folder);
}
