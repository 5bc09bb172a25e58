//! Fit: are these licences what the service item asks for?
//!
//! In scope: which material is met by which licence, and why a licence meets none; which fields a view may show.
//! Out of scope: whether a licence is genuine and valid, which the verdict handed in says; making views (the node).
//! Everything is decided on the signed catalogue (spec/catalogue.md §4).

use licence_spec::catalogue::{
    ALWAYS_SHOWN, Alternative, Catalogue, HolderRole, LicenceType, Material, ServiceItem,
};
use licence_spec::credential::FieldMap;
use licence_spec::suite::Digest;
use licence_spec::verdict::{Code, Outcome, Verdict};
use serde::Serialize;

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

/// Whether something is as wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FitResult {
    /// 满足.
    Met,
    /// 无法确定: a person decides, or the question is asked again with more.
    Undecided,
    /// 不满足.
    NotMet,
}

/// Why a licence does not meet a material, or cannot be said to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The licence, `sha-256:` and hex of its statement digest.
    pub licence: String,
    /// A code of VERDICT.md: `FIELD_MISSING`, `SCOPE_REGION`, `SUBJECT_MISMATCH`, `SUBJECT_NOT_GIVEN`,
    /// `TYPE_NOT_ACCEPTED`, or the code of the licence's own verdict.
    pub code: Code,
    /// Name of the field concerned, for `FIELD_MISSING`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Words for the clerk.
    pub text: Text,
}

/// Words in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Text {
    /// Chinese.
    #[serde(rename = "zh-CN")]
    pub zh: String,
    /// English.
    pub en: String,
}

/// How one material of the service item comes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MaterialFit {
    /// Code within the item.
    pub code: String,
    /// Name.
    pub name: String,
    /// Whose licence it must be.
    pub holder_role: HolderRole,
    /// Names of the types that satisfy it.
    pub any_of: Vec<String>,
    /// The answer. `NOT_MET` without reasons: no licence of these types was presented.
    pub result: FitResult,
    /// The first licence that meets it.
    pub licence: Option<String>,
    /// Why the others of its types do not; empty once it is met.
    pub reasons: Vec<Reason>,
}

/// How one licence comes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LicenceFit {
    /// `sha-256:` and hex of its statement digest.
    pub licence: String,
    /// Name of its type, if the catalogue has it.
    pub type_name: Option<String>,
    /// Codes of the materials for which it was taken; of several that fit, the first presented is.
    pub meets: Vec<String>,
    /// Keys of the fields that a view for this item may show of it; empty if the type is not accepted.
    pub permitted_fields: Vec<u8>,
    /// Set if the item does not accept the type at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// The whole answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fit {
    /// Code of the service item.
    pub service_item: String,
    /// Its name.
    pub name: String,
    /// Version of the catalogue that decided.
    pub catalogue_version: u64,
    /// `MET` if every material is met; else `UNDECIDED` if none is certainly unmet; else `NOT_MET`.
    pub result: FitResult,
    /// Every material, ascending by code.
    pub materials: Vec<MaterialFit>,
    /// Every licence, in the order presented.
    pub licences: Vec<LicenceFit>,
}

/// Says which materials of `item` these licences meet. `subjects` are the people of the case whose codes are known; a
/// material of a role without one stays undecided.
#[must_use]
pub fn fit(
    catalogue: &Catalogue,
    item: &ServiceItem,
    licences: &[Presented<'_>],
    subjects: &[Subject<'_>],
) -> Fit {
    let case = Case { catalogue, licences, subjects };
    let implied = implied_materials(catalogue, item);
    let materials = if item.materials.is_empty() { &implied } else { &item.materials };
    let materials: Vec<_> = materials.iter().map(|material| case.material(material)).collect();
    Fit {
        service_item: item.code.clone(),
        name: item.name.clone(),
        catalogue_version: catalogue.version(),
        result: materials.iter().map(|m| m.result).max().unwrap_or(FitResult::NotMet),
        licences: licences.iter().map(|licence| case.licence(item, licence, &materials)).collect(),
        materials,
    }
}

/// An item that names no materials wants one licence of each accepted type, of the applicant and from anywhere.
fn implied_materials(catalogue: &Catalogue, item: &ServiceItem) -> Vec<Material> {
    let material = |vct: &String| Material {
        code: vct.clone(),
        name: catalogue.licence_type(vct).map_or_else(|| vct.clone(), |t| t.name.clone()),
        holder_role: HolderRole::Applicant,
        regions: vec!["*".into()],
        alternatives: vec![Alternative { vct: vct.clone(), required: Vec::new() }],
    };
    item.accepts.iter().map(|accepted| material(&accepted.vct)).collect()
}

struct Case<'a> {
    catalogue: &'a Catalogue,
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
            |a: &Alternative| self.catalogue.licence_type(&a.vct).map(|t: &LicenceType| t.name.clone());
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

    /// The questions in the order in which a clerk would ask them: valid, complete, from here, of this person.
    fn question(
        &self,
        material: &Material,
        alternative: &Alternative,
        licence: &Presented<'_>,
    ) -> Result<(), (FitResult, Reason)> {
        valid(licence)?;
        self.complete(alternative, licence)?;
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
        let revision = self.catalogue.licence_type(licence.vct).and_then(LicenceType::newest);
        let name = revision.and_then(|r| r.field(*key)).map_or_else(|| key.to_string(), |f| f.name.clone());
        let text = text(format!("证照缺少“{name}”"), format!("the licence lacks the field {name}"));
        let mut reason = reason(licence, Code::FieldMissing, text);
        reason.field = Some(name);
        Err((FitResult::NotMet, reason))
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
            type_name: self.catalogue.licence_type(licence.vct).map(|t| t.name.clone()),
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

fn reason(licence: &Presented<'_>, code: Code, text: Text) -> Reason {
    Reason { licence: name_of(&licence.digest), code, field: None, text }
}

fn own_words(licence: &Presented<'_>, code: Code) -> Reason {
    reason(licence, code, text(code.zh().into(), code.en().into()))
}

fn text(zh: String, en: String) -> Text {
    Text { zh, en }
}

/// `sha-256:` and hex.
fn name_of(digest: &Digest) -> String {
    use std::fmt::Write as _;
    let mut name = String::from("sha-256:");
    for byte in digest {
        // Cannot fail: writing to a string.
        let _ = write!(name, "{byte:02x}");
    }
    name
}
