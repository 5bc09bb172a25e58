//! From checked data to a signed catalogue version.

use licence_spec::catalogue::{
    self, Catalogue, CatalogueSignError, Content, LicenceType, Revision, ServiceItem,
};
use licence_spec::suite::{Digest, Signer};
use licence_spec::time::UnixTime;

use crate::CatalogueData;

/// What a version says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// 1, 2, 3 ...
    pub version: u64,
    /// Signing time.
    pub issued_at: UnixTime,
    /// From when nodes issue by it.
    pub in_force_from: UnixTime,
    /// Statement digest of the version before; `None` for version 1 alone.
    pub previous: Option<Digest>,
}

impl Release {
    /// The release that follows `held`, or version 1 if nothing is held.
    #[must_use]
    pub fn after(held: Option<&Catalogue>, issued_at: UnixTime, in_force_from: UnixTime) -> Release {
        Release {
            version: held.map_or(1, |held| held.version().saturating_add(1)),
            issued_at,
            in_force_from,
            previous: held.map(|held| *held.digest()),
        }
    }
}

impl CatalogueData {
    /// The content of a version, not signed yet: what is in force on the day on which the version is.
    ///
    /// Later revisions of a type stay out until a version is in force with them (the first one is always there). Of a
    /// service item the entry in force is taken, else the next one to come; one that has ended is gone.
    #[must_use]
    pub fn compile(&self, release: &Release) -> Content {
        let day = release.in_force_from.civil_date();
        let type_on = |t: &LicenceType| {
            let in_force = |r: &&Revision| r.number == 1 || r.in_force_from.is_none_or(|from| from <= day);
            LicenceType { revisions: t.revisions.iter().take_while(in_force).cloned().collect(), ..t.clone() }
        };
        let mut service_items: Vec<ServiceItem> = Vec::new();
        let alive =
            self.service_items().iter().filter(|item| item.in_force.1.is_none_or(|until| day <= until));
        // Ascending by code and date, so that the first of a code that has not ended is the one to take.
        for item in alive {
            if service_items.last().is_none_or(|last| last.code != item.code) {
                service_items.push(item.clone());
            }
        }
        Content {
            version: release.version,
            issued_at: release.issued_at,
            previous: release.previous,
            in_force_from: release.in_force_from,
            types: self.types().iter().map(type_on).collect(),
            service_items,
        }
    }

    /// Compiles and signs the version after `held`; clients that hold `held` will take it.
    ///
    /// One key is enough here: for the demo and tests. A publisher signs a [`Proposal`](crate::approval::Proposal),
    /// which asks for the approvals of two officers.
    ///
    /// # Errors
    /// [`CatalogueSignError::Content`] if a published type or revision was changed or dropped since `held`, or the
    /// catalogue is over its cap; [`CatalogueSignError::Signer`] from the signer.
    pub fn publish(
        &self,
        held: Option<&Catalogue>,
        issued_at: UnixTime,
        in_force_from: UnixTime,
        signer: &dyn Signer,
    ) -> Result<Vec<u8>, CatalogueSignError> {
        let content = self.compile(&Release::after(held, issued_at, in_force_from));
        if let Some(held) = held {
            held.content().check_successor(&content).map_err(CatalogueSignError::Content)?;
        }
        catalogue::sign(&content, signer)
    }
}
