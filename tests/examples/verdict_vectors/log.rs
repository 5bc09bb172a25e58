//! The city's log: five licences, one checkpoint that both witnesses signed, and proofs.

use licence_spec::log::checkpoint::Checkpoint;
use licence_spec::log::cosignature::WitnessKey;
use licence_spec::log::entry::{Entry, Op};
use licence_spec::log::merkle::{Hash, TreeHead, inclusion_proof, root_of};
use licence_spec::log::note::LogKey;
use licence_spec::log::proof::format_proof;
use licence_spec::suite::Digest;
use licence_spec::time::UnixTime;

use crate::keys::Keys;
use crate::world::{ORIGIN, at};

/// The leaf hashes, by index.
pub(crate) struct Tree(Vec<Hash>);

impl Tree {
    /// The log of these licences: signing time and statement digest of each.
    pub(crate) fn of(licences: &[(UnixTime, Digest)]) -> Tree {
        let leaf = |(time, digest): &(UnixTime, Digest)| {
            Entry { op: Op::Issued, time: *time, digest: *digest }.leaf_hash()
        };
        Tree(licences.iter().map(leaf).collect())
    }

    fn head(&self) -> TreeHead {
        TreeHead { size: self.0.len() as u64, root: root_of(&self.0) }
    }

    /// The signed checkpoint, with the cosignatures of both witnesses or of one.
    pub(crate) fn checkpoint(&self, keys: &Keys, both: bool) -> String {
        let mut note = note(keys, self.head());
        let text = Checkpoint { origin: ORIGIN, head: self.head() }.text();
        for (name, key) in [("gd.elic.example/w1", "witness"), ("sz.elic.example/w1", "witness 2")] {
            if both || key == "witness" {
                let witness = WitnessKey::new(name, keys.public(key)).expect("a name");
                note += &witness.cosign(&text, at(-300), keys.signer(key)).expect("signed");
            }
        }
        note
    }

    /// Another tree of the same size, signed by the same log.
    pub(crate) fn forked_checkpoint(&self, keys: &Keys) -> String {
        note(keys, TreeHead { root: [0x5a; 32], ..self.head() })
    }

    /// The proof of the leaf at `index` under [`Tree::checkpoint`].
    pub(crate) fn proof(&self, keys: &Keys, index: u64, both: bool) -> String {
        let subtree = |node: licence_spec::log::merkle::Node| {
            let from = usize::try_from(node.index << node.level).expect("a small tree");
            Ok::<_, std::convert::Infallible>(root_of(&self.0[from..from + (1 << node.level)]))
        };
        let hashes = inclusion_proof(index, self.0.len() as u64, subtree).expect("the leaf is there");
        format_proof(index, &hashes, &self.checkpoint(keys, both))
    }
}

fn note(keys: &Keys, head: TreeHead) -> String {
    let key = LogKey::new(ORIGIN, keys.public("log")).expect("a name");
    Checkpoint { origin: ORIGIN, head }.sign(&key, keys.signer("log")).expect("signed")
}
