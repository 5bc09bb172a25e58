//! Texts that are signed: which characters may a writer put into an object, and how may a person's name be written?
//!
//! In scope: one table of rules with a name each, asked by everything that is going to be signed or kept for good: fields of
//! licences, names of the catalogue and of the trust list, cases, operators and grounds. Out of scope: what a reader must
//! refuse, which is the shorter rule of spec/cbor.md §9 ([`crate::cbor::check_text`]): an object that was signed before a
//! rule was made stays readable. Rules: spec/credential.md §2; vectors in spec/vectors/text/.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use unicode_general_category::{GeneralCategory, get_general_category};
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

use crate::identifiers::NAME_SEPARATOR_VARIANTS;

/// How many lines a text may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// One: names, numbers, codes, cases.
    One,
    /// Several, with LF between.
    Several,
}

macro_rules! rules {
    ($($variant:ident $name:literal $zh:literal $en:literal,)*) => {
        /// Which rule a text breaks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum TextRule {
            $(#[doc = concat!($zh, " / ", $en, ".")] $variant,)*
        }

        impl TextRule {
            /// All rules, in the order of the standard's table.
            pub const ALL: &[TextRule] = &[$(TextRule::$variant),*];

            /// Short stable name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(TextRule::$variant => $name,)* }
            }

            /// What is wrong, in Chinese.
            #[must_use]
            pub const fn zh(self) -> &'static str {
                match self { $(TextRule::$variant => $zh,)* }
            }

            /// What is wrong, in English.
            #[must_use]
            pub const fn en(self) -> &'static str {
                match self { $(TextRule::$variant => $en,)* }
            }
        }
    };
}

rules! {
    Blank "blank" "为空或仅有空白" "empty, or nothing but blanks",
    BlanksAround "blanks_around" "首尾有空白，请删去" "a blank before or behind the text: delete it",
    CarriageReturn "carriage_return" "回车符，换行只用换行符" "a carriage return: lines end with a line feed alone",
    LineBreak "line_break" "此项只能一行，或换行符不合规定" "a line break, or one of another kind than line feed",
    Control "control" "控制字符" "a control character",
    Bidi "bidi" "改变文字方向的不可见字符" "an invisible character that changes the direction of text",
    Lost "lost" "替代字符：转换编码时丢失了原字" "a replacement character: a conversion has lost the real one",
    Tag "tag" "不可见的标签字符" "an invisible tag character",
    Invisible "invisible" "零宽或不可见字符" "a zero-width or invisible character",
    Selector "selector" "异体选择符只能紧跟汉字" "a variation selector that does not follow a Han character",
    PrivateUse "private_use" "私用区字符（自造字）" "a private-use character, which others cannot read",
    Unassigned "unassigned" "未分配的码位" "a code point without a character",
    OtherBlank "other_blank" "非普通空格，请用 U+0020" "a blank of another kind: write U+0020",
    Radical "radical" "部首字符，不是汉字，请写汉字本字" "a radical that looks like a Han character: write the character",
    NotNfc "not_nfc" "文字未规范化（NFC）" "not in Unicode normal form C",
    NameSeparator "name_separator" "姓名分隔符只用间隔号“·”U+00B7，不在首尾，不连用" "the separator of a person's name is U+00B7 (·) alone, not at an end, not doubled",
    NameBlank "name_blank" "名称中不用全角空格，人名的汉字之间不留空白" "an ideographic blank in a name, or a blank between the Han characters of a person's name",
    FullWidth "full_width" "全角字母或数字，请用半角" "full-width letters or digits: write them in half width",
}

/// The first breach of a text. It tells the rule, the place and the code point, never the text.
///
/// `Display` is Chinese with English beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextFault {
    /// The rule.
    pub rule: TextRule,
    /// The character, and which one of the text it is, counted from 1; `None` for a rule about the text as a whole.
    pub character: Option<(usize, char)>,
}

impl TextFault {
    const fn whole(rule: TextRule) -> TextFault {
        TextFault { rule, character: None }
    }

