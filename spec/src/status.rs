//! Status lists: is this licence suspended, ended or superseded, according to its own list?
//!
//! In scope: read and write a token, look up one entry. Out of scope: fetching (the node and the clerk's tool), whether
//! this key may sign lists (`verify`), what an old list means (`verify`).
//! Format: spec/status.md, a profile of draft-ietf-oauth-status-list; vectors in spec/vectors/status/.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::cbor::{Fault, Key, Reader, Writer};
use crate::cose::{self, Sign1, Typ};
use crate::credential::read_status_uri;
use crate::numbers::{
    CLAIM_EXP, CLAIM_IAT, CLAIM_STATUS_LIST, CLAIM_SUB, CLAIM_TTL, MAX_STATUS_ARRAY, MAX_STATUS_LIFE_S,
    MAX_STATUS_TOKEN, TYP_STATUS, TYP_STATUS_NUMBER,
};
use crate::suite::{Digest, KeyId, PublicKey, SignError, Signer};
use crate::time::UnixTime;
use crate::zlib;

/// Bits of one entry; the profile allows no other number.
const BITS: u64 = 2;
/// Entries in one byte.
const PER_BYTE: u64 = 4;

/// The status of a licence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// 0: in force.
    #[default]
    Valid,
    /// 1: ended for good.
    Invalid,
    /// 2: suspended 暂扣.
    Suspended,
    /// 3: superseded 变更/换发.
    Superseded,
}

impl Status {
    /// The value in the list, 0 to 3.
    #[must_use]
    pub const fn value(self) -> u8 {
        self as u8
    }

    /// The status of a value; only the two lowest bits count.
    #[must_use]
    pub const fn from_value(value: u8) -> Status {
        match value & 3 {
            0 => Status::Valid,
            1 => Status::Invalid,
            2 => Status::Suspended,
            _ => Status::Superseded,
        }
    }
}

impl From<Status> for u8 {
    fn from(status: Status) -> u8 {
        status.value()
    }
}

impl From<Status> for i64 {
    fn from(status: Status) -> i64 {
        i64::from(status.value())
    }
}

/// A number that is the value of no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoStatus;

impl TryFrom<i64> for Status {
    type Error = NoStatus;

    fn try_from(value: i64) -> Result<Status, NoStatus> {
        match value {
            // Cannot be cut off: 0 to 3.
            0..=3 => Ok(Status::from_value(value as u8)),
            _ => Err(NoStatus),
        }
    }
}

/// A bit array of statuses: entries of 2 bits, four to a byte, lowest bits first.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusArray(Vec<u8>);

impl StatusArray {
    /// A list of `entries` valid licences; rounded up to a whole byte.
    #[must_use]
    pub fn new(entries: u64) -> StatusArray {
        StatusArray(
            alloc::vec![0; usize::try_from(entries.div_ceil(PER_BYTE)).unwrap_or(0).min(MAX_STATUS_ARRAY)],
        )
    }

    /// The status at `index`, which counts entries from 0 and not bytes; `None` past the end.
    #[must_use]
    pub fn get(&self, index: u64) -> Option<Status> {
        let byte = self.0.get(usize::try_from(index / PER_BYTE).ok()?)?;
        Some(Status::from_value(byte >> (index % PER_BYTE * BITS)))
    }

    /// Sets the status at `index`; false past the end, and then nothing changes.
    pub fn set(&mut self, index: u64, status: Status) -> bool {
        let at = usize::try_from(index / PER_BYTE).unwrap_or(usize::MAX);
        let Some(byte) = self.0.get_mut(at) else { return false };
        let shift = index % PER_BYTE * BITS;
        *byte = (*byte & !(3 << shift)) | (status.value() << shift);
        true
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.len() as u64 * PER_BYTE
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for StatusArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatusArray({} entries)", self.len())
    }
}

/// A status token whose form was checked; who signed it is asked with [`StatusToken::verifies_under`].
#[derive(Clone, Debug)]
pub struct StatusToken {
    uri: String,
    iat: UnixTime,
    exp: UnixTime,
    ttl_s: i64,
    array: StatusArray,
    digest: Digest,
    kid: KeyId,
    bytes: Vec<u8>,
}

impl StatusToken {
    /// Reads a token of at most 1 MiB and inflates its list, at most 4 MiB.
    ///
    /// # Errors
    /// A fault for every breach of spec/status.md; a verdict says `STATUS_UNAVAILABLE` for all of them.
    pub fn parse(bytes: &[u8]) -> Result<StatusToken, Fault> {
        let object = Sign1::parse(bytes, MAX_STATUS_TOKEN)?;
        if !matches!(object.typ(), Typ::Text(TYP_STATUS) | Typ::Number(TYP_STATUS_NUMBER))
            || object.log_proof().is_some()
        {
            return Err(Fault::not_conformant("the object is not a status token"));
        }
        if object.suite().is_none() {
            return Err(Fault::not_conformant("a status token with a forbidden algorithm"));
        }
        let claims = read_claims(object.payload())?;
        let array = zlib::inflate(claims.list, MAX_STATUS_ARRAY)
            .map_err(|_| Fault::not_conformant("the list in the status token does not inflate"))?;
        Ok(StatusToken {
            uri: String::from(claims.uri),
            iat: claims.iat,
            exp: claims.exp,
            ttl_s: claims.ttl_s,
            array: StatusArray(array),
            digest: object.statement_digest(),
            kid: object.kid(),
            bytes: bytes.to_vec(),
        })
    }

