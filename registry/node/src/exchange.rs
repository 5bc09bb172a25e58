//! What nodes do with each other.
//!
//! In scope: fetching, following and mirroring other nodes, telling and gathering the index, witnessing, asking other nodes and answering
//! them. Out of scope: what a licence means (`licence_spec`), the HTTP edge (`http`).

pub mod ask_register;
pub mod ask_witness;
pub mod fetch;
pub mod find_elsewhere;
pub mod follow;
pub mod fork_cases;
pub mod gather_index;
pub mod index_record;
pub mod look_up;
pub mod mirror;
pub mod mirror_state;
pub mod mirrored_tree;
pub mod pull;
pub mod report_index;
pub mod witness;
