//! SQL of the node's own row and of counters.

use licence_store::{Conflict, NodeRow, ReadNode, Result, WriteNode};
use rusqlite::params;

use crate::errors::{store_error, unsigned};
use crate::session::Session;

impl ReadNode for Session<'_> {
    fn node(&self) -> Result<Option<NodeRow>> {
        self.one("SELECT role, region, created_at FROM node", (), |row| {
            Ok(NodeRow { role: row.get(0)?, region: row.get(1)?, created_at: row.get(2)? })
        })
    }
}

impl WriteNode for Session<'_> {
    fn create_node(&mut self, row: &NodeRow) -> Result<()> {
        self.writing(|session| {
            let sql = "INSERT INTO node (id, role, region, created_at) VALUES (1, ?1, ?2, ?3) ON CONFLICT DO NOTHING";
            let mut insert = session.connection().prepare_cached(sql).map_err(store_error)?;
            insert.execute(params![row.role, row.region, row.created_at]).map_err(store_error)?;
            match session.node()? {
                Some(held) if held.role == row.role && held.region == row.region => Ok(()),
                _ => Err(Conflict::NodeDiffers.into()),
            }
        })
    }

    fn lease(&mut self, name: &str, count: u32) -> Result<u64> {
        self.writing(|session| {
            let sql = "INSERT INTO counters (name, next) VALUES (?1, ?2) \
                       ON CONFLICT (name) DO UPDATE SET next = counters.next + excluded.next RETURNING next - ?2";
            let mut upsert = session.connection().prepare_cached(sql).map_err(store_error)?;
            upsert.query_row(params![name, count], |row| unsigned(row, 0)).map_err(store_error)
        })
    }
}
