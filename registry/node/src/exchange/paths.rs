//! Paths of the calls that nodes make to each other, each spelt once. The routes of the HTTP edge are tested against them (`licence_web`).

/// The newest signed head of a node's log (C2SP tlog-tiles).
pub const CHECKPOINT: &str = "/log/checkpoint";
/// Tiles of a node's log lie below (C2SP tlog-tiles).
pub const LOG: &str = "/log";
/// Everything that a node publishes, in one file.
pub const BUNDLE: &str = "/v1/bundle";
/// The catalogue; `version` asks for one.
pub const CATALOGUE: &str = "/v1/catalogue";
/// Records of the log, told to the province.
pub const INDEX: &str = "/v1/index";
/// Where a province is asked for holders.
pub const HOLDERS: &str = "/v1/index/holders";
/// Where a node is asked for a view of a licence of its own; its digest follows.
pub const LICENCES: &str = "/v1/index/licences";
/// Where a province is asked whether a log has a licence.
pub const LOGGED: &str = "/v1/index/logged";
/// Where a node is asked how a licence of its own stands.
pub const REGISTER: &str = "/v1/index/verifications";
/// Copies of other logs lie below; the host follows.
pub const MIRRORS: &str = "/v1/mirrors";
/// Where the licence behind a reference lies (spec/qr.md §2).
pub const REFERENCES: &str = "/v1/references";
/// Status lists lie below; the number follows.
pub const STATUS_LISTS: &str = "/v1/status-lists";
/// Where a witness is asked to cosign (C2SP tlog-witness).
pub const ADD_CHECKPOINT: &str = "/v1/witness/add-checkpoint";
/// Where a witness is asked for its time; a nonce follows.
pub const WITNESS_TIME: &str = "/v1/witness/time";
