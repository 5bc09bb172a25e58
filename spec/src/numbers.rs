//! Every number of the wire formats that this project or a draft standard assigns: labels, claims, media types, limits.
//!
//! In scope: constants with their sources. Out of scope: what they mean, which the module of each format says.
//! Draft numbers stand here alone, so that a change of the draft is one change here.

/// COSE header label `alg` (RFC 9052 §3.1).
pub const HEADER_ALG: i64 = 1;
/// COSE header label `kid` (RFC 9052 §3.1).
pub const HEADER_KID: i64 = 4;
/// COSE header label `typ` (RFC 9596).
pub const HEADER_TYP: i64 = 16;
/// Private: the log proof beside a licence, in the unprotected header (spec/cose.md).
pub const HEADER_LOG_PROOF: i64 = -70002;
/// CBOR tag of COSE_Sign1 (RFC 9052 §2).
pub const TAG_SIGN1: u64 = 18;
/// CBOR tag of COSE_Sign (RFC 9052 §2).
pub const TAG_SIGN: u64 = 98;
/// COSE algorithm number of Ed25519 (RFC 9864). -8 (EdDSA) is refused.
pub const ALG_ED25519: i64 = -19;

/// CWT claim `iss` (RFC 8392).
pub const CLAIM_ISS: i64 = 1;
/// CWT claim `sub` (RFC 8392).
pub const CLAIM_SUB: i64 = 2;
/// CWT claim `aud` (RFC 8392).
pub const CLAIM_AUD: i64 = 3;
/// CWT claim `exp` (RFC 8392).
pub const CLAIM_EXP: i64 = 4;
/// CWT claim `nbf` (RFC 8392).
pub const CLAIM_NBF: i64 = 5;
/// CWT claim `iat` (RFC 8392).
pub const CLAIM_IAT: i64 = 6;
/// CWT claim `cti` (RFC 8392).
pub const CLAIM_CTI: i64 = 7;
/// CWT claim `vct` (draft-ietf-spice-sd-cwt).
pub const CLAIM_VCT: i64 = 11;
/// CWT claim `status_list` (draft-ietf-oauth-status-list, requested there).
pub const CLAIM_STATUS_LIST: i64 = 65533;
/// CWT claim `ttl` (draft-ietf-oauth-status-list, requested there).
pub const CLAIM_TTL: i64 = 65534;
/// CWT claim `status` (draft-ietf-oauth-status-list, requested there).
pub const CLAIM_STATUS: i64 = 65535;
/// Private: the fields of a licence.
pub const CLAIM_FIELDS: i64 = -70001;
/// Private: the grounds of a view.
pub const CLAIM_GROUNDS: i64 = -70003;
/// Private: the body of a receipt.
pub const CLAIM_RECEIPT: i64 = -70004;

/// `typ` of a licence.
pub const TYP_LICENCE: &str = "application/elicence+cwt";
/// `typ` of a view.
pub const TYP_VIEW: &str = "application/elicence-view+cwt";
/// `typ` of a status token.
pub const TYP_STATUS: &str = "application/statuslist+cwt";
/// `typ` of a status token as a CoAP content-format number (requested in the draft); read, never written.
pub const TYP_STATUS_NUMBER: i64 = 279;
/// `typ` of a receipt.
pub const TYP_RECEIPT: &str = "application/elicence-receipt+cwt";
/// `typ` of the catalogue.
pub const TYP_CATALOGUE: &str = "application/elicence-catalogue+cbor";
/// `typ` of an officer's approval of a catalogue version (spec/decisions/0032).
pub const TYP_CATALOGUE_APPROVAL: &str = "application/elicence-catalogue-approval+cbor";
/// `typ` of a trust root.
pub const TYP_ROOT: &str = "application/elicence-root+cbor";
/// `typ` of a trust list.
pub const TYP_LIST: &str = "application/elicence-list+cbor";
/// `typ` of a trust timestamp.
pub const TYP_TIMESTAMP: &str = "application/elicence-timestamp+cbor";

