//! The trips: one errand from request to durable effect each, one file each. Trips know no HTTP.

pub mod change_status;
pub mod check_service_item;
pub mod cut;
pub mod end_index;
pub mod file_form;
pub mod file_verdict;
pub mod issue;
pub mod read_licence;
pub mod reason;
pub mod receipt;
pub mod status_history;
pub mod verify;
