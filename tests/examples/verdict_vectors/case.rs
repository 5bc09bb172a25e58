//! The words in which the tables state a vector.

use licence_spec::time::UnixTime;

use crate::format::{LookUp, Question, Subject, Vector};
use crate::world::{CASE, CODE, ITEM, NOW, OFFICE};

/// A vector in the making: a good licence of 住所（经营场所）场地使用证明, asked about under `approval` with all evidence at hand.
pub(crate) struct Case(pub(crate) Vector);

impl Case {
    pub(crate) fn new(name: &str, rule: &str) -> Case {
        Case(Vector {
            name: name.to_owned(),
            rule: rule.to_owned(),
            presented: "premises".to_owned(),
            evidence: "good".to_owned(),
            seen: None,
            pinned: None,
            policy: "approval".to_owned(),
            question: Question::default(),
            now: NOW.to_string(),
            outcome: String::new(),
            code: None,
            codes: Vec::new(),
            warnings: Vec::new(),
        })
    }

    pub(crate) fn presents(mut self, object: &str) -> Case {
        self.0.presented = object.to_owned();
        self
    }

    pub(crate) fn given(mut self, bundle: &str) -> Case {
        self.0.evidence = bundle.to_owned();
        self
    }

    pub(crate) fn after_seeing(mut self, bundle: &str) -> Case {
        self.0.seen = Some(bundle.to_owned());
        self
    }

    pub(crate) fn pinning(mut self, root: &str) -> Case {
        self.0.pinned = Some(root.to_owned());
        self
    }

    pub(crate) fn under(mut self, policy: &str) -> Case {
        self.0.policy = policy.to_owned();
        self
    }

    pub(crate) fn at(mut self, now: UnixTime) -> Case {
        self.0.now = now.to_string();
        self
    }

    pub(crate) fn wants(mut self, what: &str) -> Case {
        self.0.question.wanted = Some(what.to_owned());
        self
    }

    pub(crate) fn beside(mut self, proof: &str) -> Case {
        self.0.question.log_proof = Some(proof.to_owned());
        self
    }

    /// After a look-up in the log of the issuer, which came to this.
    pub(crate) fn looked_up(mut self, came_to: LookUp) -> Case {
        self.0.question.log = Some(came_to);
        self
    }

    pub(crate) fn for_item(mut self, item: &str) -> Case {
        self.0.question.service_item = Some(item.to_owned());
        self
    }

    /// Asks as the office, for the case and the item, for which the views were made.
    pub(crate) fn asked_by_office(mut self) -> Case {
        self.0.question.audience = Some(OFFICE.to_owned());
        self.0.question.case_number = Some(CASE.to_owned());
        self.for_item(ITEM)
    }

    pub(crate) fn change_question(mut self, change: impl FnOnce(&mut Question)) -> Case {
        change(&mut self.0.question);
        self
    }

    /// Is the holder this company, 001 统一社会信用代码?
    pub(crate) fn of_holder(self, code: &str, name: Option<&str>) -> Case {
        self.of_subject(Some("001"), code, name)
    }

    pub(crate) fn of_subject(mut self, code_type: Option<&str>, code: &str, name: Option<&str>) -> Case {
        let (code_type, name) = (code_type.map(str::to_owned), name.map(str::to_owned));
        self.0.question.subject = Some(Subject { code_type, code: code.to_owned(), name });
        self
    }

    pub(crate) fn of_the_holder(self) -> Case {
        self.of_holder(CODE, None)
    }

    /// What a right implementation answers: outcome, primary code, and all codes in the order of the checks.
    pub(crate) fn answers(mut self, outcome: &str, code: &str, all: &[&str]) -> Case {
        self.0.outcome = outcome.to_owned();
        self.0.code = Some(code.to_owned());
        self.0.codes = all.iter().map(|&code| code.to_owned()).collect();
        self
    }

    pub(crate) fn rejects(self, code: &str) -> Case {
        self.answers("REJECT", code, &[code])
    }

    pub(crate) fn cannot_tell(self, code: &str) -> Case {
        self.answers("INDETERMINATE", code, &[code])
    }

    pub(crate) fn recognises_nothing(self, code: &str) -> Case {
        self.answers("NO_CREDENTIAL", code, &[code])
    }

    pub(crate) fn accepts(mut self) -> Case {
        self.0.outcome = "ACCEPT".to_owned();
        self
    }

    /// The warnings, in the order of spec/verdict.md §4.
    pub(crate) fn warns(mut self, warnings: &[&str]) -> Case {
        self.0.warnings = warnings.iter().map(|&warning| warning.to_owned()).collect();
        self
    }

    /// The one warning of a full licence without a log proof.
    pub(crate) fn pending(self) -> Case {
        self.warns(&["LOG_PENDING"])
    }
}
