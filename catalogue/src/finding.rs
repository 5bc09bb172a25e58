//! Findings: what is wrong in the publisher's files, where, and what to do about it.

use std::fmt;

use crate::words;

/// One fault in one file. Findings are made by [`crate::CatalogueData::load`]; the rule names are listed in
/// spec/catalogue.md §7 and never change their meaning. `Display` is Chinese with English beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Path as it was handed in.
    pub file: String,
    /// Line in the file, from 1, where it is known.
    pub line: Option<usize>,
    /// Short stable name of the rule.
    pub rule: &'static str,
    /// What is wrong, in English.
    pub message: String,
    /// What to do about it.
    pub hint: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}: {} / {} ({})", self.rule, words::zh(self.rule), self.message, self.hint)
    }
}

impl serde::Serialize for Finding {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut out = serializer.serialize_struct("Finding", 6)?;
        out.serialize_field("file", &self.file)?;
        out.serialize_field("line", &self.line)?;
        out.serialize_field("rule", self.rule)?;
        out.serialize_field("zh", words::zh(self.rule))?;
        out.serialize_field("message", &self.message)?;
        out.serialize_field("hint", self.hint)?;
        out.end()
    }
}

/// All findings of one load, in the order of files and lines; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings(pub Vec<Finding>);

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, finding) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            finding.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}
