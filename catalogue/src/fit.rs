//! Fit: are these licences what the service item asks for?
//!
//! In scope: which material is met by which licence, and why a licence meets none; which fields a view may show.
//! Out of scope: whether a licence is genuine and valid, which the verdict handed in says; what a material demands of one
//! licence and whose it is, which the standard judges for the verdict, too (`licence_spec::catalogue::Material::judge`,
//! `licence_spec::verify::is_holder`): fit explains that judgement and never contradicts it; making views (the node).
//! Everything is decided on the signed catalogue (spec/catalogue.md §2).

mod answer;
mod gaps;
mod words;

use licence_spec::catalogue::{
    ALWAYS_SHOWN, Alternative, Catalogue, Choice, Content, LicenceType, Material, ServiceItem,
};
use licence_spec::credential::FieldMap;
use licence_spec::suite::Digest;
use licence_spec::time::UnixTime;
use licence_spec::verdict::{Code, Outcome, Verdict};
use licence_spec::verify::is_holder;
use licence_spec::view::HolderMark;

pub use gaps::Gap;
/// Somebody in the case whose licences are wanted.
pub use licence_spec::policy::Subject;

pub use answer::{ChoiceFit, Fit, FitResult, LicenceFit, MaterialFit, NotInForce, Reason, Text};
use words::{name_of, own_words, text};

/// A licence that was verified, as far as fit looks at it.
#[derive(Clone, Debug)]
pub struct Presented<'a> {
    /// Statement digest of the full licence.
    pub digest: Digest,
    /// Its type.
    pub vct: &'a str,
    /// Its fields.
    pub fields: FieldMap<'a>,
    /// Outcome of its verdict, whatever was asked beside.
    pub outcome: Outcome,
    /// Primary code of its verdict, whatever was asked beside: [`Verdict::own_code`].
    pub code: Option<Code>,
    /// Of the holder for whom a view was made.
    pub mark: Option<HolderMark>,
    /// When it was judged: ages are counted to the civil day of this moment.
    pub judged_at: UnixTime,
}

