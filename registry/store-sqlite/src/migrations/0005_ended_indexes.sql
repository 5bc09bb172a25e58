-- Entries of own status lists that were ended though no licence of this node has them: licences that were signed beside the system.
CREATE TABLE ended_indexes (
    log_index       INTEGER PRIMARY KEY,
    digest          BLOB  NOT NULL UNIQUE CHECK (length(digest) = 32),
    record          BLOB  NOT NULL,
    list            INTEGER NOT NULL REFERENCES status_lists (id),
    idx             INTEGER NOT NULL CHECK (idx >= 0),
    licence         BLOB  NOT NULL CHECK (length(licence) = 32),
    act             INTEGER NOT NULL CHECK (act BETWEEN 1 AND 9),
    recorded_at     INTEGER NOT NULL,
    legal_basis     TEXT NOT NULL,
    document_number TEXT NOT NULL,
    officer         TEXT NOT NULL,
    UNIQUE (list, idx)
) STRICT;
