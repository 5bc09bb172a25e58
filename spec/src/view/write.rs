//! Writing a view.

use alloc::vec::Vec;

use super::{HolderMark, View};
use crate::cbor::{Fault, Writer};
use crate::cose;
use crate::credential::{Credential, Value, WriteError};
use crate::numbers::{
    CLAIM_AUD, CLAIM_CTI, CLAIM_EXP, CLAIM_FIELDS, CLAIM_GROUNDS, CLAIM_IAT, CLAIM_ISS, CLAIM_STATUS,
    CLAIM_VCT, CTI_BYTES, TYP_VIEW,
};
use crate::suite::{Digest, Signer};
use crate::time::UnixTime;

/// A view before it is signed: which licence is shown, to whom, for what, and how much of it.
#[derive(Clone, Copy)]
pub struct Draft<'a> {
    /// The full licence.
    pub licence: &'a Credential<'a>,
    /// Code of the node that makes the view.
    pub iss: &'a str,
    /// Code of the office for which it is made.
    pub aud: &'a str,
    /// Signing time.
    pub iat: UnixTime,
    /// End, exclusive; at most a day later, and no later than the service item allows.
    pub exp: UnixTime,
    /// 16 random bytes.
    pub cti: [u8; CTI_BYTES],
    /// Keys of the fields that the service item permits, ascending; those that the licence has are shown.
    pub permitted: &'a [u8],
    /// Code of the service item.
    pub service_item: &'a str,
    /// Case number.
    pub case_number: &'a str,
    /// Version of the catalogue that permits the fields.
    pub catalogue_version: u64,
    /// Type and code of the holder for whom it is shown; the view carries a keyed digest of them.
    pub holder: (&'a str, &'a str),
}

/// Writes and signs a view. What was written is read back by the strict reader, so nothing that a verifier would refuse ever leaves.
///
/// # Errors
/// [`WriteError`] if the draft breaks spec/view.md, or from the signer.
pub fn sign(draft: &Draft<'_>, signer: &dyn Signer) -> Result<Vec<u8>, WriteError> {
    let status = draft.licence.status;
    let missing = WriteError::Draft(Fault::not_conformant("a licence without a status reference"));
    let status = status.ok_or(missing)?;
    let shown: Vec<(u8, &Value<'_>)> =
        draft.licence.fields.iter().filter(|(key, _)| draft.permitted.contains(key)).collect();
    let mut writer = Writer::with_capacity(1_024);
    writer.map(9).int(CLAIM_ISS).text(draft.iss).int(CLAIM_AUD).text(draft.aud);
    writer.int(CLAIM_EXP).int(draft.exp.0).int(CLAIM_IAT).int(draft.iat.0);
    writer.int(CLAIM_CTI).bytes(&draft.cti).int(CLAIM_VCT).text(draft.licence.vct);
    writer.int(CLAIM_STATUS).map(1).text("status_list").map(2);
    writer.text("idx").uint(status.index).text("uri").text(status.uri);
    writer.int(CLAIM_FIELDS).map(shown.len());
    for (key, value) in shown {
        writer.uint(u64::from(key));
        write_value(value, &mut writer);
    }
    grounds(draft, &mut writer);
    let bytes = cose::sign1(TYP_VIEW, &writer.into_bytes(), signer).map_err(WriteError::Signer)?;
    View::parse(&bytes).map_err(WriteError::Draft)?;
    Ok(bytes)
}

fn grounds(draft: &Draft<'_>, writer: &mut Writer) {
    let digest: Digest = draft.licence.object.statement_digest();
    let mark = HolderMark::new(&draft.cti, draft.holder.0, draft.holder.1);
    writer.int(CLAIM_GROUNDS).map(7);
    writer.uint(1).text(draft.service_item).uint(2).text(draft.case_number).uint(3).bytes(&digest);
    writer.uint(4).int(draft.licence.iat.0).uint(5).text(draft.licence.iss);
    writer.uint(6).uint(draft.catalogue_version).uint(8).bytes(&mark.digest);
}

fn write_value(value: &Value<'_>, writer: &mut Writer) {
    match value {
        Value::Text(text) => writer.text(text),
        Value::Int(value) => writer.int(*value),
        Value::Bool(value) => writer.bool(*value),
        Value::Bytes(bytes) => writer.bytes(bytes),
        Value::List(items) => {
            writer.array(items.len());
            items.iter().for_each(|item| write_value(item, writer));
            writer
        }
    };
}
