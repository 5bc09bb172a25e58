//! Licences and views, good and not: written field by field, so that what the library would refuse to sign can be signed.

use licence_spec::cbor::Writer;
use licence_spec::numbers::{
    ALG_ED25519, CLAIM_AUD, CLAIM_CTI, CLAIM_EXP, CLAIM_FIELDS, CLAIM_GROUNDS, CLAIM_IAT, CLAIM_ISS,
    CLAIM_NBF, CLAIM_STATUS, CLAIM_SUB, CLAIM_VCT, HEADER_ALG, HEADER_KID, HEADER_TYP, TAG_SIGN1,
    TYP_LICENCE, TYP_VIEW,
};
use licence_spec::suite::{Digest, Signer as _, sha256};
use licence_spec::time::UnixTime;

use crate::keys::Keys;
use crate::world::*;

/// What varies between the licences of the vectors.
#[derive(Clone)]
pub(crate) struct Licence {
    pub(crate) key: &'static str,
    pub(crate) iss: &'static str,
    pub(crate) alg: i64,
    pub(crate) vct: &'static str,
    pub(crate) iat: UnixTime,
    pub(crate) nbf: UnixTime,
    pub(crate) exp: UnixTime,
    /// Index and uri; none gives `STATUS_MISSING`.
    pub(crate) status: Option<(u64, &'static str)>,
    pub(crate) revision: u64,
    pub(crate) area: &'static str,
    /// Field 24 of [`PREMISES`], the address.
    pub(crate) address: bool,
    /// A field that no revision has.
    pub(crate) unknown_field: bool,
    /// Whether the holders' names (3), which every type requires, are there.
    pub(crate) names: bool,
}

impl Licence {
    pub(crate) const fn good() -> Licence {
        Licence {
            key: "issuer",
            iss: CITY,
            alg: ALG_ED25519,
            vct: PREMISES,
            iat: ISSUED,
            nbf: ISSUED,
            exp: ISSUED.plus(5 * YEAR_S),
            status: Some((5, STATUS_LIST)),
            revision: 1,
            area: "440106",
            address: true,
            unknown_field: false,
            names: true,
        }
    }

    /// Issued, and in effect, at this moment.
    pub(crate) const fn issued(self, iat: UnixTime) -> Licence {
        Licence { iat, nbf: iat, exp: iat.plus(5 * YEAR_S), ..self }
    }

    pub(crate) const fn signed_by(self, key: &'static str) -> Licence {
        Licence { key, ..self }
    }

    pub(crate) const fn at_index(self, index: u64) -> Licence {
        Licence { status: Some((index, STATUS_LIST)), ..self }
    }

    /// The signed statement; `name` makes the random id.
    pub(crate) fn sign(&self, name: &str, keys: &Keys) -> Vec<u8> {
        let mut claims = Writer::default();
        claims.map(8 + usize::from(self.status.is_some()));
        claims.int(CLAIM_ISS).text(self.iss).int(CLAIM_SUB).text(CODE).int(CLAIM_EXP).int(self.exp.0);
        claims.int(CLAIM_NBF).int(self.nbf.0).int(CLAIM_IAT).int(self.iat.0).int(CLAIM_CTI).bytes(&cti(name));
        claims.int(CLAIM_VCT).text(self.vct);
        if let Some((index, uri)) = self.status {
            write_status(&mut claims, index, uri);
        }
        self.write_fields(claims.int(CLAIM_FIELDS));
        sign(TYP_LICENCE, self.alg, &claims.into_bytes(), self.key, keys)
    }