    /// Name of the list.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Signing time.
    #[must_use]
    pub const fn iat(&self) -> UnixTime {
        self.iat
    }

    /// When to stop relying on it.
    #[must_use]
    pub const fn exp(&self) -> UnixTime {
        self.exp
    }

    /// After how many seconds to ask again.
    #[must_use]
    pub const fn ttl_s(&self) -> i64 {
        self.ttl_s
    }

    /// The list.
    #[must_use]
    pub const fn array(&self) -> &StatusArray {
        &self.array
    }

    /// Statement digest.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Id of the signing key.
    #[must_use]
    pub const fn kid(&self) -> KeyId {
        self.kid
    }

    /// The token as received.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether `key` signed the token.
    #[must_use]
    pub fn verifies_under(&self, key: &PublicKey) -> bool {
        // Cannot fail: the same bytes were taken apart when the token was made.
        Sign1::parse(&self.bytes, MAX_STATUS_TOKEN).is_ok_and(|object| object.verifies_under(key))
    }
}

struct TokenClaims<'a> {
    uri: &'a str,
    iat: UnixTime,
    exp: UnixTime,
    ttl_s: i64,
    list: &'a [u8],
}

fn read_claims(payload: &[u8]) -> Result<TokenClaims<'_>, Fault> {
    let mut reader = Reader::new(payload);
    let (mut uri, mut exp, mut iat, mut list, mut ttl) = (None, None, None, None, None);
    let mut map = reader.map()?;
    while let Some(key) = map.next_int(&mut reader)? {
        match key {
            CLAIM_SUB => uri = Some(read_status_uri(&mut reader)?),
            CLAIM_EXP => exp = Some(reader.time()?),
            CLAIM_IAT => iat = Some(reader.time()?),
            CLAIM_STATUS_LIST => list = Some(read_list(&mut reader)?),
            CLAIM_TTL => ttl = Some(reader.int()?),
            _ => return Err(Fault::not_conformant("a claim that does not belong here")),
        }
    }
    reader.end()?;
    let (Some(uri), Some(exp), Some(iat), Some(list), Some(ttl_s)) = (uri, exp, iat, list, ttl) else {
        return Err(Fault::not_conformant("a required claim is missing"));
    };
    let life = exp.since(iat);
    if ttl_s < 1 || ttl_s > life || life > MAX_STATUS_LIFE_S {
        return Err(Fault::not_conformant("the life of the status token is out of bounds"));
    }
    Ok(TokenClaims { uri, iat, exp, ttl_s, list })
}

/// `{"lst": bstr, "bits": 2}`, nothing else.
fn read_list<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    let (mut list, mut bits) = (None, None);
    let mut map = reader.map()?;
    while let Some(key) = map.next(reader)? {
        match key {
            Key::Text("lst") => list = Some(reader.bytes()?),
            Key::Text("bits") => bits = Some(reader.uint()?),
            _ => return Err(Fault::not_conformant("an unknown member in the status list")),
        }
    }
    match (list, bits) {
        (Some(list), Some(BITS)) => Ok(list),
        _ => Err(Fault::not_conformant("lst is missing or bits is not 2")),
    }
}

/// Whether a token was signed by a clock that was ahead: its time lies further after `now` than clocks may differ. Such a token counts as not
/// held: it is never relied on, and one with an earlier time may take its place, by the same signer from a register in which every change
/// stands. Else a clock that was a day ahead for a moment would keep a list from being published for a day.
///
/// Source: spec/status.md, rule 5.
#[must_use]
pub fn signed_ahead(iat: UnixTime, now: UnixTime) -> bool {
    iat > now.plus(crate::numbers::CLOCK_SKEW_S)
}

/// Signs a status token for the list `uri`.
///
/// # Errors
/// [`SignError`] from the signer.
pub fn sign(
    uri: &str,
    iat: UnixTime,
    exp: UnixTime,
    ttl_s: i64,
    array: &StatusArray,
    signer: &dyn Signer,
) -> Result<Vec<u8>, SignError> {
    let list = zlib::deflate(&array.0);
    let mut writer = Writer::with_capacity(list.len() + 512);
    writer.map(5).int(CLAIM_SUB).text(uri).int(CLAIM_EXP).int(exp.0).int(CLAIM_IAT).int(iat.0);
    writer.int(CLAIM_STATUS_LIST).map(2).text("lst").bytes(&list).text("bits").uint(BITS);
    writer.int(CLAIM_TTL).int(ttl_s);
    cose::sign1(TYP_STATUS, &writer.into_bytes(), signer)
}
