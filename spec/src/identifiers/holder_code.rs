//! Holders' codes: the 16 code types of GB/T 36903 Annex A, and a code checked by the rule of its type.

use alloc::string::String;
use core::fmt;

use super::asked::is_plain_code;
use super::{CodeError, CreditCode, CreditCodeError, ResidentId};

macro_rules! holder_code_types {
    ($($variant:ident $code:literal $zh:literal,)*) => {
        /// 持证主体代码类型代码, the complete list of 16 (GB/T 36903 Annex A; spec/domain.md §3.1).
        /// Kinds that are absent there, such as residence permits, map to 999 and keep their original kind beside.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum HolderCodeType {
            $(#[doc = concat!($code, " ", $zh, ".")] $variant,)*
        }

        /// All 16 types, ascending by code.
        pub const HOLDER_CODE_TYPES: [HolderCodeType; 16] = [$(HolderCodeType::$variant),*];

        impl HolderCodeType {
            /// The three digits.
            pub fn code(self) -> &'static str {
                match self { $(HolderCodeType::$variant => $code,)* }
            }

            /// The Chinese name.
            pub fn zh(self) -> &'static str {
                match self { $(HolderCodeType::$variant => $zh,)* }
            }
        }
    };
}

holder_code_types! {
    CreditCode "001" "统一社会信用代码",
    OtherOrganisation "099" "其他法人或其他组织有效证件代码",
    ResidentId "111" "公民身份号码",
    MilitaryOfficer "114" "中国人民解放军军官证编号",
    PoliceOfficer "115" "中国人民武装警察部队警官证编号",
    MilitarySoldier "118" "中国人民解放军士兵证编号",
    PoliceSoldier "119" "中国人民武装警察部队士兵证编号",
    MilitaryCivilian "120" "中国人民解放军文职人员证编号",
    PoliceCivilian "122" "中国人民武装警察部队文职人员证编号",
    DiplomaticPassport "411" "外交护照号",
    ServicePassport "412" "公务护照号",
    PublicAffairsPassport "413" "公务普通护照号",
    OrdinaryPassport "414" "普通护照号",
    TaiwanPermit "511" "台湾居民来往大陆通行证号码",
    HongKongMacauPermit "516" "港澳居民来往内地通行证号码",
    OtherPerson "999" "其他自然人有效证件代码",
}

impl HolderCodeType {
    /// The type with these three digits; `None` if the list has none.
    pub fn from_code(code: &str) -> Option<HolderCodeType> {
        HOLDER_CODE_TYPES.into_iter().find(|kind| kind.code() == code)
    }

    /// Whether such a code names an organisation. All others name a natural person: their codes never become `sub`.
    pub fn is_organisation(self) -> bool {
        matches!(self, HolderCodeType::CreditCode | HolderCodeType::OtherOrganisation)
    }

    /// The national type for a holder type of Guangdong's running system (spec/domain.md §3.2). Many to one: keep both.
    pub fn from_provincial(code: &str) -> Option<HolderCodeType> {
        match code {
            "10" => Some(HolderCodeType::ResidentId),
            "40" => Some(HolderCodeType::OtherPerson),
            "50" | "80" => Some(HolderCodeType::OtherOrganisation),
            "70" => Some(HolderCodeType::CreditCode),
            _ => None,
        }
    }
}

/// The longest holder's code of a type without an own rule, in characters; passports and permits need 9 or 10.
pub(super) const MAX_OTHER_CHARS: usize = 64;

/// A holder's code, checked by the rule of its type. `Debug` shows the type alone and there is no `Display`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HolderCode {
    kind: HolderCodeType,
    text: String,
}

/// Why a holder's code was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HolderCodeError {
    /// Type 001, and not a 统一社会信用代码.
    Credit(CreditCodeError),
    /// Type 111, and not a 公民身份号码.
    Resident(CodeError),
    /// Another type: empty, longer than 64 characters, or with white space, control or invisible characters.
    Other,
}

impl HolderCode {
    /// Parses a code by the rule of its type: 001 by GB 32100, 111 by GB 11643, all others by length and
    /// printable characters, because their rules are not known to the project.
    /// # Errors
    /// The variant of [`HolderCodeError`] that belongs to the type.
    pub fn parse(kind: HolderCodeType, text: &str) -> Result<HolderCode, HolderCodeError> {
        match kind {
            HolderCodeType::CreditCode => {
                CreditCode::parse(text).map_err(HolderCodeError::Credit)?;
            }
            HolderCodeType::ResidentId => {
                ResidentId::parse(text).map_err(HolderCodeError::Resident)?;
            }
            _ => {
                if !is_plain_code(text, MAX_OTHER_CHARS) {
                    return Err(HolderCodeError::Other);
                }
            }
        }
        Ok(HolderCode { kind, text: text.into() })
    }

    /// The type of the code.
    pub fn kind(&self) -> HolderCodeType {
        self.kind
    }

    /// The code itself. The name is a reminder: it may be a person's number.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The value of the claim `sub`: the code of an organisation, and nothing for a natural person.
    pub fn subject(&self) -> Option<&str> {
        self.kind.is_organisation().then_some(self.text.as_str())
    }
}

impl fmt::Debug for HolderCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HolderCode({}, …)", self.kind.code())
    }
}

impl fmt::Display for HolderCodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HolderCodeError::Credit(error) => write!(f, "holder's code of type 001: {error}"),
            HolderCodeError::Resident(error) => write!(f, "holder's code of type 111: {error}"),
            HolderCodeError::Other => f.write_str(
                "a holder's code has 1 to 64 characters, none of them blank, control or invisible",
            ),
        }
    }
}

impl core::error::Error for HolderCodeError {}
