//! `issue`: one licence from a request file, as `POST /v1/licences` takes it.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use licence_spec::cose::with_log_proof;
use licence_spec::numbers::MAX_LICENCE;
use serde_json::Value;

use super::data::{Place, print_json, read};
use licence_node::node::encoding::from_base64url;
use licence_node::node::files::write_new;
use licence_node::node::strict_json;
use licence_node::operator::{Command, Refusal};
use licence_node::trips::issue::{IssueRequest, Issued};

/// What to issue.
#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    /// 签发请求（JSON），`-` 为标准输入 / the request as JSON; `-` for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    request: PathBuf,
    /// 另存证照文件（含日志证明） / also write the licence with its log proof to this new file
    #[arg(long, value_name = "FILE.elic")]
    out: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let bytes = read(&options.request)?;
    // Read as the call of the API reads it, and then sent as it stands: what is refused there is refused here.
    strict_json::from_slice::<IssueRequest>(&bytes).map_err(wrong)?;
    let request: Value = serde_json::from_slice(&bytes).map_err(wrong)?;
    let answer: Issued = options.place.ask(&Command::Issue { request })?;
    if let Some(path) = &options.out {
        write_new(path, &licence_file(&answer).context("the answer lacks a member")?)?;
    }
    print_json(&serde_json::to_value(&answer)?)
}

fn wrong(error: serde_json::Error) -> Refusal {
    Refusal { text: format!("请求不合规定 / wrong request: {error}"), usage: true }
}

fn licence_file(issued: &Issued) -> Option<Vec<u8>> {
    let statement = from_base64url(&issued.credential)?;
    with_log_proof(&statement, MAX_LICENCE, issued.log.proof.as_bytes()).ok()
}
