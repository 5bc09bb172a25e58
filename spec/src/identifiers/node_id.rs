//! Node ids: which installation is this? A division code, or one with a suffix for areas without a code of
//! their own. 前海 and 横琴 have no GB/T 2260 code and must never be given an invented one (spec/domain.md §11).

use alloc::string::String;
use core::fmt;

use super::{CodeError, DivisionCode};

/// The id of a node: six digits, or six digits, a hyphen and 2 to 16 letters `[a-z]` (`440300-qianhai`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(String);

impl NodeId {
    /// Parses a node id.
    /// # Errors
    /// [`CodeError::Length`] if the digits are not six or the suffix not 2 to 16 letters;
    /// [`CodeError::Character`] for a character outside its place.
    pub fn parse(text: &str) -> Result<NodeId, CodeError> {
        let (digits, suffix) = match text.split_once('-') {
            Some((digits, suffix)) => (digits, Some(suffix)),
            None => (text, None),
        };
        if digits.len() != 6 || suffix.is_some_and(|s| !(2..=16).contains(&s.len())) {
            return Err(CodeError::Length { found: text.chars().count() });
        }
        DivisionCode::parse(digits)?;
        let bad = suffix.and_then(|s| s.bytes().position(|byte| !byte.is_ascii_lowercase()));
        match bad {
            Some(at) => Err(CodeError::Character { at: at + 7 }),
            None => Ok(NodeId(text.into())),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The six digits before the suffix: the division under which the node stands.
    pub fn division(&self) -> DivisionCode {
        // Cannot fail: `parse` has checked the first six characters by the same rule.
        #[expect(clippy::unwrap_used, reason = "checked by parse")]
        DivisionCode::parse(&self.0[..6]).unwrap()
    }

    /// The row of [`SPECIAL_AREAS`] if this node serves such an area.
    pub fn special_area(&self) -> Option<&'static SpecialArea> {
        SPECIAL_AREAS.iter().find(|area| area.node == self.0)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({})", self.0)
    }
}

/// An area that runs a node but has no division code of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpecialArea {
    /// The node id.
    pub node: &'static str,
    /// Chinese name.
    pub zh: &'static str,
    /// The district that most of the area belongs to, six digits.
    pub parent: &'static str,
}

/// The two areas of spec/domain.md §11; part of 前海 belongs to 440306 as well.
pub const SPECIAL_AREAS: &[SpecialArea] = &[
    SpecialArea { node: "440300-qianhai", zh: "前海", parent: "440305" },
    SpecialArea { node: "440400-hengqin", zh: "横琴", parent: "440402" },
];
