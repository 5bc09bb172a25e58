//! COSE_Sign: several signers, as trust files have.

use alloc::vec::Vec;

use super::{read_protected, write_protected};
use crate::cbor::{Fault, Reader, Writer};
use crate::numbers::{HEADER_TYP, MAX_TRUST_SIGNATURES, TAG_SIGN};
use crate::suite::{KeyId, PublicKey, SIGNATURE_BYTES, SignError, SignatureBytes, Signer, Suite};

/// One signature of a COSE_Sign.
#[derive(Clone, Copy, Debug)]
pub struct Signature<'a> {
    alg: i64,
    kid: KeyId,
    protected: &'a [u8],
    bytes: [u8; SIGNATURE_BYTES],
}

/// A COSE_Sign taken apart, borrowed from the received bytes.
///
/// ```text
/// 98([protected: bstr .cbor {16: typ}, {}, payload: bstr, [1*16 [bstr .cbor {1: alg, 4: kid}, {}, bstr .size 64]]])
/// ```
#[derive(Clone, Debug)]
pub struct Signed<'a> {
    protected: &'a [u8],
    payload: &'a [u8],
    signatures: Vec<Signature<'a>>,
}

impl<'a> Signed<'a> {
    /// Takes an object of type `typ` and at most `cap` bytes apart: 1 to 16 signatures, strictly ascending by kid.
    ///
    /// # Errors
    /// Unreadable if it is not well-formed; not conformant for every other breach of spec/cose.md §3.
    pub fn parse(bytes: &'a [u8], cap: usize, typ: &str) -> Result<Signed<'a>, Fault> {
        if bytes.len() > cap {
            return Err(Fault::not_conformant("the file is longer than its kind allows"));
        }
        let mut reader = Reader::new(bytes);
        reader.tag(TAG_SIGN)?;
        reader.array_of(4)?;
        let protected = reader.bytes()?;
        no_headers(&mut reader)?;
        let payload = reader.bytes()?;
        let signatures = read_signatures(&mut reader)?;
        reader.end()?;
        let mut body = Reader::new(protected);
        let mut map = body.map()?;
        let found = match map.next_int(&mut body)? {
            Some(HEADER_TYP) => body.text()?,
            _ => return Err(Fault::not_conformant("typ is missing in the protected header")),
        };
        if found != typ || map.next_int(&mut body)?.is_some() {
            return Err(Fault::not_conformant("the file is of another type"));
        }
        body.end()?;
        Ok(Signed { protected, payload, signatures })
    }

    /// The payload, not looked at yet.
    #[must_use]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The ids of the keys that signed, ascending.
    pub fn kids(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.signatures.iter().map(|signature| signature.kid)
    }

    /// How many of `keys` signed. A key counts once; signatures of other keys are ignored.
    ///
    /// # Errors
    /// Not conformant if a signature that names one of `keys` does not verify, or has a forbidden algorithm: that
    /// spoils the file.
    pub fn count(&self, keys: &[PublicKey]) -> Result<usize, Fault> {
        let mut good = 0;
        for signature in &self.signatures {
            let suite = Suite::from_alg(signature.alg);
            let Some(bytes) = suite.and_then(|suite| SignatureBytes::new(suite, &signature.bytes)) else {
                return Err(Fault::not_conformant("a signature with a forbidden algorithm"));
            };
            let mut named = keys.iter().filter(|key| key.kid() == signature.kid).peekable();
            if named.peek().is_none() {
                continue;
            }
            let message = signature_message(self.protected, signature.protected, self.payload);
            if !named.any(|key| key.verify_strict(&message, &bytes)) {
                return Err(Fault::not_conformant("a signature of a known key does not verify"));
            }
            good += 1;
        }
        Ok(good)
    }
}

fn no_headers(reader: &mut Reader<'_>) -> Result<(), Fault> {
    match reader.map()?.next(reader)? {
        None => Ok(()),
        Some(_) => Err(Fault::not_conformant("an unprotected header that does not belong here")),
    }
}

fn read_signatures<'a>(reader: &mut Reader<'a>) -> Result<Vec<Signature<'a>>, Fault> {
    let count = reader.array()?;
    if count == 0 || count > MAX_TRUST_SIGNATURES {
        return Err(Fault::not_conformant("no signature, or too many"));
    }
    let mut signatures: Vec<Signature<'a>> = Vec::with_capacity(count);
    for _ in 0..count {
        reader.array_of(3)?;
        let protected = reader.bytes()?;
        no_headers(reader)?;
        let bytes = reader.byte_array()?;
        let (alg, kid, _) = read_protected(protected, false)?;
        if signatures.last().is_some_and(|last| last.kid >= kid) {
            return Err(Fault::not_conformant("signatures are doubled or out of order"));
        }
        signatures.push(Signature { alg, kid, protected, bytes });
    }
    Ok(signatures)
}

