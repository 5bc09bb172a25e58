//! What runs around one node: the node, what is counted, and the other nodes that it knows.
//!
//! Stands below the HTTP edge and the jobs, so that neither stands on the other.

use std::sync::Arc;

use crate::exchange::follow::Follows;
use crate::exchange::neighbours::Neighbours;
use crate::metrics::Metrics;
use crate::node::Node;
use crate::node::config::Config;

/// A node and what runs around it.
pub struct App {
    /// The node.
    pub node: Arc<Node>,
    /// What is counted.
    pub metrics: Metrics,
    /// Other nodes that are asked while somebody waits.
    pub neighbours: Neighbours,
    /// The logs that it follows.
    pub follows: Follows,
}

impl App {
    /// A node that knows the other nodes of a configuration.
    #[must_use]
    pub fn new(node: Arc<Node>, config: &Config) -> Arc<App> {
        let (neighbours, follows) = (Neighbours::new(config), Follows::new(config));
        Arc::new(App { node, metrics: Metrics::default(), neighbours, follows })
    }

    /// A node that knows no other.
    #[must_use]
    pub fn alone(node: Arc<Node>) -> Arc<App> {
        let (neighbours, follows) = (Neighbours::default(), Follows::default());
        Arc::new(App { node, metrics: Metrics::default(), neighbours, follows })
    }
}
