//! Reading the claims of a receipt.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Body, Receipt, rules};
use crate::cbor::{Fault, Reader};
use crate::credential::read_status_uri;
use crate::log::note::MAX_KEY_NAME;
use crate::numbers::{CLAIM_AUD, CLAIM_CTI, CLAIM_IAT, CLAIM_ISS, CLAIM_RECEIPT, MAX_CODE};
use crate::suite::Digest;
use crate::time::UnixTime;
use crate::verdict::{Check, CheckResult, Code, Digests, Group, LogBasis, LogPlace, Outcome, Warning};

const MISSING: Fault = Fault::not_conformant("a required member of a receipt is missing");
/// Most checks: nine groups, and no verdict finds more than a handful of codes.
const MAX_CHECKS: usize = 64;
/// Most materials that one licence meets: an item has far fewer.
const MAX_MATERIALS: usize = 64;

/// Reads a payload and applies the rules of consistency.
pub(super) fn receipt(payload: &[u8]) -> Result<Receipt, Fault> {
    let (mut issuer, mut audience, mut issued_at, mut cti, mut read) = (None, None, None, None, None);
    let mut reader = Reader::new(payload);
    let mut map = reader.map()?;
    while let Some(key) = map.next_int(&mut reader)? {
        match key {
            CLAIM_ISS => issuer = Some(code_text(&mut reader)?),
            CLAIM_AUD => audience = Some(code_text(&mut reader)?),
            CLAIM_IAT => issued_at = Some(reader.time()?),
            CLAIM_CTI => cti = Some(reader.byte_array()?),
            CLAIM_RECEIPT => read = Some(body(&mut reader)?),
            _ => return Err(Fault::not_conformant("a claim that does not belong in a receipt")),
        }
    }
    reader.end()?;
    let receipt = Receipt {
        issuer: issuer.ok_or(MISSING)?,
        audience: audience.ok_or(MISSING)?,
        issued_at: issued_at.ok_or(MISSING)?,
        cti: cti.ok_or(MISSING)?,
        body: read.ok_or(MISSING)?,
    };
    rules::check(&receipt)?;
    Ok(receipt)
}

fn code_text(reader: &mut Reader<'_>) -> Result<String, Fault> {
    reader.short_text(MAX_CODE).map(String::from)
}

type VerdictArray = (Outcome, Option<Code>, Vec<Check>);

fn body(reader: &mut Reader<'_>) -> Result<Body, Fault> {
    let (mut case_number, mut service_item, mut licence, mut verdict, mut policy) =
        (None, None, None, None, None);
    let (mut trust, mut status, mut log, mut view, mut catalogue) = (None, None, None, None, None);
    let (mut warnings, mut materials, mut holder) = (Vec::new(), Vec::new(), None);
    let mut map = reader.map()?;
    while let Some(key) = map.next_int(reader)? {
        match key {
            1 => case_number = Some(code_text(reader)?),
            2 => service_item = Some(code_text(reader)?),
            3 => licence = Some(reader.byte_array()?),
            4 => verdict = Some(verdict_array(reader)?),
            5 => policy = Some(read_policy(reader)?),
            6 => trust = Some(or_null(reader, trust_list)?),
            7 => status = Some(or_null(reader, status_list)?),
            8 => log = Some(or_null(reader, log_basis)?),
            9 => view = Some(reader.byte_array()?),
            10 => catalogue = Some(or_null(reader, read_catalogue)?),
            11 => warnings = read_warnings(reader)?,
            12 => materials = read_materials(reader)?,
            13 => holder = Some(reader.byte_array()?),
            _ => return Err(Fault::not_conformant("an unknown member in a receipt")),
        }
    }
    let (outcome, code, checks): VerdictArray = verdict.ok_or(MISSING)?;
    Ok(Body {
        case_number: case_number.ok_or(MISSING)?,
        service_item: service_item.ok_or(MISSING)?,
        digests: Digests { licence: licence.ok_or(MISSING)?, view },
        outcome,
        code,
        checks,
        policy: policy.ok_or(MISSING)?,
        trust_list: trust.ok_or(MISSING)?,
        status_list: status.ok_or(MISSING)?,
        log: log.ok_or(MISSING)?,
        catalogue: catalogue.ok_or(MISSING)?,
        warnings,
        materials,
        holder,
    })
}

