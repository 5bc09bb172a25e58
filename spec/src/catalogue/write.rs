//! [`Content`] to payload bytes.

use alloc::vec::Vec;

use super::{Accepted, Content, LicenceType, Material, Revision, ServiceItem};
use crate::cbor::{Fault, Writer};

impl Content {
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
        w.int(4).map(t.metadata.len());
        // Text keys sort by length first in their encodings.
        let mut pairs: Vec<_> = t.metadata.iter().collect();
        pairs.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
        for (key, value) in pairs {
            w.text(key).text(value);
        }
    }
}

fn revision(w: &mut Writer, r: &Revision) {
    w.map(3).int(1).uint(r.number).int(2).array(r.fields.len());
    for f in &r.fields {
        let flags = u64::from(f.required) + 2 * u64::from(f.sensitive) + 4 * u64::from(f.on_face);
        w.array(5).uint(f.key.into()).uint(f.kind as u64).text(&f.name).uint(flags).uint(f.max.into());
    }
    w.int(3).int(r.longest_life_s);
}

fn service_item(w: &mut Writer, s: &ServiceItem) {
    let pairs = 4 + usize::from(s.purpose.is_some()) + usize::from(!s.materials.is_empty());
    w.map(pairs).int(1).text(&s.code).int(2).text(&s.name).int(3).array(s.accepts.len());
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
}

fn material(w: &mut Writer, m: &Material) {
    w.map(5).int(1).text(&m.code).int(2).text(&m.name).int(3).uint(m.holder_role as u64);
    w.int(4).array(m.regions.len());
    m.regions.iter().for_each(|region| {
        w.text(region);
    });
    w.int(5).array(m.alternatives.len());
    for alternative in &m.alternatives {
        w.array(2).text(&alternative.vct);
        keys(w, &alternative.required);
    }
}

fn keys(w: &mut Writer, keys: &[u8]) {
    w.array(keys.len());
    for key in keys {
        w.uint((*key).into());
    }
}
