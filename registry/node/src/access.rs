//! Who asks, and may they.
//!
//! In scope: clients and their scopes, ceilings of other nodes, records of use. Out of scope: reading the header of a request (`http`).

pub mod clients;
pub mod use_record;
