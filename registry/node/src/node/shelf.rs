//! The shelf of a node: every kind of document that its store holds, what names one, and what may take its place.
//!
//! Out of scope: who may put one there (each kind has one room that writes it), storage (`licence_store`).

/// A kind of stored documents. Its name stands in the database and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A trust root; named by its version. Never replaced.
    TrustRoot,
    /// The trust list and its timestamp; named `list` and `timestamp`. Each by a newer one, as TUF says.
    Trust,
    /// The catalogue in force; named `current`. Never by an older one.
    Catalogue,
    /// Every version of the catalogue; named by its version. Never replaced.
    CatalogueVersion,
    /// An officer's approval of a catalogue version; named by version and digest.
    CatalogueApproval,
    /// The newest status token of a list of another node; named by its uri. Never by an older one, but for a stranger's.
    PeerToken,
    /// A token that was cleared, as a trace; named by uri and digest.
    ClearedToken,
    /// The newest cosigned checkpoint of the own log; named by origin. Never by a smaller one.
    CosignedCheckpoint,
    /// The key of the own log; named by origin. Never replaced.
    LogKey,
    /// A licence that is in no log; named by issuer and digest.
    LogMissing,
    /// The newest verified head of another log; named by origin. Never by a smaller one.
    MirrorHead,
    /// Entries of another log; named by origin and place of the bundle. A partial bundle by a fuller one.
    MirrorEntries,
    /// A tile of another log; named by origin, level and place.
    MirrorTile,
    /// How a log is followed; named by origin.
    MirrorState,
    /// An open case of a forked log; named by origin and head.
    Fork,
    /// A case that officers have closed; named by origin and head.
    ForkClosed,
    /// The newest head of another log that was cosigned; named by origin. Never by a smaller one.
    WitnessHead,
    /// That the data come from a backup and are not caught up; named `pending`.
    Restore,
    /// A restore that was caught up; named by the first leaf that was fetched.
    Restored,
    /// A secret of the node; named by what it is for. Never replaced.
    Secret,
    /// A record of use of an older version of this program; named by a random number. Never replaced.
    Use,
    /// Up to where the head of the audit is anchored; named `newest`. Never by an older one.
    AuditAnchor,
    /// The signed statement about rows of the audit that were dropped; named `newest`. Never by an older one.
    AuditDropped,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 23] = [
        Kind::TrustRoot,
        Kind::Trust,
        Kind::Catalogue,
        Kind::CatalogueVersion,
        Kind::CatalogueApproval,
        Kind::PeerToken,
        Kind::ClearedToken,
        Kind::CosignedCheckpoint,
        Kind::LogKey,
        Kind::LogMissing,
        Kind::MirrorHead,
        Kind::MirrorEntries,
        Kind::MirrorTile,
        Kind::MirrorState,
        Kind::Fork,
        Kind::ForkClosed,
        Kind::WitnessHead,
        Kind::Restore,
        Kind::Restored,
        Kind::Secret,
        Kind::Use,
        Kind::AuditAnchor,
        Kind::AuditDropped,
    ];

    /// Its name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::TrustRoot => "trust-root",
            Kind::Trust => "trust",
            Kind::Catalogue => "catalogue",
            Kind::CatalogueVersion => "catalogue-version",
            Kind::CatalogueApproval => "catalogue-approval",
            Kind::PeerToken => "peer-token",
            Kind::ClearedToken => "cleared-token",
            Kind::CosignedCheckpoint => "cosigned-checkpoint",
            Kind::LogKey => "log-key",
            Kind::LogMissing => "log-missing",
            Kind::MirrorHead => "mirror-head",
            Kind::MirrorEntries => "mirror-entries",
            Kind::MirrorTile => "mirror-tile",
            Kind::MirrorState => "mirror-state",
            Kind::Fork => "fork",
            Kind::ForkClosed => "fork-closed",
            Kind::WitnessHead => "witness-head",
            Kind::Restore => "restore",
            Kind::Restored => "restored",
            Kind::Secret => "secret",
            Kind::Use => "use",
            Kind::AuditAnchor => "audit-anchor",
            Kind::AuditDropped => "audit-dropped",
        }
    }
}
