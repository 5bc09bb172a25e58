//! The world of the vectors: one moment, one city with its licences, their list and log, and who vouches for it.
//! People, companies and authorities are invented; the same as in the generated examples.

use licence_spec::time::UnixTime;

/// 2026-11-23T18:00:00+08:00, the moment of most vectors.
pub(crate) const NOW: UnixTime = UnixTime(1_795_428_000);
pub(crate) const DAY_S: i64 = 86_400;
pub(crate) const YEAR_S: i64 = 365 * DAY_S;

/// A moment so many seconds after [`NOW`].
pub(crate) const fn at(seconds: i64) -> UnixTime {
    NOW.plus(seconds)
}

/// When the authorities' scopes begin.
pub(crate) const SCOPES_FROM: UnixTime = at(-60 * DAY_S);
/// When the retired key was retired and the stolen one stolen.
pub(crate) const KEYS_CHANGED: UnixTime = at(-20 * DAY_S);
/// When the trust list was signed; the newest files before it are the root's.
pub(crate) const LIST_FROM: UnixTime = at(-10 * DAY_S);
pub(crate) const LIST_UNTIL: UnixTime = at(90 * DAY_S);
pub(crate) const TIMESTAMP_FROM: UnixTime = at(-300);
pub(crate) const TIMESTAMP_UNTIL: UnixTime = at(-600 + 3 * DAY_S);
/// The end of the timestamp that has ended an hour ago.
pub(crate) const TIMESTAMP_ENDED: UnixTime = at(-3_600);
pub(crate) const TOKEN_FROM: UnixTime = at(-1_800);
pub(crate) const TOKEN_UNTIL: UnixTime = at(-1_800 + DAY_S);
pub(crate) const TOKEN_TTL_S: i64 = 3_600;
/// Most licences were issued eight minutes ago, on the same day: within the time that they have to come into the log.
pub(crate) const ISSUED: UnixTime = at(-480);
/// When older ones were issued, on the same day.
pub(crate) const EARLIER: UnixTime = at(-7_200);

pub(crate) const PROVINCE: &str = "11440000X00000051Q";
pub(crate) const CITY: &str = "11440100X00000027D";
pub(crate) const OTHER_CITY: &str = "11440300X00000019W";
/// An authority that is in no list.
pub(crate) const STRANGER: &str = "11440600X00000043W";
/// The office that asks.
pub(crate) const OFFICE: &str = "11440400X00000035P";
pub(crate) const CITY_HOST: &str = "gz.elic.example";
pub(crate) const OTHER_HOST: &str = "sz.elic.example";
pub(crate) const ORIGIN: &str = "gz.elic.example/log";
pub(crate) const STATUS_LIST: &str = "https://gz.elic.example/v1/status-lists/17";
/// A list of which no token is at hand.
pub(crate) const OTHER_LIST: &str = "https://gz.elic.example/v1/status-lists/18";
/// A list on a host that is not the city's, although the city signs its token.
pub(crate) const FOREIGN_LIST: &str = "https://sz.elic.example/v1/status-lists/17";

/// The list of the other city.
pub(crate) const OTHER_CITY_LIST: &str = "https://sz.elic.example/v1/status-lists/3";

/// 住所（经营场所）场地使用证明.
pub(crate) const PREMISES: &str = "urn:elic:cn:11440000X00000051Q201";
/// 营业执照.
pub(crate) const BUSINESS: &str = "urn:elic:cn:11100000MB0143028R001";
pub(crate) const NAME: &str = "广州示例云帆科技有限公司";
pub(crate) const CODE: &str = "91440101MA9XXXXX36";
/// A service item that accepts [`PREMISES`] with field 24.
pub(crate) const ITEM: &str = "GZ-TH-0101";
/// A service item that accepts [`BUSINESS`] alone.
pub(crate) const OTHER_ITEM: &str = "GZ-TH-0102";
/// Service items that accept [`PREMISES`], each of which demands one thing that the good licence has not.
pub(crate) const ITEM_OF_OTHER_REGION: &str = "GZ-TH-0103";
pub(crate) const ITEM_OF_YOUNG_LICENCES: &str = "GZ-TH-0104";
pub(crate) const ITEM_OF_OTHER_VALUE: &str = "GZ-TH-0105";
pub(crate) const ITEM_OF_OTHER_ROLE: &str = "GZ-TH-0106";
pub(crate) const ITEM_OUT_OF_FORCE: &str = "GZ-TH-0107";
pub(crate) const ITEM_WITHOUT_MATERIAL_OF_TYPE: &str = "GZ-TH-0108";
pub(crate) const CASE: &str = "2026-TH-0009137";
/// First leaf index at which the stolen key is not trusted any more.
pub(crate) const CUT: u64 = 3;

/// Entries of the status list: index and value.
pub(crate) const REVOKED: u64 = 6;
pub(crate) const SUSPENDED: u64 = 9;
pub(crate) const SUPERSEDED: u64 = 12;
/// Number of entries of the list.
pub(crate) const LIST_LENGTH: u64 = 64;
