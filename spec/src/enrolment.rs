//! Enrolment request 入网申请: a node's public keys, each with proof that the node holds its private half.
//!
//! In scope: the bytes, their rules, the proofs, the time within which a request is good. Out of scope: whether the province
//! lets the node in (region, authorities and roles are held against the catalogue's data there), key files, and how the
//! request travels: by hand. Format: spec/enrolment.md.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::cbor::{Fault, Reader, Writer};
use crate::identifiers::{CreditCode, DivisionCode};
use crate::log::note::LogKey;
use crate::numbers::{CLOCK_SKEW_S, MAX_CODE};
use crate::suite::{
    Digest, KeyError, PublicKey, SIGNATURE_BYTES, SignError, SignatureBytes, Signer, Suite, name_digest,
};
use crate::time::UnixTime;
use crate::trust::{Role, is_host};

/// Longest request, bytes: 256 keys of about 60 bytes with signatures of 66 are 32 KiB.
pub const MAX_ENROLMENT: usize = 65_536;
/// Most keys of one node: the largest one of the shipped catalogue has 36.
pub const MAX_ENROLMENT_KEYS: usize = 256;
/// A request is good for this long after its signing, seconds: 14 days, for two people to compare it and officers to meet.
pub const ENROLMENT_LIFE_S: i64 = 14 * 86_400;
/// Bytes of the nonce, so that no two requests have one digest.
pub const ENROLMENT_NONCE: usize = 16;

/// What every key signs, before the digest. The NUL keeps it apart from signed notes, which are text, and from COSE, whose
/// signed structures are CBOR arrays.
const CONTEXT: &[u8] = b"elicence-enrolment-v1\0";
/// Keys of a request are bare bytes, and so all of one suite.
const SUITE: Suite = Suite::Ed25519;

/// What a key of a node is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyUsage {
    /// A role of the trust list.
    Role(Role),
    /// Checkpoints of the node's log.
    Log,
}

impl KeyUsage {
    /// The number on the wire: that of the role, 7 for the log.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            KeyUsage::Role(role) => role.number(),
            KeyUsage::Log => 7,
        }
    }

    fn from_number(number: i64) -> Option<KeyUsage> {
        if number == 7 { Some(KeyUsage::Log) } else { Role::from_number(number).map(KeyUsage::Role) }
    }
}

impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyUsage::Role(role) => role.as_str(),
            KeyUsage::Log => "log",
        })
    }
}

/// One key of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolledKey {
    /// Code of the authority, a 统一社会信用代码 whose check digits agree.
    pub authority: String,
    /// What it is for.
    pub usage: KeyUsage,
    /// The key. Its private half signed the request.
    pub key: PublicKey,
}

/// A request that was opened: its rules hold, and every key signed it.
#[derive(Clone, Debug)]
pub struct Enrolment {
    region: DivisionCode,
    host: String,
    log: LogKey,
    keys: Vec<EnrolledKey>,
    nonce: [u8; ENROLMENT_NONCE],
    iat: UnixTime,
    digest: Digest,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnrolmentError {
    /// The bytes break the format.
    Format(Fault),
    /// A region that is no division code of six digits.
    Region,
    /// The check digits of an authority's code do not agree.
    Code(String),
    /// A key that nobody may use: place in the list from 0, and what is wrong with it.
    Key(usize, KeyError),
    /// The same public key in two places.
    KeyTwice(String, KeyUsage),
    /// The log's vkey is not made of the host and of the key for the log.
    Log,
    /// Another number of signatures than of keys.
    ProofMissing {
        /// Keys in the request.
        keys: usize,
        /// Signatures in the request.
        proofs: usize,
    },
    /// The key did not sign this request.
    Proof(String, KeyUsage),
    /// Signed too long ago: it is made anew, and what is sent again later lets nobody in.
    TooOld(UnixTime),
    /// Signed in the future, by the clock of whoever asks.
    InFuture(UnixTime),
}

impl From<Fault> for EnrolmentError {
    fn from(fault: Fault) -> EnrolmentError {
        EnrolmentError::Format(fault)
    }
}

/// Who asks, when, and a number used once.
#[derive(Clone, Copy, Debug)]
pub struct Applicant<'a> {
    /// Division code of the node.
    pub region: &'a str,
    /// Host on which it publishes.
    pub host: &'a str,
    /// 16 random bytes.
    pub nonce: [u8; ENROLMENT_NONCE],
    /// Signing time.
    pub iat: UnixTime,
}

