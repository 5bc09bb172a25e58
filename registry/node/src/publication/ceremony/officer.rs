//! One officer's keys, and the file with their public halves that he hands to the province.

use std::path::Path;

use licence_spec::suite::PublicKey;
use serde::{Deserialize, Serialize};

use crate::node::encoding::base64url;
use crate::node::keys::{Keyring, Usage};
use crate::node::rng::Rng;
use crate::publication::ceremony::{CeremonyError, public_key_of};

/// What an officer signs.
const USAGES: [Usage; 3] = [Usage::Root, Usage::List, Usage::Approval];
/// Longest name of an officer: part of a file name.
const MAX_NAME: usize = 64;

/// The public keys of one officer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfficerKeys {
    /// Name, such as `officer-2`: of people, the office and not the person.
    pub name: String,
    /// Signs roots.
    pub root: PublicKey,
    /// Signs lists.
    pub list: PublicKey,
    /// Approves the catalogue.
    pub approval: PublicKey,
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    root: String,
    list: String,
    approval: String,
}

/// Whether a text may name an officer: letters of ASCII, digits and hyphens, beginning with a letter.
fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

impl OfficerKeys {
    /// Makes the keys of an officer in `directory`.
    ///
    /// # Errors
    /// [`CeremonyError`]; keys that are there already are never overwritten.
    pub fn create(
        name: &str,
        directory: &Path,
        passphrase: &str,
        rng: &Rng,
    ) -> Result<OfficerKeys, CeremonyError> {
        if !is_name(name) {
            return Err(CeremonyError::Name(name.to_owned()));
        }
        let mut keys = Keyring::default();
        for usage in USAGES {
            keys.create(directory, name, usage, passphrase, rng)?;
        }
        let [root, list, approval] =
            USAGES.map(|usage| keys.signer(name, usage).map(|key| *key.public_key()));
        match (root, list, approval) {
            (Some(root), Some(list), Some(approval)) => {
                Ok(OfficerKeys { name: name.to_owned(), root, list, approval })
            }
            _ => Err(CeremonyError::Keys(name.to_owned())),
        }
    }

    /// The file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let text = |key: &PublicKey| base64url(key.bytes());
        let (root, list, approval) = (text(&self.root), text(&self.list), text(&self.approval));
        // Names have neither quotes nor backslashes, and base64url has none either.
        format!(
            "# 签署人公钥，非秘密 / public keys of an officer, no secret\nname = \"{}\"\nroot = \"{root}\"\nlist = \"{list}\"\n\
             approval = \"{approval}\"\n",
            self.name
        )
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`CeremonyError::OfficerFile`] if it is none, or a key in it fails the import check.
    pub fn from_toml(text: &str) -> Result<OfficerKeys, CeremonyError> {
        let wrong = || CeremonyError::OfficerFile;
        let raw: Raw = toml::from_str(text).map_err(|_| wrong())?;
        let key = |text: &str| public_key_of(text).ok_or_else(wrong);
        if !is_name(&raw.name) {
            return Err(CeremonyError::Name(raw.name));
        }
        let (root, list, approval) = (key(&raw.root)?, key(&raw.list)?, key(&raw.approval)?);
        Ok(OfficerKeys { name: raw.name, root, list, approval })
    }
}
