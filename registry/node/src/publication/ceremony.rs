//! The trust files of a province: who signs them, and what they say of the authorities of the catalogue.
//!
//! In scope: root, list and timestamp from keys that are handed in, all at once; enrolment and proposals, whose files travel
//! by hand, are the modules below. Out of scope: how officers keep their keys.

pub mod change;
pub mod diff;
pub mod enrol;
mod officer;
pub mod rehearsal;

mod succession;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use licence_catalogue::Authority;
use licence_spec::log::cosignature::WitnessKey;
use licence_spec::log::note::LogKey;
use licence_spec::suite::{PublicKey, SignError, Signer, Suite, name_digest};
use licence_spec::time::UnixTime;
use licence_spec::trust::{
    Cut, Entry, Key, KeyState, ListContent, Log, Proposal, ProposalError, Proposed, RoleKeys, RootContent,
    TimestampContent,
};
use serde::{Deserialize, Serialize};

pub use officer::OfficerKeys;

use crate::node::Node;
use crate::node::encoding::{base64url, from_base64url};
use crate::node::keys::{Keyring, KeysError, Usage};
use crate::node::rng::{Rng, RngError};

pub use succession::succeed;

const DAY_S: i64 = 86_400;
/// A root lives five years: officers meet seldom.
const ROOT_LIFE_S: i64 = 5 * 365 * DAY_S;
/// A list lives 90 days; the province publishes a new one long before.
const LIST_LIFE_S: i64 = 90 * DAY_S;
/// Scopes last two years, after which keys have been changed.
const SCOPE_LIFE_S: i64 = 2 * 365 * DAY_S;

/// The officers of a province: three, each with a key for the root, one for the list and one to approve the catalogue; two
/// of them must sign. The online timestamp key is the province node's own.
pub struct Officers {
    root: Vec<Arc<dyn Signer>>,
    list: Vec<Arc<dyn Signer>>,
    approval: Vec<Arc<dyn Signer>>,
    name: String,
}

/// The names of the officers' key files: `keys/officer-1.root.pem` and so on.
pub const OFFICERS: [&str; 3] = ["officer-1", "officer-2", "officer-3"];

/// Why the officers' keys could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CeremonyError {
    /// What was to be signed may not be.
    #[error("所提文件不合规定 / what is proposed breaks a rule: {0}")]
    Proposal(#[from] ProposalError),
    /// A key file cannot be made or read.
    #[error(transparent)]
    File(#[from] KeysError),
    /// A signer failed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A key of an authority is missing, or its log name has a wrong shape.
    #[error("机关 {0} 的密钥不全 / keys of authority {0} are missing")]
    Keys(String),
    /// A name that no officer may have.
    #[error(
        "签署人名称 {0} 应为小写字母、数字与连字符 / an officer's name has lower-case letters, digits and hyphens: {0}"
    )]
    Name(String),
    /// A file that is not an officer's public keys.
    #[error("不是签署人公钥文件 / is no file of an officer's public keys")]
    OfficerFile,
    /// No randomness.
    #[error(transparent)]
    Rng(#[from] RngError),
}

fn role(threshold: usize, signers: &[Arc<dyn Signer>]) -> RoleKeys {
    RoleKeys { threshold, keys: signers.iter().map(|signer| *signer.public_key()).collect() }
}

/// Two of the three: as many as the threshold asks for.
fn two(signers: &[Arc<dyn Signer>]) -> Vec<&dyn Signer> {
    signers.iter().take(2).map(|signer| &**signer).collect()
}

impl Officers {
    /// Makes the keys of new officers in `directory`.
    ///
    /// # Errors
    /// [`CeremonyError::File`]; keys that are there already are never overwritten.
    pub fn appoint(directory: &Path, passphrase: &str, rng: &Rng) -> Result<Vec<OfficerKeys>, CeremonyError> {
        let make = |officer| OfficerKeys::create(officer, directory, passphrase, rng);
        OFFICERS.into_iter().map(make).collect()
    }

