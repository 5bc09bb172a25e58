//! Collecting checks in group order.

use alloc::vec::Vec;

use crate::suite::Digest;
use crate::time::UnixTime;
use crate::verdict::{
    Basis, Check, CheckResult, Class, Code, Digests, Group, LicenceData, Verdict, Warning, fill_checks,
};

/// Where the evidence of a check comes from.
pub(super) type Source = Option<(Digest, UnixTime)>;

/// The checks made so far.
pub(super) struct Record {
    checks: Vec<Check>,
    warnings: Vec<Warning>,
}

impl Record {
    pub(super) fn new() -> Record {
        Record { checks: Vec::with_capacity(Group::ALL.len() + 2), warnings: Vec::new() }
    }

    pub(super) fn pass(&mut self, group: Group, source: Source) {
        self.checks.push(Check { group, result: CheckResult::Pass, code: None, source });
    }

    pub(super) fn skip(&mut self, group: Group) {
        self.checks.push(Check { group, result: CheckResult::Skipped, code: None, source: None });
    }

    /// Marks all groups before `group` as passed, for a question that was decided before any object was read.
    pub(super) fn pass_before(&mut self, group: Group) {
        for earlier in Group::ALL.iter().copied().filter(|earlier| *earlier < group) {
            if earlier == Group::Crypto {
                self.skip(earlier);
            } else {
                self.pass(earlier, None);
            }
        }
    }

    pub(super) fn found(&mut self, code: Code, source: Source) {
        self.found_in(code.group(), code, source);
    }

    /// Records a code under a group that is not its own: a shared code such as SCHEMA_MISMATCH stays where it was found.
    pub(super) fn found_in(&mut self, group: Group, code: Code, source: Source) {
        let result = if code.class() == Class::Fail { CheckResult::Fail } else { CheckResult::Inconclusive };
        self.checks.push(Check { group, result, code: Some(code), source });
    }

    /// Records all codes of a group, or that it passed.
    pub(super) fn group(&mut self, group: Group, codes: &[Code], source: Source) {
        if codes.is_empty() {
            self.pass(group, source);
        }
        codes.iter().for_each(|code| self.found(*code, source));
    }

    /// Ends the list with a code; all later groups are skipped.
    pub(super) fn stop(&mut self, code: Code) {
        fill_checks(&mut self.checks, code);
    }

    pub(super) fn warn(&mut self, warning: Warning) {
        self.warnings.push(warning);
    }

    /// Whether a code says that this office, case or authorisation may not use the object at all.
    pub(super) fn use_is_refused(&self) -> bool {
        self.checks.iter().filter_map(|check| check.code).any(|code| {
            matches!(
                code,
                Code::ViewAudienceMismatch
                    | Code::ViewPurposeMismatch
                    | Code::ViewExpired
                    | Code::AuthorisationMissing
                    | Code::AuthorisationExpired
            )
        })
    }

    pub(super) fn finish(mut self, licence: Option<LicenceData>, digests: Digests, basis: Basis) -> Verdict {
        self.warnings.sort_unstable();
        Verdict::from_checks(self.checks, self.warnings, licence, digests, basis)
    }
}
