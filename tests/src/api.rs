//! The description of the API, tried from outside: valid, true, good enough to make a client of (`tests/api/run.py`).

use std::path::Path;
use std::process::Command;

use crate::demo::{Serving, remove};
use crate::{python, succeeds};

/// Runs the checks against a demo of their own; `more` are arguments of `run.py`.
pub(crate) fn run(more: &[&str]) -> bool {
    let Some(python) = python::programs() else { return false };
    let folder = Path::new("target/api");
    let demo = folder.join("demo");
    remove(folder);
    let Some(serving) = Serving::start(&demo) else { return false };
    let mut run = Command::new(python.join("python"));
    succeeds(run.arg("tests/api/run.py").arg(demo).arg(serving.port.to_string()).args(more))
}
