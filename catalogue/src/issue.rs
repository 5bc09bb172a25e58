//! Issue requests: from field names and JSON values to the checked fields of a credential.
//!
//! In scope: names to keys, kinds, lengths, required fields, holders' codes, dates; all faults at once, each with the
//! name of the field and never with its value. Out of scope: whether the authority may issue the type here and now
//! (`licence_spec::trust`), numbers and status indexes (the node).

mod error;
mod named;

pub use error::{FieldError, FieldErrors, FieldRule};
pub use named::{NamedFields, NamedValue};

use licence_spec::catalogue::{Field, FieldKind, LicenceType, Revision};
use licence_spec::cbor::check_text;
use licence_spec::credential::NewField;
use licence_spec::identifiers::{DivisionCode, HolderCode, HolderCodeType};
use licence_spec::numbers::{MAX_FIELD_ITEMS, MAX_FIELD_ROWS, MAX_FIELD_TEXT};
use licence_spec::suite::Digest;
use licence_spec::time::{CivilDate, UnixTime};

/// First key of the face items of a type; the keys below come from the other members of the request.
const FIRST_FACE_KEY: u8 = 24;

/// One holder of the licence. `Debug` hides name and code.
#[derive(Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// Name, in NFC.
    pub name: String,
    /// One of the 16 code types of GB/T 36903 Annex A, such as `001` or `111`.
    pub code_type: String,
    /// The code itself; for 001 and 111 with a right check digit.
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
    /// 证照版本号, from 1.
    pub version: u16,
    /// Statement digest of the licence that this one replaces.
    pub replaces: Option<Digest>,
    /// `fields`: the face items by name.
    pub fields: &'a NamedFields,
}

/// Checked fields, complete but for the licence identifier, which the node numbers last.
#[derive(Clone, Debug)]
pub struct CheckedFields {
    fields: Vec<(u8, NewField)>,
    sub: Option<String>,
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
        let mut errors = Vec::new();
        let Some(revision) = licence_type.newest().filter(|_| !licence_type.is_reference_only()) else {
            return Err(FieldErrors(vec![FieldError::new("type", FieldRule::NotIssuedHere)]));
        };
        let mut build =
            Build { revision, holders: licence_type.holders(), errors: &mut errors, fields: Vec::new() };
        build.fields.push((0, NewField::Int(i64::try_from(revision.number).unwrap_or(i64::MAX))));
        build.text("number", 2, request.number);
        let sub = build.holders(request.holders);
        build.text("issuer", 6, request.authority_name);
        build.area(request.area_code);
        let (starts, until) = build.dates(request);
        build.fields.push((11, NewField::Int(request.version.into())));
        build.fields.extend(request.replaces.map(|digest| (12, NewField::Bytes(digest.to_vec()))));
        build.face(request.fields);
        let mut fields = build.fields;
        fields.retain(|(key, _)| revision.field(*key).is_some());
        fields.sort_by_key(|(key, _)| *key);
        match starts {
            Some(starts) if errors.is_empty() => {
                Ok(CheckedFields { fields, sub, starts, until, longest_life_s: revision.longest_life_s })
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

    /// The claim `nbf`: the first moment, in China, of the day from which the licence is valid.
    #[must_use]
    pub fn nbf(&self) -> UnixTime {
        self.starts.begins()
    }

    /// The claim `exp` of a credential signed at `iat`: the end of the last valid day, but no later than the type's
    /// longest life allows. It may lie at or before `iat`: then the licence has run out and cannot be signed.
    #[must_use]
    pub fn exp(&self, iat: UnixTime) -> UnixTime {
        let longest = iat.plus(self.longest_life_s);
        self.until.map_or(longest, |until| until.ends().min(longest))
    }
}

/// One run over a request.
struct Build<'a> {
    revision: &'a Revision,
    /// Fewest and most holders.
    holders: (usize, usize),
    errors: &'a mut Vec<FieldError>,
    fields: Vec<(u8, NewField)>,
}

impl Build<'_> {
    fn fault(&mut self, field: &str, rule: FieldRule) {
        self.errors.push(FieldError::new(field, rule));
    }

