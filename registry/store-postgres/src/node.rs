//! SQL of the node's own row, of counters, and of leases for jobs.

use licence_store::{Conflict, CounterRow, JobLease, NodeRow, ReadNode, Result, StoreError, WriteNode};

use crate::session::Session;

impl ReadNode for Session<'_> {
    fn node(&self) -> Result<Option<NodeRow>> {
        self.one("SELECT role, region, created_at FROM node", &[], |row| {
            Ok(NodeRow { role: row.take()?, region: row.take()?, created_at: row.take()? })
        })
    }

    fn counters(&self) -> Result<Vec<CounterRow>> {
        self.all("SELECT name, next FROM counters ORDER BY name", &[], |row| {
            Ok(CounterRow { name: row.take()?, next: row.number()? })
        })
    }
}

impl WriteNode for Session<'_> {
    fn create_node(&mut self, row: &NodeRow) -> Result<()> {
        self.writing(|session| {
            let sql = "INSERT INTO node (id, role, region, created_at) VALUES (1, $1, $2, $3) ON CONFLICT DO NOTHING";
            session.run(sql, &[&row.role, &row.region, &row.created_at], None)?;
            match session.node()? {
                Some(held) if held.role == row.role && held.region == row.region => Ok(()),
                _ => Err(Conflict::NodeDiffers.into()),
            }
        })
    }

    fn lease(&mut self, name: &str, count: u32) -> Result<u64> {
        self.writing(|session| {
            let sql = "INSERT INTO counters (name, next) VALUES ($1, $2) \
                       ON CONFLICT (name) DO UPDATE SET next = counters.next + excluded.next RETURNING next - $2";
            let first = session.one(sql, &[&name, &i64::from(count)], |row| row.number())?;
            first.ok_or_else(|| StoreError::Corrupt("a counter without a value".into()))
        })
    }

    fn take_job_lease(&mut self, lease: &JobLease, now: i64) -> Result<bool> {
        self.writing(|session| {
            let sql = "INSERT INTO job_leases (job, holder, held_until) VALUES ($1, $2, $3) \
                       ON CONFLICT (job) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until \
                       WHERE job_leases.holder = excluded.holder OR job_leases.held_until <= $4";
            Ok(session.run(sql, &[&lease.job, &lease.holder, &lease.until, &now], None)? == 1)
        })
    }
}
