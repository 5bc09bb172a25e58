//! Writing the claims of a receipt.

use alloc::vec::Vec;

use super::{Body, Receipt};
use crate::cbor::Writer;
use crate::numbers::{CLAIM_AUD, CLAIM_CTI, CLAIM_IAT, CLAIM_ISS, CLAIM_RECEIPT};
use crate::verdict::{Check, LogBasis};

impl Receipt {
    /// The payload that is signed.
    pub(super) fn payload(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(1_024);
        writer.map(5).int(CLAIM_ISS).text(&self.issuer).int(CLAIM_AUD).text(&self.audience);
        writer.int(CLAIM_IAT).int(self.issued_at.0).int(CLAIM_CTI).bytes(&self.cti).int(CLAIM_RECEIPT);
        self.body.write(&mut writer);
        writer.into_bytes()
    }
}

impl Body {
    fn write(&self, writer: &mut Writer) {
        let view = self.digests.view;
        let optional =
            [view.is_some(), !self.warnings.is_empty(), !self.materials.is_empty(), self.holder.is_some()];
        writer.map(9 + optional.into_iter().filter(|there| *there).count());
        writer
            .int(1)
            .text(&self.case_number)
            .int(2)
            .text(&self.service_item)
            .int(3)
            .bytes(&self.digests.licence);
        writer.int(4);
        self.write_verdict(writer);
        writer.int(5).array(2).text(&self.policy.0).uint(self.policy.1).int(6);
        match &self.trust_list {
            Some((version, digest, iat)) => writer.array(3).uint(*version).bytes(digest).int(iat.0),
            None => writer.null(),
        };
        writer.int(7);
        match &self.status_list {
            Some((uri, iat, digest)) => writer.array(3).text(uri).int(iat.0).bytes(digest),
            None => writer.null(),
        };
        writer.int(8);
        match &self.log {
            Some(log) => write_log(writer, log),
            None => writer.null(),
        };
        if let Some(view) = view {
            writer.int(9).bytes(&view);
        }
        writer.int(10);
        match &self.catalogue {
            Some((version, digest)) => writer.array(2).uint(*version).bytes(digest),
            None => writer.null(),
        };
        if !self.warnings.is_empty() {
            writer.int(11).array(self.warnings.len());
            self.warnings.iter().for_each(|warning| {
                writer.text(warning.as_str());
            });
        }
        if !self.materials.is_empty() {
            writer.int(12).array(self.materials.len());
            self.materials.iter().for_each(|code| {
                writer.text(code);
            });
        }
        if let Some(holder) = &self.holder {
            writer.int(13).bytes(holder);
        }
    }

    fn write_verdict(&self, writer: &mut Writer) {
        writer.array(3).text(self.outcome.as_str());
        match self.code {
            Some(code) => writer.text(code.as_str()),
            None => writer.null(),
        };
        writer.array(self.checks.len());
        self.checks.iter().for_each(|check| write_check(writer, check));
    }
}

fn write_check(writer: &mut Writer, check: &Check) {
    writer.array(5).text(check.group.as_str()).text(check.result.as_str());
    match check.code {
        Some(code) => writer.text(code.as_str()),
        None => writer.null(),
    };
    match &check.source {
        Some((digest, time)) => writer.bytes(digest).int(time.0),
        None => writer.null().null(),
    };
}

fn write_log<'w>(writer: &'w mut Writer, log: &LogBasis) -> &'w mut Writer {
    writer.array(5).text(&log.origin);
    match &log.place {
        Some(place) => writer.uint(place.size).bytes(&place.root).uint(place.index),
        None => writer.null().null().null(),
    };
    match &log.proof_digest {
        Some(digest) => writer.bytes(digest),
        None => writer.null(),
    }
}
