//! Signature suites and keys: may this key be trusted at all, and did it sign these bytes?
//!
//! In scope: the closed enum of suites, keys and signatures as enums over it, thumbprints, the digests by which everything is named, the
//! signer trait. A suite is one more module beside `ed25519`; each `match` here then asks for it. Out of scope: which key may sign what
//! (`trust`), key files and hardware (the node).
//! Format: spec/suite.md; vectors in spec/vectors/ed25519/.

mod ed25519;

use alloc::vec::Vec;
use core::fmt;

use sha2::{Digest as _, Sha256};

use crate::numbers::ALG_ED25519;

pub use ed25519::SeedSigner;

/// A SHA-256 digest.
pub type Digest = [u8; 32];
/// The short name of a key in COSE headers: the first 8 bytes of its thumbprint. Two keys may share one.
pub type KeyId = [u8; 8];
/// Length of a signature, bytes: that of every suite.
pub const SIGNATURE_BYTES: usize = 64;

/// SHA-256 over the parts, one after the other. For what a format calls SHA-256 by name (Content-Digest, vkeys, thumbprints) and for what
/// never leaves a machine; everything that is named by a digest asks [`name_digest`] or [`tree_hash`].
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The digest by which a signed object, a file or a record is named (spec/suite.md): SHA-256 over the parts, one after the other.
#[must_use]
pub fn name_digest(parts: &[&[u8]]) -> Digest {
    sha256(parts)
}

/// The hash of trees and chains (RFC 6962 §2.1, spec/audit.md): SHA-256 over the parts, one after the other.
#[must_use]
pub fn tree_hash(parts: &[&[u8]]) -> Digest {
    sha256(parts)
}

/// The signature suites that the standard knows. SM2 with SM3 is the next member; COSE has no number for it yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Suite {
    /// Ed25519, RFC 8032, verified strictly.
    Ed25519,
}

impl Suite {
    /// The suite of a COSE `alg` number; `None` for every number that is not allowed.
    #[must_use]
    pub const fn from_alg(alg: i64) -> Option<Suite> {
        match alg {
            ALG_ED25519 => Some(Suite::Ed25519),
            _ => None,
        }
    }

    /// The COSE `alg` number.
    #[must_use]
    pub const fn alg(self) -> i64 {
        match self {
            Suite::Ed25519 => ALG_ED25519,
        }
    }
}

/// Why a public key may not enter a trust list, a vkey, a root or a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// Not 32 bytes long.
    Length,
    /// No point of the curve has these bytes.
    NotOnCurve,
    /// Another encoding of the same point exists and is the right one.
    NotCanonical,
    /// One of the eight points of small order: signatures under it can be forged.
    SmallOrder,
    /// The point has a torsion component: strict verification alone would accept some signatures of it.
    Torsion,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyError::Length => "a public key has 32 bytes",
            KeyError::NotOnCurve => "no point of the curve has these bytes",
            KeyError::NotCanonical => "the key is not in its canonical encoding",
            KeyError::SmallOrder => "the key is a point of small order",
            KeyError::Torsion => "the key has a torsion component",
        })
    }
}

impl core::error::Error for KeyError {}

/// A signature of one of the suites. Not yet known to be anybody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureBytes {
    /// R and S, RFC 8032 §5.1.6.
    Ed25519([u8; SIGNATURE_BYTES]),
}

impl SignatureBytes {
    /// Takes the bytes of a signature of this suite; `None` if they have another length.
    #[must_use]
    pub fn new(suite: Suite, bytes: &[u8]) -> Option<SignatureBytes> {
        match suite {
            Suite::Ed25519 => bytes.try_into().ok().map(SignatureBytes::Ed25519),
        }
    }

    /// The bytes, as they stand in files.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; SIGNATURE_BYTES] {
        match self {
            SignatureBytes::Ed25519(bytes) => bytes,
        }
    }
}

/// A public key that passed the import check of its suite.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    point: Point,
    thumbprint: Digest,
}

