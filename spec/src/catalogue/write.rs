//! [`Content`] to payload bytes.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{
    Accepted, Choice, Comparison, Constraint, Content, Field, LicenceType, Material, Revision, ServiceItem,
};
use crate::cbor::{Fault, Writer};
use crate::time::CivilDate;

impl Content {
    /// Reads a payload that is not signed, as a publisher's officers get it for approval. For signed bytes there is
    /// [`super::open`], which alone makes a [`super::Catalogue`].
    ///
    /// # Errors
    /// Unreadable or not conformant, as for a signed catalogue.
    pub fn from_payload(payload: &[u8]) -> Result<Content, Fault> {
        super::read::content(payload)
    }

    /// The payload, once the content rules hold.
    ///
    /// # Errors
    /// Not conformant, as [`Content::check`].
    pub fn to_payload(&self) -> Result<Vec<u8>, Fault> {
        self.check()?;
        let mut w = Writer::default();
        w.map(6).int(1).uint(self.version).int(2).int(self.issued_at.0).int(3);
        match &self.previous {
            Some(digest) => w.bytes(digest),
            None => w.null(),
        };
        w.int(4).int(self.in_force_from.0).int(5).array(self.types.len());
        self.types.iter().for_each(|t| licence_type(&mut w, t));
        w.int(6).array(self.service_items.len());
        self.service_items.iter().for_each(|s| service_item(&mut w, s));
        let payload = w.into_bytes();
        // What the reader would refuse must not be signed: lengths, counts, text rules.
        super::read::content(&payload)?;
        Ok(payload)
    }
}

fn licence_type(w: &mut Writer, t: &LicenceType) {
    w.map(if t.metadata.is_empty() { 3 } else { 4 });
    w.int(1).text(&t.vct).int(2).text(&t.name).int(3).array(t.revisions.len());
    t.revisions.iter().for_each(|r| revision(w, r));
    if !t.metadata.is_empty() {
        w.int(4);
        metadata(w, &t.metadata);
    }
}

fn metadata(w: &mut Writer, metadata: &[(String, String)]) {
    w.map(metadata.len());
    // Text keys sort by length first in their encodings.
    let mut pairs: Vec<_> = metadata.iter().collect();
    pairs.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
    for (key, value) in pairs {
        w.text(key).text(value);
    }
}

fn revision(w: &mut Writer, r: &Revision) {
    let named: Vec<(&Field, &String)> = r.fields.iter().filter_map(|f| Some((f, f.en.as_ref()?))).collect();
    let closed: Vec<&Field> = r.fields.iter().filter(|f| !f.options.is_empty()).collect();
    let optional = [r.in_force_from.is_some(), !named.is_empty(), !closed.is_empty()];
    w.map(3 + optional.iter().filter(|there| **there).count());
    w.int(1).uint(r.number).int(2).array(r.fields.len());
    for f in &r.fields {
        let flags = u64::from(f.required) + 2 * u64::from(f.sensitive) + 4 * u64::from(f.on_face);
        w.array(5).uint(f.key.into()).uint(f.kind as u64).text(&f.name).uint(flags).uint(f.max.into());
    }
    w.int(3).int(r.longest_life_s);
    if let Some(day) = r.in_force_from {
        w.int(4).text(&day.to_string());
    }
    if !named.is_empty() {
        w.int(5).map(named.len());
        for (f, en) in named {
            w.uint(f.key.into()).text(en);
        }
    }
    if !closed.is_empty() {
        w.int(6).map(closed.len());
        for f in closed {
            w.uint(f.key.into());
            texts(w, &f.options);
        }
    }
}

fn service_item(w: &mut Writer, s: &ServiceItem) {
    let optional = [
        s.purpose.is_some(),
        !s.materials.is_empty(),
        s.method.is_some(),
        s.in_force != (None, None),
        !s.choices.is_empty(),
        !s.metadata.is_empty(),
    ];
    w.map(4 + optional.iter().filter(|there| **there).count());
    w.int(1).text(&s.code).int(2).text(&s.name).int(3).array(s.accepts.len());
    for Accepted { vct, fields } in &s.accepts {
        w.array(2).text(vct);
        keys(w, fields);
    }
    w.int(4).int(s.longest_view_life_s);
    if let Some(purpose) = &s.purpose {
        w.int(5).text(purpose);
    }
    if !s.materials.is_empty() {
        w.int(6).array(s.materials.len());
        s.materials.iter().for_each(|m| material(w, m));
    }
    if let Some(method) = s.method {
        w.int(7).uint(method as u64);
    }
    if s.in_force != (None, None) {
        w.int(8).array(2);
        day(w, s.in_force.0);
        day(w, s.in_force.1);
    }
    if !s.choices.is_empty() {
        w.int(9).array(s.choices.len());
        for Choice { name, ways } in &s.choices {
            w.array(2).text(name).array(ways.len());
            ways.iter().for_each(|way| texts(w, way));
        }
    }
    if !s.metadata.is_empty() {
        w.int(10);
        metadata(w, &s.metadata);
    }
}

fn day(w: &mut Writer, day: Option<CivilDate>) {
    match day {
        Some(day) => w.text(&day.to_string()),
        None => w.null(),
    };
}

fn material(w: &mut Writer, m: &Material) {
    let optional = [m.max_age_days.is_some(), !m.constraints.is_empty(), m.en.is_some()];
    w.map(5 + optional.iter().filter(|there| **there).count());
    w.int(1).text(&m.code).int(2).text(&m.name).int(3).uint(m.holder_role as u64).int(4);
    texts(w, &m.regions);
    w.int(5).array(m.alternatives.len());
    for alternative in &m.alternatives {
        w.array(2).text(&alternative.vct);
        keys(w, &alternative.required);
    }
    if let Some(days) = m.max_age_days {
        w.int(6).int(days);
    }
    if !m.constraints.is_empty() {
        w.int(7).array(m.constraints.len());
        m.constraints.iter().for_each(|c| constraint(w, c));
    }
    if let Some(en) = &m.en {
        w.int(8).text(en);
    }
}

fn constraint(w: &mut Writer, c: &Constraint) {
    let values = if let Comparison::OneOf(texts) = &c.comparison { texts.len() } else { 1 };
    w.array(3 + values).text(&c.vct).uint(c.key.into()).uint(c.comparison.number().into());
    match &c.comparison {
        Comparison::OneOf(texts) => texts.iter().for_each(|text| {
            w.text(text);
        }),
        Comparison::Contains(text) => {
            w.text(text);
        }
        Comparison::AtLeast(value) | Comparison::AtMost(value) => {
            w.uint(*value);
        }
        Comparison::NotBefore(date) | Comparison::NotAfter(date) => day(w, Some(*date)),
    }
}

fn texts(w: &mut Writer, texts: &[String]) {
    w.array(texts.len());
    for text in texts {
        w.text(text);
    }
}

fn keys(w: &mut Writer, keys: &[u8]) {
    w.array(keys.len());
    for key in keys {
        w.uint((*key).into());
    }
}
