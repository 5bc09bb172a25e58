//! The trust files of a province: who signs them, and what they say of the authorities of the catalogue.
//!
//! In scope: root, list and timestamp from keys that are handed in. Out of scope: how officers keep their keys, and
//! files that travel by hand between officers (issue on separate nodes).

use licence_catalogue::{Authority, KeyRole};
use licence_spec::log::note::LogKey;
use licence_spec::suite::{PublicKey, SeedSigner, SignError, Signer, sha256};
use licence_spec::time::UnixTime;
use licence_spec::trust::{Entry, Key, KeyState, ListContent, Log, RoleKeys, RootContent, TimestampContent};

use crate::keys::{Keyring, Usage};
use crate::rng::{Rng, RngError};

const DAY_S: i64 = 86_400;
/// A root lives five years: officers meet seldom.
const ROOT_LIFE_S: i64 = 5 * 365 * DAY_S;
/// A list lives 90 days; the province publishes a new one long before.
const LIST_LIFE_S: i64 = 90 * DAY_S;
/// A timestamp lives three days and is renewed daily.
const TIMESTAMP_LIFE_S: i64 = 3 * DAY_S;
/// Scopes last two years, after which keys have been changed.
const SCOPE_LIFE_S: i64 = 2 * 365 * DAY_S;

/// The officers of a province: three for the root and three for the list, of whom two must sign, and the online
/// timestamp key.
pub struct Officers {
    root: Vec<SeedSigner>,
    list: Vec<SeedSigner>,
    timestamp: SeedSigner,
    name: String,
}

/// Why the officers' keys could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CeremonyError {
    /// No randomness.
    #[error(transparent)]
    Rng(#[from] RngError),
    /// A key fails the import check.
    #[error(transparent)]
    Key(#[from] licence_spec::suite::KeyError),
    /// A signer failed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A key of an authority is missing, or its log name has a wrong shape.
    #[error("机关 {0} 的密钥不全 / keys of authority {0} are missing")]
    Keys(String),
}

fn make(rng: &Rng) -> Result<SeedSigner, CeremonyError> {
    let mut seed = zeroize::Zeroizing::new([0; 32]);
    rng.fill(seed.as_mut())?;
    Ok(SeedSigner::from_seed(&seed)?)
}

fn role(threshold: usize, signers: &[SeedSigner]) -> RoleKeys {
    RoleKeys { threshold, keys: signers.iter().map(|signer| *signer.public_key()).collect() }
}

/// Two of the three: as many as the threshold asks for.
fn two(signers: &[SeedSigner]) -> Vec<&dyn Signer> {
    signers.iter().take(2).map(|signer| signer as &dyn Signer).collect()
}

impl Officers {
    /// New officers for the trust scheme `name`.
    ///
    /// # Errors
    /// [`CeremonyError`] without randomness.
    pub fn appoint(name: &str, rng: &Rng) -> Result<Officers, CeremonyError> {
        let three = || (0..3).map(|_| make(rng)).collect::<Result<Vec<_>, _>>();
        Ok(Officers { root: three()?, list: three()?, timestamp: make(rng)?, name: name.to_owned() })
    }

    /// Signs root 1.
    ///
    /// # Errors
    /// [`CeremonyError::Sign`].
    pub fn root(&self, now: UnixTime) -> Result<Vec<u8>, CeremonyError> {
        let content = RootContent {
            version: 1,
            iat: now,
            exp: now.plus(ROOT_LIFE_S),
            name: self.name.clone(),
            root: role(2, &self.root),
            list: role(2, &self.list),
            timestamp: role(1, std::slice::from_ref(&self.timestamp)),
        };
        Ok(content.sign(&two(&self.root))?)
    }

    /// Signs a list, and the timestamp that names it. Both carry the version.
    ///
    /// # Errors
    /// [`CeremonyError::Sign`].
    pub fn list(
        &self,
        version: u64,
        now: UnixTime,
        entries: Vec<Entry>,
    ) -> Result<(Vec<u8>, Vec<u8>), CeremonyError> {
        let witness_policy = "quorum none\n".to_owned();
        let list = ListContent { version, iat: now, exp: now.plus(LIST_LIFE_S), entries, witness_policy }
            .sign(&two(&self.list))?;
        let timestamp = TimestampContent {
            version,
            iat: now,
            exp: now.plus(TIMESTAMP_LIFE_S),
            list_version: version,
            list_length: list.len() as u64,
            list_digest: sha256(&[&list]),
        };
        Ok((list, timestamp.sign(&[&self.timestamp])?))
    }
}

/// The trust-list entry of an authority whose keys lie in `keys`; its scopes are those of the catalogue.
///
/// # Errors
/// [`CeremonyError::Keys`] if a key is missing.
pub fn entry(
    authority: &Authority,
    keys: &Keyring,
    log: Option<&LogKey>,
    from: UnixTime,
) -> Result<Entry, CeremonyError> {
    let missing = || CeremonyError::Keys(authority.code.clone());
    let mut own = Vec::new();
    for role in &authority.roles {
        let signer = keys.signer(&authority.code, usage(*role)).ok_or_else(missing)?;
        let scope = authority.scope(*role, from, from.plus(SCOPE_LIFE_S));
        own.push(Key::new(*signer.public_key(), vec![scope], KeyState::Active, from));
    }
    let logs = log.map(|key| Log { key: key.clone(), vkey: key.to_string(), since: from, until: None });
    Ok(Entry {
        id: authority.code.clone(),
        name: authority.name.clone(),
        hosts: vec![authority.host.clone()],
        logs: logs.into_iter().collect(),
        keys: own,
        successor: None,
    })
}

/// The usage of a key with this role.
#[must_use]
pub const fn usage(role: KeyRole) -> Usage {
    match role {
        KeyRole::Licence => Usage::Licence,
        KeyRole::Status => Usage::Status,
        KeyRole::Catalogue => Usage::Catalogue,
        KeyRole::View => Usage::View,
        KeyRole::Receipt => Usage::Receipt,
        KeyRole::Node => Usage::Node,
    }
}

/// Marks a key of an entry as compromised from `since` on: only what was logged below `cut` stays good.
pub fn compromise(entry: &mut Entry, key: &PublicKey, since: UnixTime, cut: u64) {
    for held in entry.keys.iter_mut().filter(|held| held.key == *key) {
        held.history.push((0, held.since));
        held.state = KeyState::Compromised { trusted_until_log_index: cut };
        held.since = since;
    }
}