impl<'a> Presented<'a> {
    /// What a verdict lets fit look at; `None` if the signature did not pass, so that there is no licence to speak of.
    #[must_use]
    pub fn of_verdict(verdict: &'a Verdict) -> Option<Presented<'a>> {
        let (licence, code) = (verdict.licence()?, verdict.own_code());
        Some(Presented {
            digest: verdict.digests().licence,
            vct: &licence.vct,
            // Cannot fail: the verdict keeps the bytes that the strict reader has taken.
            fields: FieldMap::parse(&licence.fields).ok()?,
            outcome: code.map_or(Outcome::Accept, Code::outcome),
            code,
            mark: licence.mark,
            judged_at: verdict.basis().now,
        })
    }
}

/// Says which materials of `item` these licences meet. `subjects` are the people of the case whose codes are known; a
/// material of a role without one stays undecided. The day is that on which the licences were judged; without any
/// licence nothing is met, and whether the item is in force is not asked.
#[must_use]
pub fn fit(
    catalogue: &Catalogue,
    item: &ServiceItem,
    licences: &[Presented<'_>],
    subjects: &[Subject<'_>],
) -> Fit {
    fit_unsigned(catalogue.content(), item, licences, subjects)
}

/// The same answer from a content that is not signed yet: what a publisher tries before signing.
#[must_use]
pub fn fit_unsigned(
    content: &Content,
    item: &ServiceItem,
    licences: &[Presented<'_>],
    subjects: &[Subject<'_>],
) -> Fit {
    let case = Case { content, licences, subjects };
    let wanted = item.wanted(content);
    let materials: Vec<_> = wanted.iter().map(|material| case.material(material)).collect();
    let choices: Vec<_> = item.choices.iter().map(|choice| choice_fit(choice, &materials)).collect();
    let not_in_force = not_in_force(item, licences);
    Fit {
        service_item: item.code.clone(),
        name: item.name.clone(),
        catalogue_version: content.version,
        result: match not_in_force {
            Some(_) => FitResult::Undecided,
            None => whole(&materials, &choices),
        },
        not_in_force,
        choices,
        licences: licences.iter().map(|licence| case.licence(item, &wanted, licence, &materials)).collect(),
        materials,
    }
}

/// The worst of what is wanted: every choice, and every material that stands in none.
fn whole(materials: &[MaterialFit], choices: &[ChoiceFit]) -> FitResult {
    let chosen =
        |m: &&MaterialFit| choices.iter().flat_map(|c| c.ways.iter().flatten()).any(|code| *code == m.code);
    let wanted = materials.iter().filter(|m| !chosen(m)).map(|m| m.result);
    wanted.chain(choices.iter().map(|c| c.result)).max().unwrap_or(FitResult::NotMet)
}

fn choice_fit(choice: &Choice, materials: &[MaterialFit]) -> ChoiceFit {
    let result = best_way(&choice.ways, materials);
    ChoiceFit { name: choice.name.clone(), result, ways: choice.ways.clone() }
}

fn best_way(ways: &[Vec<String>], materials: &[MaterialFit]) -> FitResult {
    let result =
        |code: &String| materials.iter().find(|m| m.code == *code).map_or(FitResult::NotMet, |m| m.result);
    let way = |way: &Vec<String>| way.iter().map(result).max().unwrap_or(FitResult::NotMet);
    ways.iter().map(way).min().unwrap_or(FitResult::NotMet)
}

fn not_in_force(item: &ServiceItem, licences: &[Presented<'_>]) -> Option<NotInForce> {
    let day = licences.iter().map(|licence| licence.judged_at).max()?.civil_date();
    let words = || text(format!("该事项在 {day} 不在有效期内"), format!("the item is not in force on {day}"));
    (!item.is_in_force_on(day)).then(|| NotInForce { code: Code::PolicyUnavailable, text: words() })
}

struct Case<'a> {
    content: &'a Content,
    licences: &'a [Presented<'a>],
    subjects: &'a [Subject<'a>],
}

impl Case<'_> {
    fn material(&self, material: &Material) -> MaterialFit {
        let (mut met, mut result, mut reasons) = (None, FitResult::NotMet, Vec::new());
        for licence in self.licences {
            if material.alternative(licence.vct).is_none() {
                continue;
            }
            match self.question(material, licence) {
                Ok(()) => {
                    met = Some(name_of(&licence.digest));
                    break;
                }
                Err((weight, reason)) => {
                    result = result.min(weight);
                    reasons.push(reason);
                }
            }
        }
        if met.is_some() {
            (result, reasons) = (FitResult::Met, Vec::new());
        }
        let type_name =
            |a: &Alternative| self.content.licence_type(&a.vct).map(|t: &LicenceType| t.name.clone());
        MaterialFit {
            code: material.code.clone(),
            name: material.name.clone(),
            holder_role: material.holder_role,
            any_of: material.alternatives.iter().filter_map(type_name).collect(),
            result,
            licence: met,
            reasons,
        }
    }

    /// The questions in the order in which a clerk would ask them: valid, as the material demands, of this person.
    fn question(&self, material: &Material, licence: &Presented<'_>) -> Result<(), (FitResult, Reason)> {
        valid(licence)?;
        let judged = material.judge(licence.vct, &licence.fields, licence.judged_at.civil_date());
        judged.map_err(|lack| {
            let reason = words::lack(licence, &lack, |key| self.field_name(licence, key));
            (FitResult::NotMet, reason)
        })?;
        self.of_subject(material, licence)
    }

    fn field_name(&self, licence: &Presented<'_>, key: u8) -> String {
        let revision =
            self.content.licence_type(licence.vct).and_then(|t| t.revision(licence.fields.revision()));
        revision
            .and_then(|r| r.field(key))
            .map_or_else(|| self.newest_name(licence.vct, key), |f| f.name.clone())
    }

    /// A licence of an older revision may lack a field that only the newest one names.
    fn newest_name(&self, vct: &str, key: u8) -> String {
        let newest = self.content.licence_type(vct).and_then(LicenceType::newest);
        newest.and_then(|r| r.field(key)).map_or_else(|| key.to_string(), |f| f.name.clone())
    }

    /// One of those in the role must be a holder; that it cannot be told of one of them leaves it open.
    fn of_subject(&self, material: &Material, licence: &Presented<'_>) -> Result<(), (FitResult, Reason)> {
        let mut fault = Code::SubjectNotGiven;
        for subject in self.subjects.iter().filter(|subject| subject.role == material.holder_role) {
            match is_holder(&licence.fields, licence.mark.as_ref(), subject) {
                Ok(()) => return Ok(()),
                Err(code) if fault != Code::SubjectAmbiguous => fault = code,
                Err(_) => {}
            }
        }
        let weight = if fault == Code::SubjectMismatch { FitResult::NotMet } else { FitResult::Undecided };
        Err((weight, own_words(licence, fault)))
    }

    fn licence(
        &self,
        item: &ServiceItem,
        wanted: &[Material],
        licence: &Presented<'_>,
        materials: &[MaterialFit],
    ) -> LicenceFit {
        let name = name_of(&licence.digest);
        let taken = wanted.iter().filter(|material| material.alternative(licence.vct).is_some());
        let weight = |material: &Material| match self.question(material, licence) {
            Ok(()) => FitResult::Met,
            Err((weight, _)) => weight,
        };
        LicenceFit {
            type_name: self.content.licence_type(licence.vct).map(|t| t.name.clone()),
            result: taken.map(weight).min().unwrap_or(FitResult::NotMet),
            meets: materials
                .iter()
                .filter(|m| m.licence.as_ref() == Some(&name))
                .map(|m| m.code.clone())
                .collect(),
            permitted_fields: item
                .accepted(licence.vct)
                .map_or_else(Vec::new, |a| shown(&a.fields, &licence.fields)),
            reason: (!item.takes(licence.vct)).then(|| own_words(licence, Code::TypeNotAccepted)),
            licence: name,
        }
    }
}

/// The permitted keys that the licence really has.
fn shown(permitted: &[u8], fields: &FieldMap<'_>) -> Vec<u8> {
    permitted.iter().copied().filter(|key| ALWAYS_SHOWN.contains(key) || fields.get(*key).is_some()).collect()
}

fn valid(licence: &Presented<'_>) -> Result<(), (FitResult, Reason)> {
    let weight = match licence.outcome {
        Outcome::Accept => return Ok(()),
        Outcome::Indeterminate => FitResult::Undecided,
        Outcome::Reject | Outcome::NoCredential => FitResult::NotMet,
    };
    Err((weight, own_words(licence, licence.code.unwrap_or(Code::Unreadable))))
}
