//! Offline bundles: evidence in one file or folder, for tools without a network and for pulls between nodes.
//!
//! In scope: the paths, and one canonical CBOR map from path to bytes. Out of scope: folders (callers), and trust: a
//! bundle is not signed, each part is verified when it is loaded.
//! Format: spec/bundle.md.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::cbor::{Fault, Key, Reader, Writer};
use crate::numbers::MAX_BUNDLE;
use crate::suite::sha256;

/// Path of the trust timestamp.
pub const TIMESTAMP: &str = "trust/timestamp.cbor";
/// Path of the trust list.
pub const LIST: &str = "trust/list.cbor";
/// Path of the catalogue.
pub const CATALOGUE: &str = "catalogue.cbor";
/// Most parts: 64 roots, some thousand status lists and logs.
pub const MAX_PARTS: usize = 16_384;

/// Path of root `version`, from 1.
#[must_use]
pub fn root_path(version: u64) -> String {
    format!("trust/root_{version}.cbor")
}

/// Path of the status token of the list `uri`.
#[must_use]
pub fn status_path(uri: &str) -> String {
    format!("status/{}.cbor", hex(&sha256(&[uri.as_bytes()])))
}

/// Path of the newest checkpoint of the log `origin`.
#[must_use]
pub fn checkpoint_path(origin: &str) -> String {
    format!("log/{}/checkpoint", hex(&sha256(&[origin.as_bytes()])))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a text is a path of the layout; so no path of a bundle ever leads out of its folder.
#[must_use]
pub fn is_path(path: &str) -> bool {
    let is_digest = |text: &str| {
        text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    if [TIMESTAMP, LIST, CATALOGUE].contains(&path) {
        return true;
    }
    if let Some(number) = path.strip_prefix("trust/root_").and_then(|rest| rest.strip_suffix(".cbor")) {
        return root_path(number.parse().unwrap_or(0)) == path && number != "0";
    }
    if let Some(digest) = path.strip_prefix("status/").and_then(|rest| rest.strip_suffix(".cbor")) {
        return is_digest(digest);
    }
    path.strip_prefix("log/").and_then(|rest| rest.strip_suffix("/checkpoint")).is_some_and(is_digest)
}

/// The parts of a bundle, in canonical order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    parts: Vec<(String, Vec<u8>)>,
}

impl Bundle {
    /// A bundle of these parts.
    ///
    /// # Errors
    /// Not conformant if a path is not of the layout or stands twice, or if it all is too large.
    pub fn new(parts: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Bundle, Fault> {
        let mut parts: Vec<(String, Vec<u8>)> = parts.into_iter().collect();
        // Canonical CBOR sorts text keys by length first.
        parts.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
        let doubled = parts.windows(2).any(|pair| matches!(pair, [a, b] if a.0 == b.0));
        let size: usize = parts.iter().map(|(path, bytes)| path.len() + bytes.len() + 16).sum();
        if doubled
            || parts.len() > MAX_PARTS
            || size > MAX_BUNDLE
            || !parts.iter().all(|(path, _)| is_path(path))
        {
            return Err(Fault::not_conformant("a bundle with a wrong or doubled path, or too large"));
        }
        Ok(Bundle { parts })
    }

    /// Reads the file form, at most 64 MiB.
    ///
    /// # Errors
    /// Unreadable or not conformant by spec/bundle.md.
    pub fn parse(bytes: &[u8]) -> Result<Bundle, Fault> {
        if bytes.len() > MAX_BUNDLE {
            return Err(Fault::not_conformant("the bundle is larger than 64 MiB"));
        }
        let mut reader = Reader::new(bytes);
        let mut map = reader.map()?;
        let mut parts = Vec::new();
        while let Some(key) = map.next(&mut reader)? {
            match key {
                Key::Text(path) => parts.push((String::from(path), reader.bytes()?.to_vec())),
                Key::Int(_) => return Err(Fault::not_conformant("a bundle with a number as path")),
            }
        }
        reader.end()?;
        Bundle::new(parts)
    }

    /// Writes the file form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.map(self.parts.len());
        for (path, bytes) in &self.parts {
            writer.text(path).bytes(bytes);
        }
        writer.into_bytes()
    }

    /// The bytes of a part.
    #[must_use]
    pub fn part(&self, path: &str) -> Option<&[u8]> {
        let at = self
            .parts
            .binary_search_by(|(own, _)| (own.len(), own.as_str()).cmp(&(path.len(), path)))
            .ok()?;
        self.parts.get(at).map(|(_, bytes)| bytes.as_slice())
    }

    /// All parts in canonical order.
    pub fn parts(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.parts.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// The roots from version 1 on, without gaps.
    #[must_use]
    pub fn roots(&self) -> Vec<&[u8]> {
        (1..).map_while(|version| self.part(&root_path(version))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_round_trips_and_is_canonical() {
        let parts = [LIST, TIMESTAMP, CATALOGUE, "trust/root_1.cbor"]
            .map(|path| (path.into(), path.as_bytes().to_vec()));
        let bundle = Bundle::new(parts).unwrap();
        assert_eq!(Bundle::parse(&bundle.to_bytes()), Ok(bundle.clone()));
        assert_eq!(bundle.roots(), [b"trust/root_1.cbor"]);
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        for path in [
            "../trust/list.cbor",
            "/etc/passwd",
            "trust/root_01.cbor",
            "trust/root_0.cbor",
            "status/x.cbor",
            "",
        ] {
            assert!(!is_path(path), "{path}");
            assert!(Bundle::new([(path.into(), Vec::new())]).is_err(), "{path}");
        }
        assert!(is_path(&status_path("https://gz.elic.example/v1/status-lists/1")));
        assert!(is_path(&checkpoint_path("gz.elic.example/log")));
    }
}