/// Makes a request that every key signs; exactly one key is for the log.
///
/// # Errors
/// [`SignError`] from a signer, or if the log's key is missing or the host makes no log name.
pub fn request(
    applicant: &Applicant<'_>,
    keys: &[(&str, KeyUsage, &dyn Signer)],
) -> Result<Vec<u8>, SignError> {
    let mut keys = keys.to_vec();
    keys.sort_by_key(|(authority, usage, _)| (*authority, usage.number()));
    let log = keys.iter().find(|(_, usage, _)| *usage == KeyUsage::Log);
    let log = log.and_then(|(.., key)| log_key(applicant.host, key.public_key()));
    let log = log.ok_or(SignError("the key of the log is missing, or the host makes no log name"))?;
    let mut writer = Writer::default();
    writer.map(6).int(1).text(applicant.region).int(2).text(applicant.host).int(3).text(&log.to_string());
    writer.int(4).array(keys.len());
    for (authority, usage, key) in &keys {
        writer.array(3).text(authority).int(usage.number()).bytes(key.public_key().bytes());
    }
    writer.int(5).bytes(&applicant.nonce).int(6).int(applicant.iat.0);
    let body = writer.into_bytes();
    let message = message(&name_digest(&[&body]));
    let mut writer = Writer::default();
    writer.array(2).bytes(&body).array(keys.len());
    for (.., key) in &keys {
        writer.bytes(key.sign(&message)?.as_bytes());
    }
    Ok(writer.into_bytes())
}

fn log_key(host: &str, key: &PublicKey) -> Option<LogKey> {
    LogKey::new(&[host, "/log"].concat(), *key).ok()
}

/// What every key signs of a request with this digest.
fn message(digest: &Digest) -> Vec<u8> {
    [CONTEXT, digest].concat()
}

impl Enrolment {
    /// Opens a request: rules first, then every proof.
    ///
    /// # Errors
    /// [`EnrolmentError`]; its time is another question, [`Enrolment::check_time`].
    pub fn open(bytes: &[u8]) -> Result<Enrolment, EnrolmentError> {
        if bytes.len() > MAX_ENROLMENT {
            return Err(Fault::not_conformant("the request is over the cap").into());
        }
        let mut reader = Reader::new(bytes);
        reader.array_of(2)?;
        let body = reader.bytes()?;
        let count = reader.array()?;
        if count > MAX_ENROLMENT_KEYS {
            return Err(TOO_MANY.into());
        }
        let mut proof = || {
            let bytes: [u8; SIGNATURE_BYTES] = reader.byte_array()?;
            SignatureBytes::new(SUITE, &bytes).ok_or(Fault::not_conformant("a proof of another length"))
        };
        let proofs = (0..count).map(|_| proof()).collect::<Result<Vec<SignatureBytes>, Fault>>()?;
        reader.end()?;
        let enrolment = read_body(body)?;
        enrolment.check_proofs(&proofs)?;
        Ok(enrolment)
    }

    fn check_proofs(&self, proofs: &[SignatureBytes]) -> Result<(), EnrolmentError> {
        if proofs.len() != self.keys.len() {
            return Err(EnrolmentError::ProofMissing { keys: self.keys.len(), proofs: proofs.len() });
        }
        let message = message(&self.digest);
        let mut pairs = self.keys.iter().zip(proofs);
        match pairs.find(|(own, proof)| !own.key.verify_strict(&message, proof)) {
            Some((own, _)) => Err(EnrolmentError::Proof(own.authority.clone(), own.usage)),
            None => Ok(()),
        }
    }

    /// Whether the request is good at `now`: at most 14 days old, and not from the future.
    ///
    /// # Errors
    /// [`EnrolmentError::TooOld`], [`EnrolmentError::InFuture`].
    pub fn check_time(&self, now: UnixTime) -> Result<(), EnrolmentError> {
        if self.iat > now.plus(CLOCK_SKEW_S) {
            return Err(EnrolmentError::InFuture(self.iat));
        }
        if now.since(self.iat) > ENROLMENT_LIFE_S {
            return Err(EnrolmentError::TooOld(self.iat));
        }
        Ok(())
    }

    /// Division code of the node.
    #[must_use]
    pub const fn region(&self) -> &DivisionCode {
        &self.region
    }

    /// Host on which the node publishes.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Name and key of its log.
    #[must_use]
    pub const fn log(&self) -> &LogKey {
        &self.log
    }

    /// All keys, the log's among them, ascending by authority and usage.
    #[must_use]
    pub fn keys(&self) -> &[EnrolledKey] {
        &self.keys
    }

    /// The number used once.
    #[must_use]
    pub const fn nonce(&self) -> &[u8; ENROLMENT_NONCE] {
        &self.nonce
    }

    /// Signing time.
    #[must_use]
    pub const fn iat(&self) -> UnixTime {
        self.iat
    }

    /// SHA-256 of the body: what every key signed, and what two people read out to each other.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }
}

const TOO_MANY: Fault = Fault::not_conformant("no key or signature, or too many");
const MISSING: Fault = Fault::not_conformant("a required member is missing");

