//! Writing a credential.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::Credential;
use crate::cbor::{Fault, Writer};
use crate::cose;
use crate::numbers::{
    CLAIM_CTI, CLAIM_EXP, CLAIM_FIELDS, CLAIM_IAT, CLAIM_ISS, CLAIM_NBF, CLAIM_STATUS, CLAIM_SUB, CLAIM_VCT,
    CTI_BYTES, TYP_LICENCE,
};
use crate::suite::{SignError, Signer};
use crate::time::UnixTime;

/// A field value to be written.
#[derive(Clone, PartialEq, Eq)]
pub enum NewField {
    /// A text in NFC.
    Text(String),
    /// An integer.
    Int(i64),
    /// A truth value.
    Bool(bool),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list, or a table as a list of lists.
    List(Vec<NewField>),
}

impl fmt::Debug for NewField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewField(…)")
    }
}

impl NewField {
    fn write(&self, writer: &mut Writer) {
        match self {
            NewField::Text(text) => writer.text(text),
            NewField::Int(value) => writer.int(*value),
            NewField::Bool(value) => writer.bool(*value),
            NewField::Bytes(bytes) => writer.bytes(bytes),
            NewField::List(items) => {
                writer.array(items.len());
                items.iter().for_each(|item| item.write(writer));
                writer
            }
        };
    }
}

/// The content of a licence before it is signed.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// Code of the issuing authority.
    pub iss: &'a str,
    /// Code of the holder, only if the holder is an organisation.
    pub sub: Option<&'a str>,
    /// Technical end.
    pub exp: UnixTime,
    /// Takes effect.
    pub nbf: UnixTime,
    /// Signing time.
    pub iat: UnixTime,
    /// 16 random bytes.
    pub cti: [u8; CTI_BYTES],
    /// Type of the licence.
    pub vct: &'a str,
    /// Index in the status list.
    pub status_index: u64,
    /// Name of the status list.
    pub status_uri: &'a str,
    /// Fields, ascending by key.
    pub fields: &'a [(u8, NewField)],
}

/// Why a licence could not be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// The draft would not be a conformant credential.
    Draft(Fault),
    /// The signer gave no signature.
    Signer(SignError),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteError::Draft(fault) => write!(f, "the draft is not a conformant licence: {fault}"),
            WriteError::Signer(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for WriteError {}

/// Writes and signs a licence, in statement form. What was written is read back by the strict reader, so nothing that
/// a verifier would refuse ever leaves.
///
/// # Errors
/// [`WriteError`] if the draft breaks spec/credential.md, or from the signer.
pub fn sign(draft: &Draft<'_>, signer: &dyn Signer) -> Result<Vec<u8>, WriteError> {
    let bytes = cose::sign1(TYP_LICENCE, &payload(draft), signer).map_err(WriteError::Signer)?;
    Credential::parse(&bytes).map_err(WriteError::Draft)?;
    Ok(bytes)
}

fn payload(draft: &Draft<'_>) -> Vec<u8> {
    let mut writer = Writer::with_capacity(1_024);
    writer.map(if draft.sub.is_some() { 9 } else { 8 });
    writer.int(CLAIM_ISS).text(draft.iss);
    if let Some(sub) = draft.sub {
        writer.int(CLAIM_SUB).text(sub);
    }
    writer.int(CLAIM_EXP).int(draft.exp.0).int(CLAIM_NBF).int(draft.nbf.0).int(CLAIM_IAT).int(draft.iat.0);
    writer.int(CLAIM_CTI).bytes(&draft.cti).int(CLAIM_VCT).text(draft.vct);
    writer.int(CLAIM_STATUS).map(1).text("status_list").map(2);
    writer.text("idx").uint(draft.status_index).text("uri").text(draft.status_uri);
    writer.int(CLAIM_FIELDS).map(draft.fields.len());
    for (key, value) in draft.fields {
        writer.uint(u64::from(*key));
        value.write(&mut writer);
    }
    writer.into_bytes()
}
