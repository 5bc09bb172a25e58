//! Loading evidence from a bundle: every part is verified again; what does not hold is left out, and the verdict says so.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use licence_spec::bundle::{self, Bundle};
use licence_spec::catalogue;
use licence_spec::evidence::{Evidence, Trust};
use licence_spec::log::checkpoint::SignedCheckpoint;
use licence_spec::numbers::MAX_BUNDLE;
use licence_spec::status::StatusToken;
use licence_spec::time::UnixTime;
use licence_spec::trust::{Root, TrustFiles};
use licence_spec::verdict::Code;

/// Deepest folder of a bundle: `log/<digest>/checkpoint`.
const MAX_DEPTH: usize = 3;

/// Loads a bundle folder or file. A bundle that is not there is evidence that is not there, and no error.
pub(crate) fn load(path: &Path, now: UnixTime) -> Result<Evidence> {
    if !path.exists() {
        eprintln!("licence-verify: 没有离线证据 {0} / no offline evidence at {0}", path.display());
        return Ok(Evidence::default());
    }
    let bundle = if path.is_dir() {
        let (mut parts, mut size) = (Vec::new(), 0);
        collect(path, "", 0, &mut parts, &mut size)?;
        Bundle::new(parts)
    } else {
        if fs::metadata(path)?.len() > MAX_BUNDLE as u64 {
            bail!("离线证据超过 64 MiB / the bundle is larger than 64 MiB");
        }
        Bundle::parse(&fs::read(path).with_context(|| format!("{}", path.display()))?)
    };
    Ok(open(&bundle.with_context(|| format!("{}", path.display()))?, now))
}

/// Collects the files of a bundle folder; files that are not of its layout are passed over.
fn collect(
    folder: &Path,
    prefix: &str,
    depth: usize,
    parts: &mut Vec<(String, Vec<u8>)>,
    size: &mut u64,
) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        if entry.file_type()?.is_dir() && depth < MAX_DEPTH {
            collect(&entry.path(), &path, depth + 1, parts, size)?;
        } else if bundle::is_path(&path) {
            *size += entry.metadata()?.len();
            if *size > MAX_BUNDLE as u64 {
                bail!("离线证据超过 64 MiB / the bundle is larger than 64 MiB");
            }
            parts.push((path, fs::read(entry.path())?));
        }
    }
    Ok(())
}

fn open(bundle: &Bundle, now: UnixTime) -> Evidence {
    let trust = match open_trust(bundle) {
        Ok(Some(files)) => Trust::Held(Arc::new(files)),
        Ok(None) => Trust::Unavailable,
        Err(code) => Trust::Refused(code),
    };
    let mut evidence = Evidence::new(trust);
    let list = evidence.trust_list().cloned();
    if let (Some(list), Some(bytes)) = (&list, bundle.part(bundle::CATALOGUE)) {
        match catalogue::open(bytes, &**list, now) {
            Ok(catalogue) => evidence.set_catalogue(Arc::new(catalogue)),
            Err(fault) => eprintln!("licence-verify: 目录未采用 / catalogue not taken: {fault}"),
        }
    }
    for (path, bytes) in bundle.parts().filter(|(path, _)| path.starts_with("status/")) {
        match StatusToken::parse(bytes) {
            Ok(token) if bundle::status_path(token.uri()) == path => evidence.add_token(Arc::new(token)),
            _ => eprintln!("licence-verify: 状态列表未采用 / status list not taken: {path}"),
        }
    }
    if let Some(list) = list {
        add_heads(&mut evidence, bundle, &list);
    }
    evidence
}

fn open_trust(bundle: &Bundle) -> Result<Option<TrustFiles>, Code> {
    let roots = bundle.roots();
    let Some((first, later)) = roots.split_first() else { return Ok(None) };
    let root = Root::open_first(first).map_err(|_| Code::TrustListSignatureInvalid)?;
    TrustFiles::load(root, later, bundle.part(bundle::TIMESTAMP), bundle.part(bundle::LIST)).map(Some)
}

fn add_heads(evidence: &mut Evidence, bundle: &Bundle, list: &licence_spec::trust::TrustList) {
    for (_, bytes) in bundle.parts().filter(|(path, _)| path.starts_with("log/")) {
        let logs = list.content().entries.iter().flat_map(|entry| &entry.logs);
        if let Some(checkpoint) = logs.filter_map(|log| SignedCheckpoint::open(bytes, &log.key).ok()).next() {
            evidence.add_head(checkpoint.origin(), checkpoint.head());
        }
    }
}