    /// A text member of the request that becomes field `key`.
    fn text(&mut self, member: &str, key: u8, text: &str) {
        let max = self.revision.field(key).map_or(0, |field| field.max);
        match check_length(text, max) {
            Ok(()) => self.fields.push((key, NewField::Text(text.into()))),
            Err(rule) => self.fault(member, rule),
        }
    }

    fn holders(&mut self, holders: &[Holder]) -> Option<String> {
        let (fewest, most) = self.holders;
        if holders.is_empty() {
            self.fault("holders", FieldRule::Missing);
        } else if holders.len() < fewest {
            self.fault("holders", FieldRule::TooFew { min: fewest });
        }
        if holders.len() > most {
            self.fault("holders", FieldRule::TooMany { max: most });
            return None;
        }
        let mut sub = None;
        for (at, holder) in holders.iter().enumerate() {
            let name_max = self.revision.field(3).map_or(0, |field| field.max);
            if let Err(rule) = check_length(&holder.name, name_max) {
                self.fault(&format!("holders[{at}].name"), rule);
            }
            match HolderCodeType::from_code(&holder.code_type) {
                None => self.fault(&format!("holders[{at}].code_type"), FieldRule::CodeType),
                Some(kind) => match HolderCode::parse(kind, &holder.code) {
                    Ok(code) => sub = code.subject().map(str::to_owned),
                    Err(_) => self.fault(&format!("holders[{at}].code"), FieldRule::Code),
                },
            }
            let code_max = self.revision.field(5).map_or(0, |field| field.max);
            if let Err(rule) = check_length(&holder.code, code_max) {
                self.fault(&format!("holders[{at}].code"), rule);
            }
        }
        let list = |of: fn(&Holder) -> &String| {
            NewField::List(holders.iter().map(|holder| NewField::Text(of(holder).clone())).collect())
        };
        self.fields.push((3, list(|holder| &holder.name)));
        self.fields.push((4, list(|holder| &holder.code_type)));
        self.fields.push((5, list(|holder| &holder.code)));
        if holders.len() == 1 { sub } else { None }
    }

    fn area(&mut self, area_code: &str) {
        match DivisionCode::parse(area_code) {
            Ok(code) => self.fields.push((7, NewField::Text(code.as_str().into()))),
            Err(_) => self.fault("area_code", FieldRule::AreaCode),
        }
    }

    fn date(&mut self, member: &str, key: u8, text: &str) -> Option<CivilDate> {
        let date = CivilDate::parse(text);
        match date {
            Some(_) => self.fields.push((key, NewField::Text(text.into()))),
            None => self.fault(member, FieldRule::Date),
        }
        date
    }

    /// The first and the last valid day.
    fn dates(&mut self, request: &IssueFields<'_>) -> (Option<CivilDate>, Option<CivilDate>) {
        let issued = self.date("issued_on", 8, request.issued_on);
        let from = request.valid_from.and_then(|text| self.date("valid_from", 9, text));
        let until = request.valid_until.and_then(|text| self.date("valid_until", 10, text));
        let starts = from.or(issued);
        for (member, key, date) in [("valid_from", 9, from), ("valid_until", 10, until)] {
            let given = if key == 9 { request.valid_from } else { request.valid_until };
            if date.is_none()
                && given.is_none()
                && self.revision.field(key).is_some_and(|field| field.required)
            {
                self.fault(member, FieldRule::Missing);
            }
        }
        if until.is_some() && until < starts {
            self.fault("valid_until", FieldRule::BeforeStart);
        }
        (starts, until)
    }

