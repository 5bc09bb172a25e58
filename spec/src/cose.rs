//! COSE_Sign1 and COSE_Sign, in the one shape that this standard allows.
//!
//! In scope: taking the signed bytes apart, the bytes that were signed, statement form and digest, building both.
//! Out of scope: claims (`credential`, `status`, …) and the question whether a key may sign (`trust`).
//! Format: spec/cose.md (RFC 9052 §4); vectors in spec/vectors/cose/.

mod sign;
mod sign1;

pub use sign::{Signature, Signed, merge, sign, signature_message};
pub use sign1::{Sign1, sign1, statement_digest, with_log_proof};

use crate::cbor::{Fault, Kind, Reader, Writer};
use crate::numbers::{HEADER_ALG, HEADER_KID, HEADER_TYP};
use crate::suite::{KeyId, Suite};

/// The media type of an object, from protected header 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typ<'a> {
    /// A media type.
    Text(&'a str),
    /// A CoAP content-format number.
    Number(i64),
}

/// `{1: alg, 4: kid, 16: typ}`, exactly, where `with_typ`; without, `{1: alg, 4: kid}`.
fn read_protected<'a>(bytes: &'a [u8], with_typ: bool) -> Result<(i64, KeyId, Typ<'a>), Fault> {
    let mut reader = Reader::new(bytes);
    let mut map = reader.map()?;
    let (mut alg, mut kid, mut typ) = (None, None, None);
    while let Some(key) = map.next_int(&mut reader)? {
        match key {
            HEADER_ALG => alg = Some(reader.int()?),
            HEADER_KID => kid = Some(reader.byte_array()?),
            HEADER_TYP if with_typ => typ = Some(read_typ(&mut reader)?),
            _ => return Err(Fault::not_conformant("a header that does not belong here")),
        }
    }
    reader.end()?;
    match (alg, kid, typ) {
        (Some(alg), Some(kid), Some(typ)) => Ok((alg, kid, typ)),
        (Some(alg), Some(kid), None) if !with_typ => Ok((alg, kid, Typ::Text(""))),
        _ => Err(Fault::not_conformant("alg, kid or typ is missing in the protected header")),
    }
}

fn read_typ<'a>(reader: &mut Reader<'a>) -> Result<Typ<'a>, Fault> {
    match reader.kind()? {
        Kind::Integer => Ok(Typ::Number(reader.int()?)),
        _ => Ok(Typ::Text(reader.text()?)),
    }
}

fn write_protected(suite: Suite, kid: KeyId, typ: Option<&str>) -> alloc::vec::Vec<u8> {
    let mut writer = Writer::with_capacity(64);
    writer.map(if typ.is_some() { 3 } else { 2 });
    writer.int(HEADER_ALG).int(suite.alg()).int(HEADER_KID).bytes(&kid);
    if let Some(typ) = typ {
        writer.int(HEADER_TYP).text(typ);
    }
    writer.into_bytes()
}
