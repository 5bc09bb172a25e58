//! Full verdict of one credential against bare `verify_strict` over the same bytes, in one run. Prints
//! `ratio verdict VALUE`: how many verdicts are made in the time of one bare check; 1 or more means that parsing, trust,
//! schema and status cost nothing on top. Run by `cargo xtask bench`.
#![allow(missing_docs)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use licence_spec::catalogue;
use licence_spec::cose::signature_message;
use licence_spec::evidence::{Evidence, Trust};
use licence_spec::policy::{LogLookUp, Policy, Question};
use licence_spec::status::StatusToken;
use licence_spec::suite::{PublicKey, SeedSigner, Signer};
use licence_spec::time::UnixTime;
use licence_spec::trust::{Root, TrustFiles};
use licence_spec::verdict::Outcome;
use licence_spec::verify;

const CLOCK: UnixTime = UnixTime(1_795_428_000);

fn example(path: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/generated-examples/");
    std::fs::read(format!("{folder}{path}")).expect("the examples are in the tree")
}

fn evidence() -> Evidence {
    let root = Root::open_first(&example("trust/root_1.cbor")).expect("root 1");
    let (root_2, timestamp, list) =
        (example("trust/root_2.cbor"), example("trust/timestamp_2.cbor"), example("trust/list_2.cbor"));
    let files = TrustFiles::load(root, &[&root_2], Some(&timestamp), Some(&list)).expect("trust files");
    let mut evidence = Evidence::new(Trust::Held(Arc::new(files)));
    let list = evidence.trust_list().expect("a list").clone();
    let opened =
        catalogue::open(&example("catalogue/catalogue_1.cbor"), &*list, CLOCK).expect("the catalogue");
    evidence.set_catalogue(Arc::new(opened));
    evidence.add_token(Arc::new(StatusToken::parse(&example("status/token.cbor")).expect("the token")));
    evidence
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn time(work: impl Fn()) -> Duration {
    const ROUNDS: u32 = 2_000;
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        work();
    }
    begun.elapsed() / ROUNDS
}

/// The median of several runs, taken in turns so that a busy machine is unfair to both alike.
fn medians(a: impl Fn(), b: impl Fn()) -> (Duration, Duration) {
    let mut runs: (Vec<Duration>, Vec<Duration>) = (Vec::new(), Vec::new());
    for _ in 0..15 {
        runs.0.push(time(&a));
        runs.1.push(time(&b));
    }
    runs.0.sort();
    runs.1.sort();
    (runs.0[7], runs.1[7])
}

fn main() {
    let asking = Question { log: Some(LogLookUp::Pending), ..Question::default() };
    let (evidence, policy) = (evidence(), Policy::approval().asking(asking));
    for name in ["small", "business"] {
        let licence = example(&format!("licence/{name}.cbor"));
        let outcome = verify(&licence, &evidence, &policy, CLOCK).outcome();
        assert_eq!(outcome, Outcome::Accept, "the benchmark must time an accepting verdict");
        // Bare reference: a signature of one key over as many bytes, by ed25519-dalek's verify_strict.
        let signer = SeedSigner::from_seed(&[9; 32]).expect("a seed");
        let message = signature_message(&[], &[], &licence);
        let signature = signer.sign(&message).expect("a signature");
        let key: PublicKey = *signer.public_key();
        assert!(key.verify_strict(&message, &signature));
        let (verdict, bare) = medians(
            || drop(black_box(verify(black_box(&licence), &evidence, &policy, CLOCK))),
            || assert!(key.verify_strict(black_box(&message), &signature)),
        );
        println!("{name}: verdict {verdict:?}, bare verify_strict {bare:?}");
        println!("ratio verdict_{name} {:.2}", bare.as_secs_f64() / verdict.as_secs_f64());
    }
}
