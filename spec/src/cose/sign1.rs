//! COSE_Sign1: one signer.

use alloc::vec::Vec;

use super::{Typ, read_protected, write_protected};
use crate::cbor::{Fault, Reader, Writer};
use crate::numbers::{HEADER_LOG_PROOF, TAG_SIGN1};
use crate::suite::{
    Digest, KeyId, KeyTable, PublicKey, SIGNATURE_BYTES, SignError, SignatureBytes, Signer, Suite,
    name_digest,
};

/// A COSE_Sign1 taken apart, borrowed from the received bytes, which are never encoded again.
///
/// ```text
/// 18([protected: bstr .cbor {1: alg, 4: kid, 16: typ}, {? -70002: bstr}, payload: bstr, signature: bstr .size 64])
/// ```
#[derive(Clone, Debug)]
pub struct Sign1<'a> {
    alg: i64,
    kid: KeyId,
    typ: Typ<'a>,
    protected: &'a [u8],
    payload: &'a [u8],
    signature: [u8; SIGNATURE_BYTES],
    log_proof: Option<&'a [u8]>,
}

impl<'a> Sign1<'a> {
    /// Takes an object of at most `cap` bytes apart.
    ///
    /// # Errors
    /// Unreadable if it is empty or not well-formed; not conformant for every other breach of spec/cose.md §2.
    pub fn parse(bytes: &'a [u8], cap: usize) -> Result<Sign1<'a>, Fault> {
        if bytes.len() > cap {
            return Err(Fault::not_conformant("the object is longer than its kind allows"));
        }
        let mut reader = Reader::new(bytes);
        reader.tag(TAG_SIGN1)?;
        reader.array_of(4)?;
        let protected = reader.bytes()?;
        let log_proof = read_unprotected(&mut reader)?;
        let payload = reader.bytes()?;
        let signature = reader.byte_array()?;
        reader.end()?;
        if payload.is_empty() {
            return Err(Fault::not_conformant("the payload is empty"));
        }
        let (alg, kid, typ) = read_protected(protected, true)?;
        Ok(Sign1 { alg, kid, typ, protected, payload, signature, log_proof })
    }

    /// As [`Sign1::parse`], and the type must be `typ` and no log proof may be carried.
    ///
    /// # Errors
    /// As [`Sign1::parse`]; not conformant for another type or a log proof.
    pub fn parse_typed(bytes: &'a [u8], cap: usize, typ: &str) -> Result<Sign1<'a>, Fault> {
        let object = Sign1::parse(bytes, cap)?;
        if object.typ != Typ::Text(typ) {
            return Err(Fault::not_conformant("the object is of another type"));
        }
        if object.log_proof.is_some() {
            return Err(Fault::not_conformant("a log proof where none may be carried"));
        }
        Ok(object)
    }

    /// The suite, or `None` if `alg` is forbidden.
    #[must_use]
    pub const fn suite(&self) -> Option<Suite> {
        Suite::from_alg(self.alg)
    }

    /// The signature, or `None` if `alg` is forbidden.
    fn signature(&self) -> Option<SignatureBytes> {
        self.suite().and_then(|suite| SignatureBytes::new(suite, &self.signature))
    }

    /// The id of the signing key.
    #[must_use]
    pub const fn kid(&self) -> KeyId {
        self.kid
    }

    /// The media type.
    #[must_use]
    pub const fn typ(&self) -> Typ<'a> {
        self.typ
    }

    /// The payload, not looked at yet.
    #[must_use]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The log proof that travels in header -70002, if there is one.
    #[must_use]
    pub const fn log_proof(&self) -> Option<&'a [u8]> {
        self.log_proof
    }

    /// Whether `key` signed this object, strictly. False as well if the algorithm is forbidden.
    #[must_use]
    pub fn verifies_under(&self, key: &PublicKey) -> bool {
        let message = sig_structure(self.protected, self.payload);
        self.signature().is_some_and(|signature| key.verify_strict(&message, &signature))
    }

    /// As [`Sign1::verifies_under`], with a precomputed table and without allocation.
    #[must_use]
    pub fn verifies_with_table(&self, table: &KeyTable) -> bool {
        let (mut first, mut second) = ([0; MAX_HEAD], [0; MAX_HEAD]);
        let parts = [
            SIGNATURE1_HEAD,
            byte_head(self.protected.len(), &mut first),
            self.protected,
            &[0x40],
            byte_head(self.payload.len(), &mut second),
            self.payload,
        ];
        self.signature().is_some_and(|signature| table.verify_strict(&parts, &signature))
    }

