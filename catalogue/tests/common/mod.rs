//! The shipped catalogue, signed by a test key.
#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::OnceLock;

use licence_catalogue::{CatalogueData, embedded};
use licence_spec::catalogue::{Candidate, Catalogue, CatalogueKeys, open};
use licence_spec::suite::{KeyId, PublicKey, SeedSigner, Signer as _};
use licence_spec::time::UnixTime;

pub(crate) const NOW: UnixTime = UnixTime(1_795_428_000);

/// A trust list of one catalogue key.
pub(crate) struct Trusting(pub(crate) PublicKey);

impl CatalogueKeys for Trusting {
    fn candidates(&self, _: &KeyId, _: UnixTime) -> Vec<Candidate<'_>> {
        vec![Candidate { key: &self.0, standing: Ok(()) }]
    }
}

/// The shipped data, loaded once for all tests of a file.
pub(crate) fn data() -> &'static CatalogueData {
    static DATA: OnceLock<CatalogueData> = OnceLock::new();
    DATA.get_or_init(|| {
        embedded().unwrap_or_else(|findings| panic!("the shipped data break their rules:\n{findings}"))
    })
}

/// The shipped data, compiled, signed and read again.
pub(crate) fn catalogue() -> Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| signed(data())).clone()
}

/// Version 1 of these data, signed and read again.
pub(crate) fn signed(data: &CatalogueData) -> Catalogue {
    let signer = SeedSigner::from_seed(&[9; 32]).unwrap();
    let bytes = data.publish(None, NOW, NOW, &signer).unwrap();
    open(&bytes, &Trusting(*signer.public_key()), NOW).unwrap()
}
