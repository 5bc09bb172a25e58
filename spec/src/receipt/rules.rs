//! The rules by which a receipt must not contradict itself (spec/receipt.md §3).

use super::Receipt;
use crate::cbor::Fault;
use crate::numbers::CLOCK_SKEW_S;
use crate::verdict::{Check, CheckResult, Class, Group, Outcome, judge};

/// Applies all rules.
pub(super) fn check(receipt: &Receipt) -> Result<(), Fault> {
    let body = &receipt.body;
    for group in Group::ALL {
        check_group(*group, &body.checks)?;
    }
    if !body.checks.is_sorted_by_key(|check| check.group) {
        return Err(Fault::not_conformant("the groups of checks are out of order"));
    }
    check_stops(&body.checks)?;
    if body.outcome == Outcome::NoCredential || judge(&body.checks) != (body.outcome, body.code) {
        return Err(Fault::not_conformant("outcome or code do not follow from the checks"));
    }
    let required = [Group::Format, Group::Crypto, Group::Issuer, Group::Time, Group::Schema, Group::Status];
    if body.outcome == Outcome::Accept && required.iter().any(|group| !passed(&body.checks, *group)) {
        return Err(Fault::not_conformant("accepted, though a required group was not passed"));
    }
    if body.holder.is_some() && !passed(&body.checks, Group::Subject) {
        return Err(Fault::not_conformant("a holder is named, and whose licence it is was not found out"));
    }
    check_basis(receipt)
}

/// One entry without a code if the group passed or was skipped, else one entry for each code that it found.
fn check_group(group: Group, checks: &[Check]) -> Result<(), Fault> {
    let own = || checks.iter().filter(|check| check.group == group);
    let (count, first) = (own().count(), own().next());
    let quiet = |check: &Check| matches!(check.result, CheckResult::Pass | CheckResult::Skipped);
    let Some(first) = first else { return Err(Fault::not_conformant("a group of checks is missing")) };
    if quiet(first) {
        return if count == 1 && first.code.is_none() {
            Ok(())
        } else {
            Err(Fault::not_conformant("a group that passed or was skipped has a code or a second entry"))
        };
    }
    let fits = |check: &Check| {
        check.code.is_some_and(|code| {
            let result =
                if code.class() == Class::Fail { CheckResult::Fail } else { CheckResult::Inconclusive };
            code.group() == group
                && code.class() != Class::NoCredential
                && check.result == result
                && own().filter(|other| other.code == Some(code)).count() == 1
        })
    };
    if own().all(fits) {
        Ok(())
    } else {
        Err(Fault::not_conformant("a code does not fit its check, or stands twice"))
    }
}

fn passed(checks: &[Check], group: Group) -> bool {
    checks.iter().any(|check| check.group == group && check.result == CheckResult::Pass)
}

/// What may not have been looked at any more: after FORMAT not passed, CRYPTO failed or CRYPTO skipped.
fn check_stops(checks: &[Check]) -> Result<(), Fault> {
    let has = |group, result| checks.iter().any(|check| check.group == group && check.result == result);
    let last = if !passed(checks, Group::Format) {
        Group::Format
    } else if has(Group::Crypto, CheckResult::Fail) {
        Group::Crypto
    } else if has(Group::Crypto, CheckResult::Skipped) {
        Group::Issuer
    } else {
        return Ok(());
    };
    if checks.iter().any(|check| check.group > last && check.result != CheckResult::Skipped) {
        return Err(Fault::not_conformant("a check was made after the judgement had stopped"));
    }
    Ok(())
}

/// A group passes only on evidence, and the receipt is not older than the token it rests on.
fn check_basis(receipt: &Receipt) -> Result<(), Fault> {
    let body = &receipt.body;
    let without = |group, absent| absent && passed(&body.checks, group);
    if (without(Group::Issuer, body.trust_list.is_none()) && passed(&body.checks, Group::Crypto))
        || without(Group::Schema, body.catalogue.is_none())
        || without(Group::Status, body.status_list.is_none())
        || without(Group::Log, body.log.is_none())
    {
        return Err(Fault::not_conformant("a group passed without the evidence that it needs"));
    }
    if body.status_list.as_ref().is_some_and(|(_, iat, _)| receipt.issued_at.plus(CLOCK_SKEW_S) < *iat) {
        return Err(Fault::not_conformant("the receipt is older than its status token"));
    }
    Ok(())
}
