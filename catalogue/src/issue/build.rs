//! One run over a request: every member and item checked by its rule, and put into the form in which it is signed.

use licence_spec::catalogue::{Field, FieldKind, Revision};
use licence_spec::credential::NewField;
use licence_spec::identifiers::{DivisionCode, HolderCode, HolderCodeType, ResidentId, normal_code};
use licence_spec::numbers::{MAX_FIELD_ITEMS, MAX_FIELD_ROWS, MAX_FIELD_TEXT};
use licence_spec::suite::Digest;
use licence_spec::text::{
    Lines, TextFault, TextRule, check_name, check_number, check_person_name, check_written, nfc,
};
use licence_spec::time::CivilDate;

use super::rules;
use super::{FieldError, FieldRule, Holder, IssueFields, NamedFields, NamedValue};

/// First key of the face items of a type; the keys below come from the other members of the request.
const FIRST_FACE_KEY: u8 = 24;

/// A rule of texts.
type TextCheck = fn(&str) -> Result<(), TextFault>;

pub(super) struct Build<'a> {
    revision: &'a Revision,
    /// Fewest and most holders.
    count: (usize, usize),
    /// `issued_on`, if it is a day.
    issued: Option<CivilDate>,
    pub(super) errors: Vec<FieldError>,
    pub(super) fields: Vec<(u8, NewField)>,
    pub(super) sub: Option<String>,
    pub(super) number: String,
    /// Code type and code of every holder.
    pub(super) codes: Vec<(String, String)>,
}

