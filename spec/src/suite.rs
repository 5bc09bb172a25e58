//! Signature suites and keys: may this key be trusted at all, and did it sign these bytes?
//!
//! In scope: the closed enum of suites, import checks of public keys, strict Ed25519, thumbprints, the signer trait.
//! Out of scope: which key may sign what (`trust`), key files and hardware (the node).
//! Format: spec/suite.md; vectors in spec/vectors/ed25519/.

use alloc::sync::Arc;
use core::fmt;

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsBasepointTable, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::BasepointTable;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256, Sha512};

use crate::numbers::ALG_ED25519;

/// A SHA-256 digest.
pub type Digest = [u8; 32];
/// The short name of a key in COSE headers: the first 8 bytes of its thumbprint. Two keys may share one.
pub type KeyId = [u8; 8];
/// An Ed25519 signature.
pub type SignatureBytes = [u8; 64];

/// SHA-256 over the parts, one after the other.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
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

/// An Ed25519 public key that passed the import check: canonical, not of small order, torsion-free.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    thumbprint: Digest,
}

impl PublicKey {
    /// Imports 32 bytes as a public key.
    ///
    /// # Errors
    /// [`KeyError`] says which of the checks of spec/suite.md §2 failed; the first one in the order of the enum.
    pub fn import(bytes: &[u8]) -> Result<PublicKey, KeyError> {
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| KeyError::Length)?;
        let point = CompressedEdwardsY(bytes).decompress().ok_or(KeyError::NotOnCurve)?;
        if point.compress().0 != bytes {
            return Err(KeyError::NotCanonical);
        }
        if point.is_small_order() {
            return Err(KeyError::SmallOrder);
        }
        if !point.is_torsion_free() {
            return Err(KeyError::Torsion);
        }
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::NotOnCurve)?;
        Ok(PublicKey { key, thumbprint: sha256(&[&cose_key(&bytes)]) })
    }

    /// The 32 bytes of the key.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// The COSE_Key of this key, 40 bytes: `a3 01 01 20 06 21 5820 <x>` (RFC 9679 thumbprint input).
    #[must_use]
    pub fn cose_key(&self) -> [u8; 40] {
        cose_key(self.bytes())
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

    /// Whether `signature` is a strict Ed25519 signature of this key over `message` (`verify_strict`).
    #[must_use]
    pub fn verify_strict(&self, message: &[u8], signature: &SignatureBytes) -> bool {
        self.key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

fn cose_key(bytes: &[u8; 32]) -> [u8; 40] {
    let mut encoded = [0; 40];
    let (head, x) = encoded.split_at_mut(8);
    head.copy_from_slice(&[0xa3, 0x01, 0x01, 0x20, 0x06, 0x21, 0x58, 0x20]);
    x.copy_from_slice(bytes);
    encoded
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

/// A public key with precomputed multiples of its negative, 30 KiB: the same answers as
/// [`PublicKey::verify_strict`] in less time, over a message in parts and without allocation.
///
/// All inputs are public, so nothing here needs to hide its timing.
#[derive(Clone)]
pub struct KeyTable {
    key: PublicKey,
    /// Shared by the lists that name the key, one after the other.
    negative: Arc<EdwardsBasepointTable>,
}

impl KeyTable {
    /// Builds the table: several hundred times the work of a signature that it saves, so once a key.
    #[must_use]
    pub fn new(key: PublicKey) -> KeyTable {
        let point = EdwardsPoint::from(key.key);
        KeyTable { key, negative: Arc::new(EdwardsBasepointTable::create(&-point)) }
    }

    /// The key itself.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Whether `signature` is a strict Ed25519 signature of this key over the parts, one after the other.
    ///
    /// Same S, R and A checks, same k and same byte comparison as `verify_strict` of ed25519-dalek: A was checked at
    /// import; a computed point that equals the bytes of R shows that R decodes, and its order is R's order.
    #[must_use]
    pub fn verify_strict(&self, message: &[&[u8]], signature: &SignatureBytes) -> bool {
        let (r, s) = signature.split_at(32);
        let mut s_bytes = [0; 32];
        s_bytes.copy_from_slice(s);
        let Some(s) = Option::<Scalar>::from(Scalar::from_canonical_bytes(s_bytes)) else {
            return false;
        };
        let mut hasher = Sha512::new();
        hasher.update(r);
        hasher.update(self.key.bytes());
        for part in message {
            hasher.update(part);
        }
        let k = Scalar::from_bytes_mod_order_wide(&hasher.finalize().into());
        let computed = EdwardsPoint::mul_base(&s) + &*self.negative * &k;
        computed.compress().as_bytes().as_slice() == r && !computed.is_small_order()
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

    /// A plain RFC 8032 signature over `message`.
    ///
    /// # Errors
    /// [`SignError`] if the device refuses or cannot be reached.
    fn sign(&self, message: &[u8]) -> Result<SignatureBytes, SignError>;
}

/// A signer in memory, made from a 32-byte seed (RFC 8032 §5.1.5). The seed is wiped when it is dropped.
pub struct SeedSigner {
    key: SigningKey,
    public: PublicKey,
}

impl SeedSigner {
    /// The signer of this seed.
    ///
    /// # Errors
    /// [`KeyError`] if the public half fails the import check, which no seed is known to do.
    pub fn from_seed(seed: &[u8; 32]) -> Result<SeedSigner, KeyError> {
        let key = SigningKey::from_bytes(seed);
        let public = PublicKey::import(key.verifying_key().as_bytes())?;
        Ok(SeedSigner { key, public })
    }
}

impl Signer for SeedSigner {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<SignatureBytes, SignError> {
        Ok(self.key.sign(message).to_bytes())
    }
}

impl fmt::Debug for SeedSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SeedSigner({:?})", self.public)
    }
}
