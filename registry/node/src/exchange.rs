//! What nodes do with each other.
//!
//! In scope: fetching, following and mirroring other nodes, telling and gathering the index, witnessing, asking other nodes and answering
//! them. Out of scope: what a licence means (`licence_spec`), the HTTP edge (`http`).

pub mod answer_others;
pub mod ask_others;
pub mod ask_register;
pub mod ask_witness;
pub mod compare_clocks;
pub mod error;
pub mod fetch;
pub mod follow;
pub mod gather_index;
pub mod index_record;
pub mod look_up;
pub mod mirror;
pub mod neighbours;
pub mod paths;
pub mod pull;
pub mod questions;
pub mod report_index;
pub mod witness;
