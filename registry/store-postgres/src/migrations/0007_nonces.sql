-- Nonces of signed requests that one process of this node has seen, for the others. Older ones stand among the kept answers, and are forgotten
-- with them.
CREATE TABLE nonces (
    signer  BYTEA  NOT NULL CHECK (length(signer) = 32),
    nonce   BYTEA  NOT NULL CHECK (length(nonce) = 16),
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (signer, nonce)
);
CREATE INDEX nonces_by_time ON nonces (seen_at);
