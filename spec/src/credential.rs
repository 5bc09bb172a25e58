//! The licence credential: what does it claim, once its bytes have been read strictly?
//!
//! In scope: claims, fields and their shapes; writing a credential. Out of scope: signatures (`cose`), whether the
//! issuer may issue it (`trust`), whether the fields fit the type (`catalogue`), its status (`status`).
//! Format: spec/credential.md; vectors in spec/vectors/licence/.

mod fields;
mod write;

pub use fields::{FieldMap, Value};
pub use write::{Draft, NewField, WriteError, sign};

use crate::cbor::{Fault, Reader};
use crate::cose::{Sign1, Typ};
use crate::numbers::{
    CLAIM_CTI, CLAIM_EXP, CLAIM_FIELDS, CLAIM_IAT, CLAIM_ISS, CLAIM_NBF, CLAIM_STATUS, CLAIM_SUB, CLAIM_VCT,
    CTI_BYTES, MAX_CODE, MAX_LICENCE, MAX_STATUS_URI, TYP_LICENCE,
};
use crate::time::UnixTime;

/// Where the status of a licence stands: an index in the list that this uri names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusReference<'a> {
    /// Position in the list, counted from 0.
    pub index: u64,
    /// Name of the list, `https://` + authority + path.
    pub uri: &'a str,
}

/// A licence whose bytes are conformant; its signature has not been looked at.
#[derive(Clone, Debug)]
pub struct Credential<'a> {
    /// The COSE object.
    pub object: Sign1<'a>,
    /// Code of the issuing authority.
    pub iss: &'a str,
    /// Code of the holder, if the holder is an organisation.
    pub sub: Option<&'a str>,
    /// Technical end, exclusive.
    pub exp: UnixTime,
    /// Takes effect.
    pub nbf: UnixTime,
    /// Signing time.
    pub iat: UnixTime,
    /// Random id.
    pub cti: [u8; CTI_BYTES],
    /// Type of the licence, `urn:elic:<space>:<code>`.
    pub vct: &'a str,
    /// Status reference; a licence without one is readable, but never accepted.
    pub status: Option<StatusReference<'a>>,
    /// The fields.
    pub fields: FieldMap<'a>,
}

