//! The public test keys of `spec/vectors/generated-examples/keys.json`; no other key signs a vector.

use std::collections::BTreeMap;

use licence_spec::suite::{KeyId, PublicKey, SeedSigner, Signer};
use serde::Deserialize;

#[derive(Deserialize)]
struct KeyFile {
    keys: BTreeMap<String, TestKey>,
}

#[derive(Deserialize)]
struct TestKey {
    seed_hex: String,
}

/// All test keys by their names.
pub(crate) struct Keys(BTreeMap<String, SeedSigner>);

impl Keys {
    pub(crate) fn read() -> Keys {
        let file = include_bytes!("../../../spec/vectors/generated-examples/keys.json");
        let file: KeyFile = serde_json::from_slice(file).expect("the file of test keys");
        let signer = |key: TestKey| {
            let seed = hex::decode(key.seed_hex).expect("hex").try_into().expect("32 bytes");
            SeedSigner::from_seed(&seed).expect("a test key")
        };
        Keys(file.keys.into_iter().map(|(name, key)| (name, signer(key))).collect())
    }

    pub(crate) fn signer(&self, name: &str) -> &SeedSigner {
        self.0.get(name).unwrap_or_else(|| panic!("no test key {name}"))
    }

    /// The key with this id.
    pub(crate) fn of_id(&self, id: KeyId) -> &SeedSigner {
        let found = self.0.values().find(|signer| signer.public_key().kid() == id);
        found.unwrap_or_else(|| panic!("no test key has this id"))
    }

    pub(crate) fn public(&self, name: &str) -> PublicKey {
        *self.signer(name).public_key()
    }

    /// Several keys, to sign with.
    pub(crate) fn signers(&self, names: &[&str]) -> Vec<&dyn Signer> {
        names.iter().map(|name| self.signer(name) as &dyn Signer).collect()
    }

    /// Several keys, to name.
    pub(crate) fn publics(&self, names: &[&str]) -> Vec<PublicKey> {
        names.iter().map(|name| self.public(name)).collect()
    }
}
