//! Tests of the node from outside: the real program, real files, real HTTP.
//!
//! In scope: the trips end to end, bad input, repeated requests, a killed node, a full disk, slow and silent clients, the
//! operator's commands, backups, enrolment by files, a node on PostgreSQL. Out of scope: formats (`spec`), the store alone
//! (`licence-store-sqlite`), the demo (`registry/tests`).
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it cannot go on")]

mod attacks;
mod audit;
mod backup;
mod bad_input;
mod catalogue;
mod connections;
mod crash;
mod enrolment;
mod federation;
mod harness;
mod index;
mod operator;
mod postgres;
mod repeated;
mod restore;
mod texts;
mod trips;
mod trust;
