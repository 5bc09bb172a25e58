//! What a node signs for the world, and what it holds of what others signed for it.
//!
//! In scope: trust files, catalogue, status lists and tokens, the bundle, the ceremonies of officers. Out of scope: bringing them from
//! other nodes (`exchange`), their formats (`licence_spec`).

pub mod catalogue_data;
pub mod ceremony;
pub mod documents;
pub mod own_register;
pub mod publish_status;
pub mod refresh;
pub mod timestamp;