    /// Officers whose keys lie in `directory`, for the trust scheme `name`.
    ///
    /// # Errors
    /// [`CeremonyError`] if a key is missing or cannot be read.
    pub fn load(directory: &Path, passphrase: &str, name: &str) -> Result<Officers, CeremonyError> {
        let keys = Keyring::load(directory, passphrase)?;
        let three = |usage| {
            let key = |officer: &str| {
                keys.signer(officer, usage).ok_or_else(|| CeremonyError::Keys(officer.to_owned()))
            };
            OFFICERS.into_iter().map(key).collect::<Result<Vec<_>, _>>()
        };
        Ok(Officers {
            root: three(Usage::Root)?,
            list: three(Usage::List)?,
            approval: three(Usage::Approval)?,
            name: name.to_owned(),
        })
    }

    /// Signs root 1, which names the node's `timestamp` key.
    ///
    /// # Errors
    /// [`CeremonyError::Sign`].
    pub fn root(&self, timestamp: &PublicKey, now: UnixTime) -> Result<Vec<u8>, CeremonyError> {
        let content = RootContent {
            version: 1,
            iat: now,
            exp: now.plus(ROOT_LIFE_S),
            name: self.name.clone(),
            root: role(2, &self.root),
            list: role(2, &self.list),
            timestamp: RoleKeys { threshold: 1, keys: vec![*timestamp] },
        };
        Ok(content.sign(&two(&self.root))?)
    }

    /// The key by which the officer of this name approves the catalogue.
    #[must_use]
    pub fn approver(&self, officer: &str) -> Option<&dyn Signer> {
        let at = OFFICERS.iter().position(|name| *name == officer)?;
        self.approval.get(at).map(|signer| &**signer)
    }

    /// Signs a list.
    ///
    /// # Errors
    /// [`CeremonyError::Proposal`] if it breaks a rule, [`CeremonyError::Sign`].
    pub fn list(
        &self,
        version: u64,
        now: UnixTime,
        entries: Vec<Entry>,
        witnesses: &[WitnessKey],
    ) -> Result<Vec<u8>, CeremonyError> {
        let witness_policy = witness_policy(witnesses);
        let content = ListContent { version, iat: now, exp: now.plus(LIST_LIFE_S), entries, witness_policy };
        Proposal::new(&Proposed::List(content.clone()))?;
        Ok(content.sign(&two(&self.list))?)
    }
}

/// The witnesses that nodes know. None is demanded: a licence is used in the minute in which it is issued, and a cosignature
/// comes later; where one is at hand it must be good.
fn witness_policy(witnesses: &[WitnessKey]) -> String {
    let lines = witnesses.iter().zip(1..).map(|(key, at)| format!("witness w{at} {key}\n"));
    lines.chain(["quorum none\n".to_owned()]).collect()
}

/// Signs a timestamp of its own `version` for the list of `list_version` with these bytes, for `life_s` seconds from `now`.
///
/// # Errors
/// [`CeremonyError::Sign`].
pub fn timestamp(
    version: u64,
    list_version: u64,
    list: &[u8],
    (now, life_s): (UnixTime, i64),
    signer: &dyn Signer,
) -> Result<Vec<u8>, CeremonyError> {
    let content = TimestampContent {
        version,
        iat: now,
        exp: now.plus(life_s),
        list_version,
        list_length: list.len() as u64,
        list_digest: name_digest(&[list]),
    };
    Ok(content.sign(&[signer])?)
}

/// Whether a timestamp is to be renewed: a third of its life is over, so that two thirds of failures do no harm.
#[must_use]
pub const fn is_to_be_renewed(timestamp: &TimestampContent, now: UnixTime) -> bool {
    now.since(timestamp.iat) * 3 >= timestamp.exp.since(timestamp.iat)
}

/// Whether half of a timestamp's life is over. It is renewed at a third, so renewal has failed for a sixth of it by then, half a day of
/// three, and somebody should look; as long as three times that is left to do so.
#[must_use]
pub const fn is_half_over(timestamp: &TimestampContent, now: UnixTime) -> bool {
    now.since(timestamp.iat) * 2 >= timestamp.exp.since(timestamp.iat)
}

/// The public keys of a node, as its operator hands them to the province. What the keys may do is not asked of the node:
/// the province takes it from the catalogue's data.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeKeys {
    /// Division code of the node.
    pub region: String,
    /// Name and key of its log, a vkey.
    pub log: String,
    /// Key of the online timestamp, base64url; the province's node has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// Name and key of its witness, a vkey; the province's node has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<String>,
    /// For each authority, for each usage, the public key, base64url.
    pub authorities: BTreeMap<String, BTreeMap<String, String>>,
}

