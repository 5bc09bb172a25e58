//! Who asks, and may they.
//!
//! In scope: callers and what they may do, clients and their tokens, the ground of a use, records of use. Out of scope: reading the header of a request (`http`).

pub mod authorisation;
pub mod caller;
pub mod clients;
pub mod use_record;
