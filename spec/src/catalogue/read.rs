//! Payload bytes to [`Content`]: the structure, closed maps, ranges. Content rules across parts are in `rules`.

use alloc::string::String;
use alloc::vec::Vec;

use super::{
    Accepted, Alternative, Choice, Comparison, Constraint, Content, Field, FieldKind, HolderRole,
    LicenceType, MAX_ACCEPTED, MAX_AGE_DAYS, MAX_CHOICES, MAX_CONSTRAINT_VALUES, MAX_CONSTRAINTS, MAX_LIFE_S,
    MAX_MATERIALS, MAX_METADATA, MAX_METADATA_TEXT, MAX_NAME, MAX_OPTION, MAX_OPTIONS, MAX_REGIONS,
    MAX_REVISIONS, MAX_SERVICE_ITEMS, MAX_TYPES, Material, Method, Revision, ServiceItem,
};
use crate::cbor::{Fault, Key, Reader};
use crate::numbers::{MAX_CODE, MAX_FIELD_KEY, MAX_FIELD_TEXT, MAX_FIELDS, MAX_PURPOSE, MAX_VIEW_LIFE_S};
use crate::time::CivilDate;

const MISSING: Fault = Fault::not_conformant("a required key is missing in the catalogue");
const UNKNOWN_METHOD: Fault = Fault::not_conformant("an unknown method");
const UNKNOWN: Fault = Fault::not_conformant("an unknown key in the catalogue");

/// Reads the payload and checks every content rule of spec/catalogue.md §3.
pub(super) fn content(payload: &[u8]) -> Result<Content, Fault> {
    let reader = &mut Reader::new(payload);
    let (mut version, mut issued_at, mut previous, mut in_force_from) = (None, None, None, None);
    let (mut types, mut service_items) = (None, None);
    let mut map = reader.map()?;
    while let Some(key) = map.next_int(reader)? {
        match key {
            1 => version = Some(reader.uint()?),
            2 => issued_at = Some(reader.time()?),
            3 if reader.null()? => previous = Some(None),
            3 => previous = Some(Some(reader.byte_array::<32>()?)),
            4 => in_force_from = Some(reader.time()?),
            5 => types = Some(array(reader, 0, MAX_TYPES, licence_type)?),
            6 => service_items = Some(array(reader, 0, MAX_SERVICE_ITEMS, service_item)?),
            _ => return Err(UNKNOWN),
        }
    }
    reader.end()?;
    let content = Content {
        version: version.ok_or(MISSING)?,
        issued_at: issued_at.ok_or(MISSING)?,
        previous: previous.ok_or(MISSING)?,
        in_force_from: in_force_from.ok_or(MISSING)?,
        types: types.ok_or(MISSING)?,
        service_items: service_items.ok_or(MISSING)?,
    };
    content.check()?;
    Ok(content)
}

fn licence_type(reader: &mut Reader<'_>) -> Result<LicenceType, Fault> {
    let (mut vct, mut name, mut revisions, mut metadata) = (None, None, None, Vec::new());
    let mut map = reader.map()?;
    while let Some(key) = map.next_int(reader)? {
        match key {
            1 => vct = Some(text(reader, MAX_CODE)?),
            2 => name = Some(text(reader, MAX_NAME)?),
            3 => revisions = Some(array(reader, 1, MAX_REVISIONS, revision)?),
            4 => metadata = self::metadata(reader)?,
            _ => return Err(UNKNOWN),
        }
    }
    Ok(LicenceType {
        vct: vct.ok_or(MISSING)?,
        name: name.ok_or(MISSING)?,
        revisions: revisions.ok_or(MISSING)?,
        metadata,
    })
}

fn metadata(reader: &mut Reader<'_>) -> Result<Vec<(String, String)>, Fault> {
    let mut pairs = Vec::new();
    let mut map = reader.map()?;
    while let Some(key) = map.next(reader)? {
        let Key::Text(key) = key else {
            return Err(Fault::not_conformant("a metadata key is not a text"));
        };
        if key.is_empty() || key.chars().count() > MAX_NAME || pairs.len() == MAX_METADATA {
            return Err(Fault::not_conformant("metadata is over its limits"));
        }
        pairs.push((String::from(key), text(reader, MAX_METADATA_TEXT)?));
    }
    Ok(pairs)
}

