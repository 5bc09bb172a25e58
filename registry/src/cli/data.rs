//! What all verbs of an operator share: where the data is, how a command reaches the node, how answers are printed.

use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::setup::open_configured;
use licence_node::exchange::compare_clocks::Clocks;
use licence_node::node::config::Config;
use licence_node::operator::socket;
use licence_node::operator::{Command, execute};

/// Longest file that a verb reads, bytes: the cap of a trust list (spec/cose.md).
const MAX_FILE: u64 = 4_194_304;

/// Where the node lives.
#[derive(Args)]
pub(super) struct Place {
    /// 节点数据目录 / data directory of the node
    #[arg(long, value_name = "DIR", default_value = "data", env = "LICENCE_REGISTRY_DATA")]
    pub(super) data: PathBuf,
}

impl Place {
    /// Has the command done by the node that runs on this directory; if none runs, by this process.
    /// The answer is read as the type that whoever asks names; [`Value`] for what is only printed.
    pub(super) fn ask<A: DeserializeOwned>(&self, command: &Command) -> Result<A> {
        let answer = self.answer(command)?;
        serde_json::from_value(answer)
            .context("运行中的节点是另一版本 / the running node is of another version")
    }

    fn answer(&self, command: &Command) -> Result<Value> {
        match socket::ask(&self.data, command) {
            Ok(answer) => Ok(answer?),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
                let config = Config::load(&self.data)?;
                let node = open_configured(&self.data, &config)?;
                if command.asks_the_clock() {
                    // If nobody can be asked, it is signed as by a node that is cut off.
                    drop(Clocks::new(&config).compare(&node));
                }
                let done = execute(&node, command);
                node.close();
                Ok(done?)
            }
            Err(error) => Err(error).context("运行中的节点没有应答 / the running node does not answer"),
        }
    }
}

/// Reads a file, or standard input for `-`, of at most 4 MiB.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    let named = || format!("{}", path.display());
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut bytes).with_context(named)?;
    } else {
        let file = std::fs::File::open(path).with_context(named)?;
        file.take(MAX_FILE + 1).read_to_end(&mut bytes).with_context(named)?;
    }
    if bytes.len() as u64 > MAX_FILE {
        bail!("{0} 超过 4 MiB / {0} is longer than 4 MiB", path.display());
    }
    Ok(bytes)
}

/// Prints JSON on standard output, readable.
pub(super) fn print_json(value: &Value) -> Result<()> {
    print(&serde_json::to_string_pretty(value)?)
}

/// Prints a text on standard output. Whoever closed the pipe has read enough.
pub(super) fn print(text: &str) -> Result<()> {
    match writeln!(std::io::stdout().lock(), "{}", text.trim_end()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("标准输出 / standard output")
        }
        _ => Ok(()),
    }
}
