//! Attacks on real nodes: a hostile neighbour, a proxy that replays, a slow client, a stolen key, a stranger's bundle.
//!
//! Each test fails without the mend that it stands for. Out of scope: wrong bytes given to one call (`bad_input`).

mod edge;
mod hand_out;
mod judgement;
mod log_heads;
mod signers;
pub(crate) mod unlogged;
