//! The links: cut, healed, and made bad, at the bridge.

use crate::network::{ip, name, said};
use crate::nodes::NODES;

/// How a link is made bad.
const NETEM: &[&str] = &["netem", "delay", "40ms", "20ms", "loss", "2%"];
/// Where the kernel has no netem: a narrow link with a short queue, so that packets wait and, once the queue is full, are lost.
const NARROW: &[&str] = &["tbf", "rate", "20mbit", "burst", "4kb", "limit", "12kb"];

/// Cuts the link of a node.
pub(crate) fn cut(at: usize) {
    ip(&["link", "set", &NODES[at].port(), "down"]).unwrap();
}

/// Heals the link of a node.
pub(crate) fn heal(at: usize) {
    ip(&["link", "set", &NODES[at].port(), "up"]).unwrap();
}

/// A link that delays and loses packets, in both directions, until it is made good.
pub(crate) struct Bad {
    /// The device at the bridge, and the one of the node with its namespace.
    ends: [Vec<String>; 2],
    /// What was done to it, as `tc` is told.
    pub(crate) means: String,
}

impl Bad {
    pub(crate) fn make(prefix: &str, at: usize) -> Bad {
        let near = vec!["dev".to_owned(), NODES[at].port()];
        let far = vec!["-n".to_owned(), name(prefix, NODES[at].region), "dev".to_owned(), "eth0".to_owned()];
        let mut bad = Bad { ends: [near, far], means: NETEM.join(" ") };
        if let Err(error) = bad.apply(NETEM) {
            eprintln!(
                "内核没有 netem，改用窄带短队列 / no netem in this kernel, a narrow link instead: {error}"
            );
            bad.apply(NARROW).unwrap();
            bad.means = NARROW.join(" ");
        }
        bad
    }

    fn apply(&self, means: &[&str]) -> Result<(), String> {
        for end in &self.ends {
            tc(end, "add", &[["root"].as_slice(), means].concat())?;
        }
        Ok(())
    }

    /// Makes the link good again; the packets that were lost meanwhile.
    pub(crate) fn make_good(self) -> u64 {
        let mut lost = 0;
        for end in &self.ends {
            let told = tc(end, "show", &[]).unwrap();
            let counts =
                told.split("dropped ").skip(1).filter_map(|rest| rest.split(',').next()?.parse::<u64>().ok());
            lost += counts.sum::<u64>();
            tc(end, "del", &["root"]).unwrap();
        }
        lost
    }
}

/// `tc qdisc` for one end of a link; counts are shown.
fn tc(end: &[String], verb: &str, means: &[&str]) -> Result<String, String> {
    let (place, device) = end.split_at(end.len() - 2);
    let words = ["-s", "qdisc", verb].into_iter();
    let place = place.iter().map(String::as_str);
    let device = device.iter().map(String::as_str);
    said("tc", &place.chain(words).chain(device).chain(means.iter().copied()).collect::<Vec<_>>())
}
