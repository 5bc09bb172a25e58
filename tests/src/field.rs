//! The field cases: inputs that users and integrators met, with their right answers (`tests/field/README.md`).

use std::process::Command;

use crate::{programs, python, succeeds};

/// Runs all cases, or those named; whether each was answered rightly.
pub(crate) fn run(cases: &[&str]) -> bool {
    let Some(python) = python::programs() else { return false };
    let (Some(_), Some(tool)) = (programs::find("licence-registry"), programs::find("licence-verify")) else {
        return false;
    };
    let Some(folder) = tool.parent() else { return false };
    let run = ["tests/field/run.py", "--bin"];
    succeeds(Command::new(python.join("python")).args(run).arg(folder).args(cases))
}
