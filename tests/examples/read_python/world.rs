//! The writer's folder, and evidence made of its bundle.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use licence_spec::bundle::{self, Bundle};
use licence_spec::catalogue;
use licence_spec::evidence::{Evidence, Trust};
use licence_spec::log::merkle::TreeHead;
use licence_spec::status::StatusToken;
use licence_spec::suite::Digest;
use licence_spec::time::UnixTime;
use licence_spec::trust::{Root, TrustFiles, TrustList};

use crate::cases::{Expected, Head, Judged};

pub(crate) struct World {
    folder: PathBuf,
    pub(crate) now: UnixTime,
    parts: BTreeMap<String, Vec<u8>>,
}

impl World {
    pub(crate) fn read(folder: &Path, expected: &Expected) -> Result<World> {
        let bundle = Bundle::parse(&std::fs::read(folder.join("bundle.cbor")).context("bundle.cbor")?)?;
        let parts = bundle.parts().map(|(path, bytes)| (path.to_owned(), bytes.to_vec())).collect();
        Ok(World { folder: folder.to_owned(), now: UnixTime(expected.clock), parts })
    }

    pub(crate) fn file(&self, path: &str) -> Result<Vec<u8>> {
        std::fs::read(self.folder.join(path)).with_context(|| path.to_owned())
    }

    /// The list in force, opened by the whole procedure.
    pub(crate) fn list(&self) -> Result<Arc<TrustList>> {
        let evidence = self.evidence(&Judged::default())?;
        evidence.trust_list().cloned().context("the bundle holds a trust list")
    }

    /// The evidence of a case: the writer's bundle, with what the case takes away, replaces and has seen before.
    pub(crate) fn evidence(&self, case: &Judged) -> Result<Evidence> {
        let mut parts = self.parts.clone();
        for path in &case.without {
            parts.remove(path).with_context(|| format!("the bundle has no {path}"))?;
        }
        for (path, file) in &case.replace {
            parts
                .insert(path.clone(), self.file(file)?)
                .with_context(|| format!("the bundle has no {path}"))?;
        }
        let bundle = Bundle::new(parts)?;
        let mut evidence = Evidence::new(open_trust(&bundle)?);
        if let (Some(list), Some(bytes)) = (evidence.trust_list().cloned(), bundle.part(bundle::CATALOGUE)) {
            let opened = catalogue::open(bytes, &*list, self.now)?;
            evidence.set_catalogue(Arc::new(opened));
        }
        for (path, bytes) in bundle.parts().filter(|(path, _)| path.starts_with("status/")) {
            let token = StatusToken::parse(bytes)?;
            anyhow::ensure!(bundle::status_path(token.uri()) == path, "{path} is not the path of its list");
            evidence.add_token(Arc::new(token));
        }
        if let Some(seen) = &case.seen {
            evidence.note_newest_token(&seen.uri, UnixTime(seen.iat), Some(digest(&seen.digest)?));
        }
        if let Some(head) = &case.head {
            evidence.add_head(head.origin.as_deref().unwrap_or_default(), tree_head(head)?);
        }
        Ok(evidence)
    }
}

fn open_trust(bundle: &Bundle) -> Result<Trust> {
    let roots = bundle.roots();
    let Some((first, later)) = roots.split_first() else { return Ok(Trust::Unavailable) };
    let files = TrustFiles::load(
        Root::open_first(first)?,
        later,
        bundle.part(bundle::TIMESTAMP),
        bundle.part(bundle::LIST),
    );
    files.map(|files| Trust::Held(Arc::new(files))).map_err(|code| anyhow!("trust files: {code}"))
}

pub(crate) fn digest(hex: &str) -> Result<Digest> {
    hex::decode(hex)?.try_into().map_err(|_| anyhow!("32 bytes"))
}

pub(crate) fn hash(base64: &str) -> Result<Digest> {
    STANDARD.decode(base64)?.try_into().map_err(|_| anyhow!("32 bytes"))
}

pub(crate) fn tree_head(head: &Head) -> Result<TreeHead> {
    Ok(TreeHead { size: head.size, root: hash(&head.root)? })
}
