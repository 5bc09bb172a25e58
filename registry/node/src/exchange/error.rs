//! Why another node gave nothing that can be used.
//!
//! In scope: the four ways in which that comes about, each with words that name the host. Out of scope: what is done about it: a pause
//! (`fetch`), `not_asked` in an answer, a failed job.

/// Why another node gave nothing that can be used. The words name the host, and where they may be told to clients nothing of this network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// It was not reached, or the connection broke, or it was asked in vain a moment ago.
    #[error("{0}")]
    Unreachable(String),
    /// It answered that it will not, or with a status that says so.
    #[error("{0}")]
    Refuses(String),
    /// What it answered cannot be read, or is not an answer to what was asked.
    #[error("{0}")]
    NotOurs(String),
    /// Its answer is longer than such an answer may be.
    #[error("{0}")]
    TooLarge(String),
    /// This node itself cannot ask: a key, randomness or its store is missing.
    #[error("{0}")]
    CannotAsk(String),
}

impl ExchangeError {
    /// The same, with what can be done about it behind the words.
    #[must_use]
    pub fn with(self, hint: &str) -> ExchangeError {
        use ExchangeError as E;
        let told = |text: String| format!("{text} {hint}");
        match self {
            E::Unreachable(text) => E::Unreachable(told(text)),
            E::Refuses(text) => E::Refuses(told(text)),
            E::NotOurs(text) => E::NotOurs(told(text)),
            E::TooLarge(text) => E::TooLarge(told(text)),
            E::CannotAsk(text) => E::CannotAsk(told(text)),
        }
    }

    /// This node itself cannot ask.
    pub fn cannot_ask(cause: impl ToString) -> ExchangeError {
        ExchangeError::CannotAsk(cause.to_string())
    }
}
