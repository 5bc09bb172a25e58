//! The program `licence-registry`: its command line, and which storage a node has. What a node is and does is `licence_node`.
#![forbid(unsafe_code)]

pub mod cli;
pub mod logging;