impl<'a> Credential<'a> {
    /// Reads the bytes of a licence, with or without a log proof in its header.
    ///
    /// # Errors
    /// Unreadable or not conformant, by spec/credential.md §2; the first breach met.
    pub fn parse(bytes: &'a [u8]) -> Result<Credential<'a>, Fault> {
        Credential::from_object(Sign1::parse(bytes, MAX_LICENCE)?)
    }

    pub(crate) fn from_object(object: Sign1<'a>) -> Result<Credential<'a>, Fault> {
        if object.typ() != Typ::Text(TYP_LICENCE) {
            return Err(Fault::not_conformant("the object is not a licence"));
        }
        let mut claims = Claims::default();
        let mut reader = Reader::new(object.payload());
        let mut map = reader.map()?;
        while let Some(key) = map.next_int(&mut reader)? {
            match key {
                CLAIM_ISS | CLAIM_SUB | CLAIM_EXP | CLAIM_NBF | CLAIM_IAT | CLAIM_CTI | CLAIM_VCT
                | CLAIM_STATUS | CLAIM_FIELDS => claims.read(key, &mut reader)?,
                _ => return Err(Fault::not_conformant("a claim that does not belong here")),
            }
        }
        reader.end()?;
        let missing = Fault::not_conformant("a required claim is missing");
        let credential = Credential {
            object,
            iss: claims.iss.ok_or(missing)?,
            sub: claims.sub,
            exp: claims.exp.ok_or(missing)?,
            nbf: claims.nbf.ok_or(missing)?,
            iat: claims.iat.ok_or(missing)?,
            cti: claims.cti.ok_or(missing)?,
            vct: claims.vct.ok_or(missing)?,
            status: claims.status,
            fields: claims.fields.ok_or(missing)?,
        };
        if credential.exp <= credential.nbf || credential.exp <= credential.iat {
            return Err(Fault::not_conformant("exp is not after nbf and iat"));
        }
        Ok(credential)
    }
}

/// The claims that licences and views share, as far as they have been read.
#[derive(Default)]
pub(crate) struct Claims<'a> {
    pub(crate) iss: Option<&'a str>,
    pub(crate) sub: Option<&'a str>,
    pub(crate) exp: Option<UnixTime>,
    pub(crate) nbf: Option<UnixTime>,
    pub(crate) iat: Option<UnixTime>,
    pub(crate) cti: Option<[u8; CTI_BYTES]>,
    pub(crate) vct: Option<&'a str>,
    pub(crate) status: Option<StatusReference<'a>>,
    pub(crate) fields: Option<FieldMap<'a>>,
}

impl<'a> Claims<'a> {
    /// Reads the value of one claim that licences and views share; the map reader has refused doubled keys.
    pub(crate) fn read(&mut self, key: i64, reader: &mut Reader<'a>) -> Result<(), Fault> {
        match key {
            CLAIM_ISS => self.iss = Some(reader.short_text(MAX_CODE)?),
            CLAIM_SUB => self.sub = Some(reader.short_text(MAX_CODE)?),
            CLAIM_EXP => self.exp = Some(reader.time()?),
            CLAIM_NBF => self.nbf = Some(reader.time()?),
            CLAIM_IAT => self.iat = Some(reader.time()?),
            CLAIM_CTI => self.cti = Some(reader.byte_array()?),
            CLAIM_VCT => self.vct = Some(read_vct(reader)?),
            CLAIM_STATUS => self.status = Some(read_status(reader)?),
            _ => self.fields = Some(FieldMap::read(reader)?),
        }
        Ok(())
    }
}

/// Whether a text is `urn:elic:<space>:<type code>`: `[a-z]{2,8}` and `[0-9A-Z]{3,32}`.
#[must_use]
pub fn is_vct(text: &str) -> bool {
    let Some((space, code)) = text.strip_prefix("urn:elic:").and_then(|rest| rest.split_once(':')) else {
        return false;
    };
    (2..=8).contains(&space.len())
        && space.bytes().all(|byte| byte.is_ascii_lowercase())
        && (3..=32).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// The type code of a vct: what stands behind its last colon. A code alone is its own.
#[must_use]
pub fn type_code(vct: &str) -> &str {
    vct.rsplit(':').next().unwrap_or_default()
}

fn read_vct<'a>(reader: &mut Reader<'a>) -> Result<&'a str, Fault> {
    let text = reader.text()?;
    if is_vct(text) { Ok(text) } else { Err(Fault::not_conformant("vct is not a licence type")) }
}

/// `{"status_list": {"idx": uint, "uri": text}}`, nothing else.
fn read_status<'a>(reader: &mut Reader<'a>) -> Result<StatusReference<'a>, Fault> {
    use crate::cbor::Key;
    let mut outer = reader.map()?;
    if outer.next(reader)? != Some(Key::Text("status_list")) {
        return Err(Fault::not_conformant("the status claim holds something else than a status list"));
    }
    let mut inner = reader.map()?;
    let (mut index, mut uri) = (None, None);
    while let Some(key) = inner.next(reader)? {
        match key {
            Key::Text("idx") => index = Some(reader.uint()?),
            Key::Text("uri") => uri = Some(read_status_uri(reader)?),
            _ => return Err(Fault::not_conformant("an unknown member in the status list reference")),
        }
    }
    if outer.next(reader)?.is_some() {
        return Err(Fault::not_conformant("the status claim holds something else than a status list"));
    }
    match (index, uri) {
        (Some(index), Some(uri)) => Ok(StatusReference { index, uri }),
        _ => Err(Fault::not_conformant("idx or uri is missing in the status list reference")),
    }
}

pub(crate) fn read_status_uri<'a>(reader: &mut Reader<'a>) -> Result<&'a str, Fault> {
    let uri = reader.short_text(MAX_STATUS_URI)?;
    if uri_host(uri).is_some() {
        Ok(uri)
    } else {
        Err(Fault::not_conformant("the status uri has a wrong shape"))
    }
}

/// The authority of a status uri (`https://` + authority + path, no user information, query or fragment), or `None`
/// if the text is no such uri.
#[must_use]
pub fn uri_host(uri: &str) -> Option<&str> {
    let rest = uri.strip_prefix("https://")?;
    let (host, path) = rest.split_at(rest.find('/')?);
    let path_is_plain =
        path.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'\\'));
    (crate::trust::is_host(host) && path_is_plain).then_some(host)
}