/// Puts the signatures of several files of one payload and type together, ascending by kid.
///
/// # Errors
/// Not conformant if the files differ in anything but their signatures, if a kid stands twice, or if there is none or too many.
pub fn merge(files: &[Signed<'_>]) -> Result<Vec<u8>, Fault> {
    let Some(first) = files.first() else { return Err(Fault::not_conformant("no signature, or too many")) };
    if files.iter().any(|file| file.protected != first.protected || file.payload != first.payload) {
        return Err(Fault::not_conformant("signatures of different files"));
    }
    let mut signatures: Vec<&Signature<'_>> = files.iter().flat_map(|file| &file.signatures).collect();
    signatures.sort_by_key(|signature| signature.kid);
    if signatures.windows(2).any(|pair| matches!(pair, [a, b] if a.kid == b.kid)) {
        return Err(Fault::not_conformant("signatures are doubled or out of order"));
    }
    if signatures.len() > MAX_TRUST_SIGNATURES {
        return Err(Fault::not_conformant("no signature, or too many"));
    }
    let mut writer = Writer::with_capacity(first.payload.len() + 128 * signatures.len() + 64);
    writer.tag(TAG_SIGN).array(4).bytes(first.protected).map(0).bytes(first.payload).array(signatures.len());
    for signature in signatures {
        writer.array(3).bytes(signature.protected).map(0).bytes(&signature.bytes);
    }
    Ok(writer.into_bytes())
}

/// The Sig_structure of one signer of a COSE_Sign (RFC 9052 §4.4).
#[must_use]
pub fn signature_message(body_protected: &[u8], sign_protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut writer = Writer::with_capacity(body_protected.len() + sign_protected.len() + payload.len() + 24);
    writer.array(5).text("Signature").bytes(body_protected).bytes(sign_protected).bytes(&[]).bytes(payload);
    writer.into_bytes()
}

/// Signs a payload as a COSE_Sign of type `typ` by all `signers`.
///
/// # Errors
/// [`SignError`] from a signer, or if two signers share a kid, which the format cannot hold.
pub fn sign(typ: &str, payload: &[u8], signers: &[&dyn Signer]) -> Result<Vec<u8>, SignError> {
    let protected = {
        let mut writer = Writer::default();
        writer.map(1).int(HEADER_TYP).text(typ);
        writer.into_bytes()
    };
    let mut signed: Vec<(KeyId, Vec<u8>, SignatureBytes)> = Vec::with_capacity(signers.len());
    for signer in signers {
        let kid = signer.public_key().kid();
        let headers = write_protected(signer.public_key().suite(), kid, None);
        let signature = signer.sign(&signature_message(&protected, &headers, payload))?;
        signed.push((kid, headers, signature));
    }
    signed.sort_by_key(|(kid, ..)| *kid);
    if signed.is_empty() || signed.windows(2).any(|pair| matches!(pair, [a, b] if a.0 == b.0)) {
        return Err(SignError("a trust file needs signers with different key ids"));
    }
    let mut writer = Writer::with_capacity(payload.len() + 128 * signed.len() + 64);
    writer.tag(TAG_SIGN).array(4).bytes(&protected).map(0).bytes(payload).array(signed.len());
    for (_, headers, signature) in &signed {
        writer.array(3).bytes(headers).map(0).bytes(signature.as_bytes());
    }
    Ok(writer.into_bytes())
}
