//! Faults of signed requests, with the slugs and statuses of the problem documents.

use core::fmt;

/// Why a signed request, or one with an idempotency key, is refused. The slugs are a contract (spec/http-signature.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HttpSignatureFault {
    /// `Content-Digest` is missing, not `sha-256`, ill-formed, or not the digest of the body.
    ContentDigest,
    /// `Content-Type` is missing or holds control characters.
    ContentType,
    /// A POST, PUT or PATCH without `Idempotency-Key`.
    IdempotencyKeyMissing,
    /// `Idempotency-Key` is not a quoted string of 1 to 64 characters `[A-Za-z0-9._:-]`.
    IdempotencyKeySyntax,
    /// `Signature-Input` or `Signature` is missing or not exactly the profile's.
    SignatureInput,
    /// Outside the time window.
    SignatureTime,
    /// The key id is no full thumbprint of an active key with role 6.
    SignatureKey,
    /// The signature does not hold over this request.
    SignatureInvalid,
    /// The nonce was seen before.
    SignatureReplay,
    /// The first request with this idempotency key is still running.
    IdempotencyKeyInUse,
    /// The idempotency key was used with another request.
    IdempotencyKeyReused,
}

impl HttpSignatureFault {
    /// Every fault.
    pub const ALL: [HttpSignatureFault; 11] = [
        HttpSignatureFault::ContentDigest,
        HttpSignatureFault::ContentType,
        HttpSignatureFault::IdempotencyKeyMissing,
        HttpSignatureFault::IdempotencyKeySyntax,
        HttpSignatureFault::SignatureInput,
        HttpSignatureFault::SignatureTime,
        HttpSignatureFault::SignatureKey,
        HttpSignatureFault::SignatureInvalid,
        HttpSignatureFault::SignatureReplay,
        HttpSignatureFault::IdempotencyKeyInUse,
        HttpSignatureFault::IdempotencyKeyReused,
    ];

    /// The slug: `urn:elic:problem:<slug>`.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            HttpSignatureFault::ContentDigest => "content-digest",
            HttpSignatureFault::ContentType => "content-type",
            HttpSignatureFault::IdempotencyKeyMissing => "idempotency-key-missing",
            HttpSignatureFault::IdempotencyKeySyntax => "idempotency-key-syntax",
            HttpSignatureFault::SignatureInput => "signature-input",
            HttpSignatureFault::SignatureTime => "signature-time",
            HttpSignatureFault::SignatureKey => "signature-key",
            HttpSignatureFault::SignatureInvalid => "signature-invalid",
            HttpSignatureFault::SignatureReplay => "signature-replay",
            HttpSignatureFault::IdempotencyKeyInUse => "idempotency-key-in-use",
            HttpSignatureFault::IdempotencyKeyReused => "idempotency-key-reused",
        }
    }

    /// The HTTP status that the format page fixes for the slug.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            HttpSignatureFault::ContentDigest
            | HttpSignatureFault::ContentType
            | HttpSignatureFault::IdempotencyKeyMissing
            | HttpSignatureFault::IdempotencyKeySyntax => 400,
            HttpSignatureFault::SignatureInput
            | HttpSignatureFault::SignatureTime
            | HttpSignatureFault::SignatureKey
            | HttpSignatureFault::SignatureInvalid
            | HttpSignatureFault::SignatureReplay => 401,
            HttpSignatureFault::IdempotencyKeyInUse => 409,
            HttpSignatureFault::IdempotencyKeyReused => 422,
        }
    }
}

impl fmt::Display for HttpSignatureFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HttpSignatureFault::ContentDigest => {
                "Content-Digest is missing, ill-formed or not that of the body"
            }
            HttpSignatureFault::ContentType => "Content-Type is missing or ill-formed",
            HttpSignatureFault::IdempotencyKeyMissing => "the request needs an Idempotency-Key",
            HttpSignatureFault::IdempotencyKeySyntax => {
                "Idempotency-Key is a quoted string of 1 to 64 characters [A-Za-z0-9._:-]"
            }
            HttpSignatureFault::SignatureInput => "Signature-Input or Signature is not that of the profile",
            HttpSignatureFault::SignatureTime => "the signature is too old, too new or expired",
            HttpSignatureFault::SignatureKey => "no active node key has this key id",
            HttpSignatureFault::SignatureInvalid => "the signature does not hold over this request",
            HttpSignatureFault::SignatureReplay => "the request was sent before",
            HttpSignatureFault::IdempotencyKeyInUse => "a request with this Idempotency-Key is still running",
            HttpSignatureFault::IdempotencyKeyReused => "this Idempotency-Key was used with another request",
        })
    }
}

impl core::error::Error for HttpSignatureFault {}
