//! A case at one moment: each licence judged once, which materials it meets, how it came out, with a receipt.

use std::collections::BTreeSet;
use std::sync::Arc;

use licence_catalogue::fit::{Fit, Gap, Presented, fit};
use licence_spec::catalogue::{Catalogue, HolderRole, ServiceItem};
use licence_spec::evidence::Evidence;
use licence_spec::policy::{Policy, Question, Subject, Wanted};
use licence_spec::suite::{Digest, sha256};
use licence_spec::time::UnixTime;
use licence_spec::verdict::{Outcome, Verdict};
use licence_spec::verify::verify;

use super::{CheckError, ItemRequest, ItemSubject, Looked, may_see, visible};
use crate::access::caller::Caller;
use crate::exchange::ask_others::Shown;
use crate::exchange::look_up::{AskLog, judge_with_log};
use crate::node::Node;
use crate::node::commit::Effect;
use crate::node::encoding::{base64url, digest_text};
use crate::trips::cut::judge_with_cut;
use crate::trips::receipt;

/// A case that is judged at one moment with one evidence.
pub(super) struct Case<'a> {
    pub(super) node: &'a Node,
    pub(super) evidence: Arc<Evidence>,
    pub(super) now: UnixTime,
    pub(super) catalogue: &'a Catalogue,
    pub(super) item: &'a ServiceItem,
    pub(super) request: &'a ItemRequest,
    /// The people of the case with their roles.
    pub(super) people: &'a [(HolderRole, &'a ItemSubject)],
    pub(super) log: AskLog<'a>,
    /// Each licence once, with its verdict.
    pub(super) looked: Vec<(Handed, Verdict)>,
}

/// Bytes to be judged: handed in, of this node, or shown by another one.
pub(super) struct Handed {
    pub(super) bytes: Vec<u8>,
    /// The proof that came beside a view.
    pub(super) log_proof: Option<Vec<u8>>,
}

impl Handed {
    pub(super) const fn whole(bytes: Vec<u8>) -> Handed {
        Handed { bytes, log_proof: None }
    }

    pub(super) fn of_view(shown: Shown) -> Handed {
        Handed { bytes: shown.view, log_proof: Some(shown.log_proof) }
    }
}

impl Case<'_> {
    pub(super) fn judge(&mut self, all: Vec<Handed>) {
        let mut seen: BTreeSet<Digest> =
            self.looked.iter().map(|(_, verdict)| verdict.digests().licence).collect();
        let mut bytes = BTreeSet::new();
        for handed in all {
            // What is the same is judged once.
            if !bytes.insert(sha256(&[&handed.bytes])) {
                continue;
            }
            let verdict = self.verdict(&handed, None);
            if seen.insert(verdict.digests().licence) {
                self.looked.push((handed, verdict));
            }
        }
    }

    fn verdict(&self, handed: &Handed, subject: Option<Subject<'_>>) -> Verdict {
        let wanted = if handed.log_proof.is_some() { Wanted::View } else { Wanted::Either };
        let policy = Policy::approval().asking(Question {
            wanted,
            log_proof: handed.log_proof.as_deref(),
            subject,
            service_item: Some(&self.item.code),
            case_number: Some(&self.request.case_number),
            audience: Some(&self.node.authority),
            ..Question::default()
        });
        let (node, evidence, now) = (self.node, &*self.evidence, self.now);
        judge_with_log(node, (evidence, now), &policy, &handed.bytes, Some(self.log), |policy| {
            judge_with_cut(
                node,
                evidence,
                policy,
                || Some(handed.bytes.clone()),
                |policy| verify(&handed.bytes, evidence, policy, now),
            )
        })
    }

    pub(super) fn fit(&self) -> Fit {
        let presented: Vec<Presented<'_>> =
            self.looked.iter().filter_map(|(_, verdict)| Presented::of_verdict(verdict)).collect();
        let subjects: Vec<Subject<'_>> = self.people.iter().map(|(role, one)| one.subject(*role)).collect();
        fit(self.catalogue, self.item, &presented, &subjects)
    }

    /// What was not looked at proves nothing: such materials are left open, and say why.
    pub(super) fn leave_open(&self, fit: &mut Fit, caller: &Caller, is_cut: bool, not_asked: bool) {
        let seen: Vec<&str> = visible(caller, self.item).collect();
        let hidden = self.item.accepts.iter().map(|accepted| accepted.vct.as_str());
        let hidden: Vec<&str> = hidden.filter(|vct| !may_see(caller, vct)).collect();
        let gaps = [
            (Gap::NotPermitted, !hidden.is_empty(), &hidden),
            (Gap::Cut, is_cut, &seen),
            (Gap::NotAsked, not_asked, &seen),
        ];
        for (gap, _, types) in gaps.into_iter().filter(|(_, there, _)| *there) {
            fit.leave_open(self.catalogue, self.item, gap, types);
        }
    }

    /// How a licence came out, with a receipt if it meets a material: over a verdict that asks whose it is, too.
    pub(super) fn look(
        &self,
        caller: &Caller,
        handed: &Handed,
        verdict: &Verdict,
        fit: &Fit,
        effects: &mut Vec<Effect>,
    ) -> Result<Looked, CheckError> {
        let licence = digest_text(&verdict.digests().licence);
        let meets = fit.licences.iter().find(|one| one.licence == licence).map(|one| one.meets.as_slice());
        let (mut receipt, mut receipt_id) = (None, None);
        if let Some([_, ..]) = meets {
            let meets = meets.unwrap_or_default();
            let of_holder = self.with_holder(handed, fit, meets);
            let (verdict, holder) = match &of_holder {
                Some((own, who)) => (own, Some((who.code_type.as_str(), who.code.as_str()))),
                None => (verdict, None),
            };
            let used = receipt::Use { materials: meets, holder };
            let (case, item) = (Some(self.request.case_number.as_str()), Some(self.item.code.as_str()));
            if let Some(made) = receipt::prepare(self.node, verdict, caller.id(), case, item, used)? {
                (receipt, receipt_id) = (Some(base64url(&made.bytes)), Some(made.id));
                effects.extend(made.job.effects.into_iter().map(|(effect, _)| effect));
            }
        }
        let (outcome, code) = (verdict.outcome().as_str(), verdict.code().map(|code| code.as_str()));
        Ok(Looked { licence, outcome, code, receipt, receipt_id })
    }

    /// The verdict that names the holder: the person of the case in the role of the first material that the licence meets.
    fn with_holder(&self, handed: &Handed, fit: &Fit, meets: &[String]) -> Option<(Verdict, &ItemSubject)> {
        let material = fit.materials.iter().find(|material| meets.first() == Some(&material.code))?;
        let people = self.people.iter().filter(|(role, _)| *role == material.holder_role);
        people
            .map(|(role, one)| (self.verdict(handed, Some(one.subject(*role))), *one))
            .find(|(verdict, _)| verdict.outcome() == Outcome::Accept)
    }
}