    /// The statement form: this object with an empty unprotected header.
    #[must_use]
    pub fn statement(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(self.protected.len() + self.payload.len() + 80);
        writer
            .tag(TAG_SIGN1)
            .array(4)
            .bytes(self.protected)
            .map(0)
            .bytes(self.payload)
            .bytes(&self.signature);
        writer.into_bytes()
    }

    /// Digest of the statement form: the digest by which everything refers to this object. Without allocation.
    #[must_use]
    pub fn statement_digest(&self) -> Digest {
        let (mut first, mut second) = ([0; MAX_HEAD], [0; MAX_HEAD]);
        name_digest(&[
            &[0xd2, 0x84],
            byte_head(self.protected.len(), &mut first),
            self.protected,
            &[0xa0],
            byte_head(self.payload.len(), &mut second),
            self.payload,
            &[0x58, 0x40],
            &self.signature,
        ])
    }
}

fn read_unprotected<'a>(reader: &mut Reader<'a>) -> Result<Option<&'a [u8]>, Fault> {
    let mut map = reader.map()?;
    let mut log_proof = None;
    while let Some(key) = map.next_int(reader)? {
        match key {
            HEADER_LOG_PROOF => log_proof = Some(reader.bytes()?),
            _ => return Err(Fault::not_conformant("an unprotected header that does not belong here")),
        }
    }
    Ok(log_proof)
}

/// `["Signature1", ` of the Sig_structure (RFC 9052 §4.4).
const SIGNATURE1_HEAD: &[u8] = &[0x84, 0x6a, b'S', b'i', b'g', b'n', b'a', b't', b'u', b'r', b'e', b'1'];
/// Objects are shorter than 2^32 bytes by their caps, so a head has at most five bytes.
const MAX_HEAD: usize = 5;

/// The head of a byte string of `length` bytes, in `room`.
fn byte_head(length: usize, room: &mut [u8; MAX_HEAD]) -> &[u8] {
    let [_, b2, b1, b0] = (length as u32).to_be_bytes();
    let (bytes, used): ([u8; MAX_HEAD], usize) = match length {
        0..=23 => ([0x40 | b0, 0, 0, 0, 0], 1),
        24..=0xff => ([0x58, b0, 0, 0, 0], 2),
        0x100..=0xffff => ([0x59, b1, b0, 0, 0], 3),
        _ => ([0x5a, (length >> 24) as u8, b2, b1, b0], 5),
    };
    *room = bytes;
    room.get(..used).unwrap_or_default()
}

/// The Sig_structure of a COSE_Sign1: what is really signed.
fn sig_structure(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut writer = Writer::with_capacity(protected.len() + payload.len() + 24);
    writer.array(4).text("Signature1").bytes(protected).bytes(&[]).bytes(payload);
    writer.into_bytes()
}

/// Signs a payload as a COSE_Sign1 of type `typ`, in statement form.
///
/// # Errors
/// [`SignError`] from the signer.
pub fn sign1(typ: &str, payload: &[u8], signer: &dyn Signer) -> Result<Vec<u8>, SignError> {
    let key = signer.public_key();
    let protected = write_protected(key.suite(), key.kid(), Some(typ));
    let message = sig_structure(&protected, payload);
    let signature = signer.sign(&message)?;
    let mut writer = Writer::with_capacity(protected.len() + payload.len() + 80);
    writer.tag(TAG_SIGN1).array(4).bytes(&protected).map(0).bytes(payload).bytes(signature.as_bytes());
    Ok(writer.into_bytes())
}

/// The digest of an object's statement form, whatever its type; the object must be conformant.
///
/// # Errors
/// As [`Sign1::parse`].
pub fn statement_digest(bytes: &[u8], cap: usize) -> Result<Digest, Fault> {
    Ok(Sign1::parse(bytes, cap)?.statement_digest())
}

/// The licence in `statement` with its log proof in header -70002.
///
/// # Errors
/// As [`Sign1::parse`].
pub fn with_log_proof(statement: &[u8], cap: usize, proof: &[u8]) -> Result<Vec<u8>, Fault> {
    let object = Sign1::parse(statement, cap)?;
    let mut writer = Writer::with_capacity(statement.len() + proof.len() + 16);
    writer.tag(TAG_SIGN1).array(4).bytes(object.protected);
    writer.map(1).int(HEADER_LOG_PROOF).bytes(proof);
    writer.bytes(object.payload).bytes(&object.signature);
    Ok(writer.into_bytes())
}
