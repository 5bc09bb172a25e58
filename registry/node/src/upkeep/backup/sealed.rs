//! Bytes sealed with a passphrase, as a stream: neither what they say nor where they end can be changed unnoticed.
//!
//! Layout: 8 bytes `ELICBKUP`, 1 byte version (1), 3 bytes cost of scrypt (log2 N, r, p), 32 bytes salt, 19 bytes nonce; then
//! chunks of STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015; 32-bit counter and a flag on the last one) with XChaCha20-Poly1305: 65,536
//! bytes of text and 16 of tag each, the last one shorter or as long. The head is authenticated with every chunk.

use std::io::{self, ErrorKind, Read, Write};

use aead_stream::{DecryptorBE32, EncryptorBE32, NewStream as _, StreamBE32};
use chacha20poly1305::aead::Payload;
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use scrypt::{Params, scrypt};
use zeroize::Zeroizing;

use crate::node::rng::Rng;

const MAGIC: &[u8; 8] = b"ELICBKUP";
const VERSION: u8 = 1;
/// Length of the head, bytes.
const HEAD: usize = 63;
/// Text of a chunk, bytes.
const CHUNK: usize = 65_536;
const TAG: usize = 16;
/// Costs that are read: at most 256 MiB of memory and a second or two. Who hands over a file must not choose more.
const MAX_LOG_N: u8 = 18;
const R: u8 = 8;
const MAX_P: u8 = 4;

/// How dear it is to try a passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost(u8);

impl Cost {
    /// 128 MiB and a third of a second: what a file gets that is kept.
    pub const KEPT: Cost = Cost(17);
    /// 1 MiB: for tests only.
    #[cfg(test)]
    pub(super) const CHEAP: Cost = Cost(10);
}

/// The end of a sealed file that cannot be read, as an [`io::Error`] of kind `InvalidData`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// No backup, or one of a newer program.
    #[error("不是备份文件，或由更新的程序制作 / no backup file, or one of a newer program")]
    Foreign,
    /// The first chunk does not open.
    #[error("口令错误，或文件已损坏 / the passphrase is wrong, or the file is damaged")]
    Passphrase,
    /// A later chunk does not open, or the file ends early.
    #[error("备份文件已损坏或不完整 / the backup file is damaged or cut off")]
    Damaged,
    /// More than 2^32 chunks: 256 TiB.
    #[error("备份过大 / the backup is too large")]
    TooLarge,
}

impl From<SealError> for io::Error {
    fn from(error: SealError) -> Self {
        io::Error::new(ErrorKind::InvalidData, error)
    }
}

type Head = [u8; HEAD];

fn cipher(head: &Head, passphrase: &str) -> Result<StreamBE32<XChaCha20Poly1305>, SealError> {
    let [log_n, r, p] = [head[9], head[10], head[11]];
    if !head.starts_with(MAGIC) || head[8] != VERSION {
        return Err(SealError::Foreign);
    }
    if log_n == 0 || log_n > MAX_LOG_N || r != R || p == 0 || p > MAX_P {
        return Err(SealError::Foreign);
    }
    let params = Params::new(log_n, r.into(), p.into()).map_err(|_| SealError::Foreign)?;
    let mut key = Zeroizing::new([0; 32]);
    scrypt(passphrase.as_bytes(), &head[12..44], &params, &mut *key).map_err(|_| SealError::Foreign)?;
    let cipher = XChaCha20Poly1305::new((&*key).into());
    let mut nonce = [0; 19];
    nonce.copy_from_slice(&head[44..]);
    Ok(StreamBE32::from_aead(cipher, &nonce.into()))
}

/// Seals what is written to it. Nothing is valid before [`Sealing::finish`].
pub struct Sealing<W> {
    to: W,
    head: Head,
    stream: EncryptorBE32<XChaCha20Poly1305>,
    chunk: Zeroizing<Vec<u8>>,
}

impl<W: Write> Sealing<W> {
    /// Begins a file with a fresh salt and nonce.
    ///
    /// # Errors
    /// That of `to`; no randomness.
    pub fn begin(mut to: W, passphrase: &str, cost: Cost, rng: &Rng) -> io::Result<Self> {
        let mut head = [0; HEAD];
        head[..8].copy_from_slice(MAGIC);
        head[8..12].copy_from_slice(&[VERSION, cost.0, R, 1]);
        rng.fill(&mut head[12..]).map_err(io::Error::other)?;
        let stream = EncryptorBE32::from_stream_primitive(cipher(&head, passphrase)?);
        to.write_all(&head)?;
        Ok(Self { to, head, stream, chunk: Zeroizing::new(Vec::with_capacity(CHUNK)) })
    }

