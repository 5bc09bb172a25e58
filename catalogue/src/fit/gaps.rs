//! What was not looked at: licences that nobody looked at prove nothing, so a material that they might meet is never "not met" for want of
//! them.

use licence_spec::catalogue::{Catalogue, ServiceItem};
use licence_spec::verdict::Code;

use super::words::text;
use super::{Fit, FitResult, Reason, Text, whole};

/// Why licences of some types were not looked at, or not all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// The client may not see them.
    NotPermitted,
    /// There are more than are looked at; the newest were.
    Cut,
    /// Another node that may have some was not asked, or gave no answer.
    NotAsked,
}

impl Gap {
    const fn result(self) -> FitResult {
        match self {
            Gap::NotPermitted => FitResult::NotPermitted,
            Gap::Cut | Gap::NotAsked => FitResult::Undecided,
        }
    }

    const fn code(self) -> Code {
        match self {
            Gap::NotPermitted => Code::AuthorisationMissing,
            Gap::Cut | Gap::NotAsked => Code::NotAsked,
        }
    }

    fn words(self) -> Text {
        let (zh, en) = match self {
            Gap::NotPermitted => (
                "该客户端无权查看此类证照，未作核验",
                "this client may not see licences of a type that would meet this material: they were not looked at",
            ),
            Gap::Cut => (
                "持证主体的此类证照过多，仅核验了最新的一部分",
                "the holder has more licences of this type than are looked at: only the newest were",
            ),
            Gap::NotAsked => (
                "其他节点未能查询或未答复，可能存有此类证照",
                "another node that may have such a licence was not asked or gave no answer",
            ),
        };
        text(zh.into(), en.into())
    }
}

impl Fit {
    /// Takes a gap into account: every material that is not met, and that a licence of these types might meet, is no longer said to be not
    /// met; the reason is added.
    pub fn leave_open(&mut self, catalogue: &Catalogue, item: &ServiceItem, gap: Gap, types: &[&str]) {
        let wanted = item.wanted(catalogue.content());
        for material in self.materials.iter_mut().filter(|material| material.result != FitResult::Met) {
            let own = wanted.iter().find(|wanted| wanted.code == material.code);
            let mut alternatives = own.into_iter().flat_map(|own| &own.alternatives);
            if alternatives.any(|alternative| types.contains(&alternative.vct.as_str())) {
                material.result = material.result.min(gap.result());
                let reason = Reason { licence: None, code: gap.code(), field: None, text: gap.words() };
                material.reasons.push(reason);
            }
        }
        for choice in &mut self.choices {
            choice.result = super::best_way(&choice.ways, &self.materials);
        }
        if self.not_in_force.is_none() {
            self.result = whole(&self.materials, &self.choices);
        }
    }
}