    fn write_fields(&self, out: &mut Writer) {
        let is_business = self.vct == BUSINESS;
        let (id, number) = if is_business {
            (
                "1.2.156.3005.2.11100000MB0143028R001.11440100X00000027D.20260034581.001.6",
                "穗市监照字2026第0034581号",
            )
        } else {
            (
                "1.2.156.3005.2.11440000X00000051Q201.11440100X00000027D.20260034581.001.K",
                "穗场证〔2026〕0034581号",
            )
        };
        let date = self.iat.civil_date().to_string();
        let own = if is_business { 2 } else { usize::from(self.address) };
        out.map(7 + usize::from(self.names) + own + usize::from(self.unknown_field));
        out.int(0).uint(self.revision).int(1).text(id).int(2).text(number);
        if self.names {
            out.int(3).array(1).text(NAME);
        }
        out.int(4).array(1).text("001").int(5).array(1).text(CODE).int(7).text(self.area).int(8).text(&date);
        if is_business {
            out.int(24).text("有限责任公司（自然人投资或控股）").int(25).text("欧阳示例");
        } else if self.address {
            out.int(24).text("广东省广州市天河区示例路1068号");
        }
        if self.unknown_field {
            out.int(99).text("多出的信息项");
        }
    }
}

/// What varies between the views of the vectors.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) key: &'static str,
    pub(crate) iat: UnixTime,
    pub(crate) exp: UnixTime,
    pub(crate) item: &'static str,
    pub(crate) status: (u64, &'static str),
    /// Issuer of the licence itself.
    pub(crate) licence_iss: &'static str,
    pub(crate) catalogue_version: u64,
    /// Field 1, which the service item may not see.
    pub(crate) too_much: bool,
    /// Field 5, the holders' codes.
    pub(crate) codes: bool,
    /// Digest and iat of the licence.
    pub(crate) licence: (Digest, UnixTime),
}

impl View {
    /// A view of this licence that is good.
    pub(crate) const fn of(licence: Digest) -> View {
        View {
            key: "view",
            iat: at(-900),
            exp: at(900),
            item: ITEM,
            status: (5, STATUS_LIST),
            licence_iss: CITY,
            catalogue_version: 1,
            too_much: false,
            codes: true,
            licence: (licence, ISSUED),
        }
    }

    pub(crate) fn sign(&self, name: &str, keys: &Keys) -> Vec<u8> {
        let mut claims = Writer::default();
        claims.map(9).int(CLAIM_ISS).text(CITY).int(CLAIM_AUD).text(OFFICE).int(CLAIM_EXP).int(self.exp.0);
        claims.int(CLAIM_IAT).int(self.iat.0).int(CLAIM_CTI).bytes(&cti(name)).int(CLAIM_VCT).text(PREMISES);
        write_status(&mut claims, self.status.0, self.status.1);
        claims.int(CLAIM_FIELDS).map(4 + usize::from(self.too_much) + usize::from(self.codes)).int(0).uint(1);
        if self.too_much {
            claims.int(1).text("1.2.156.3005.2.11440000X00000051Q201.11440100X00000027D.20260034581.001.K");
        }
        claims.int(3).array(1).text(NAME);
        if self.codes {
            claims.int(5).array(1).text(CODE);
        }
        claims.int(7).text("440106").int(24).text("广东省广州市天河区示例路1068号");
        claims
            .int(CLAIM_GROUNDS)
            .map(6)
            .int(1)
            .text(self.item)
            .int(2)
            .text(CASE)
            .int(3)
            .bytes(&self.licence.0);
        claims.int(4).int(self.licence.1.0).int(5).text(self.licence_iss).int(6).uint(self.catalogue_version);
        sign(TYP_VIEW, ALG_ED25519, &claims.into_bytes(), self.key, keys)
    }
}

/// 16 bytes in place of random ones, so that every run writes the same.
fn cti(name: &str) -> [u8; 16] {
    let [front @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
        sha256(&[b"elicence verdict vector ", name.as_bytes()]);
    front
}

fn write_status(claims: &mut Writer, index: u64, uri: &str) {
    claims.int(CLAIM_STATUS).map(1).text("status_list").map(2);
    claims.text("idx").uint(index).text("uri").text(uri);
}

/// A COSE_Sign1 of any algorithm number; the signature is Ed25519 in any case.
fn sign(typ: &str, alg: i64, payload: &[u8], key: &str, keys: &Keys) -> Vec<u8> {
    let signer = keys.signer(key);
    let mut protected = Writer::default();
    protected.map(3).int(HEADER_ALG).int(alg).int(HEADER_KID).bytes(&signer.public_key().kid());
    let protected = protected.int(HEADER_TYP).text(typ);
    let protected = std::mem::take(protected).into_bytes();
    let mut message = Writer::default();
    message.array(4).text("Signature1").bytes(&protected).bytes(&[]).bytes(payload);
    let signature = signer.sign(&message.into_bytes()).expect("a signer in memory signs");
    let mut object = Writer::default();
    object.tag(TAG_SIGN1).array(4).bytes(&protected).map(0).bytes(payload).bytes(signature.as_bytes());
    object.into_bytes()
}