    /// Seals the last chunk; what it was written to, not flushed.
    ///
    /// # Errors
    /// That of the writer.
    pub fn finish(mut self) -> io::Result<W> {
        let payload = Payload { msg: &self.chunk, aad: &self.head };
        let sealed = self.stream.encrypt_last(payload).map_err(|_| SealError::TooLarge)?;
        self.to.write_all(&sealed)?;
        Ok(self.to)
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk waits for the byte that shows that it is not the last one.
        if self.chunk.len() == CHUNK && !bytes.is_empty() {
            let payload = Payload { msg: &self.chunk, aad: &self.head };
            let sealed = self.stream.encrypt_next(payload).map_err(|_| SealError::TooLarge)?;
            self.to.write_all(&sealed)?;
            self.chunk.clear();
        }
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Reads what [`Sealing`] wrote. Bytes come out only after their chunk was found genuine, and the end only after the last one was.
pub struct Opening<R> {
    from: R,
    head: Head,
    /// `None` after the last chunk.
    stream: Option<DecryptorBE32<XChaCha20Poly1305>>,
    /// The next sealed chunk, read ahead by one: the last one is that which nothing follows.
    next: Vec<u8>,
    text: Zeroizing<Vec<u8>>,
    at: usize,
    is_first: bool,
}

impl<R: Read> Opening<R> {
    /// Reads the head and the first chunk.
    ///
    /// # Errors
    /// That of `from`; a [`SealError`] inside one of kind `InvalidData`.
    pub fn begin(mut from: R, passphrase: &str) -> io::Result<Self> {
        let mut head = [0; HEAD];
        from.read_exact(&mut head).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => SealError::Foreign.into(),
            _ => error,
        })?;
        let stream = DecryptorBE32::from_stream_primitive(cipher(&head, passphrase)?);
        let next = read_chunk(&mut from)?;
        let text = Zeroizing::new(Vec::new());
        Ok(Self { from, head, stream: Some(stream), next, text, at: 0, is_first: true })
    }

    /// Opens the chunk that was read ahead; false after the last one.
    fn advance(&mut self) -> io::Result<bool> {
        // Taken out: after an error nothing more comes.
        let Some(mut stream) = self.stream.take() else { return Ok(false) };
        let following = read_chunk(&mut self.from)?;
        let payload = Payload { msg: &self.next, aad: &self.head };
        let opened = match following.is_empty() {
            true => stream.decrypt_last(payload),
            false => {
                let opened = stream.decrypt_next(payload);
                self.stream = Some(stream);
                opened
            }
        };
        let text = opened.map_err(|_| {
            self.stream = None;
            if self.is_first { SealError::Passphrase } else { SealError::Damaged }
        })?;
        (self.text, self.at, self.next, self.is_first) = (Zeroizing::new(text), 0, following, false);
        Ok(true)
    }
}

/// At most one sealed chunk; shorter only at the end.
fn read_chunk(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(CHUNK + TAG);
    from.take((CHUNK + TAG) as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl<R: Read> Read for Opening<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() {
            if !self.advance()? {
                return Ok(0);
            }
        }
        let taken = to.len().min(self.text.len() - self.at);
        to[..taken].copy_from_slice(&self.text[self.at..self.at + taken]);
        self.at += taken;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(text: &[u8]) -> Vec<u8> {
        let mut sealing = Sealing::begin(Vec::new(), "words", Cost::CHEAP, &Rng::seeded(1)).unwrap();
        sealing.write_all(text).unwrap();
        sealing.finish().unwrap()
    }

    fn open(sealed: &[u8], passphrase: &str) -> Result<Vec<u8>, SealError> {
        let mut text = Vec::new();
        let outcome = Opening::begin(sealed, passphrase).and_then(|mut from| from.read_to_end(&mut text));
        match outcome {
            Ok(_) => Ok(text),
            Err(error) => Err(*error.into_inner().unwrap().downcast::<SealError>().unwrap()),
        }
    }

    #[test]
    fn texts_of_every_length_around_a_chunk_come_back() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 7] {
            let text: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let sealed = seal(&text);
            assert_eq!(sealed.len(), HEAD + length + TAG * length.div_ceil(CHUNK).max(1), "{length}");
            assert_eq!(open(&sealed, "words"), Ok(text), "{length}");
        }
    }

    #[test]
    fn another_passphrase_opens_nothing() {
        assert_eq!(open(&seal(b"text"), "word"), Err(SealError::Passphrase));
    }

    #[test]
    fn no_bit_can_be_flipped() {
        let sealed = seal(b"a short text");
        for bit in 0..sealed.len() * 8 {
            let mut other = sealed.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&other, "words").is_err(), "bit {bit}");
        }
    }

    #[test]
    fn no_chunk_can_be_cut_off_swapped_or_added() {
        let sealed = seal(&vec![7; 3 * CHUNK]);
        let one = CHUNK + TAG;
        for end in [0, 8, HEAD - 1, HEAD, HEAD + 1, HEAD + one, HEAD + 2 * one, sealed.len() - 1] {
            assert!(open(&sealed[..end], "words").is_err(), "cut at {end}");
        }
        let (head, chunks) = sealed.split_at(HEAD);
        let (first, rest) = chunks.split_at(one);
        let (second, third) = rest.split_at(one);
        for order in [[second, first, third], [first, first, third], [first, third, third]] {
            let other = [head, order[0], order[1], order[2]].concat();
            assert!(open(&other, "words").is_err());
        }
        assert_eq!(open(&[&sealed, third].concat(), "words"), Err(SealError::Damaged));
        assert_eq!(open(&[&sealed, b"x".as_slice()].concat(), "words"), Err(SealError::Damaged));
    }

    #[test]
    fn costs_that_nobody_should_pay_and_other_files_are_refused_before_any_work() {
        for (at, value) in [(0, b'X'), (8, 2), (9, 0), (9, 19), (9, 63), (10, 9), (10, 0), (11, 0), (11, 5)] {
            let mut other = seal(b"text");
            other[at] = value;
            assert_eq!(open(&other, "words"), Err(SealError::Foreign), "byte {at} = {value}");
        }
    }
}