/// Longest licence, bytes (spec/cose.md).
pub const MAX_LICENCE: usize = 65_536;
/// Longest view, bytes.
pub const MAX_VIEW: usize = 65_536;
/// Longest status token, bytes.
pub const MAX_STATUS_TOKEN: usize = 1_048_576;
/// Longest status array once inflated, bytes: 2^24 entries of 2 bits.
pub const MAX_STATUS_ARRAY: usize = 4_194_304;
/// Longest receipt, bytes.
pub const MAX_RECEIPT: usize = 32_768;
/// Longest catalogue, bytes.
pub const MAX_CATALOGUE: usize = 4_194_304;
/// Longest trust root, bytes.
pub const MAX_ROOT: usize = 262_144;
/// Longest trust list, bytes.
pub const MAX_LIST: usize = 4_194_304;
/// Longest trust timestamp, bytes.
pub const MAX_TIMESTAMP: usize = 16_384;
/// Longest log proof, bytes.
pub const MAX_LOG_PROOF: usize = 32_768;
/// Longest checkpoint, bytes.
pub const MAX_CHECKPOINT: usize = 16_384;
/// Largest offline bundle, bytes (spec/bundle.md).
pub const MAX_BUNDLE: usize = 64 * 1024 * 1024;

/// Deepest nesting of arrays, maps and tags in one item.
pub const MAX_DEPTH: usize = 8;
/// Largest magnitude of an integer: 2^53 - 1 (RFC 8949 §3.4.2 advice for JSON interoperability).
pub const MAX_INTEGER: i64 = (1 << 53) - 1;
/// Latest time: 9999-12-31T23:59:59Z.
pub const MAX_TIME: i64 = 253_402_300_799;
/// Most fields in a licence.
pub const MAX_FIELDS: usize = 64;
/// Largest field key.
pub const MAX_FIELD_KEY: i64 = 255;
/// Longest text value of a field, bytes.
pub const MAX_FIELD_TEXT: usize = 4_096;
/// Longest byte value of a field, bytes.
pub const MAX_FIELD_BYTES: usize = 64;
/// Most items in a list value.
pub const MAX_FIELD_ITEMS: usize = 64;
/// Most rows in a table value.
pub const MAX_FIELD_ROWS: usize = 256;
/// Longest issuer or audience code, characters.
pub const MAX_CODE: usize = 64;
/// Longest status uri, characters.
pub const MAX_STATUS_URI: usize = 256;
/// Bytes of a `cti`.
pub const CTI_BYTES: usize = 16;
/// Longest purpose text of a view, characters.
pub const MAX_PURPOSE: usize = 200;

/// Most entries in a trust list.
pub const MAX_ENTRIES: usize = 4_096;
/// Most keys in one entry.
pub const MAX_ENTRY_KEYS: usize = 64;
/// Most scopes of one key.
pub const MAX_KEY_SCOPES: usize = 32;
/// Most hosts of one entry.
pub const MAX_ENTRY_HOSTS: usize = 16;
/// Most logs of one entry.
pub const MAX_ENTRY_LOGS: usize = 8;
/// Most keys of one role of a root.
pub const MAX_ROLE_KEYS: usize = 16;
/// Most signatures on a trust file.
pub const MAX_TRUST_SIGNATURES: usize = 16;
/// Most root versions taken in one run.
pub const MAX_ROOT_STEPS: usize = 64;

/// Allowed clock skew, seconds.
pub const CLOCK_SKEW_S: i64 = 60;
/// Longest life of a status token, seconds.
pub const MAX_STATUS_LIFE_S: i64 = 604_800;
/// Longest life of a trust timestamp, seconds.
pub const MAX_TIMESTAMP_LIFE_S: i64 = 604_800;
/// Longest life of a view, seconds.
pub const MAX_VIEW_LIFE_S: i64 = 86_400;
