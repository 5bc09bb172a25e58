//! What is wrong with an issue request, field by field.

use std::fmt;

use licence_spec::catalogue::FieldKind;
use licence_spec::text::TextFault;

/// Longest field name that is repeated in an error, characters: names come from the client.
const MAX_SHOWN: usize = 64;

/// Which rule a field of a request breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldRule {
    /// The type has no field of this name.
    Unknown,
    /// Required and not there, or empty.
    Missing,
    /// Longer than allowed.
    TooLong {
        /// The limit.
        max: usize,
        /// `characters` or `bytes`.
        unit: &'static str,
    },
    /// More items than allowed.
    TooMany {
        /// The limit.
        max: usize,
    },
    /// Fewer items than needed.
    TooFew {
        /// The least number.
        min: usize,
    },
    /// None of the options of a closed field.
    NotAnOption,
    /// Another kind of value than the field has.
    WrongKind {
        /// The kind of the field.
        expected: FieldKind,
    },
    /// A character or blank that is not signed.
    Text(TextFault),
    /// Not a real day written `YYYY-MM-DD`.
    Date,
    /// The last valid day lies before the first one.
    BeforeStart,
    /// Later than today in China.
    InFuture,
    /// The day of issue lies behind the last valid day.
    AfterEnd,
    /// What must have happened before the day of issue lies behind it.
    AfterIssue,
    /// The number of a person who was born after the day of issue.
    BornAfterIssue,
    /// The same item twice, in two normal forms.
    Twice,
    /// Not one of the 16 code types.
    CodeType,
    /// The code breaks the rule of its type: length, characters or check digit.
    Code,
    /// Not a division code of 6, 9 or 12 digits.
    AreaCode,
    /// A common item, which has its own member in the request.
    GivenElsewhere,
    /// The type is issued elsewhere and only named in the catalogue.
    NotIssuedHere,
    /// The code of the type is provisional: nobody issues it in production.
    Provisional,
}

