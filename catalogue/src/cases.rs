//! Worked cases: who asks, with which licences, and what must come out. They stand beside the service items.
//!
//! In scope: licences as a case states them, and whether `fit` answers as the case expects. Out of scope: signing those
//! licences; a case starts behind the verdict, whose code it states itself.

use licence_spec::catalogue::{Content, HolderRole, ServiceItem};
use licence_spec::credential::FieldMap;
use licence_spec::suite::sha256;
use licence_spec::time::{CivilDate, UnixTime};
use licence_spec::verdict::{Code, Outcome};

use crate::fit::{Fit, FitResult, MaterialFit, Presented, Subject, fit_unsigned};

/// Judged at noon of the day: far from both ends of it.
const NOON_S: i64 = 43_200;

/// One worked case, to be asked of any content that has its service item.
#[derive(Clone, Debug)]
pub struct WorkedCase {
    /// Path and line of the case.
    pub place: (String, usize),
    /// Code of the service item.
    pub service_item: String,
    /// What the case shows.
    pub name: String,
    /// The day of the question.
    pub today: CivilDate,
    pub(crate) subjects: Vec<OwnedSubject>,
    pub(crate) licences: Vec<WorkedLicence>,
    pub(crate) expected: Expected,
}

#[derive(Clone, Debug)]
pub(crate) struct OwnedSubject {
    pub(crate) role: HolderRole,
    pub(crate) code_type: String,
    pub(crate) code: String,
}

/// A licence as fit sees it; `fields` is an encoded field map.
#[derive(Clone, Debug)]
pub(crate) struct WorkedLicence {
    pub(crate) vct: String,
    pub(crate) fields: Vec<u8>,
    pub(crate) verdict: Option<Code>,
}

#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) result: FitResult,
    /// Material code, its result, and the code of its first reason.
    pub(crate) materials: Vec<(String, FitResult, Option<Code>)>,
}

impl OwnedSubject {
    fn borrowed(&self) -> Subject<'_> {
        Subject { role: self.role, code_type: Some(&self.code_type), code: &self.code, name: None }
    }
}

/// `None` cannot happen: the bytes were written and read back when the case was loaded.
fn present(at: usize, licence: &WorkedLicence, judged_at: UnixTime) -> Option<Presented<'_>> {
    Some(Presented {
        digest: sha256(&[&at.to_be_bytes()]),
        vct: &licence.vct,
        fields: FieldMap::parse(&licence.fields).ok()?,
        outcome: licence.verdict.map_or(Outcome::Accept, Code::outcome),
        code: licence.verdict,
        mark: None,
        judged_at,
    })
}

impl WorkedCase {
    /// The licences of the case: type and encoded field map.
    pub fn licences(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.licences.iter().map(|licence| (licence.vct.as_str(), licence.fields.as_slice()))
    }

    /// The people of the case.
    pub fn subjects(&self) -> impl Iterator<Item = Subject<'_>> {
        self.subjects.iter().map(OwnedSubject::borrowed)
    }

    /// Asks the case of this item; `content` is what the item belongs to.
    #[must_use]
    pub fn ask(&self, content: &Content, item: &ServiceItem) -> Fit {
        let judged_at = UnixTime(self.today.begins().0.saturating_add(NOON_S));
        let presented = |(at, licence)| present(at, licence, judged_at);
        let licences: Vec<_> = self.licences.iter().enumerate().filter_map(presented).collect();
        let subjects: Vec<_> = self.subjects().collect();
        fit_unsigned(content, item, &licences, &subjects)
    }

    /// What of the answer is not as the case expects; empty if all is.
    #[must_use]
    pub fn differences(&self, fit: &Fit) -> Vec<String> {
        let mut found = Vec::new();
        if fit.result != self.expected.result {
            found.push(format!("result {:?} instead of {:?}", fit.result, self.expected.result));
        }
        for (code, result, reason) in &self.expected.materials {
            let Some(material) = fit.materials.iter().find(|m| m.code == *code) else {
                found.push(format!("no material {code}"));
                continue;
            };
            let got = (material.result, first_reason(material));
            if got != (*result, *reason) {
                found.push(format!("material {code} {got:?} instead of {:?}", (result, reason)));
            }
        }
        let untold = |m: &&MaterialFit| !self.expected.materials.iter().any(|(code, ..)| *code == m.code);
        found.extend(
            fit.materials.iter().filter(untold).map(|m| format!("material {} is not stated", m.code)),
        );
        found
    }
}

fn first_reason(material: &MaterialFit) -> Option<Code> {
    material.reasons.first().map(|reason| reason.code)
}
