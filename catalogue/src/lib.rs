//! The catalogue as data: licence types, issuing authorities and service items, from files to signed bytes.
//!
//! In scope: load and check the publisher's files ([`CatalogueData`]), from TOML or from sheets ([`table`]); compile,
//! compare ([`diff`]), approve ([`approval`]) and sign a catalogue version; turn an issue request with field names into
//! credential fields ([`issue`]), tell clients its shape ([`schema`]) and make requests for tests ([`samples`]); say
//! whether licences are what a service item asks for ([`fit`]). Out of scope: files, HTTP and SQL; whether a credential
//! is genuine and valid (`licence_spec::verify`); the format of the signed catalogue (`licence_spec::catalogue`).
//!
//! Everything that a node decides while it works, [`issue`] and [`fit`], takes the *signed* catalogue, so that a city
//! that holds nothing but signed bytes decides exactly as the publisher would. The files are the publisher's.
//! Document: spec/catalogue.md.
#![forbid(unsafe_code)]

mod authority;
mod cases;
mod embedded;
mod finding;
mod load;
mod publish;
mod source;
mod succession;
mod words;

pub mod approval;
pub mod diff;
pub mod fit;
pub mod issue;
pub mod samples;
pub mod schema;
pub mod table;

pub use authority::{Authority, KeyRole};
pub use cases::WorkedCase;
pub use embedded::{embedded, embedded_files};
pub use finding::{Finding, Findings};
pub use load::CatalogueData;
pub use publish::Release;
pub use source::{Note, State};
pub use words::{rules as finding_rules, zh as finding_zh};