impl FieldRule {
    /// Short stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            FieldRule::Unknown => "unknown",
            FieldRule::Missing => "missing",
            FieldRule::TooLong { .. } => "too_long",
            FieldRule::TooMany { .. } => "too_many",
            FieldRule::WrongKind { .. } => "wrong_kind",
            FieldRule::Text(fault) => fault.rule.name(),
            FieldRule::Date => "date",
            FieldRule::BeforeStart => "before_start",
            FieldRule::InFuture => "in_future",
            FieldRule::AfterEnd => "after_end",
            FieldRule::AfterIssue => "after_issue",
            FieldRule::BornAfterIssue => "born_after_issue",
            FieldRule::Twice => "twice",
            FieldRule::CodeType => "code_type",
            FieldRule::Code => "code",
            FieldRule::AreaCode => "area_code",
            FieldRule::GivenElsewhere => "given_elsewhere",
            FieldRule::NotIssuedHere => "not_issued_here",
            FieldRule::TooFew { .. } => "too_few",
            FieldRule::NotAnOption => "not_an_option",
            FieldRule::Provisional => "provisional",
        }
    }

    fn zh(self) -> String {
        match self {
            FieldRule::Unknown => "该证照类型没有此项".into(),
            FieldRule::Missing => "必填，不能为空".into(),
            FieldRule::TooLong { max, unit: "bytes" } => format!("超过 {max} 字节"),
            FieldRule::TooLong { max, .. } => format!("超过 {max} 个字符"),
            FieldRule::TooMany { max } => format!("超过 {max} 项"),
            FieldRule::WrongKind { expected } => format!("应为{}", kind_words(expected).0),
            FieldRule::Text(fault) => fault.zh(),
            FieldRule::Date => "不是真实日期（YYYY-MM-DD）".into(),
            FieldRule::BeforeStart => "截止日期早于起始日期".into(),
            FieldRule::InFuture => "晚于今天（北京时间）".into(),
            FieldRule::AfterEnd => "颁发日期晚于截止日期".into(),
            FieldRule::AfterIssue => "晚于颁发日期".into(),
            FieldRule::BornAfterIssue => "号码中的出生日期晚于颁发日期".into(),
            FieldRule::Twice => "同一项给出两次".into(),
            FieldRule::CodeType => "不是规定的持证主体代码类型".into(),
            FieldRule::Code => "代码不符合其类型的规则或校验位错误".into(),
            FieldRule::AreaCode => "不是 6、9 或 12 位行政区划代码".into(),
            FieldRule::GivenElsewhere => "此项由请求的其他成员给出".into(),
            FieldRule::NotIssuedHere => "此类证照仅供引用，不在本系统签发".into(),
            FieldRule::TooFew { min } => format!("少于 {min} 项"),
            FieldRule::NotAnOption => "不是该项的可选值".into(),
            FieldRule::Provisional => "证照类型代码为暂定代码，正式环境不予签发".into(),
        }
    }

    fn en(self) -> String {
        match self {
            FieldRule::Unknown => "the type has no such field".into(),
            FieldRule::Missing => "required and not empty".into(),
            FieldRule::TooLong { max, unit } => format!("longer than {max} {unit}"),
            FieldRule::TooMany { max } => format!("more than {max} items"),
            FieldRule::WrongKind { expected } => format!("{} is expected", kind_words(expected).1),
            FieldRule::Text(fault) => fault.en(),
            FieldRule::Date => "not a real day, YYYY-MM-DD".into(),
            FieldRule::BeforeStart => "the last valid day is before the first one".into(),
            FieldRule::InFuture => "later than today in China".into(),
            FieldRule::AfterEnd => "the day of issue is after the last valid day".into(),
            FieldRule::AfterIssue => "later than the day of issue".into(),
            FieldRule::BornAfterIssue => "the birth date in the number is later than the day of issue".into(),
            FieldRule::Twice => "the same item stands twice".into(),
            FieldRule::CodeType => "not a code type of the list".into(),
            FieldRule::Code => "the code breaks the rule of its type, or its check digit is wrong".into(),
            FieldRule::AreaCode => "not a division code of 6, 9 or 12 digits".into(),
            FieldRule::GivenElsewhere => "given by another member of the request".into(),
            FieldRule::NotIssuedHere => "the type is named for reference and not issued here".into(),
            FieldRule::TooFew { min } => format!("fewer than {min} items"),
            FieldRule::NotAnOption => "none of the options of the field".into(),
            FieldRule::Provisional => {
                "the code of the type is provisional: production does not issue it".into()
            }
        }
    }
}

const fn kind_words(kind: FieldKind) -> (&'static str, &'static str) {
    match kind {
        FieldKind::Text => ("文字", "a text"),
        FieldKind::Date => ("日期 YYYY-MM-DD", "a date YYYY-MM-DD"),
        FieldKind::Uint => ("非负整数", "an integer that is not negative"),
        FieldKind::Bool => ("真或假", "true or false"),
        FieldKind::List => ("文字列表", "a list of texts"),
        FieldKind::Digest => ("64 位小写十六进制摘要", "a digest of 64 lower-case hex digits"),
        FieldKind::Table => ("文字表格", "a table of texts"),
    }
}

/// One fault of a request. It names the field, never its value. `Display` is Chinese with English beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    field: String,
    rule: FieldRule,
}

impl FieldError {
    pub(super) fn new(field: &str, rule: FieldRule) -> FieldError {
        FieldError { field: field.chars().filter(|c| !c.is_control()).take(MAX_SHOWN).collect(), rule }
    }

    /// The field by its name in the catalogue, or the member of the request, such as `holders[0].code`.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The rule that it breaks.
    #[must_use]
    pub const fn rule(&self) -> FieldRule {
        self.rule
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}：{} / {}: {}", self.field, self.rule.zh(), self.field, self.rule.en())
    }
}

impl serde::Serialize for FieldError {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut out = serializer.serialize_struct("FieldError", 3)?;
        out.serialize_field("field", &self.field)?;
        out.serialize_field("rule", self.rule.name())?;
        out.serialize_field("detail", &self.to_string())?;
        out.end()
    }
}

/// All faults of a request; never empty.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FieldErrors(pub Vec<FieldError>);

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for FieldErrors {}
