//! Holders: codes are searchable only through a keyed hash, so that a copy of the index tells nobody whose it is.

use licence_spec::identifiers::{HOLDER_CODE_TYPES, HolderCodeType, normal_code};
use licence_spec::suite::{Digest, sha256};
use licence_store::{DocumentRow, Store, StoreError, transact};

use crate::node::rng::{Rng, RngError};
use crate::node::shelf::Kind;

/// Where the secret of the hash is kept: beside the licences themselves, which tell more.
const SECRET: (&str, &str) = (Kind::Secret.name(), "holders");

/// The key under which licences of a holder are found, of the normal form of the code (spec/identifiers.md §5.1): however it
/// was typed, at issue or in the question.
#[must_use]
pub fn holder_key(secret: &[u8; 32], code_type: &str, code: &str) -> Digest {
    sha256(&[secret, normal_code(code_type).as_bytes(), b"\n", normal_code(code).as_bytes()])
}

/// Whether this is one of the kinds of code that a holder may have (GB/T 36903 Annex A).
#[must_use]
pub fn is_code_type(text: &str) -> bool {
    HolderCodeType::from_code(&normal_code(text)).is_some()
}

/// The kinds of code, for whoever mistypes one.
#[must_use]
pub fn code_types() -> String {
    HOLDER_CODE_TYPES.map(HolderCodeType::code).join(", ")
}

/// The node's secret, made at its first start.
///
/// # Errors
/// [`SecretError`].
pub fn secret(store: &dyn Store, rng: &Rng) -> Result<[u8; 32], SecretError> {
    let mut fresh = [0; 32];
    rng.fill(&mut fresh)?;
    transact(store, "holder_secret", |write| {
        if let Some(row) = write.document(SECRET.0, SECRET.1)? {
            let kept = row.bytes.try_into();
            return kept.map_err(|_| StoreError::Corrupt("the secret of the holder index".to_owned()).into());
        }
        write.put_documents(&[DocumentRow {
            kind: SECRET.0.to_owned(),
            name: SECRET.1.to_owned(),
            version: 1,
            iat: 0,
            digest: sha256(&[&fresh]),
            bytes: fresh.to_vec(),
            stored_at: 0,
        }])?;
        Ok(fresh)
    })
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error(transparent)]
    Rng(#[from] RngError),
}
