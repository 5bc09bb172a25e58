//! The words of a fit: reasons in Chinese and English. They repeat no value of a licence.

use licence_spec::catalogue::{Comparison, Lack};
use licence_spec::suite::Digest;
use licence_spec::verdict::Code;

use super::{Presented, Reason, Text};

/// What a licence lacks for a material. Nothing that the licence says is repeated: who asks by number alone reads this, too.
pub(super) fn lack(licence: &Presented<'_>, lack: &Lack<'_>, name_of_field: impl Fn(u8) -> String) -> Reason {
    let (key, text) = match lack {
        Lack::Type => return own_words(licence, lack.code()),
        Lack::Field(key) => {
            let name = name_of_field(*key);
            (key, text(format!("证照缺少“{name}”"), format!("the licence lacks the field {name}")))
        }
        Lack::Constraint(failed) => (&failed.key, constraint(&name_of_field(failed.key), &failed.comparison)),
        Lack::Age { key, most } => (
            key,
            text(
                format!("证照颁发已超过该材料接受的 {most} 天"),
                format!("issued longer ago than the {most} days that this material accepts"),
            ),
        ),
        Lack::Region { key, regions } => (
            key,
            text(
                format!("证照的属地不在该材料接受的地区（{}）内", regions.join("、")),
                format!(
                    "the area of the licence is none that this material accepts ({})",
                    regions.join(", ")
                ),
            ),
        ),
    };
    Reason {
        licence: Some(name_of(&licence.digest)),
        code: lack.code(),
        field: Some(name_of_field(*key)),
        text,
    }
}

pub(super) fn own_words(licence: &Presented<'_>, code: Code) -> Reason {
    let text = text(code.zh().into(), code.en().into());
    Reason { licence: Some(name_of(&licence.digest)), code, field: None, text }
}

pub(super) fn text(zh: String, en: String) -> Text {
    Text { zh, en }
}

/// What the item wants of the field; the value that the licence has is not repeated.
fn constraint(name: &str, comparison: &Comparison) -> Text {
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
