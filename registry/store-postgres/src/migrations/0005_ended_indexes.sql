-- Entries of own status lists that were ended though no licence of this node has them: licences that were signed beside the system.
CREATE TABLE ended_indexes (
    log_index       BIGINT PRIMARY KEY,
    digest          BYTEA  NOT NULL UNIQUE CHECK (length(digest) = 32),
    record          BYTEA  NOT NULL,
    list            BIGINT NOT NULL REFERENCES status_lists (id),
    idx             BIGINT NOT NULL CHECK (idx >= 0),
    licence         BYTEA  NOT NULL CHECK (length(licence) = 32),
    act             BIGINT NOT NULL CHECK (act BETWEEN 1 AND 9),
    recorded_at     BIGINT NOT NULL,
    legal_basis     TEXT NOT NULL,
    document_number TEXT NOT NULL,
    officer         TEXT NOT NULL,
    UNIQUE (list, idx)
);
