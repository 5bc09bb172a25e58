//! Invented holders: people who were born in 1800, and organisations whose names say 示例.

use licence_spec::catalogue::{LicenceType, META_HOLDER};
use licence_spec::identifiers::{CreditCode, OrganisationCode, ResidentId};

use super::{SplitMix64, digits};
use crate::issue::Holder;

/// Most holders that a sample has: a type may allow 64.
const MOST: u64 = 4;
const SURNAMES: [&str; 16] =
    ["王", "李", "陈", "黄", "欧阳", "司徒", "冼", "邝", "麦", "区", "阮", "仇", "单", "尉迟", "䶮", "刘"];
const GIVEN: [&str; 16] = [
    "㛃", "𬭎", "䶮", "示", "例", "子轩", "梓涵", "建国", "𬭎䶮", "㛃文", "婉婷", "志强", "一", "晓琳", "海",
    "嘉怡",
];
const CITIES: [(&str, &str); 8] = [
    ("广州", "440100"),
    ("深圳", "440300"),
    ("珠海", "440400"),
    ("佛山", "440600"),
    ("东莞", "441900"),
    ("中山", "442000"),
    ("惠州", "441300"),
    ("湛江", "440800"),
];
const TRADES: [&str; 8] =
    ["科技", "云帆贸易", "建筑工程", "餐饮管理", "物流", "㛃䶮文化", "物业服务", "智能装备制造"];

/// As many holders as the type takes, of the category that it names.
pub(super) fn make(rng: &mut SplitMix64, licence_type: &LicenceType) -> Vec<Holder> {
    let (few, many) = licence_type.holders();
    let few = few as u64;
    let count = few + rng.to((many as u64).min(MOST).saturating_sub(few));
    let category = licence_type.metadata(META_HOLDER).unwrap_or_default();
    let (person, organisation) = (category.contains("自然人"), category.contains("法人"));
    let one = |rng: &mut SplitMix64| match (person, organisation) {
        (true, true) if rng.one_in(2) => self::organisation(rng),
        (false, true) => self::organisation(rng),
        _ => self::person(rng),
    };
    (0..count).map(|_| one(rng)).collect()
}

fn person(rng: &mut SplitMix64) -> Holder {
    let name = [rng.pick(&SURNAMES), rng.pick(&GIVEN)].into_iter().flatten().copied().collect::<String>();
    let mut code = String::with_capacity(18);
    code.push_str(rng.pick(&CITIES).map_or("440100", |(_, division)| division));
    code.push_str("1800");
    digits(&mut code, 1 + rng.below(12), 2);
    digits(&mut code, 1 + rng.below(28), 2);
    digits(&mut code, 1 + rng.below(999), 3);
    complete(&mut code, "0123456789X", |text| ResidentId::parse(text).is_ok());
    Holder { name, code_type: "111".to_owned(), code }
}

fn organisation(rng: &mut SplitMix64) -> Holder {
    let (city, division) = rng.pick(&CITIES).copied().unwrap_or(("广州", "440100"));
    let trade = rng.pick(&TRADES).copied().unwrap_or_default();
    let name = format!("{city}示例{trade}{:03}有限公司", rng.below(1_000));
    let mut inner = String::from("X");
    digits(&mut inner, rng.below(10_000_000), 7);
    complete(&mut inner, "0123456789X", |text| OrganisationCode::parse(text).is_ok());
    let mut code = format!("91{division}{inner}");
    complete(&mut code, "0123456789ABCDEFGHJKLMNPQRTUWXY", |text| CreditCode::parse(text).is_ok());
    Holder { name, code_type: "001".to_owned(), code }
}

/// Adds the one character with which the code passes the check of the standard.
fn complete(code: &mut String, alphabet: &str, passes: impl Fn(&str) -> bool) {
    for character in alphabet.chars() {
        code.push(character);
        if passes(code) {
            return;
        }
        code.pop();
    }
}
