//! Fit: are these licences what the service item asks for?
//!
//! In scope: which material is met by which licence, and why a licence meets none; which fields a view may show.
//! Out of scope: whether a licence is genuine and valid, which the verdict handed in says; making views (the node).
//! Everything is decided on the signed catalogue (spec/catalogue.md §4).

mod answer;
mod words;

use licence_spec::catalogue::{
    ALWAYS_SHOWN, Alternative, Catalogue, Choice, Content, HolderRole, LicenceType, Material, ServiceItem,
};
use licence_spec::credential::FieldMap;
use licence_spec::suite::Digest;
use licence_spec::time::{CivilDate, UnixTime};
use licence_spec::verdict::{Code, Outcome, Verdict};

pub use answer::{ChoiceFit, Fit, FitResult, LicenceFit, MaterialFit, NotInForce, Reason, Text};
use words::{field_reason, name_of, own_words, reason, text};

/// 颁发日期, from which ages are counted.
const ISSUED_ON: u8 = 8;

/// A licence that was verified, as far as fit looks at it.
#[derive(Clone, Debug)]
pub struct Presented<'a> {
    /// Statement digest of the full licence.
    pub digest: Digest,
    /// Its type.
    pub vct: &'a str,
    /// Its fields.
    pub fields: FieldMap<'a>,
    /// Outcome of its verdict.
    pub outcome: Outcome,
    /// Primary code of its verdict.
    pub code: Option<Code>,
    /// When it was judged: ages are counted to the civil day of this moment.
    pub judged_at: UnixTime,
}

impl<'a> Presented<'a> {
    /// What a verdict lets fit look at; `None` if the signature did not pass, so that there is no licence to speak of.
    #[must_use]
    pub fn of_verdict(verdict: &'a Verdict) -> Option<Presented<'a>> {
        let licence = verdict.licence()?;
        Some(Presented {
            digest: verdict.digests().licence,
            vct: &licence.vct,
            // Cannot fail: the verdict keeps the bytes that the strict reader has taken.
            fields: FieldMap::parse(&licence.fields).ok()?,
            outcome: verdict.outcome(),
            code: verdict.code(),
            judged_at: verdict.basis().now,
        })
    }
}

/// Somebody in the case whose licences are wanted. `Debug` hides the code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Subject<'a> {
    /// What he, she or it is in the case.
    pub role: HolderRole,
    /// Code type, such as `001` or `111`.
    pub code_type: &'a str,
    /// The code.
    pub code: &'a str,
}

impl std::fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subject({:?}, {}, …)", self.role, self.code_type)
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
    let implied = implied_materials(content, item);
    let materials = if item.materials.is_empty() { &implied } else { &item.materials };
    let materials: Vec<_> = materials.iter().map(|material| case.material(material)).collect();
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
        licences: licences.iter().map(|licence| case.licence(item, licence, &materials)).collect(),
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
    let result =
        |code: &String| materials.iter().find(|m| m.code == *code).map_or(FitResult::NotMet, |m| m.result);
    let way = |way: &Vec<String>| way.iter().map(result).max().unwrap_or(FitResult::NotMet);
    ChoiceFit {
        name: choice.name.clone(),
        result: choice.ways.iter().map(way).min().unwrap_or(FitResult::NotMet),
        ways: choice.ways.clone(),
    }
}

