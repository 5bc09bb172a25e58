//! What was typed: verbs and options, with their help in Chinese and English.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// 证照核验工具 / judges electronic licences offline.
#[derive(Parser)]
#[command(
    name = "licence-verify",
    version,
    after_help = "退出码 / exit codes of check: 0 有效 ACCEPT, 1 无效 REJECT, 2 无法确认 INDETERMINATE, 3 未识别 NO_CREDENTIAL, 64 用法 usage, 70 内部 internal, 74 输入输出 input/output"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// One errand.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// 核验一份证照 / judge one licence
    Check(CheckOptions),
    /// 更新离线证据（使用网络） / refresh the offline evidence (uses the network)
    Sync(SyncOptions),
    /// 固定信任根：先与省级公布的摘要人工核对 / pin the trust root, after comparing its digest by hand
    Pin(PinOptions),
    /// 显示文件内容，不作核验 / show what a file says, without judging it
    Show(ShowOptions),
    /// 核对一份核验回执 / check a verification receipt
    Receipt(ReceiptOptions),
    /// 检查时钟和离线证据，说明如何处理 / examine clock and evidence, and say what to do
    Doctor(DoctorOptions),
}

/// Where the evidence lies.
#[derive(clap::Args)]
pub(crate) struct PlaceOptions {
    /// 离线证据：目录或文件 / offline evidence, a folder or a file [default: $XDG_DATA_HOME/licence-verify/bundle]
    #[arg(long, value_name = "DIR")]
    pub(crate) bundle: Option<PathBuf>,
    /// 记录所见最新证据的目录 / folder that remembers the newest evidence seen [default: beside the bundle]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// 本次使用的信任根：根文件或其 SHA-256 摘要，须已人工核对 / the trust root for this call, a root file or its SHA-256 digest, compared by hand [default: the pinned one]
    #[arg(long, value_name = "FILE|DIGEST")]
    pub(crate) root: Option<String>,
}

/// How the answer is printed.
#[derive(clap::Args, Clone, Copy)]
pub(crate) struct OutputOptions {
    /// 输出格式 / output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// 语言 / language
    #[arg(long, value_enum, default_value_t = Language::ZhCn)]
    pub(crate) lang: Language,
}

impl OutputOptions {
    /// Whether Chinese text is wanted.
    pub(crate) fn zh(self) -> bool {
        self.lang == Language::ZhCn
    }
}

/// Options of `check`.
#[derive(clap::Args)]
pub(crate) struct CheckOptions {
    /// .elic 文件、二维码文本、PNG/JPEG 图片，或 - 表示标准输入 / .elic file, QR text, PNG or JPEG picture, or - for standard input
    pub(crate) presented: PathBuf,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
    /// 以此时刻判断（RFC 3339） / judge at this moment (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
    /// 策略 / policy: counter, approval or archive
    #[arg(long, default_value = "counter")]
    pub(crate) policy: String,
    /// 引用二维码：联网向所指节点取证照，节点须在信任列表中 / a reference code: fetch the licence from its node, which must be in the trust list
    #[arg(long)]
    pub(crate) fetch: bool,
    #[command(flatten)]
    pub(crate) network: NetworkOptions,
}

/// How the licence behind a reference is fetched.
#[derive(clap::Args)]
pub(crate) struct NetworkOptions {
    /// 节点名所在地址，可重复 / where a node of this name is, for --fetch; may be repeated [default: https://HOST]
    #[arg(long = "address", value_name = "HOST=URL", requires = "fetch")]
    pub(crate) addresses: Vec<String>,
    /// --fetch 时只信任此 PEM 文件中的 CA / trust the CAs in this PEM file instead of the system's, for --fetch
    #[arg(long, value_name = "FILE", requires = "fetch")]
    pub(crate) ca: Option<PathBuf>,
}

/// Options of `sync`.
#[derive(clap::Args)]
pub(crate) struct SyncOptions {
    /// 节点地址（https://…）或离线证据文件、目录 / address of a node, or a bundle file or folder
    pub(crate) source: String,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
    /// 允许向非本机地址使用明文 HTTP / allow plain HTTP to other machines than this one
    #[arg(long)]
    pub(crate) allow_plain_http: bool,
    /// 只信任此 PEM 文件中的 CA（单位内部 CA），而不用系统的 / trust the CAs in this PEM file (an internal CA) instead of the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// 以此时刻判断（RFC 3339） / judge at this moment (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// Options of `pin`.
#[derive(clap::Args)]
pub(crate) struct PinOptions {
    /// 根文件（trust/root_1.cbor）或其 SHA-256 摘要 / a root file (trust/root_1.cbor) or its SHA-256 digest
    #[arg(value_name = "FILE|DIGEST")]
    pub(crate) root: String,
    /// 存放固定的根的目录 / folder that keeps the pinned root [default: $XDG_STATE_HOME/licence-verify]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// 替换已固定的另一个根 / take the place of another root that is pinned
    #[arg(long)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// Options of `show`.
#[derive(clap::Args)]
pub(crate) struct ShowOptions {
    /// .elic、.elr 文件、二维码文本、图片，或 - / .elic or .elr file, QR text, picture, or -
    pub(crate) file: PathBuf,
    /// 显示个人信息 / show personal data too
    #[arg(long)]
    pub(crate) full: bool,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// Options of `receipt`.
#[derive(clap::Args)]
pub(crate) struct ReceiptOptions {
    /// 回执文件 .elr / receipt file
    pub(crate) receipt: PathBuf,
    /// 与回执一同归档的证照 / the licence that was filed with it
    #[arg(long, value_name = "FILE")]
    pub(crate) licence: Option<PathBuf>,
    /// 与回执一同归档的加注件 / the view that was filed with it
    #[arg(long, value_name = "FILE")]
    pub(crate) view: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
    /// 以此时刻判断（RFC 3339） / judge at this moment (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// Options of `doctor`.
#[derive(clap::Args)]
pub(crate) struct DoctorOptions {
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
    /// 以此时刻判断（RFC 3339） / judge at this moment (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// Form of the answer.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// 供人阅读 / for people
    Text,
    /// 供程序读取 / for programs
    Json,
}

/// Language of the answer for people.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// 中文 / Chinese
    #[value(name = "zh-CN")]
    ZhCn,
    /// 英文 / English
    En,
}
