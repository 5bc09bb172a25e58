//! The one JSON form of a verdict (spec/verdict.md §2).

use alloc::format;
use alloc::string::String;
use core::fmt;

use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use super::{Basis, Check, LicenceData, LogBasis, Verdict};
use crate::credential::{FieldMap, Value};
use crate::suite::Digest;
use crate::time::UnixTime;

/// `sha-256:` and 64 hex digits.
pub(crate) struct DigestText<'a>(pub(crate) &'a Digest);

impl fmt::Display for DigestText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        f.write_str("sha-256:")?;
        // Cannot fail: hexadecimal digits are ASCII.
        f.write_str(core::str::from_utf8(&text).unwrap_or_default())
    }
}

impl Serialize for DigestText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Verdict", 10)?;
        out.serialize_field("outcome", &self.outcome)?;
        out.serialize_field("code", &self.code)?;
        out.serialize_field("gb_result", &self.gb_result())?;
        out.serialize_field("advice", &self.advice())?;
        out.serialize_field("alarm", &self.alarm())?;
        out.serialize_field("text", &Texts(self))?;
        out.serialize_field("checks", &Checks(&self.checks, self.basis.now))?;
        out.serialize_field("warnings", &self.warnings)?;
        out.serialize_field("licence", &self.licence)?;
        out.serialize_field("basis", &self.basis)?;
        out.end()
    }
}

struct Texts<'a>(&'a Verdict);

impl Serialize for Texts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(Some(2))?;
        out.serialize_entry("zh-CN", &self.0.zh())?;
        out.serialize_entry("en", &self.0.en())?;
        out.end()
    }
}

struct Checks<'a>(&'a [Check], UnixTime);

impl Serialize for Checks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|check| CheckAt(check, self.1)))
    }
}

struct CheckAt<'a>(&'a Check, UnixTime);

impl Serialize for CheckAt<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let CheckAt(check, now) = self;
        let mut out = serializer.serialize_struct("Check", 6)?;
        out.serialize_field("group", &check.group)?;
        out.serialize_field("result", &check.result)?;
        out.serialize_field("code", &check.code)?;
        out.serialize_field("source", &check.source.as_ref().map(|(digest, _)| DigestText(digest)))?;
        out.serialize_field("source_time", &check.source.map(|(_, time)| time))?;
        out.serialize_field("age_s", &check.source.map(|(_, time)| now.since(time)))?;
        out.end()
    }
}

impl Serialize for Basis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Basis", 6)?;
        out.serialize_field("now", &self.now)?;
        out.serialize_field("policy", &PolicyName { id: &self.policy.0, version: self.policy.1 })?;
        out.serialize_field(
            "trust_list",
            &self.trust_list.as_ref().map(|(version, digest, timestamp)| TrustBasis {
                version: *version,
                digest: DigestText(digest),
                timestamp: *timestamp,
            }),
        )?;
        out.serialize_field(
            "status_list",
            &self.status_list.as_ref().map(|(uri, iat, digest)| StatusBasis {
                uri,
                iat: *iat,
                digest: DigestText(digest),
            }),
        )?;
        out.serialize_field("log", &self.log)?;
        out.serialize_field(
            "catalogue",
            &self
                .catalogue
                .as_ref()
                .map(|(version, digest)| CatalogueBasis { version: *version, digest: DigestText(digest) }),
        )?;
        out.end()
    }
}

#[derive(Serialize)]
struct PolicyName<'a> {
    id: &'a str,
    version: u64,
}

#[derive(Serialize)]
struct TrustBasis<'a> {
    version: u64,
    digest: DigestText<'a>,
    timestamp: UnixTime,
}

#[derive(Serialize)]
struct StatusBasis<'a> {
    uri: &'a str,
    iat: UnixTime,
    digest: DigestText<'a>,
}

#[derive(Serialize)]
struct CatalogueBasis<'a> {
    version: u64,
    digest: DigestText<'a>,
}

impl Serialize for LogBasis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("LogBasis", 5)?;
        out.serialize_field("origin", &self.origin)?;
        out.serialize_field("size", &self.place.map(|place| place.size))?;
        out.serialize_field("index", &self.place.map(|place| place.index))?;
        out.serialize_field("root", &self.place.as_ref().map(|place| DigestText(&place.root)))?;
        out.serialize_field("proof", &self.proof_digest.as_ref().map(DigestText))?;
        out.end()
    }
}

/// `{"issuer", "vct", "issued_at", "not_before", "expires_at", "view", "fields": {"1": …}}`; fields by integer key.
impl Serialize for LicenceData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("LicenceData", 7)?;
        out.serialize_field("issuer", &self.issuer)?;
        out.serialize_field("vct", &self.vct)?;
        out.serialize_field("issued_at", &self.issued_at)?;
        out.serialize_field("not_before", &self.not_before)?;
        out.serialize_field("expires_at", &self.expires_at)?;
        out.serialize_field("view", &self.is_view)?;
        out.serialize_field("fields", &Fields(&self.fields))?;
        out.end()
    }
}

struct Fields<'a>(&'a [u8]);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Cannot fail: the bytes were read by the same reader when the credential was parsed.
        let fields = FieldMap::parse(self.0).unwrap_or_default();
        let mut out = serializer.serialize_map(Some(fields.len()))?;
        for (key, value) in fields.iter() {
            out.serialize_entry(&format!("{key}"), value)?;
        }
        out.end()
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Text(text) => serializer.serialize_str(text),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Bytes(bytes) => {
                let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                serializer.serialize_str(&hex)
            }
            Value::List(items) => serializer.collect_seq(items),
        }
    }
}
