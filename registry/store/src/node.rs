//! Whose database this is, counters that never give a number twice, and which process does a recurring job.

use crate::Result;

/// The node that a database belongs to; written once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRow {
    /// `province` or `city`.
    pub role: String,
    /// Area code, for example `440100`.
    pub region: String,
    /// When the database was made, Unix seconds.
    pub created_at: i64,
}

/// A counter of [`WriteNode::lease`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterRow {
    /// Its name.
    pub name: String,
    /// The next number that it will give out.
    pub next: u64,
}

/// The right to do a recurring job, for one of the processes on one database, until a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLease {
    /// Name of the job, for example `publish_status`.
    pub job: String,
    /// Name of the process; unique among those that run, also after a restart.
    pub holder: String,
    /// Unix seconds; from this moment on anybody may take it.
    pub until: i64,
}

/// Reading the node's own row.
pub trait ReadNode {
    /// The node; `None` before [`WriteNode::create_node`].
    /// # Errors
    /// Those of the connection.
    fn node(&self) -> Result<Option<NodeRow>>;

    /// All counters, ascending by the bytes of their names.
    /// # Errors
    /// Those of the connection.
    fn counters(&self) -> Result<Vec<CounterRow>>;
}

/// Writing the node's own row, and leasing numbers.
pub trait WriteNode {
    /// Writes down whose database this is. If that is known and role and region are equal, nothing changes.
    /// # Errors
    /// [`crate::Conflict::NodeDiffers`] if the database belongs to another role or region.
    fn create_node(&mut self, row: &NodeRow) -> Result<()>;

    /// Takes the next `count` numbers of the counter `name` for good, and answers the first; a new counter starts at 0.
    /// Do it in a transaction of its own: a crash then costs a gap, and no number is given out twice.
    /// # Errors
    /// [`crate::StoreError::OutOfRange`] when the counter would pass 2^63 - 1.
    fn lease(&mut self, name: &str, count: u32) -> Result<u64>;

    /// Takes or prolongs a lease; false if another process holds it at `now`. Its holder may also shorten it: `until` = `now` gives it up.
    ///
    /// It saves work, and must not be trusted with more: a process that was halted may go on after its lease has ended, and clocks
    /// differ. What a job writes is guarded by itself ([`crate::Conflict::TokenNotNewer`], [`crate::Conflict::DocumentBackwards`]).
    /// # Errors
    /// Those of the connection.
    fn take_job_lease(&mut self, lease: &JobLease, now: i64) -> Result<bool>;
}
