//! Who asks, and may they.
//!
//! In scope: callers and what they may do, clients and their tokens, the ground of a use, the audit. Out of scope: reading the header of a request (`http`).

pub mod audit;
pub mod authorisation;
pub mod caller;
pub mod clients;