fn or_null<T>(
    reader: &mut Reader<'_>,
    read: fn(&mut Reader<'_>) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    if reader.null()? { Ok(None) } else { read(reader).map(Some) }
}

/// One of a closed set of words.
fn word<T: Copy>(reader: &mut Reader<'_>, all: &[T], text: fn(T) -> &'static str) -> Result<T, Fault> {
    let found = reader.text()?;
    let unknown = Fault::not_conformant("an unknown word in a receipt");
    all.iter().copied().find(|word| text(*word) == found).ok_or(unknown)
}

fn code(reader: &mut Reader<'_>) -> Result<Code, Fault> {
    word(reader, Code::ALL, Code::as_str)
}

fn verdict_array(reader: &mut Reader<'_>) -> Result<VerdictArray, Fault> {
    reader.array_of(3)?;
    let outcome = word(reader, Outcome::ALL, Outcome::as_str)?;
    let primary = or_null(reader, code)?;
    let count = reader.array()?;
    if count > MAX_CHECKS {
        return Err(Fault::not_conformant("too many checks in a receipt"));
    }
    let checks = (0..count).map(|_| check(reader)).collect::<Result<_, _>>()?;
    Ok((outcome, primary, checks))
}

fn check(reader: &mut Reader<'_>) -> Result<Check, Fault> {
    reader.array_of(5)?;
    let group = word(reader, Group::ALL, Group::as_str)?;
    let result = word(reader, CheckResult::ALL, CheckResult::as_str)?;
    let code = or_null(reader, code)?;
    let digest: Option<Digest> = or_null(reader, |reader| reader.byte_array())?;
    let time: Option<UnixTime> = or_null(reader, |reader| reader.time())?;
    if digest.is_some() != time.is_some() {
        return Err(Fault::not_conformant(
            "a check has a source without its time, or a time without its source",
        ));
    }
    Ok(Check { group, result, code, source: digest.zip(time) })
}

fn read_policy(reader: &mut Reader<'_>) -> Result<(String, u64), Fault> {
    reader.array_of(2)?;
    Ok((code_text(reader)?, reader.uint()?))
}

fn trust_list(reader: &mut Reader<'_>) -> Result<(u64, Digest, UnixTime), Fault> {
    reader.array_of(3)?;
    Ok((reader.uint()?, reader.byte_array()?, reader.time()?))
}

fn status_list(reader: &mut Reader<'_>) -> Result<(String, UnixTime, Digest), Fault> {
    reader.array_of(3)?;
    Ok((String::from(read_status_uri(reader)?), reader.time()?, reader.byte_array()?))
}

fn log_basis(reader: &mut Reader<'_>) -> Result<LogBasis, Fault> {
    reader.array_of(5)?;
    let origin = String::from(reader.short_text(MAX_KEY_NAME)?);
    let size = or_null(reader, |reader| reader.uint())?;
    let root = or_null(reader, |reader| reader.byte_array())?;
    let index = or_null(reader, |reader| reader.uint())?;
    let proof_digest = or_null(reader, |reader| reader.byte_array())?;
    let place = match (size, root, index) {
        (Some(size), Some(root), Some(index)) if index < size => Some(LogPlace { size, root, index }),
        // A look-up may say no more than that the licence is there; a proof shows where.
        (None, None, None) if proof_digest.is_none() => None,
        _ => {
            return Err(Fault::not_conformant("a leaf beyond the end of its log, or half of a place in one"));
        }
    };
    Ok(LogBasis { origin, place, proof_digest })
}

fn read_catalogue(reader: &mut Reader<'_>) -> Result<(u64, Digest), Fault> {
    reader.array_of(2)?;
    Ok((reader.uint()?, reader.byte_array()?))
}

/// At least one, none twice.
fn read_materials(reader: &mut Reader<'_>) -> Result<Vec<String>, Fault> {
    let count = reader.array()?;
    let wrong = Fault::not_conformant("materials are none, too many or doubled");
    if count == 0 || count > MAX_MATERIALS {
        return Err(wrong);
    }
    let materials: Vec<String> = (0..count).map(|_| code_text(reader)).collect::<Result<_, _>>()?;
    let is_double = |(at, code): (usize, &String)| materials.iter().take(at).any(|other| other == code);
    if materials.iter().enumerate().any(is_double) { Err(wrong) } else { Ok(materials) }
}

fn read_warnings(reader: &mut Reader<'_>) -> Result<Vec<Warning>, Fault> {
    let count = reader.array()?;
    let wrong = Fault::not_conformant("warnings are none, doubled or out of order");
    if count == 0 || count > Warning::ALL.len() {
        return Err(wrong);
    }
    let warnings: Vec<Warning> =
        (0..count).map(|_| word(reader, Warning::ALL, Warning::as_str)).collect::<Result<_, _>>()?;
    if warnings.is_sorted_by(|a, b| a < b) { Ok(warnings) } else { Err(wrong) }
}
