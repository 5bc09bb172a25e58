//! What a node of the electronic-licence registry is and does, without HTTP server, command line or choice of storage.
//!
//! Wings, each with one idea: [`node`] what a node is, [`access`] who asks and may they, [`trips`] the errands of an office, [`exchange`]
//! what nodes do with each other, [`publication`] what a node signs for the world, [`upkeep`] keeping a node, [`operator`] what its operator
//! may ask. Who may use whom: tests/tests/layers.rs.
#![forbid(unsafe_code)]

pub mod access;
pub mod app;
pub mod exchange;
pub mod jobs;
pub mod metrics;
pub mod node;
pub mod operator;
pub mod publication;
pub mod trips;
pub mod upkeep;

#[cfg(test)]
mod testing;