    /// The same in Chinese alone.
    #[must_use]
    pub fn zh(&self) -> String {
        match self.character {
            Some((at, character)) => {
                alloc::format!("第 {at} 个字符 U+{:04X}：{}", u32::from(character), self.rule.zh())
            }
            None => self.rule.zh().into(),
        }
    }

    /// The same in English alone.
    #[must_use]
    pub fn en(&self) -> String {
        match self.character {
            Some((at, character)) => {
                alloc::format!("character {at}, U+{:04X}: {}", u32::from(character), self.rule.en())
            }
            None => self.rule.en().into(),
        }
    }
}

impl fmt::Display for TextFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {}", self.zh(), self.en())
    }
}

impl core::error::Error for TextFault {}

/// The text in normal form C, as it is signed.
#[must_use]
pub fn nfc(text: &str) -> Cow<'_, str> {
    if is_nfc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

/// Checks a text that is going to be signed or kept for good.
///
/// # Errors
/// The first rule that it breaks.
pub fn check_written(text: &str, lines: Lines) -> Result<(), TextFault> {
    if text.chars().all(char::is_whitespace) {
        return Err(TextFault::whole(TextRule::Blank));
    }
    check_characters(text, lines)?;
    let ends = [(1, text.chars().next()), (text.chars().count(), text.chars().next_back())];
    for (at, end) in ends {
        if let Some(blank) = end.filter(|end| end.is_whitespace()) {
            return Err(TextFault { rule: TextRule::BlanksAround, character: Some((at, blank)) });
        }
    }
    Ok(())
}

/// Checks the characters and the normal form of a text that is a part of others, such as a line of a file.
///
/// # Errors
/// The first rule that it breaks.
pub fn check_characters(text: &str, lines: Lines) -> Result<(), TextFault> {
    let mut before = None;
    for (at, character) in (1..).zip(text.chars()) {
        if let Some(rule) = breach(character, before, lines) {
            return Err(TextFault { rule, character: Some((at, character)) });
        }
        before = Some(character);
    }
    if is_nfc(text) { Ok(()) } else { Err(TextFault::whole(TextRule::NotNfc)) }
}

/// The rule that one character breaks behind another one.
fn breach(character: char, before: Option<char>, lines: Lines) -> Option<TextRule> {
    match character {
        ' '..='~' | '\u{4e00}'..='\u{9fff}' | '\u{3000}' => None,
        '\n' if lines == Lines::Several => None,
        '\r' => Some(TextRule::CarriageReturn),
        '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(TextRule::LineBreak),
        '\u{fffd}' | '\u{fffc}' => Some(TextRule::Lost),
        '\u{e0000}'..='\u{e007f}' => Some(TextRule::Tag),
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some(TextRule::Bidi)
        }
        // Ideographic variation sequences, and the standardised ones for compatibility ideographs.
        '\u{fe00}'..='\u{fe02}' | '\u{e0100}'..='\u{e01ef}' if before.is_some_and(is_han) => None,
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => Some(TextRule::Selector),
        '\u{2e80}'..='\u{2fd5}' => Some(TextRule::Radical),
        character if is_unseen(character) => Some(TextRule::Invisible),
        character => by_category(character),
    }
}

/// Characters without a shape that are no format characters: fillers, joiners, the empty Braille pattern, Mongolian selectors.
const fn is_unseen(character: char) -> bool {
    matches!(character,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2065}'
        | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{e0080}'..='\u{e00ff}'
        | '\u{e01f0}'..='\u{e0fff}')
}

fn by_category(character: char) -> Option<TextRule> {
    match get_general_category(character) {
        GeneralCategory::Control => Some(TextRule::Control),
        GeneralCategory::Format => Some(TextRule::Invisible),
        GeneralCategory::PrivateUse => Some(TextRule::PrivateUse),
        GeneralCategory::SpaceSeparator => Some(TextRule::OtherBlank),
        // Planes 2 and 3 are set apart for Han characters: newer ones are right before this table knows them.
        GeneralCategory::Unassigned if !matches!(character, '\u{20000}'..='\u{2fffd}' | '\u{30000}'..='\u{3fffd}') => {
            Some(TextRule::Unassigned)
        }
        _ => None,
    }
}

