//! The stable codes: their strings are the contract, append-only and never renamed (spec/codes.md).

use super::{Advice, Group, Outcome};

/// What a code does to the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// There is proof: the check failed.
    Fail,
    /// The check could not be made.
    Inconclusive,
    /// Nothing that could be judged.
    NoCredential,
}

macro_rules! codes {
    ($($variant:ident $string:literal $group:ident $class:ident $alarm:literal $advice:ident $gb:literal
       $zh:literal $en:literal;)*) => {
        /// A stable code: why a check failed or could not be made.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $en] $variant,)*
        }

        impl Code {
            /// All codes, in the order of spec/codes.md.
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// The string of the contract.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $string,)* }
            }

            /// The group of checks to which the code belongs.
            #[must_use]
            pub const fn group(self) -> Group {
                match self { $(Code::$variant => Group::$group,)* }
            }

            /// What the code does to the outcome.
            #[must_use]
            pub const fn class(self) -> Class {
                match self { $(Code::$variant => Class::$class,)* }
            }

            /// Whether the code is a sign of attack.
            #[must_use]
            pub const fn alarm(self) -> bool {
                match self { $(Code::$variant => $alarm,)* }
            }

            /// What the reader should do next.
            #[must_use]
            pub const fn advice(self) -> Advice {
                match self { $(Code::$variant => Advice::$advice,)* }
            }

            /// The number of the Chinese platforms, 证照信息验证 0-6 (spec/domain.md §6).
            #[must_use]
            pub const fn gb_result(self) -> u8 {
                match self { $(Code::$variant => $gb,)* }
            }

            /// The text for a clerk, in Chinese.
            #[must_use]
            pub const fn zh(self) -> &'static str {
                match self { $(Code::$variant => $zh,)* }
            }

            /// The text for a clerk, in English.
            #[must_use]
            pub const fn en(self) -> &'static str {
                match self { $(Code::$variant => $en,)* }
            }

            /// Finds a code by its string.
            #[must_use]
            pub fn from_str_exact(text: &str) -> Option<Code> {
                Code::ALL.iter().copied().find(|code| code.as_str() == text)
            }
        }
    };
}

