//! Ed25519 (RFC 8032), strictly: import check, verification, tables, keys from seeds.
//!
//! In scope: spec/suite.md §2 and §3 for this suite. Out of scope: which suite an object names, thumbprints (`suite`).

use alloc::sync::Arc;
use core::fmt;

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsBasepointTable, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::BasepointTable;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha512};

use super::{KeyError, PublicKey, SIGNATURE_BYTES, SignError, SignatureBytes, Signer, Suite};

/// A public key that passed the import check: canonical, not of small order, torsion-free.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Point(VerifyingKey);

impl Point {
    pub(super) fn import(bytes: &[u8]) -> Result<Point, KeyError> {
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
        VerifyingKey::from_bytes(&bytes).map(Point).map_err(|_| KeyError::NotOnCurve)
    }

    /// The 32 bytes of RFC 8032 §5.1.5.
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// 40 bytes: `a3 01 01 20 06 21 5820 <x>`.
    pub(super) fn cose_key(&self) -> [u8; 40] {
        let mut encoded = [0; 40];
        let (head, x) = encoded.split_at_mut(8);
        head.copy_from_slice(&[0xa3, 0x01, 0x01, 0x20, 0x06, 0x21, 0x58, 0x20]);
        x.copy_from_slice(self.0.as_bytes());
        encoded
    }

    pub(super) fn verify_strict(&self, message: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

/// Precomputed multiples of the negative of a key, 30 KiB. All inputs are public, so nothing here needs to hide its timing.
#[derive(Clone)]
pub(super) struct Table {
    bytes: [u8; 32],
    /// Shared by the lists that name the key, one after the other.
    negative: Arc<EdwardsBasepointTable>,
}

impl Table {
    pub(super) fn new(key: &Point) -> Table {
        let point = EdwardsPoint::from(key.0);
        Table { bytes: *key.0.as_bytes(), negative: Arc::new(EdwardsBasepointTable::create(&-point)) }
    }

    /// Same S, R and A checks, same k and same byte comparison as `verify_strict` of ed25519-dalek: A was checked at
    /// import; a computed point that equals the bytes of R shows that R decodes, and its order is R's order.
    pub(super) fn verify_strict(&self, message: &[&[u8]], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        let (r, s) = signature.split_at(32);
        let mut s_bytes = [0; 32];
        s_bytes.copy_from_slice(s);
        let Some(s) = Option::<Scalar>::from(Scalar::from_canonical_bytes(s_bytes)) else {
            return false;
        };
        let mut hasher = Sha512::new();
        hasher.update(r);
        hasher.update(self.bytes);
        for part in message {
            hasher.update(part);
        }
        let k = Scalar::from_bytes_mod_order_wide(&hasher.finalize().into());
        let computed = EdwardsPoint::mul_base(&s) + &*self.negative * &k;
        computed.compress().as_bytes().as_slice() == r && !computed.is_small_order()
    }
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
        let public = PublicKey::import(Suite::Ed25519, key.verifying_key().as_bytes())?;
        Ok(SeedSigner { key, public })
    }
}

impl Signer for SeedSigner {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<SignatureBytes, SignError> {
        Ok(SignatureBytes::Ed25519(self.key.sign(message).to_bytes()))
    }
}

impl fmt::Debug for SeedSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SeedSigner({:?})", self.public)
    }
}
