//! Which QR code a text needs. Numbers: ISO/IEC 18004 table 7, alphanumeric mode.

/// Error correction level of a QR code that this standard uses; never L or H.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// About 15 % of the code may be damaged.
    M,
    /// About 25 %.
    Q,
}

/// The QR code that a text needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// QR version, 1 to 30.
    pub version: u8,
    /// Level, fixed: an encoder must not raise it by itself.
    pub level: Level,
}

impl Fit {
    /// Modules along one side, without the quiet zone of 4.
    #[must_use]
    pub const fn modules(self) -> u16 {
        17 + 4 * self.version as u16
    }
}

/// Characters of versions 1 to 30 at level M.
const CAPACITY_M: [usize; 30] = [
    20, 38, 61, 90, 122, 154, 178, 221, 262, 311, 366, 419, 483, 528, 600, 656, 734, 816, 909, 970, 1_035,
    1_134, 1_248, 1_326, 1_451, 1_542, 1_637, 1_732, 1_839, 1_994,
];
/// Characters of versions 1 to 25 at level Q; above, the code grows too large for a counter's scanner.
const CAPACITY_Q: [usize; 25] = [
    16, 29, 47, 67, 87, 108, 125, 157, 189, 221, 259, 296, 352, 376, 426, 470, 531, 574, 644, 702, 742, 823,
    890, 963, 1_041,
];

/// The smallest code for a text of so many characters: level Q if that stays within version 25, else M within version
/// 30; `None` above 1,994 characters. Then use, in this order: a view, where the use is tied to a case; the reference
/// form; the `.elic` file.
#[must_use]
pub fn fit(characters: usize) -> Option<Fit> {
    let smallest = |capacities: &[usize], level| {
        let at = capacities.iter().position(|capacity| characters <= *capacity)?;
        Some(Fit { version: u8::try_from(at + 1).ok()?, level })
    };
    smallest(&CAPACITY_Q, Level::Q).or_else(|| smallest(&CAPACITY_M, Level::M))
}

/// The smallest version that holds so many characters at level M; `None` above 1,994.
#[must_use]
pub fn version_at_m(characters: usize) -> Option<u8> {
    let at = CAPACITY_M.iter().position(|capacity| characters <= *capacity)?;
    u8::try_from(at + 1).ok()
}

/// The level of [`fit`].
#[must_use]
pub fn level_for(characters: usize) -> Option<Level> {
    fit(characters).map(|fit| fit.level)
}