codes! {
    Unreadable "UNREADABLE" Format NoCredential false Rescan 4
        "无法识读：扫描或解码失败，请重新扫描" "Unreadable: scanning or decoding failed; scan again";
    NotFound "NOT_FOUND" Format NoCredential false ManualReview 5
        "查无此证照：已应答的登记系统均无此证照" "Not found: no register that answered knows this licence";
    NotAsked "NOT_ASKED" Format Inconclusive false ManualReview 4
        "尚未向登记系统查询：此码只指向证照，不含证照；请联网核验，或索取完整证照（.elic 文件）" "Not asked: the code only points to the licence; verify online, or ask for the full licence (the .elic file)";
    NotConformant "NOT_CONFORMANT" Format Fail false DoNotRely 6
        "格式不符合标准，不能作为证照采信" "The object breaks the standard for licences: it cannot be relied on";
    VersionUnsupported "VERSION_UNSUPPORTED" Format Inconclusive false ManualReview 4
        "证照版本较新，请升级核验工具" "The licence has a newer form: upgrade this tool";
    SignatureInvalid "SIGNATURE_INVALID" Crypto Fail false DoNotRely 6
        "签名无效：内容被改动或并非该机关签发" "The signature is wrong: the content was changed, or this authority did not sign it";
    AlgorithmForbidden "ALGORITHM_FORBIDDEN" Crypto Fail false DoNotRely 6
        "使用了不允许的签名算法" "The signature uses a forbidden algorithm";
    AlgorithmSunsetNoProof "ALGORITHM_SUNSET_NO_PROOF" Crypto Inconclusive false ReferToIssuer 4
        "签名算法已停用，且无停用前的日志证明" "The algorithm is past its date and no log proof from before is at hand";
    IssuerNotListed "ISSUER_NOT_LISTED" Issuer Fail false DoNotRely 6
        "签发机关或其密钥不在信任列表中" "The issuer or its key is not in the trust list";
    IssuerUnknownListStale "ISSUER_UNKNOWN_LIST_STALE" Issuer Inconclusive false RefreshAndRetry 4
        "信任列表已过时，其中没有该签发机关，请更新后重试" "The issuer is not in the trust list, and the list is stale: refresh and try again";
    ScopeRole "SCOPE_ROLE" Issuer Fail false DoNotRely 6
        "该密钥无权用于此用途" "The key may not be used for this purpose";
    ScopeType "SCOPE_TYPE" Issuer Fail false DoNotRely 6
        "该机关无权签发此类证照" "The issuer may not issue this type of licence";
    ScopeRegion "SCOPE_REGION" Issuer Fail false DoNotRely 6
        "该机关无权在此地区签发证照" "The issuer may not issue licences for this region";
    ScopeTime "SCOPE_TIME" Issuer Fail false DoNotRely 6
        "签发时间不在该机关的授权期内" "The licence was signed outside the period for which the issuer was authorised";
    KeyNotValidAtIssue "KEY_NOT_VALID_AT_ISSUE" Issuer Fail false DoNotRely 6
        "签发时该密钥已停用" "The key had been retired when the licence was signed";
    KeyCompromisedAfterCut "KEY_COMPROMISED_AFTER_CUT" Issuer Fail false DoNotRely 6
        "签发密钥已泄露，本证照在泄露之后才登记" "The key was compromised, and the licence was logged after that";
    KeyCompromisedNoProof "KEY_COMPROMISED_NO_PROOF" Issuer Inconclusive false ReferToIssuer 4
        "签发密钥已泄露，无法证明本证照在泄露之前签发" "The key was compromised, and nothing proves that the licence is older";
    TrustListUnavailable "TRUST_LIST_UNAVAILABLE" Issuer Inconclusive false RefreshAndRetry 4
        "没有信任列表，无法确认签发机关" "No trust list is at hand: the issuer cannot be confirmed";
    TrustListExpired "TRUST_LIST_EXPIRED" Issuer Inconclusive false RefreshAndRetry 4
        "信任列表已过期，请更新后重试" "The trust list has expired: refresh and try again";
    TrustListSignatureInvalid "TRUST_LIST_SIGNATURE_INVALID" Issuer Inconclusive true RefreshAndRetry 4
        "信任列表签名无效，已拒绝使用" "The trust list offered is not properly signed and was refused";
    TrustListRollback "TRUST_LIST_ROLLBACK" Issuer Inconclusive true RefreshAndRetry 4
        "信任列表比已有版本旧，已拒绝使用" "The trust list offered is older than the one held and was refused";
    RootNotPinned "ROOT_NOT_PINNED" Issuer Inconclusive false ManualReview 4
        "本机尚未核对并固定信任根，不能确认任何签发机关" "No trust root has been compared and pinned here: no issuer can be confirmed";
    NotYetValid "NOT_YET_VALID" Time Fail false DoNotRely 1
        "证照尚未生效" "The licence is not valid yet";
    Expired "EXPIRED" Time Fail false DoNotRely 3
        "证照已过有效期" "The licence has expired";
    ClockUntrusted "CLOCK_UNTRUSTED" Time Inconclusive false RefreshAndRetry 4
        "本机时钟早于已见过的签名时间，请校准时钟" "This machine's clock is behind the newest signed time: set the clock";
    IssuedInFuture "ISSUED_IN_FUTURE" Time Inconclusive false RefreshAndRetry 4
        "签发时间晚于本机时钟，请校准时钟后重试" "The licence was signed in the future of this clock: check the clock and try again";
    SchemaMismatch "SCHEMA_MISMATCH" Schema Fail false DoNotRely 6
        "证照内容不符合目录规定" "The content does not fit the catalogue";
    SchemaUnavailable "SCHEMA_UNAVAILABLE" Schema Inconclusive false RefreshAndRetry 4
        "没有该类证照的目录，无法核对内容" "The catalogue of this type is not at hand: the content cannot be checked";
    Revoked "REVOKED" Status Fail false DoNotRely 3
        "证照已失效（注销、撤销、吊销、转出或作废）" "The licence has ended: cancelled, revoked, forfeited, transferred or voided";
    Suspended "SUSPENDED" Status Fail false DoNotRely 2
        "证照已被暂扣" "The licence is suspended";
    Superseded "SUPERSEDED" Status Fail false DoNotRely 3
        "证照已被新证照取代" "The licence has been replaced by a newer one";
    StatusStale "STATUS_STALE" Status Inconclusive false RefreshAndRetry 4
        "状态列表已过时，请更新后重试" "The status list is stale: refresh and try again";
    StatusUnavailable "STATUS_UNAVAILABLE" Status Inconclusive false RefreshAndRetry 4
        "没有可用的状态列表，请更新后重试" "No usable status list is at hand: refresh and try again";
    StatusValueUnknown "STATUS_VALUE_UNKNOWN" Status Inconclusive false ReferToIssuer 4
        "状态值无法识别" "The status value is unknown";
    StatusAsOfNotCovered "STATUS_AS_OF_NOT_COVERED" Status Inconclusive false RefreshAndRetry 4
        "没有所询时点的状态列表" "No status list of the moment asked for is at hand";
    StatusSignerUntrusted "STATUS_SIGNER_UNTRUSTED" Status Inconclusive true RefreshAndRetry 4
        "状态列表不是由该签发机关签名，已拒绝使用" "The status list is not signed by this issuer and was refused";
    StatusRollback "STATUS_ROLLBACK" Status Inconclusive true RefreshAndRetry 4
        "状态列表比已有版本旧，已拒绝使用" "The status list offered is older than the one held and was refused";
    StatusIndexOutOfRange "STATUS_INDEX_OUT_OF_RANGE" Status Fail false DoNotRely 6
        "状态列表中没有该证照的位置" "The status list has no place for this licence";
    StatusMissing "STATUS_MISSING" Status Fail false DoNotRely 6
        "证照没有状态信息" "The licence carries no status reference";
    LogProofInvalid "LOG_PROOF_INVALID" Log Fail true DoNotRely 6
        "日志证明无效" "The log proof is wrong";
    LogProofMissing "LOG_PROOF_MISSING" Log Inconclusive false RefreshAndRetry 4
        "缺少日志证明" "A log proof is required and missing";
    CheckpointQuorumMissing "CHECKPOINT_QUORUM_MISSING" Log Inconclusive false RefreshAndRetry 4
        "日志检查点的见证不足" "Too few witnesses signed the checkpoint of the log";
    LogSplitView "LOG_SPLIT_VIEW" Log Inconclusive true ReferToIssuer 4
        "日志出现分叉" "The log has forked: two different trees of one size were shown";
    SubjectMismatch "SUBJECT_MISMATCH" Subject Fail false DoNotRely 6
        "申请人不是持证主体" "The applicant is not the holder";
    SubjectNotGiven "SUBJECT_NOT_GIVEN" Subject Inconclusive false ManualReview 4
        "没有提供申请人" "No applicant was named";
    SubjectAmbiguous "SUBJECT_AMBIGUOUS" Subject Inconclusive false ManualReview 4
        "无法确定申请人与持证主体是否一致，请人工核对" "It is not certain that the applicant is the holder: a person must decide";
    TypeNotAccepted "TYPE_NOT_ACCEPTED" Policy Fail false DoNotRely 6
        "该事项不接受此类证照" "The service item does not accept this type of licence";
    FieldMissing "FIELD_MISSING" Policy Fail false DoNotRely 6
        "缺少该事项要求的照面信息" "A field that the service item requires is missing";
    FieldConstraintFailed "FIELD_CONSTRAINT_FAILED" Policy Fail false DoNotRely 6
        "照面信息不满足该事项的要求" "A field does not meet what the service item requires";
    AuthorisationMissing "AUTHORISATION_MISSING" Policy Fail false DoNotRely 6
        "没有用证授权" "The authorisation to use the licence is missing";
    AuthorisationExpired "AUTHORISATION_EXPIRED" Policy Fail false DoNotRely 6
        "用证授权已过期" "The authorisation to use the licence has expired";
    ViewAudienceMismatch "VIEW_AUDIENCE_MISMATCH" Policy Fail false DoNotRely 6
        "加注件不是给本单位的" "The view was made for another office";
    ViewPurposeMismatch "VIEW_PURPOSE_MISMATCH" Policy Fail false DoNotRely 6
        "加注件不是用于本事项或本案件的" "The view was made for another service item or case";
    ViewExpired "VIEW_EXPIRED" Policy Fail false DoNotRely 3
        "加注件已过期" "The view has expired";
    PolicyUnavailable "POLICY_UNAVAILABLE" Policy Inconclusive false RefreshAndRetry 4
        "没有该事项的规则" "The rules of the service item are not at hand";
    CatalogueRollback "CATALOGUE_ROLLBACK" Schema Inconclusive true RefreshAndRetry 4
        "目录与已有的同版本不一致，已拒绝使用" "The catalogue offered differs from the one held of the same version and was refused";
    DigestMismatch "DIGEST_MISMATCH" Format Fail false DoNotRely 6
        "归档对象与回执所载不一致" "An archived object is not the one that the receipt names";
    LogEntryMissing "LOG_ENTRY_MISSING" Log Inconclusive true ReferToIssuer 4
        "签发机关的日志中没有此证照，可能是盗用密钥签发，请联系签发机关" "The log of the issuer does not have this licence: it may be signed with a stolen key; ask the issuer";
}

impl Code {
    /// The outcome that the code gives when it is the primary one.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self.class() {
            Class::Fail => Outcome::Reject,
            Class::Inconclusive => Outcome::Indeterminate,
            Class::NoCredential => Outcome::NoCredential,
        }
    }
}

impl core::fmt::Display for Code {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
