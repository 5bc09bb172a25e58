//! The pinned root: the one thing that a tool must be told by hand. Everything else in a bundle is vouched for by it.
//!
//! In scope: naming a root by file or digest, and remembering the digest. Out of scope: signatures
//! (`licence_spec::trust`). Rule: spec/trust-list.md, "Pinning".
//!
//! The pin lies in the user's own folder or in the one that `--state` names, never beside a bundle: whoever brings a
//! bundle could bring a pin with it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use licence_spec::bundle::{self, Bundle};
use licence_spec::numbers::MAX_ROOT;
use licence_spec::suite::{Digest, name_digest};
use licence_spec::trust::Root;
use serde_json::json;

use crate::arguments::{Format, PinOptions, PlaceOptions};
use crate::place::{read_bounded, state_folder, write_whole};
use crate::{Failure, Report};

/// Name of the file that keeps the digest.
const NAME: &str = "pinned-root";
/// Longest such file: a digest with its prefix and a line end.
const MAX_PIN: usize = 128;

/// `pin`: remembers a root that was compared by hand.
pub(crate) fn run(options: &PinOptions) -> Result<Report, Failure> {
    let digest = named(&options.root)?;
    let path =
        file(options.state.as_deref()).context("HOME 未设置，请用 --state / HOME is not set: use --state")?;
    let before = read(&path)?;
    if let Some(before) = before.filter(|before| *before != digest && !options.replace) {
        return Err(Failure::InputOutput(anyhow!(
            "已固定另一个根 {0}；确认更换请用 --replace / another root is pinned, {0}: use --replace if it is to be replaced",
            shown(&before)
        )));
    }
    write_whole(&path, format!("{}\n", shown(&digest)).as_bytes())?;
    let text = match (options.output.format, options.output.zh()) {
        (Format::Json, _) => format!("{}\n", json!({ "pinned": shown(&digest) })),
        (Format::Text, true) => format!("已固定 PINNED {}\n", shown(&digest)),
        (Format::Text, false) => format!("PINNED {}\n", shown(&digest)),
    };
    Ok(Report { text, notes: Vec::new(), exit: 0 })
}

/// The root that this call goes by: the one given, else the pinned one; `None` if there is neither.
pub(crate) fn of(options: &PlaceOptions) -> Result<Option<Digest>, Failure> {
    if let Some(given) = &options.root {
        return named(given).map(Some);
    }
    match file(options.state.as_deref()) {
        Some(path) => Ok(read(&path)?),
        None => Ok(None),
    }
}

/// What to do when nothing is pinned, with the digest to compare.
pub(crate) fn advice(bundle: &Bundle, zh: bool) -> Option<String> {
    let digest = shown(&name_digest(&[bundle.part(&bundle::root_path(1))?]));
    Some(if zh {
        format!(
            "本机尚未固定信任根。证据所带首个根的摘要为 {digest}；请经可信途径（例如省级公布的文件）核对，一致后运行 licence-verify pin {digest}，或以 --root 给出"
        )
    } else {
        format!(
            "No trust root is pinned here. The first root of this evidence has the digest {digest}: compare it with the one that the province has published; if they are the same, run licence-verify pin {digest}, or give it with --root"
        )
    })
}

/// A digest as it is written.
pub(crate) fn shown(digest: &Digest) -> String {
    format!("sha-256:{}", hex::encode(digest))
}

/// The digest of a root that is named by its file or by the digest itself.
fn named(text: &str) -> Result<Digest, Failure> {
    if let Some(digest) = digest(text) {
        return Ok(digest);
    }
    let path = Path::new(text);
    if !path.exists() {
        return Err(Failure::Usage(format!(
            "{text} 既不是 SHA-256 摘要（64 位十六进制），也不是文件 / {text} is neither a SHA-256 digest (64 hex digits) nor a file"
        )));
    }
    let bytes = read_bounded(path, MAX_ROOT)?;
    Root::open_first(&bytes).map_err(|_| anyhow!("{text} 不是信任根文件 / {text} is no trust root"))?;
    Ok(name_digest(&[&bytes]))
}

/// `sha-256:` and 64 hex digits; as people copy it, the prefix may be missing and letters may be capitals.
fn digest(text: &str) -> Option<Digest> {
    let text = text.trim().to_ascii_lowercase();
    let bare = text.strip_prefix("sha-256:").or_else(|| text.strip_prefix("sha256:")).unwrap_or(&text);
    hex::decode(bare).ok()?.try_into().ok()
}

fn file(state: Option<&Path>) -> Option<PathBuf> {
    Some(state.map_or_else(state_folder, |folder| Some(folder.to_owned()))?.join(NAME))
}

/// The pinned root; `None` if there is no pin. One that cannot be read is a fault, not the absence of a pin.
fn read(path: &Path) -> Result<Option<Digest>> {
    match path.try_exists() {
        Ok(true) => {}
        // What can hold no pin holds none.
        _ => return Ok(None),
    }
    let shown = path.display();
    let bytes = read_bounded(path, MAX_PIN)?;
    let text = String::from_utf8_lossy(&bytes);
    digest(&text).map(Some).with_context(|| {
        format!(
            "{shown} 已损坏，请核对后重新运行 pin / {shown} is damaged: compare the root and run pin again"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_taken_as_people_copy_it() {
        let bare = "5e".repeat(32);
        for text in [bare.clone(), format!("sha-256:{bare}"), format!("SHA256:{}\n", bare.to_uppercase())] {
            assert_eq!(digest(&text), Some([0x5e; 32]), "{text}");
        }
        for text in ["", "sha-256:", &bare[2..], &format!("{bare}00"), &bare.replace('e', "g")] {
            assert_eq!(digest(text), None, "{text}");
        }
    }
}