fn read_body(body: &[u8]) -> Result<Enrolment, EnrolmentError> {
    let mut reader = Reader::new(body);
    let (mut region, mut host, mut vkey, mut keys, mut nonce, mut iat) = (None, None, None, None, None, None);
    let mut map = reader.map()?;
    while let Some(member) = map.next_int(&mut reader)? {
        match member {
            1 => region = Some(reader.short_text(6)?),
            2 => host = Some(reader.text()?),
            3 => vkey = Some(reader.text()?),
            4 => keys = Some(read_keys(&mut reader)?),
            5 => nonce = Some(reader.byte_array()?),
            6 => iat = Some(reader.time()?),
            _ => return Err(Fault::not_conformant("an unknown member in a request").into()),
        }
    }
    reader.end()?;
    let (Some(region), Some(host), Some(vkey), Some(keys), Some(nonce), Some(iat)) =
        (region, host, vkey, keys, nonce, iat)
    else {
        return Err(MISSING.into());
    };
    let region = DivisionCode::parse(region).map_err(|_| EnrolmentError::Region)?;
    if !is_host(host) {
        return Err(Fault::not_conformant("a host has a wrong shape").into());
    }
    let log = log_of(&keys, host, vkey)?;
    Ok(Enrolment { region, host: host.to_string(), log, keys, nonce, iat, digest: name_digest(&[body]) })
}

/// The log's key, if there is exactly one and the vkey is made of it and of the host.
fn log_of(keys: &[EnrolledKey], host: &str, vkey: &str) -> Result<LogKey, EnrolmentError> {
    let mut logs = keys.iter().filter(|own| own.usage == KeyUsage::Log);
    let (Some(own), None) = (logs.next(), logs.next()) else { return Err(EnrolmentError::Log) };
    log_key(host, &own.key).filter(|log| log.to_string() == vkey).ok_or(EnrolmentError::Log)
}

fn read_keys(reader: &mut Reader<'_>) -> Result<Vec<EnrolledKey>, EnrolmentError> {
    let count = reader.array()?;
    if count == 0 || count > MAX_ENROLMENT_KEYS {
        return Err(TOO_MANY.into());
    }
    let mut keys: Vec<EnrolledKey> = Vec::with_capacity(count);
    for at in 0..count {
        reader.array_of(3)?;
        let authority = reader.short_text(MAX_CODE)?;
        CreditCode::parse(authority).map_err(|_| EnrolmentError::Code(authority.to_string()))?;
        let usage = KeyUsage::from_number(reader.int()?).ok_or(Fault::not_conformant("an unknown usage"))?;
        let key =
            PublicKey::import(SUITE, reader.bytes()?).map_err(|error| EnrolmentError::Key(at, error))?;
        let own = EnrolledKey { authority: authority.to_string(), usage, key };
        let place = |key: &EnrolledKey| (key.authority.clone(), key.usage.number());
        if keys.last().is_some_and(|last| place(last) >= place(&own)) {
            return Err(Fault::not_conformant("keys are doubled or out of order").into());
        }
        if keys.iter().any(|held| held.key == own.key) {
            return Err(EnrolmentError::KeyTwice(own.authority, own.usage));
        }
        keys.push(own);
    }
    Ok(keys)
}

impl fmt::Display for EnrolmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EnrolmentError::Format(fault) => {
                write!(
                    f,
                    "不是入网申请，请由该节点重新生成 / is no enrolment request, have it made anew: {fault}"
                )
            }
            EnrolmentError::Region => {
                f.write_str("区划代码应为六位数字 / the region is no division code of six digits")
            }
            EnrolmentError::Code(code) => {
                write!(
                    f,
                    "机关代码 {code} 校验位不符，请核对 / the check digits of authority {code} do not agree"
                )
            }
            EnrolmentError::Key(at, error) => {
                write!(
                    f,
                    "第 {0} 个公钥不可用，该节点须重新生成密钥 / key {0} is not usable, the node must make another: {error}",
                    at + 1
                )
            }
            EnrolmentError::KeyTwice(authority, usage) => {
                write!(
                    f,
                    "{0} 的 {1} 公钥另有用途 / the {1} key of {0} stands in two places",
                    authority, usage
                )
            }
            EnrolmentError::Log => f.write_str(
                "日志公钥与主机名或密钥不符 / the log's vkey does not belong to the host and the log key",
            ),
            EnrolmentError::ProofMissing { keys, proofs } => {
                write!(
                    f,
                    "{keys} 个公钥只有 {proofs} 个持有证明，请重新申请 / {keys} keys but {proofs} proofs of possession, ask for a new request"
                )
            }
            EnrolmentError::Proof(authority, usage) => {
                write!(
                    f,
                    "{0} 的 {1} 公钥没有签署本申请：内容被改动或并不持有该密钥，请重新申请 / the {1} key of {0} did not sign this request: \
                    it was changed or the key is not held, ask for a new one",
                    authority, usage
                )
            }
            EnrolmentError::TooOld(iat) => {
                write!(
                    f,
                    "申请签于 {iat}，已过 14 天，请重新申请 / signed at {iat}, more than 14 days ago: ask for a new request"
                )
            }
            EnrolmentError::InFuture(iat) => {
                write!(
                    f,
                    "申请签于 {iat}，晚于本机时钟，请核对两处时钟 / signed at {iat}, after this clock: compare both clocks"
                )
            }
        }
    }
}

impl core::error::Error for EnrolmentError {}