/// Whether this is a Han character: unified, compatibility, 〇 and 々.
const fn is_han(character: char) -> bool {
    matches!(character,
        '\u{3005}' | '\u{3007}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3fffd}')
}

/// Checks the name of a holder who may be a person or an organisation: a text of one line, without the characters that are
/// written in place of U+00B7 and without ideographic blanks.
///
/// # Errors
/// The first rule that it breaks.
pub fn check_name(text: &str) -> Result<(), TextFault> {
    check_written(text, Lines::One)?;
    let wrong = |(_, character): &(usize, char)| {
        *character == '\u{3000}' || NAME_SEPARATOR_VARIANTS.contains(character)
    };
    match (1..).zip(text.chars()).find(wrong) {
        Some(place @ (_, '\u{3000}')) => Err(TextFault { rule: TextRule::NameBlank, character: Some(place) }),
        Some(place) => Err(TextFault { rule: TextRule::NameSeparator, character: Some(place) }),
        None => Ok(()),
    }
}

/// Checks the name of a person: as [`check_name`]; and between two Han characters stand letters, brackets or U+00B7 alone,
/// U+00B7 neither at an end nor doubled.
///
/// # Errors
/// The first rule that it breaks.
pub fn check_person_name(text: &str) -> Result<(), TextFault> {
    check_name(text)?;
    let mut before = None;
    let mut rest = (1..).zip(text.chars()).peekable();
    while let Some((at, character)) = rest.next() {
        let after = rest.peek().map(|(_, after)| *after);
        let inner = before.is_some_and(is_han) && after.is_some_and(is_han);
        let rule = match character {
            '\u{b7}' if before.is_none() || after.is_none() || after == Some('\u{b7}') => {
                Some(TextRule::NameSeparator)
            }
            '\u{b7}' | '(' | ')' | '（' | '）' => None,
            ' ' if inner => Some(TextRule::NameBlank),
            other if inner && !is_han(other) && !other.is_alphanumeric() && !is_selector(other) => {
                Some(TextRule::NameSeparator)
            }
            _ => None,
        };
        if let Some(rule) = rule {
            return Err(TextFault { rule, character: Some((at, character)) });
        }
        before = Some(character);
    }
    Ok(())
}

const fn is_selector(character: char) -> bool {
    matches!(character, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Checks a number on the face of a licence (证照编号), which others type and compare: a text of one line, letters and digits
/// in half width, no ideographic blank and no two blanks together.
///
/// # Errors
/// The first rule that it breaks.
pub fn check_number(text: &str) -> Result<(), TextFault> {
    check_written(text, Lines::One)?;
    let mut before = None;
    for (at, character) in (1..).zip(text.chars()) {
        let rule = match character {
            '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' => Some(TextRule::FullWidth),
            '\u{3000}' => Some(TextRule::OtherBlank),
            ' ' if before == Some(' ') => Some(TextRule::OtherBlank),
            selector if is_selector(selector) => Some(TextRule::Selector),
            _ => None,
        };
        if let Some(rule) = rule {
            return Err(TextFault { rule, character: Some((at, character)) });
        }
        before = Some(character);
    }
    Ok(())
}

/// Why a text of one line was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineFault {
    /// A rule of characters.
    Text(TextFault),
    /// Longer than this many characters.
    TooLong(usize),
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LineFault::Text(fault) => fault.fmt(f),
            LineFault::TooLong(max) => write!(f, "超过 {max} 个字符 / longer than {max} characters"),
        }
    }
}

impl core::error::Error for LineFault {}

/// Checks a text of one line that is signed or kept for good beside a licence: a case, an operator, a ground.
///
/// # Errors
/// [`LineFault`].
pub fn check_line(text: &str, max: usize) -> Result<(), LineFault> {
    if text.len() > max && text.chars().count() > max {
        return Err(LineFault::TooLong(max));
    }
    check_written(text, Lines::One).map_err(LineFault::Text)
}
