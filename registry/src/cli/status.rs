//! `status`: end the entry of a status list that no licence of this node has, so that a licence which was signed beside the system is revoked.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;

use super::data::{Place, print_json, read};
use licence_node::node::encoding::base64url;
use licence_node::operator::Command;
use licence_node::trips::reason::Reason;

/// What to do with status lists.
#[derive(Subcommand)]
pub(super) enum Verb {
    /// 作废本节点密钥所签而未经系统签发的证照：其状态位即行终止 / void a licence that was signed with this node's key beside the system: ends its entry of the status list
    End {
        #[command(flatten)]
        place: Place,
        /// 该证照的文件，- 为标准输入 / the licence, as a file, or - for standard input
        #[arg(value_name = "FILE")]
        licence: PathBuf,
        /// 法律依据 / legal basis
        #[arg(long, value_name = "TEXT")]
        legal_basis: String,
        /// 文书编号 / number of the document that orders it
        #[arg(long, value_name = "NUMBER")]
        document_number: String,
        /// 经办人 / who enters it
        #[arg(long, value_name = "NAME")]
        officer: String,
    },
}

pub(super) fn run(verb: Verb) -> Result<()> {
    let Verb::End { place, licence, legal_basis, document_number, officer } = verb;
    let credential = base64url(&read(&licence)?);
    let reason = Reason { legal_basis, document_number, officer };
    print_json(&place.ask(&Command::EndIndex { credential, reason })?)
}
