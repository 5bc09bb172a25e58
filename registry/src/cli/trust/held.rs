//! The trust files that a node holds, opened again on this side of the socket, and proposals and lists from files.

use anyhow::{Context as _, Result};
use licence_spec::trust::{Proposal, Proposed, Root, TrustFiles};

use crate::cli::data::{Place, read};
use licence_node::node::encoding::from_base64url;
use licence_node::operator::Command;
use licence_node::operator::answers::HeldTrustFiles;

/// The trust files in force at a node; `None` before a root is pinned.
pub(in crate::cli) fn trust_files(place: &Place) -> Result<Option<TrustFiles>> {
    let bytes = |text: &String| from_base64url(text);
    let files: HeldTrustFiles = place.ask(&Command::TrustFiles)?;
    let roots: Vec<Vec<u8>> = files.roots.iter().filter_map(bytes).collect();
    let roots: Vec<&[u8]> = roots.iter().map(Vec::as_slice).collect();
    let [first, later @ ..] = roots.as_slice() else { return Ok(None) };
    let root = Root::open_first(first).map_err(|fault| anyhow::anyhow!("trust root: {fault}"))?;
    let (timestamp, list) = (files.timestamp.as_ref().and_then(bytes), files.list.as_ref().and_then(bytes));
    let files = TrustFiles::load(root, later, timestamp.as_deref(), list.as_deref());
    files.map(Some).map_err(|code| anyhow::anyhow!("{code}: {}", code.zh()))
}

/// As [`trust_files`], and there must be some.
pub(in crate::cli) fn pinned(place: &Place) -> Result<TrustFiles> {
    trust_files(place)?.context(
        "节点尚无信任根：省节点先执行 trust root 或 trust root propose，市节点先执行 trust pin / no trust root is pinned: the province runs trust \
         root or trust root propose first, a city trust pin",
    )
}

/// The word for what is in force.
pub(super) const PUBLISHED: &str = "published";

/// What a file says, be it a proposal, a signature file or a finished trust file; or, for `published`, the root in force if
/// the other side of the comparison is a root, else the list.
pub(super) fn proposed(word: &str, place: Option<&Place>, other: Option<&Proposed>) -> Result<Proposed> {
    if word == PUBLISHED {
        let place = place.context("published 需要 --data / `published` needs --data")?;
        let files = pinned(place)?;
        if matches!(other, Some(Proposed::Root(_))) {
            return Ok(Proposed::Root(files.root().content().clone()));
        }
        let list = files.list().context("节点尚无信任列表 / the node has no trust list yet")?;
        return Ok(Proposed::List(list.content().clone()));
    }
    let bytes = read(word.as_ref())?;
    let proposal = Proposal::of_file(&bytes).or_else(|_| Proposal::open(&bytes));
    let proposal = proposal.map_err(|fault| {
        anyhow::anyhow!("{word} 不是信任根或列表 / is neither a root nor a list: {fault}")
    })?;
    Ok(proposal.proposed().clone())
}
