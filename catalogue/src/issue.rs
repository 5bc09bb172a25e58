//! Issue requests: from field names and JSON values to the checked fields of a credential.
//!
//! In scope: names to keys, kinds, lengths, required fields, holders' codes, dates; all faults at once, each with the
//! name of the field and never with its value. Out of scope: whether the authority may issue the type here and now
//! (`licence_spec::trust`), numbers and status indexes (the node).

mod build;
mod error;
mod named;
mod rules;

pub use error::{FieldError, FieldErrors, FieldRule};
pub use named::{NamedFields, NamedValue};

use licence_spec::catalogue::LicenceType;
use licence_spec::credential::NewField;
use licence_spec::suite::Digest;
use licence_spec::time::{CivilDate, UnixTime};

use build::Build;

/// One holder of the licence. `Debug` hides name and code.
#[derive(Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// Name; signed in NFC.
    pub name: String,
    /// One of the 16 code types of GB/T 36903 Annex A, such as `001` or `111`.
    pub code_type: String,
    /// The code itself; for 001 and 111 with a right check digit. Signed without blanks around, in half width and capitals.
    pub code: String,
}

impl std::fmt::Debug for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Holder({}, …)", self.code_type)
    }
}

/// What an issue request says about the licence, as the API names it.
#[derive(Clone, Copy, Debug)]
pub struct IssueFields<'a> {
    /// `number`: 证照编号.
    pub number: &'a str,
    /// `area_code`: 6, 9 or 12 digits.
    pub area_code: &'a str,
    /// `holders`: 1 to 64.
    pub holders: &'a [Holder],
    /// Name of the issuing authority, from the node's configuration.
    pub authority_name: &'a str,
    /// `issued_on`: `YYYY-MM-DD`.
    pub issued_on: &'a str,
    /// `valid_from`: `YYYY-MM-DD`; absent = from the day of issue.
    pub valid_from: Option<&'a str>,
    /// `valid_until`: `YYYY-MM-DD`, inclusive; absent = 长期.
    pub valid_until: Option<&'a str>,
    /// The day in China on which it is issued: `issued_on` may not be later.
    pub today: CivilDate,
    /// 证照版本号, from 1.
    pub version: u16,
    /// Statement digest of the licence that this one replaces.
    pub replaces: Option<Digest>,
    /// `fields`: the face items by name.
    pub fields: &'a NamedFields,
}

/// Checked fields, complete but for the licence identifier, which the node numbers last. All texts are in NFC, all codes
/// normalised: what is signed, indexed and compared is this, not the request.
#[derive(Clone, Debug)]
pub struct CheckedFields {
    fields: Vec<(u8, NewField)>,
    sub: Option<String>,
    number: String,
    codes: Vec<(String, String)>,
    starts: CivilDate,
    until: Option<CivilDate>,
    longest_life_s: i64,
}

impl CheckedFields {
    /// Checks a request against the newest revision of its type.
    ///
    /// # Errors
    /// [`FieldErrors`] with every fault of the request.
    pub fn check(
        licence_type: &LicenceType,
        request: &IssueFields<'_>,
    ) -> Result<CheckedFields, FieldErrors> {
        let Some(revision) = licence_type.newest().filter(|_| !licence_type.is_reference_only()) else {
            return Err(FieldErrors(vec![FieldError::new("type", FieldRule::NotIssuedHere)]));
        };
        let mut build = Build::new(revision, licence_type.holders());
        build.number(request.number);
        let (starts, until) = build.dates(request);
        build.holders(request.holders);
        build.issuer(request.authority_name);
        build.area(request.area_code);
        build.versions(request.version, request.replaces);
        build.face(request.fields);
        let Build { errors, mut fields, sub, codes, number, .. } = build;
        fields.retain(|(key, _)| revision.field(*key).is_some());
        fields.sort_by_key(|(key, _)| *key);
        match starts {
            Some(starts) if errors.is_empty() => {
                let longest_life_s = revision.longest_life_s;
                Ok(CheckedFields { fields, sub, number, codes, starts, until, longest_life_s })
            }
            _ => Err(FieldErrors(errors)),
        }
    }

    /// Refuses a type that production must not issue: one whose code is provisional (spec/decisions/0030).
    ///
    /// # Errors
    /// [`FieldErrors`] with the member `type`.
    pub fn check_production(licence_type: &LicenceType) -> Result<(), FieldErrors> {
        if licence_type.is_provisional() {
            return Err(FieldErrors(vec![FieldError::new("type", FieldRule::Provisional)]));
        }
        Ok(())
    }

    /// The fields with 电子证照标识 `id` as key 1, ascending by key: what `licence_spec::credential::Draft` takes.
    #[must_use]
    pub fn with_id(&self, id: &str) -> Vec<(u8, NewField)> {
        let mut fields = self.fields.clone();
        let at = fields.partition_point(|(key, _)| *key < 1);
        fields.insert(at, (1, NewField::Text(id.into())));
        fields
    }

    /// The claim `sub`: the code of the holder, if there is one holder and it is an organisation.
    #[must_use]
    pub fn sub(&self) -> Option<&str> {
        self.sub.as_deref()
    }

    /// 证照编号 as it is signed.
    #[must_use]
    pub fn number(&self) -> &str {
        &self.number
    }

    /// Code type and code of every holder, as they are signed.
    pub fn holder_codes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.codes.iter().map(|(code_type, code)| (code_type.as_str(), code.as_str()))
    }

    /// The claim `nbf`: the first moment, in China, of the day from which the licence is valid; for older licences the
    /// first moment that a claim can hold.
    #[must_use]
    pub fn nbf(&self) -> UnixTime {
        self.starts.begins().max(UnixTime(0))
    }

    /// The claim `exp` of a credential signed at `iat`: the end of the last valid day, but no later than the type's
    /// longest life allows. It may lie at or before `iat`: then the licence has run out and cannot be signed.
    #[must_use]
    pub fn exp(&self, iat: UnixTime) -> UnixTime {
        let longest = iat.plus(self.longest_life_s);
        self.until.map_or(longest, |until| until.ends().min(longest))
    }
}