/// The key itself, by suite.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Point {
    Ed25519(ed25519::Point),
}

impl PublicKey {
    /// Imports the bytes of a public key of this suite.
    ///
    /// # Errors
    /// [`KeyError`] says which of the checks of spec/suite.md §2 failed; the first one in the order of the enum.
    pub fn import(suite: Suite, bytes: &[u8]) -> Result<PublicKey, KeyError> {
        let point = match suite {
            Suite::Ed25519 => Point::Ed25519(ed25519::Point::import(bytes)?),
        };
        Ok(PublicKey { thumbprint: sha256(&[&point.cose_key()]), point })
    }

    /// Its suite.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        match self.point {
            Point::Ed25519(_) => Suite::Ed25519,
        }
    }

    /// The bytes of the key, as they stand in files.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.point {
            Point::Ed25519(point) => point.bytes(),
        }
    }

    /// The COSE_Key of this key, encoded (RFC 9679 thumbprint input).
    #[must_use]
    pub fn cose_key(&self) -> Vec<u8> {
        self.point.cose_key()
    }

    /// SHA-256 of the COSE_Key (RFC 9679).
    #[must_use]
    pub const fn thumbprint(&self) -> &Digest {
        &self.thumbprint
    }

    /// The first 8 bytes of the thumbprint.
    #[must_use]
    pub fn kid(&self) -> KeyId {
        let [a, b, c, d, e, f, g, h, ..] = self.thumbprint;
        [a, b, c, d, e, f, g, h]
    }

    /// Whether `signature` is a strict signature of this key over `message`; false for one of another suite.
    #[must_use]
    pub fn verify_strict(&self, message: &[u8], signature: &SignatureBytes) -> bool {
        match (&self.point, signature) {
            (Point::Ed25519(point), SignatureBytes::Ed25519(bytes)) => point.verify_strict(message, bytes),
        }
    }
}

impl Point {
    fn cose_key(&self) -> Vec<u8> {
        match self {
            Point::Ed25519(point) => point.cose_key().to_vec(),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey(")?;
        for byte in self.kid() {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

/// A public key with what makes its verification quicker: the same answers as [`PublicKey::verify_strict`] in less time, over a message in
/// parts and without allocation.
#[derive(Clone)]
pub struct KeyTable {
    key: PublicKey,
    table: Table,
}

/// The table itself, by suite.
#[derive(Clone)]
enum Table {
    Ed25519(ed25519::Table),
}

impl KeyTable {
    /// Builds the table: several hundred times the work of a signature that it saves, so once a key.
    #[must_use]
    pub fn new(key: PublicKey) -> KeyTable {
        let table = match &key.point {
            Point::Ed25519(point) => Table::Ed25519(ed25519::Table::new(point)),
        };
        KeyTable { key, table }
    }

    /// The key itself.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Whether `signature` is a strict signature of this key over the parts, one after the other; false for one of another suite.
    #[must_use]
    pub fn verify_strict(&self, message: &[&[u8]], signature: &SignatureBytes) -> bool {
        match (&self.table, signature) {
            (Table::Ed25519(table), SignatureBytes::Ed25519(bytes)) => table.verify_strict(message, bytes),
        }
    }
}

impl fmt::Debug for KeyTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyTable({:?})", self.key)
    }
}

/// Why a signer gave no signature: the device refused or is not there. Never carries key material.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignError(pub &'static str);

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the signer gave no signature: {}", self.0)
    }
}

impl core::error::Error for SignError {}

/// Something that holds a private key: a key file today, a hardware module later.
pub trait Signer: Send + Sync {
    /// The public half.
    fn public_key(&self) -> &PublicKey;

    /// A plain signature over `message`, of the suite of the key.
    ///
    /// # Errors
    /// [`SignError`] if the device refuses or cannot be reached.
    fn sign(&self, message: &[u8]) -> Result<SignatureBytes, SignError>;
}
