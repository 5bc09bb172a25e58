//! The trips: one errand from request to durable effect each, one file each. Trips know no HTTP.

pub mod ask_register;
pub mod ask_witness;
pub mod change_status;
pub mod check_service_item;
pub mod cut;
pub mod end_index;
pub mod file_form;
pub mod find_elsewhere;
pub mod fork_cases;
pub mod gather_index;
pub mod index_record;
pub mod issue;
pub mod look_up;
pub mod mirror;
pub mod mirror_state;
pub mod mirrored_tree;
pub mod own_register;
pub mod publish_status;
pub mod receipt;
pub mod report_index;
pub mod status_history;
pub mod verify;
pub mod witness;