    fn face(&mut self, named: &NamedFields) {
        for (name, value) in named.iter() {
            match self.revision.field_named(name) {
                None => self.fault(name, FieldRule::Unknown),
                Some(field) if field.key < FIRST_FACE_KEY => self.fault(name, FieldRule::GivenElsewhere),
                Some(field) => match convert(field, value) {
                    Ok(value) => self.fields.push((field.key, value)),
                    Err(rule) => self.fault(name, rule),
                },
            }
        }
        for field in self.revision.fields.iter().filter(|f| f.required && f.key >= FIRST_FACE_KEY) {
            if named.get(&field.name).is_none() {
                self.errors.push(FieldError::new(&field.name, FieldRule::Missing));
            }
        }
    }
}

fn convert(field: &Field, value: &NamedValue) -> Result<NewField, FieldRule> {
    let wrong = FieldRule::WrongKind { expected: field.kind };
    match (field.kind, value) {
        (FieldKind::Text, NamedValue::Text(text)) => text_value(text, field),
        (FieldKind::Date, NamedValue::Text(text)) => match CivilDate::parse(text) {
            Some(_) => Ok(NewField::Text(text.clone())),
            None => Err(FieldRule::Date),
        },
        (FieldKind::Uint, NamedValue::Int(value))
            if (0..=licence_spec::numbers::MAX_INTEGER).contains(value) =>
        {
            Ok(NewField::Int(*value))
        }
        (FieldKind::Bool, NamedValue::Bool(value)) => Ok(NewField::Bool(*value)),
        (FieldKind::List, NamedValue::List(items)) => texts(items, field, MAX_FIELD_ITEMS),
        (FieldKind::Digest, NamedValue::Text(text)) => digest(text).map(NewField::Bytes).ok_or(wrong),
        (FieldKind::Table, NamedValue::List(rows)) if rows.len() <= MAX_FIELD_ROWS => {
            let row = |row: &NamedValue| match row {
                NamedValue::List(cells) => texts(cells, field, MAX_FIELD_ITEMS),
                _ => Err(wrong),
            };
            rows.iter().map(row).collect::<Result<_, _>>().map(NewField::List)
        }
        (FieldKind::Table, NamedValue::List(_)) => Err(FieldRule::TooMany { max: MAX_FIELD_ROWS }),
        _ => Err(wrong),
    }
}

fn texts(items: &[NamedValue], field: &Field, most: usize) -> Result<NewField, FieldRule> {
    if items.len() > most {
        return Err(FieldRule::TooMany { max: most });
    }
    let text = |item: &NamedValue| match item {
        NamedValue::Text(text) => text_value(text, field),
        _ => Err(FieldRule::WrongKind { expected: field.kind }),
    };
    items.iter().map(text).collect::<Result<_, _>>().map(NewField::List)
}

/// A text within its length and, where the field is closed, one of its options.
fn text_value(text: &str, field: &Field) -> Result<NewField, FieldRule> {
    check_length(text, field.max)?;
    if field.options.is_empty() || field.options.iter().any(|option| option == text) {
        Ok(NewField::Text(text.to_owned()))
    } else {
        Err(FieldRule::NotAnOption)
    }
}

/// Text rule of the format, not empty, at most `max` characters (0 = no limit of its own) and 4,096 bytes.
fn check_length(text: &str, max: u16) -> Result<(), FieldRule> {
    if text.is_empty() {
        return Err(FieldRule::Missing);
    }
    if max > 0 && text.len() > usize::from(max) && text.chars().count() > usize::from(max) {
        return Err(FieldRule::TooLong { max: max.into(), unit: "characters" });
    }
    if text.len() > MAX_FIELD_TEXT {
        return Err(FieldRule::TooLong { max: MAX_FIELD_TEXT, unit: "bytes" });
    }
    check_text(text).map_err(|_| FieldRule::Text)
}

/// 64 lower-case hexadecimal digits.
fn digest(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.len() != 64 || digits.iter().any(|d| !matches!(d, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let byte = |at| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..64).step_by(2).map(byte).collect()
}