fn revision(reader: &mut Reader<'_>) -> Result<Revision, Fault> {
    let (mut number, mut fields, mut longest_life_s, mut in_force_from) = (None, None, None, None);
    let (mut en, mut options) = (Vec::new(), Vec::new());
    let mut map = reader.map()?;
    while let Some(key) = map.next_int(reader)? {
        match key {
            1 => number = Some(reader.uint()?),
            2 => fields = Some(array(reader, 1, MAX_FIELDS, field)?),
            3 => longest_life_s = Some(within(reader, 1, MAX_LIFE_S)?),
            4 => in_force_from = Some(date(reader)?),
            5 => en = by_field(reader, |r| text(r, MAX_NAME))?,
            6 => options = by_field(reader, |r| array(r, 1, MAX_OPTIONS, |r| text(r, MAX_OPTION)))?,
            _ => return Err(UNKNOWN),
        }
    }
    let mut revision = Revision {
        number: number.ok_or(MISSING)?,
        fields: fields.ok_or(MISSING)?,
        longest_life_s: longest_life_s.ok_or(MISSING)?,
        in_force_from,
    };
    for (key, en) in en {
        listed(&mut revision, key)?.en = Some(en);
    }
    for (key, options) in options {
        listed(&mut revision, key)?.options = options;
    }
    Ok(revision)
}

/// A map from field keys, not empty; deterministic CBOR keeps the keys ascending.
fn by_field<'a, T>(
    reader: &mut Reader<'a>,
    mut value: impl FnMut(&mut Reader<'a>) -> Result<T, Fault>,
) -> Result<Vec<(u8, T)>, Fault> {
    let mut pairs = Vec::new();
    let mut map = reader.map()?;
    while let Some(key) = map.next_int(reader)? {
        let key = u8::try_from(key).map_err(|_| Fault::not_conformant("a field key is out of range"))?;
        pairs.push((key, value(reader)?));
    }
    if pairs.is_empty() { Err(Fault::not_conformant("an empty map in a revision")) } else { Ok(pairs) }
}

fn listed(revision: &mut Revision, key: u8) -> Result<&mut Field, Fault> {
    let field = revision.fields.iter_mut().find(|field| field.key == key);
    field.ok_or(Fault::not_conformant("a revision names a field that it does not list"))
}

fn field(reader: &mut Reader<'_>) -> Result<Field, Fault> {
    reader.array_of(5)?;
    let key = field_key(reader)?;
    let kind =
        FieldKind::from_number(reader.uint()?).ok_or(Fault::not_conformant("an unknown kind of field"))?;
    let name = text(reader, MAX_NAME)?;
    let flags = within(reader, 0, 7)?;
    // `within` bounds the value below u16::MAX.
    let max = u16::try_from(within(reader, 0, MAX_FIELD_TEXT as i64)?).unwrap_or(u16::MAX);
    let (required, sensitive, on_face) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0);
    Ok(Field { key, kind, name, required, sensitive, on_face, max, en: None, options: Vec::new() })
}

fn service_item(reader: &mut Reader<'_>) -> Result<ServiceItem, Fault> {
    let (mut code, mut name, mut accepts, mut life) = (None, None, None, None);
    let (mut purpose, mut materials, mut method, mut in_force) = (None, Vec::new(), None, (None, None));
    let (mut choices, mut metadata) = (Vec::new(), Vec::new());
    let mut map = reader.map()?;
    while let Some(key) = map.next_int(reader)? {
        match key {
            1 => code = Some(text(reader, MAX_CODE)?),
            2 => name = Some(text(reader, MAX_NAME)?),
            3 => accepts = Some(array(reader, 1, MAX_ACCEPTED, accepted)?),
            4 => life = Some(within(reader, 1, MAX_VIEW_LIFE_S)?),
            5 => purpose = Some(text(reader, MAX_PURPOSE)?),
            6 => materials = array(reader, 1, MAX_MATERIALS, material)?,
            7 => method = Some(Method::from_number(reader.uint()?).ok_or(UNKNOWN_METHOD)?),
            8 => in_force = period(reader)?,
            9 => choices = array(reader, 1, MAX_CHOICES, choice)?,
            10 => metadata = self::metadata(reader)?,
            _ => return Err(UNKNOWN),
        }
    }
    Ok(ServiceItem {
        code: code.ok_or(MISSING)?,
        name: name.ok_or(MISSING)?,
        accepts: accepts.ok_or(MISSING)?,
        longest_view_life_s: life.ok_or(MISSING)?,
        purpose,
        materials,
        method,
        in_force,
        choices,
        metadata,
    })
}

/// `[from / null, until / null]`, not both null.
fn period(reader: &mut Reader<'_>) -> Result<(Option<CivilDate>, Option<CivilDate>), Fault> {
    reader.array_of(2)?;
    let mut end = || if reader.null()? { Ok(None) } else { date(reader).map(Some) };
    let period = (end()?, end()?);
    if period == (None, None) { Err(Fault::not_conformant("a period without a date")) } else { Ok(period) }
}

fn choice(reader: &mut Reader<'_>) -> Result<Choice, Fault> {
    reader.array_of(2)?;
    let name = text(reader, MAX_NAME)?;
    let way = |r: &mut Reader<'_>| array(r, 1, MAX_CHOICES, |r| text(r, MAX_CODE));
    Ok(Choice { name, ways: array(reader, 2, MAX_CHOICES, way)? })
}