fn not_in_force(item: &ServiceItem, licences: &[Presented<'_>]) -> Option<NotInForce> {
    let day = licences.iter().map(|licence| licence.judged_at).max()?.civil_date();
    let words = || text(format!("该事项在 {day} 不在有效期内"), format!("the item is not in force on {day}"));
    (!item.is_in_force_on(day)).then(|| NotInForce { code: Code::PolicyUnavailable, text: words() })
}

/// An item that names no materials wants one licence of each accepted type, of the applicant and from anywhere.
fn implied_materials(content: &Content, item: &ServiceItem) -> Vec<Material> {
    let material = |vct: &String| Material {
        code: vct.clone(),
        name: content.licence_type(vct).map_or_else(|| vct.clone(), |t| t.name.clone()),
        holder_role: HolderRole::Applicant,
        regions: vec!["*".into()],
        alternatives: vec![Alternative { vct: vct.clone(), required: Vec::new() }],
        max_age_days: None,
        constraints: Vec::new(),
        en: None,
    };
    item.accepts.iter().map(|accepted| material(&accepted.vct)).collect()
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
            let Some(alternative) = material.alternatives.iter().find(|a| a.vct == licence.vct) else {
                continue;
            };
            match self.question(material, alternative, licence) {
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

    /// The questions in the order in which a clerk would ask them: valid, complete, as wanted, young enough, from here,
    /// of this person.
    fn question(
        &self,
        material: &Material,
        alternative: &Alternative,
        licence: &Presented<'_>,
    ) -> Result<(), (FitResult, Reason)> {
        valid(licence)?;
        self.complete(alternative, licence)?;
        self.as_wanted(material, licence)?;
        self.young_enough(material, licence)?;
        from_region(material, licence)?;
        self.of_subject(material, licence)
    }

    fn complete(
        &self,
        alternative: &Alternative,
        licence: &Presented<'_>,
    ) -> Result<(), (FitResult, Reason)> {
        let Some(key) = alternative.required.iter().find(|key| licence.fields.get(**key).is_none()) else {
            return Ok(());
        };
        let name = self.field_name(licence, *key);
        let text = text(format!("证照缺少“{name}”"), format!("the licence lacks the field {name}"));
        Err((FitResult::NotMet, field_reason(licence, Code::FieldMissing, name, text)))
    }

    fn as_wanted(&self, material: &Material, licence: &Presented<'_>) -> Result<(), (FitResult, Reason)> {
        let mut own = material.constraints.iter().filter(|c| c.vct == licence.vct);
        let Some(failed) = own.find(|constraint| !constraint.holds(&licence.fields)) else {
            return Ok(());
        };
        let name = self.field_name(licence, failed.key);
        let text = words::constraint(&name, &failed.comparison);
        Err((FitResult::NotMet, field_reason(licence, Code::FieldConstraintFailed, name, text)))
    }

    fn young_enough(&self, material: &Material, licence: &Presented<'_>) -> Result<(), (FitResult, Reason)> {
        let Some(most) = material.max_age_days else { return Ok(()) };
        let name = self.field_name(licence, ISSUED_ON);
        let Some(issued) = licence.fields.text(ISSUED_ON).and_then(CivilDate::parse) else {
            // A view may leave the date out; then its age cannot be told here.
            let text = text(format!("证照缺少“{name}”"), format!("the licence lacks the field {name}"));
            return Err((FitResult::Undecided, field_reason(licence, Code::FieldMissing, name, text)));
        };
        if licence.judged_at.civil_date().days() - issued.days() <= most {
            return Ok(());
        }
        let text = text(
            format!("证照颁发于 {issued}，超过该材料接受的 {most} 天"),
            format!("issued on {issued}, longer ago than the {most} days that this material accepts"),
        );
        Err((FitResult::NotMet, field_reason(licence, Code::FieldConstraintFailed, name, text)))
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

    fn of_subject(&self, material: &Material, licence: &Presented<'_>) -> Result<(), (FitResult, Reason)> {
        let mut wanted = self.subjects.iter().filter(|s| s.role == material.holder_role).peekable();
        if wanted.peek().is_none() {
            return Err((FitResult::Undecided, own_words(licence, Code::SubjectNotGiven)));
        }
        let (types, codes) = (licence.fields.texts(4), licence.fields.texts(5));
        if codes.is_empty() {
            // A view may leave the codes out; then nobody can say here whose licence it is.
            return Err((FitResult::Undecided, own_words(licence, Code::SubjectAmbiguous)));
        }
        let holds = |subject: &Subject<'_>| {
            let same_type = |at: usize| types.get(at).is_none_or(|own| *own == subject.code_type);
            codes.iter().enumerate().any(|(at, code)| *code == subject.code && same_type(at))
        };
        if wanted.any(holds) {
            Ok(())
        } else {
            Err((FitResult::NotMet, own_words(licence, Code::SubjectMismatch)))
        }
    }

    fn licence(&self, item: &ServiceItem, licence: &Presented<'_>, materials: &[MaterialFit]) -> LicenceFit {
        let name = name_of(&licence.digest);
        let accepted = item.accepted(licence.vct);
        LicenceFit {
            type_name: self.content.licence_type(licence.vct).map(|t| t.name.clone()),
            meets: materials
                .iter()
                .filter(|m| m.licence.as_ref() == Some(&name))
                .map(|m| m.code.clone())
                .collect(),
            permitted_fields: accepted.map_or_else(Vec::new, |a| shown(&a.fields, &licence.fields)),
            reason: accepted.is_none().then(|| own_words(licence, Code::TypeNotAccepted)),
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

fn from_region(material: &Material, licence: &Presented<'_>) -> Result<(), (FitResult, Reason)> {
    let area = licence.fields.text(7).unwrap_or_default();
    if material.regions.iter().any(|region| region == "*" || area.starts_with(region.as_str())) {
        return Ok(());
    }
    let regions = material.regions.join("、");
    let text = text(
        format!("属地 {area} 的证照不在该材料接受的地区（{regions}）内"),
        format!("the licence is of area {area}; this material accepts {}", material.regions.join(", ")),
    );
    Err((FitResult::NotMet, reason(licence, Code::ScopeRegion, text)))
}
