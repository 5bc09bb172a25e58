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
        self.head_of(self.0.len() as u64)
    }

    /// The head of the tree of the first leaves.
    pub(crate) fn head_of(&self, size: u64) -> TreeHead {
        let leaves = &self.0[..usize::try_from(size).expect("a small tree")];
        TreeHead { size, root: root_of(leaves) }
    }

    /// The signed checkpoint, with the cosignatures of both witnesses or of one.
    pub(crate) fn checkpoint(&self, keys: &Keys, both: bool) -> String {
        let names: &[_] = if both { &["witness", "witness 2"] } else { &["witness"] };
        cosigned(keys, self.head(), names, at(-300))
    }

    /// Another tree of the same size, signed by the same log.
    pub(crate) fn forked_checkpoint(&self, keys: &Keys) -> String {
        note(keys, TreeHead { root: [0x5a; 32], ..self.head() })
    }

    /// The proof of the leaf at `index` under [`Tree::checkpoint`].
    pub(crate) fn proof(&self, keys: &Keys, index: u64, both: bool) -> String {
        format_proof(index, &self.path(index), &self.checkpoint(keys, both))
    }

    /// The proof of the leaf at `index` in the tree of the first `size` leaves, which both witnesses cosigned at `time`.
    pub(crate) fn early_proof(&self, keys: &Keys, index: u64, size: u64, time: UnixTime) -> String {
        let early = Tree(self.0[..usize::try_from(size).expect("a small tree")].to_vec());
        let checkpoint = cosigned(keys, early.head(), &["witness", "witness 2"], time);
        format_proof(index, &early.path(index), &checkpoint)
    }

    /// What whoever stole the log key makes: a tree of this leaf alone, which no witness saw.
    pub(crate) fn forged_proof(&self, keys: &Keys, index: u64) -> String {
        let alone = Tree(vec![self.0[usize::try_from(index).expect("a small tree")]]);
        format_proof(0, &[], &note(keys, alone.head()))
    }

    fn path(&self, index: u64) -> Vec<Hash> {
        let subtree = |node: licence_spec::log::merkle::Node| {
            let from = usize::try_from(node.index << node.level).expect("a small tree");
            Ok::<_, std::convert::Infallible>(root_of(&self.0[from..from + (1 << node.level)]))
        };
        inclusion_proof(index, self.0.len() as u64, subtree).expect("the leaf is there")
    }
}

/// The signed checkpoint of a head, cosigned at `time` by these witnesses.
fn cosigned(keys: &Keys, head: TreeHead, witnesses: &[&str], time: UnixTime) -> String {
    let mut note = note(keys, head);
    let text = Checkpoint { origin: ORIGIN, head }.text();
    for (name, key) in [("gd.elic.example/w1", "witness"), ("sz.elic.example/w1", "witness 2")] {
        if witnesses.contains(&key) {
            let witness = WitnessKey::new(name, keys.public(key)).expect("a name");
            note += &witness.cosign(&text, time, keys.signer(key)).expect("signed");
        }
    }
    note
}

fn note(keys: &Keys, head: TreeHead) -> String {
    let key = LogKey::new(ORIGIN, keys.public("log")).expect("a name");
    Checkpoint { origin: ORIGIN, head }.sign(&key, keys.signer("log")).expect("signed")
}
