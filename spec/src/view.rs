//! Views (加注件): a short-lived extract of a licence, signed by a node for one office, service item and case.
//!
//! In scope: reading one strictly, writing one. Out of scope: who may have one (a trip of the node), judging it (`verify`).
//! Format: spec/view.md; vectors in spec/vectors/view/.

mod write;

pub use write::{Draft, sign};

use crate::cbor::{Fault, Reader};
use crate::cose::{Sign1, Typ};
use crate::credential::{Claims, FieldMap, StatusReference};
use crate::identifiers::{HOLDER_CODE_TYPES, HolderCodeType, normal_code};
use crate::numbers::{
    CLAIM_AUD, CLAIM_CTI, CLAIM_EXP, CLAIM_FIELDS, CLAIM_GROUNDS, CLAIM_IAT, CLAIM_ISS, CLAIM_STATUS,
    CLAIM_VCT, CTI_BYTES, MAX_CODE, MAX_PURPOSE, MAX_VIEW, MAX_VIEW_LIFE_S, TYP_VIEW,
};
use crate::suite::{Digest, sha256};
use crate::time::UnixTime;

/// For what a view was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grounds<'a> {
    /// Code of the service item.
    pub service_item: &'a str,
    /// Case number.
    pub case_number: &'a str,
    /// Statement digest of the full licence.
    pub licence: Digest,
    /// Signing time of the full licence.
    pub licence_iat: UnixTime,
    /// Issuer of the full licence.
    pub licence_iss: &'a str,
    /// Version of the catalogue that allowed the fields.
    pub catalogue_version: u64,
    /// Purpose in words.
    pub purpose: Option<&'a str>,
    /// Keyed digest of the holder for whom the licence was shown ([`HolderMark`]); absent in a view that says no more than its fields.
    pub holder: Option<Digest>,
}

/// The holder for whom a view was made, or whom a receipt is about, so that an office that names him can tell that it is he, though his code
/// is not shown. Only who knows the code can compare: SHA-256 over `elic-holder`, line feed, the cti of the view or receipt, code type, line
/// feed, code; both in their normal form (spec/identifiers.md §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HolderMark {
    /// The cti of the view.
    pub cti: [u8; CTI_BYTES],
    /// The digest in its grounds.
    pub digest: Digest,
}

impl HolderMark {
    /// The mark of a holder in the view with this cti.
    #[must_use]
    pub fn new(cti: &[u8; CTI_BYTES], code_type: &str, code: &str) -> HolderMark {
        let (kind, code) = (normal_code(code_type), normal_code(code));
        let digest = sha256(&[b"elic-holder\n", cti, kind.as_bytes(), b"\n", code.as_bytes()]);
        HolderMark { cti: *cti, digest }
    }

    /// Whether this is the holder; where the type of the code is not given, any will do.
    #[must_use]
    pub fn is_of(&self, code_type: Option<&str>, code: &str) -> bool {
        let is = |kind: &str| HolderMark::new(&self.cti, kind, code) == *self;
        code_type.map_or_else(|| HOLDER_CODE_TYPES.map(HolderCodeType::code).into_iter().any(is), is)
    }
}

/// A view whose bytes are conformant; its signature has not been looked at.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// The COSE object.
    pub object: Sign1<'a>,
    /// The node that made it.
    pub iss: &'a str,
    /// The office for which it was made.
    pub aud: &'a str,
    /// End, exclusive.
    pub exp: UnixTime,
    /// Signing time.
    pub iat: UnixTime,
    /// Random id.
    pub cti: [u8; CTI_BYTES],
    /// Type of the licence.
    pub vct: &'a str,
    /// Status reference of the licence.
    pub status: Option<StatusReference<'a>>,
    /// The fields that it shows.
    pub fields: FieldMap<'a>,
    /// For what it was made.
    pub grounds: Grounds<'a>,
}

const MISSING: Fault = Fault::not_conformant("a required claim is missing");

impl<'a> View<'a> {
    /// The mark of the holder for whom it was made.
    #[must_use]
    pub fn holder_mark(&self) -> Option<HolderMark> {
        self.grounds.holder.map(|digest| HolderMark { cti: self.cti, digest })
    }

    /// Reads the bytes of a view, without asking who signed it.
    ///
    /// # Errors
    /// Unreadable or not conformant, by spec/view.md; the first breach met.
    pub fn parse(bytes: &'a [u8]) -> Result<View<'a>, Fault> {
        View::from_object(Sign1::parse(bytes, MAX_VIEW)?)
    }

    pub(crate) fn from_object(object: Sign1<'a>) -> Result<View<'a>, Fault> {
        if object.typ() != Typ::Text(TYP_VIEW) || object.log_proof().is_some() {
            return Err(Fault::not_conformant("the object is not a view"));
        }
        let (mut claims, mut aud, mut grounds) = (Claims::default(), None, None);
        let mut reader = Reader::new(object.payload());
        let mut map = reader.map()?;
        while let Some(key) = map.next_int(&mut reader)? {
            match key {
                CLAIM_ISS | CLAIM_EXP | CLAIM_IAT | CLAIM_CTI | CLAIM_VCT | CLAIM_STATUS | CLAIM_FIELDS => {
                    claims.read(key, &mut reader)?;
                }
                CLAIM_AUD => aud = Some(reader.short_text(MAX_CODE)?),
                CLAIM_GROUNDS => grounds = Some(read_grounds(&mut reader)?),
                _ => return Err(Fault::not_conformant("a claim that does not belong here")),
            }
        }
        reader.end()?;
        let view = View {
            object,
            iss: claims.iss.ok_or(MISSING)?,
            aud: aud.ok_or(MISSING)?,
            exp: claims.exp.ok_or(MISSING)?,
            iat: claims.iat.ok_or(MISSING)?,
            cti: claims.cti.ok_or(MISSING)?,
            vct: claims.vct.ok_or(MISSING)?,
            status: claims.status,
            fields: claims.fields.ok_or(MISSING)?,
            grounds: grounds.ok_or(MISSING)?,
        };
        if view.exp <= view.iat || view.exp.since(view.iat) > MAX_VIEW_LIFE_S {
            return Err(Fault::not_conformant("the life of the view is out of bounds"));
        }
        Ok(view)
    }
}

fn read_grounds<'a>(reader: &mut Reader<'a>) -> Result<Grounds<'a>, Fault> {
    let (mut item, mut case, mut digest, mut iat) = (None, None, None, None);
    let (mut iss, mut catalogue, mut purpose, mut holder) = (None, None, None, None);
    let mut map = reader.map()?;
    while let Some(key) = map.next_int(reader)? {
        match key {
            1 => item = Some(reader.short_text(MAX_CODE)?),
            2 => case = Some(reader.short_text(MAX_CODE)?),
            3 => digest = Some(reader.byte_array()?),
            4 => iat = Some(reader.time()?),
            5 => iss = Some(reader.short_text(MAX_CODE)?),
            6 => catalogue = Some(reader.uint()?),
            7 => purpose = Some(reader.short_text(MAX_PURPOSE)?),
            8 => holder = Some(reader.byte_array()?),
            _ => return Err(Fault::not_conformant("an unknown member in the grounds of a view")),
        }
    }
    Ok(Grounds {
        service_item: item.ok_or(MISSING)?,
        case_number: case.ok_or(MISSING)?,
        licence: digest.ok_or(MISSING)?,
        licence_iat: iat.ok_or(MISSING)?,
        licence_iss: iss.ok_or(MISSING)?,
        catalogue_version: catalogue.ok_or(MISSING)?,
        purpose,
        holder,
    })
}
