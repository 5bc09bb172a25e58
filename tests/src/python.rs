//! An environment of Python with the packages that the checks from outside are made of.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{install, succeeds};

/// Where it lies; made anew only where it is missing.
const PLACE: &str = "target/python";
/// What the independent implementation reads and writes with; a validator of API descriptions, a generator of clients, and a
/// tester that makes requests from a description.
const NEEDS: &[&str] = &[
    "cbor2==6.3.0",
    "cryptography==50.0.2",
    "openapi-spec-validator==0.9.0",
    "openapi-python-client==0.29.1",
    "schemathesis==4.32.5",
];

/// The folder of its programs, absolute.
pub(crate) fn programs() -> Option<PathBuf> {
    let venv = Path::new(PLACE);
    let make = || succeeds(Command::new("python3").args(["-m", "venv"]).arg(venv));
    if !(make() || (install(&["python3", "python3-venv"]) && make())) {
        eprintln!("请安装 python3-venv / install python3-venv");
        return None;
    }
    let programs = std::path::absolute(venv.join("bin")).ok()?;
    let pip = ["install", "--quiet", "--disable-pip-version-check"];
    succeeds(Command::new(programs.join("pip")).args(pip).args(NEEDS)).then_some(programs)
}