impl<'a> Build<'a> {
    pub(super) fn new(revision: &'a Revision, count: (usize, usize)) -> Build<'a> {
        let number = i64::try_from(revision.number).unwrap_or(i64::MAX);
        Build {
            revision,
            count,
            issued: None,
            errors: Vec::new(),
            fields: vec![(0, NewField::Int(number))],
            sub: None,
            number: String::new(),
            codes: Vec::new(),
        }
    }

    fn fault(&mut self, field: &str, rule: FieldRule) {
        self.errors.push(FieldError::new(field, rule));
    }

    fn max(&self, key: u8) -> u16 {
        self.revision.field(key).map_or(0, |field| field.max)
    }

    /// A text member of the request that becomes field `key`.
    fn text(&mut self, member: &str, key: u8, text: &str, check: TextCheck) -> String {
        let text = nfc(text).into_owned();
        match check_text(&text, self.max(key), check) {
            Ok(()) => self.fields.push((key, NewField::Text(text.clone()))),
            Err(rule) => self.fault(member, rule),
        }
        text
    }

    pub(super) fn number(&mut self, number: &str) {
        self.number = self.text("number", 2, number, check_number);
    }

    pub(super) fn issuer(&mut self, name: &str) {
        self.text("issuer", 6, name, check_name);
    }

    pub(super) fn versions(&mut self, version: u16, replaces: Option<Digest>) {
        self.fields.push((11, NewField::Int(version.into())));
        self.fields.extend(replaces.map(|digest| (12, NewField::Bytes(digest.to_vec()))));
    }

    pub(super) fn holders(&mut self, holders: &[Holder]) {
        let (fewest, most) = self.count;
        if holders.is_empty() {
            self.fault("holders", FieldRule::Missing);
        } else if holders.len() < fewest {
            self.fault("holders", FieldRule::TooFew { min: fewest });
        }
        if holders.len() > most {
            self.fault("holders", FieldRule::TooMany { max: most });
            return;
        }
        let mut names = Vec::with_capacity(holders.len());
        for (at, holder) in holders.iter().enumerate() {
            let name = nfc(&holder.name).into_owned();
            let kind = HolderCodeType::from_code(&holder.code_type);
            let person = kind.is_some_and(|kind| !kind.is_organisation());
            if let Err(rule) =
                check_text(&name, self.max(3), if person { check_person_name } else { check_name })
            {
                self.fault(&format!("holders[{at}].name"), rule);
            }
            match kind {
                None => self.fault(&format!("holders[{at}].code_type"), FieldRule::CodeType),
                Some(kind) => self.code(at, kind, &holder.code),
            }
            names.push(NewField::Text(name));
        }
        let texts = |of: fn(&(String, String)) -> &String| {
            NewField::List(self.codes.iter().map(|pair| NewField::Text(of(pair).clone())).collect())
        };
        let (types, codes) = (texts(|pair| &pair.0), texts(|pair| &pair.1));
        self.fields.extend([(3, NewField::List(names)), (4, types), (5, codes)]);
        if holders.len() != 1 {
            self.sub = None;
        }
    }

    fn code(&mut self, at: usize, kind: HolderCodeType, code: &str) {
        let member = format!("holders[{at}].code");
        let max = usize::from(self.max(5));
        if code.chars().count() > max {
            self.fault(&member, FieldRule::TooLong { max, unit: "characters" });
        }
        let code = normal_code(code);
        match HolderCode::parse(kind, &code) {
            Ok(code) => self.sub = code.subject().map(str::to_owned),
            Err(_) if code.is_empty() => self.fault(&member, FieldRule::Missing),
            Err(_) => self.fault(&member, FieldRule::Code),
        }
        // A code of another kind than 001 and 111 has no alphabet of its own, and must still be a text that can be read.
        if let Err(fault) = check_number(&code)
            && fault.rule != TextRule::Blank
        {
            self.fault(&member, FieldRule::Text(fault));
        }
        self.born(&member, kind == HolderCodeType::ResidentId, &code);
        self.codes.push((kind.code().to_owned(), code));
    }

    /// Nobody has a licence from before birth.
    fn born(&mut self, member: &str, is_person: bool, code: &str) {
        let born = ResidentId::parse(code).ok().filter(|_| is_person).map(|id| id.birth_date());
        if born.zip(self.issued).is_some_and(|(born, issued)| born > issued) {
            self.fault(member, FieldRule::BornAfterIssue);
        }
    }

    pub(super) fn area(&mut self, area_code: &str) {
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
    pub(super) fn dates(&mut self, request: &IssueFields<'_>) -> (Option<CivilDate>, Option<CivilDate>) {
        let issued = self.date("issued_on", 8, request.issued_on);
        let from = request.valid_from.and_then(|text| self.date("valid_from", 9, text));
        let until = request.valid_until.and_then(|text| self.date("valid_until", 10, text));
        self.issued = issued;
        for (member, key, given) in
            [("valid_from", 9, request.valid_from), ("valid_until", 10, request.valid_until)]
        {
            if given.is_none() && self.revision.field(key).is_some_and(|field| field.required) {
                self.fault(member, FieldRule::Missing);
            }
        }
        let starts = from.or(issued);
        if issued.is_some_and(|issued| issued > request.today) {
            self.fault("issued_on", FieldRule::InFuture);
        }
        if until.is_some() && until < starts {
            self.fault("valid_until", FieldRule::BeforeStart);
        } else if until.is_some() && until < issued {
            self.fault("issued_on", FieldRule::AfterEnd);
        }
        (starts, until)
    }

    pub(super) fn face(&mut self, named: &NamedFields) {
        let revision = self.revision;
        let mut given = Vec::new();
        for (name, value) in named.iter() {
            match revision.field_named(&nfc(name)) {
                None => self.fault(name, FieldRule::Unknown),
                Some(field) if field.key < FIRST_FACE_KEY => self.fault(name, FieldRule::GivenElsewhere),
                Some(field) if given.contains(&field.key) => self.fault(name, FieldRule::Twice),
                Some(field) => {
                    given.push(field.key);
                    self.item(field, value);
                }
            }
        }
        for field in revision.fields.iter().filter(|f| f.required && f.key >= FIRST_FACE_KEY) {
            if !given.contains(&field.key) {
                self.fault(&field.name, FieldRule::Missing);
            }
        }
    }

    fn item(&mut self, field: &Field, value: &NamedValue) {
        let value = match convert(field, value) {
            Ok(NewField::List(items)) if items.is_empty() && field.required => {
                return self.fault(&field.name, FieldRule::Missing);
            }
            Ok(value) => value,
            Err(rule) => return self.fault(&field.name, rule),
        };
        if let NewField::Text(text) = &value {
            let day = CivilDate::parse(text).filter(|_| rules::is_past(field));
            if day.zip(self.issued).is_some_and(|(day, issued)| day > issued) {
                self.fault(&field.name, FieldRule::AfterIssue);
            }
            self.born(&field.name, rules::is_resident_id(field), text);
        }
        self.fields.push((field.key, value));
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
    let text = nfc(text);
    check_text(&text, field.max, rules::text_check(field))?;
    if field.options.is_empty() || field.options.iter().any(|option| *option == text) {
        Ok(NewField::Text(text.into_owned()))
    } else {
        Err(FieldRule::NotAnOption)
    }
}

/// Not empty, at most `max` characters (0 = no limit of its own) and 4,096 bytes, and the rule of its kind of text.
fn check_text(text: &str, max: u16, check: TextCheck) -> Result<(), FieldRule> {
    if text.is_empty() {
        return Err(FieldRule::Missing);
    }
    if max > 0 && text.len() > usize::from(max) && text.chars().count() > usize::from(max) {
        return Err(FieldRule::TooLong { max: max.into(), unit: "characters" });
    }
    if text.len() > MAX_FIELD_TEXT {
        return Err(FieldRule::TooLong { max: MAX_FIELD_TEXT, unit: "bytes" });
    }
    check(text).map_err(FieldRule::Text)
}

/// Several lines may stand in a face item.
pub(super) fn check_lines(text: &str) -> Result<(), TextFault> {
    check_written(text, Lines::Several)
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
