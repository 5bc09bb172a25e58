//! A node of the electronic-licence registry, as a library: the binary and the tests put it together.
//!
//! Inside, `http` may use `trips`, and `trips` the store; `trips` knows no HTTP, `http` no SQL, and only `main.rs` and
//! `cli` name a storage backend (DESIGN §3; tests/tests/layers.rs keeps it so).
#![forbid(unsafe_code)]

pub mod access;
pub mod admin;
pub mod app;
pub mod cli;
pub mod exchange;
pub mod http;
pub mod jobs;
pub mod logging;
pub mod metrics;
pub mod node;
pub mod operator;
pub mod publication;
pub mod trips;
pub mod upkeep;