impl NodeKeys {
    /// The public keys of a node.
    ///
    /// # Errors
    /// [`CeremonyError::Keys`] if a key is missing.
    pub fn of(node: &Node) -> Result<NodeKeys, CeremonyError> {
        let text = |authority: &str, usage| {
            let signer = node.keys.signer(authority, usage)?;
            Some(base64url(signer.public_key().bytes()))
        };
        let mut authorities = BTreeMap::new();
        let now = node.clock.now();
        for authority in node.authorities.iter().filter(|authority| !authority.is_over(now)) {
            let mut own = BTreeMap::new();
            for role in &authority.roles {
                let key = text(&authority.code, Usage::Role(*role));
                let key = key.ok_or_else(|| CeremonyError::Keys(authority.code.clone()))?;
                own.insert(Usage::Role(*role).as_str().to_owned(), key);
            }
            authorities.insert(authority.code.clone(), own);
        }
        let missing = || CeremonyError::Keys(node.authority.clone());
        let signer = node.keys.signer(&node.authority, Usage::Log).ok_or_else(missing)?;
        let log = LogKey::new(&node.origin(), *signer.public_key()).map_err(|_| missing())?;
        let timestamp = text(&node.authority, Usage::Timestamp);
        let witness = node.witness_key().map(|key| key.to_string());
        Ok(NodeKeys { region: node.region.clone(), log: log.to_string(), timestamp, witness, authorities })
    }

    /// The trust-list entry of one of its authorities; scopes are those of the catalogue's data.
    ///
    /// # Errors
    /// [`CeremonyError::Keys`] if a key is missing or is none.
    pub fn entry(&self, authority: &Authority, from: UnixTime) -> Result<Entry, CeremonyError> {
        let missing = || CeremonyError::Keys(authority.code.clone());
        let given = self.authorities.get(&authority.code).ok_or_else(missing)?;
        let mut keys = Vec::new();
        for role in &authority.roles {
            let text = given.get(Usage::Role(*role).as_str()).ok_or_else(missing)?;
            let key = public_key_of(text).ok_or_else(missing)?;
            let scope = authority.scope(*role, from, from.plus(SCOPE_LIFE_S));
            keys.push(Key::new(key, vec![scope], KeyState::Active, from));
        }
        let key = LogKey::parse(&self.log).map_err(|_| missing())?;
        Ok(Entry {
            id: authority.code.clone(),
            name: authority.name.clone(),
            hosts: vec![authority.host.clone()],
            logs: vec![Log { vkey: self.log.clone(), key, since: from, until: None }],
            keys,
            successor: None,
        })
    }
}

/// A public key in base64url; `None` if it is none, or fails the import check.
#[must_use]
pub fn public_key_of(text: &str) -> Option<PublicKey> {
    PublicKey::import(Suite::Ed25519, &from_base64url(text)?).ok()
}

/// Marks a key of an entry as compromised from `since` on: only what stands in the tree of the `cut` stays good.
pub fn compromise(entry: &mut Entry, key: &PublicKey, since: UnixTime, cut: &Cut) {
    for held in entry.keys.iter_mut().filter(|held| held.key == *key) {
        held.change_state(KeyState::Compromised(cut.clone()), since);
    }
}

#[cfg(test)]
mod tests {
    use licence_spec::suite::SeedSigner;

    use super::*;

    #[test]
    fn a_timestamp_that_is_not_renewed_alarms_at_half_its_life_and_never_before_its_renewal() {
        let signer = SeedSigner::from_seed(&[1; 32]).unwrap();
        let now = UnixTime(1_795_700_000);
        let content = TimestampContent {
            version: 1,
            iat: now,
            exp: now.plus(72 * 3_600),
            list_version: 1,
            list_length: 1,
            list_digest: *signer.public_key().thumbprint(),
        };
        let (third, half) = (24 * 3_600, 36 * 3_600);
        let due = |after| is_to_be_renewed(&content, now.plus(after));
        assert!(!due(third - 1) && due(third));
        assert!(!is_half_over(&content, now.plus(third)), "the job has half a day of tries before the alarm");
        assert!(!is_half_over(&content, now.plus(half - 1)) && is_half_over(&content, now.plus(half)));
    }
}
