//! The one place of the node that asks for randomness. Everything else is handed an [`Rng`], which tests may seed.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use licence_spec::suite::sha256;

/// A source of random bytes. Clones of a seeded source share one stream.
#[derive(Clone)]
pub struct Rng(Source);

#[derive(Clone)]
enum Source {
    System,
    Seeded(Arc<Mutex<Stream>>),
}

struct Stream {
    seed: u64,
    block: u64,
}

/// The operating system gave no randomness. Nothing may be issued or signed without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct RngError;

impl Rng {
    /// The operating system's source.
    pub fn system() -> Rng {
        Rng(Source::System)
    }

    /// A reproducible source for tests and simulations: never for keys of a real node.
    pub fn seeded(seed: u64) -> Rng {
        Rng(Source::Seeded(Arc::new(Mutex::new(Stream { seed, block: 0 }))))
    }

    /// Fills `bytes`.
    /// # Errors
    /// [`RngError`] if the operating system refuses.
    #[expect(clippy::disallowed_methods, reason = "this is the file in which randomness is read")]
    pub fn fill(&self, bytes: &mut [u8]) -> Result<(), RngError> {
        match &self.0 {
            Source::System => getrandom::fill(bytes).map_err(|_| RngError),
            Source::Seeded(stream) => {
                // A poisoned stream is still a stream: its two numbers are always whole.
                let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
                for chunk in bytes.chunks_mut(32) {
                    let block = sha256(&[&stream.seed.to_be_bytes(), &stream.block.to_be_bytes()]);
                    stream.block += 1;
                    chunk.iter_mut().zip(block).for_each(|(to, from)| *to = from);
                }
                Ok(())
            }
        }
    }

    /// `N` random bytes.
    /// # Errors
    /// As [`Rng::fill`].
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], RngError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }
}

impl fmt::Debug for Rng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::System => "Rng(system)",
            Source::Seeded(_) => "Rng(seeded)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_stream_and_another_seed_another() {
        let (a, b, c) = (Rng::seeded(1), Rng::seeded(1), Rng::seeded(2));
        let first: [u8; 40] = a.bytes().unwrap();
        assert_eq!(first, b.bytes::<40>().unwrap());
        assert_ne!(first, c.bytes::<40>().unwrap());
        assert_ne!(first, a.bytes::<40>().unwrap(), "the stream goes on");
    }

    #[test]
    fn the_system_source_does_not_repeat_itself() {
        let rng = Rng::system();
        assert_ne!(rng.bytes::<32>().unwrap(), rng.bytes::<32>().unwrap());
    }
}
