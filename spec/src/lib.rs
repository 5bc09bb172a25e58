//! The standard of the electronic-licence registry and its pure reference library.
//!
//! In scope: every format that travels between nodes, verifiers and clients, and the one judgement [`verify()`]
//! over them. One module, one document (`spec/NAME.md`) and one folder of vectors (`spec/vectors/NAME/`) a format.
//! Out of scope: clocks, files, sockets, threads and randomness. They come in as arguments, so that a verdict can be
//! made again in ten years, to the byte. The crate is `no_std`: the compiler keeps it pure.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod audit;
pub mod bundle;
pub mod catalogue;
pub mod cbor;
pub mod cose;
pub mod credential;
pub mod enrolment;
pub mod evidence;
pub mod http_signature;
pub mod identifiers;
pub mod kind;
pub mod log;
pub mod numbers;
pub mod policy;
pub mod qr;
pub mod receipt;
pub mod status;
pub mod suite;
pub mod text;
pub mod time;
pub mod trust;
pub mod verdict;
pub mod verify;
pub mod view;
pub mod zlib;

pub use verify::verify;