fn accepted(reader: &mut Reader<'_>) -> Result<Accepted, Fault> {
    reader.array_of(2)?;
    Ok(Accepted { vct: text(reader, MAX_CODE)?, fields: array(reader, 1, MAX_FIELDS, field_key)? })
}

fn material(reader: &mut Reader<'_>) -> Result<Material, Fault> {
    let (mut code, mut name, mut role, mut regions, mut alternatives) = (None, None, None, None, None);
    let (mut max_age_days, mut constraints, mut en) = (None, Vec::new(), None);
    let mut map = reader.map()?;
    while let Some(key) = map.next_int(reader)? {
        match key {
            1 => code = Some(text(reader, MAX_CODE)?),
            2 => name = Some(text(reader, MAX_NAME)?),
            3 => role = HolderRole::from_number(reader.uint()?),
            4 => regions = Some(array(reader, 1, MAX_REGIONS, |r| text(r, MAX_CODE))?),
            5 => alternatives = Some(array(reader, 1, MAX_ACCEPTED, alternative)?),
            6 => max_age_days = Some(within(reader, 1, MAX_AGE_DAYS)?),
            7 => constraints = array(reader, 1, MAX_CONSTRAINTS, constraint)?,
            8 => en = Some(text(reader, MAX_NAME)?),
            _ => return Err(UNKNOWN),
        }
    }
    Ok(Material {
        code: code.ok_or(MISSING)?,
        name: name.ok_or(MISSING)?,
        holder_role: role.ok_or(Fault::not_conformant("the holder role is missing or unknown"))?,
        regions: regions.ok_or(MISSING)?,
        alternatives: alternatives.ok_or(MISSING)?,
        max_age_days,
        constraints,
        en,
    })
}

/// `[vct, key, comparison, value, ...]`: one value, for comparison 1 up to 64.
fn constraint(reader: &mut Reader<'_>) -> Result<Constraint, Fault> {
    let items = reader.array()?;
    if !(4..=3 + MAX_CONSTRAINT_VALUES).contains(&items) {
        return Err(Fault::not_conformant("a constraint has too few or too many items"));
    }
    let (vct, key, number) = (text(reader, MAX_CODE)?, field_key(reader)?, reader.uint()?);
    if number != 1 && items != 4 {
        return Err(Fault::not_conformant("a constraint has more than one value"));
    }
    let comparison = match number {
        1 => {
            let mut values = Vec::new();
            for _ in 3..items {
                values.push(text(reader, MAX_OPTION)?);
            }
            Comparison::OneOf(values)
        }
        2 => Comparison::Contains(text(reader, MAX_OPTION)?),
        3 => Comparison::AtLeast(reader.uint()?),
        4 => Comparison::AtMost(reader.uint()?),
        5 => Comparison::NotBefore(date(reader)?),
        6 => Comparison::NotAfter(date(reader)?),
        _ => return Err(Fault::not_conformant("an unknown comparison")),
    };
    Ok(Constraint { vct, key, comparison })
}

fn alternative(reader: &mut Reader<'_>) -> Result<Alternative, Fault> {
    reader.array_of(2)?;
    Ok(Alternative { vct: text(reader, MAX_CODE)?, required: array(reader, 0, MAX_FIELDS, field_key)? })
}

fn array<'a, T>(
    reader: &mut Reader<'a>,
    fewest: usize,
    most: usize,
    mut item: impl FnMut(&mut Reader<'a>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let items = reader.array()?;
    if items < fewest || items > most {
        return Err(Fault::not_conformant("an array of the catalogue has too few or too many items"));
    }
    // Not with_capacity: the announced count is below `most`, but memory follows what is really there.
    let mut read = Vec::new();
    for _ in 0..items {
        read.push(item(reader)?);
    }
    Ok(read)
}

fn text(reader: &mut Reader<'_>, longest: usize) -> Result<String, Fault> {
    reader.short_text(longest).map(String::from)
}

fn date(reader: &mut Reader<'_>) -> Result<CivilDate, Fault> {
    CivilDate::parse(reader.short_text(10)?).ok_or(Fault::not_conformant("a date names no real day"))
}

fn within(reader: &mut Reader<'_>, least: i64, most: i64) -> Result<i64, Fault> {
    let value = reader.int()?;
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(Fault::not_conformant("a number of the catalogue is out of range"))
    }
}

fn field_key(reader: &mut Reader<'_>) -> Result<u8, Fault> {
    let key = within(reader, 0, MAX_FIELD_KEY)?;
    u8::try_from(key).map_err(|_| Fault::not_conformant("a field key is above 255"))
}
