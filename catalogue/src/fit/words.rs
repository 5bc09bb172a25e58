//! The words of a fit: reasons in Chinese and English. They repeat no value of a licence but dates and area codes.

use licence_spec::catalogue::Comparison;
use licence_spec::suite::Digest;
use licence_spec::verdict::Code;

use super::{Presented, Reason, Text};

pub(super) fn reason(licence: &Presented<'_>, code: Code, text: Text) -> Reason {
    Reason { licence: name_of(&licence.digest), code, field: None, text }
}

pub(super) fn field_reason(licence: &Presented<'_>, code: Code, field: String, text: Text) -> Reason {
    Reason { licence: name_of(&licence.digest), code, field: Some(field), text }
}

pub(super) fn own_words(licence: &Presented<'_>, code: Code) -> Reason {
    reason(licence, code, text(code.zh().into(), code.en().into()))
}

pub(super) fn text(zh: String, en: String) -> Text {
    Text { zh, en }
}

/// What the item wants of the field; the value that the licence has is not repeated.
pub(super) fn constraint(name: &str, comparison: &Comparison) -> Text {
    let (zh, en) = match comparison {
        Comparison::OneOf(texts) => {
            (format!("须为{}", texts.join("、")), format!("must be {}", texts.join(" or ")))
        }
        Comparison::Contains(part) => (format!("须包含“{part}”"), format!("must contain {part}")),
        Comparison::AtLeast(least) => (format!("不得小于 {least}"), format!("must be at least {least}")),
        Comparison::AtMost(most) => (format!("不得大于 {most}"), format!("must be at most {most}")),
        Comparison::NotBefore(day) => (format!("不得早于 {day}"), format!("must not be before {day}")),
        Comparison::NotAfter(day) => (format!("不得晚于 {day}"), format!("must not be after {day}")),
    };
    text(format!("“{name}”{zh}"), format!("the field {name} {en}"))
}

/// `sha-256:` and hex.
pub(super) fn name_of(digest: &Digest) -> String {
    use std::fmt::Write as _;
    let mut name = String::from("sha-256:");
    for byte in digest {
        // Cannot fail: writing to a string.
        let _ = write!(name, "{byte:02x}");
    }
    name
}
