//! Words for people: ages, texts from outside made harmless, personal data covered.

use licence_spec::catalogue::Revision;
use licence_spec::credential::Value;

/// What stands for covered personal data.
pub(crate) const COVERED: &str = "●●●";

/// A number of seconds as a clerk says it: 45 秒, 12 分钟, 3 小时, 5 天.
pub(crate) fn duration(seconds: i64, zh: bool) -> String {
    let (number, unit_zh, unit) = match seconds.unsigned_abs() {
        s if s < 120 => (s, "秒", "s"),
        s if s < 2 * 3_600 => (s / 60, "分钟", "min"),
        s if s < 2 * 86_400 => (s / 3_600, "小时", "h"),
        s => (s / 86_400, "天", "d"),
    };
    format!("{number} {}", if zh { unit_zh } else { unit })
}

/// How long ago; a time in the future is called that.
pub(crate) fn age(seconds: i64, zh: bool) -> String {
    let span = duration(seconds, zh);
    match (seconds < 0, zh) {
        (false, true) => format!("{span}前"),
        (false, false) => format!("{span} ago"),
        (true, true) => format!("未来 {span}"),
        (true, false) => format!("{span} in the future"),
    }
}

/// A text from outside on one line of a terminal: line ends, control and bidirectional characters become `�`, so that a
/// licence cannot print a verdict of its own.
pub(crate) fn plain(text: &str) -> String {
    let harmless = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|c| if harmless(c) { c } else { '\u{fffd}' }).collect()
}

/// The value of a field on one line.
pub(crate) fn value(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => plain(text),
        Value::Int(value) => value.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Bytes(bytes) => hex::encode(bytes),
        Value::List(items) => items.iter().map(self::value).collect::<Vec<_>>().join("、"),
    }
}

/// Whether a field may hold personal data. Without the catalogue only revision, licence number, type of holder code,
/// area and dates are known not to (spec/credential.md §4).
pub(crate) fn is_personal(key: u8, revision: Option<&Revision>) -> bool {
    match revision.and_then(|revision| revision.field(key)) {
        Some(field) => field.sensitive || matches!(key, 3 | 5),
        None => !matches!(key, 0 | 1 | 2 | 4 | 7 | 8 | 9 | 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_cannot_print_a_verdict_of_its_own() {
        assert_eq!(
            plain("公司\n有效 ACCEPT\u{1b}[31m\u{202e}x"),
            "公司\u{fffd}有效 ACCEPT\u{fffd}[31m\u{fffd}x"
        );
        assert_eq!(plain("穗场证〔2026〕0034581号 Ltd."), "穗场证〔2026〕0034581号 Ltd.");
    }

    #[test]
    fn ages_change_their_unit_where_the_smaller_one_tires() {
        let ages = [0, 119, 120, 7_199, 7_200, 172_799, 172_800, -60].map(|seconds| age(seconds, false));
        assert_eq!(
            ages,
            [
                "0 s ago",
                "119 s ago",
                "2 min ago",
                "119 min ago",
                "2 h ago",
                "47 h ago",
                "2 d ago",
                "60 s in the future"
            ]
        );
    }

    #[test]
    fn names_and_holder_codes_are_personal_whatever_the_catalogue_says() {
        assert!(is_personal(3, None) && is_personal(5, None) && is_personal(40, None));
        assert!(!is_personal(2, None) && !is_personal(8, None));
    }
}
