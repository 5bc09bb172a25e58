//! Keeping a node: backup and restore, checking what is stored, saying what is wrong.
//!
//! Out of scope: the command line (`cli`), storage itself (`licence_store`).

pub mod backup;
pub mod doctor;
pub mod fsck;
pub mod initialise;
pub mod rehearsal;
pub mod restore;
pub mod set_up;
