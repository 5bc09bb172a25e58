-- First schema. Names, columns and constraints are the same in every backend: INTEGER is BIGINT and BLOB is BYTEA in PostgreSQL.
-- Times are Unix seconds. Text is compared byte by byte (collation BINARY, "C" in PostgreSQL).

-- Whose database this is: one row.
CREATE TABLE node (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    role       TEXT    NOT NULL,
    region     TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE counters (
    name TEXT    PRIMARY KEY NOT NULL,
    next INTEGER NOT NULL CHECK (next >= 0)
) STRICT;

CREATE TABLE status_lists (
    id                 INTEGER PRIMARY KEY,
    uri                TEXT    NOT NULL UNIQUE,
    authority          TEXT    NOT NULL,
    size               INTEGER NOT NULL CHECK (size > 0),
    permutation_secret BLOB    NOT NULL CHECK (length(permutation_secret) = 32),
    next_counter       INTEGER NOT NULL CHECK (next_counter BETWEEN 0 AND size),
    open               INTEGER NOT NULL CHECK (open IN (0, 1)),
    revision           INTEGER NOT NULL,
    token_revision     INTEGER CHECK (token_revision <= revision),
    token_iat          INTEGER,
    token_exp          INTEGER,
    dirty_since        INTEGER
) STRICT;

CREATE TABLE status_tokens (
    list      INTEGER NOT NULL REFERENCES status_lists (id),
    iat       INTEGER NOT NULL,
    exp       INTEGER NOT NULL,
    digest    BLOB    NOT NULL CHECK (length(digest) = 32),
    bytes     BLOB    NOT NULL,
    revision  INTEGER NOT NULL,
    log_index INTEGER NOT NULL UNIQUE,
    PRIMARY KEY (list, iat)
) STRICT;

-- The log index is the primary key, so that rows are appended, and the index feed reads them in order.
CREATE TABLE licences (
    log_index    INTEGER PRIMARY KEY,
    digest       BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
    id           TEXT    NOT NULL UNIQUE,
    cti          BLOB    NOT NULL UNIQUE CHECK (length(cti) = 16),
    vct          TEXT    NOT NULL,
    number       TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    authority    TEXT    NOT NULL,
    area         TEXT    NOT NULL,
    issued_at    INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    credential   BLOB    NOT NULL,
    status_list  INTEGER NOT NULL REFERENCES status_lists (id),
    status_index INTEGER NOT NULL,
    status       INTEGER NOT NULL CHECK (status BETWEEN 0 AND 3),
    predecessor  BLOB    CHECK (length(predecessor) = 32),
    successor    BLOB    CHECK (length(successor) = 32),
    UNIQUE (status_list, status_index),
    UNIQUE (number, authority, vct, version)
) STRICT;

-- What a status list holds: few rows, as most licences are valid.
CREATE INDEX licences_not_valid ON licences (status_list, status_index, status) WHERE status <> 0;

CREATE TABLE licence_holders (
    licence INTEGER NOT NULL REFERENCES licences (log_index),
    holder  BLOB    NOT NULL CHECK (length(holder) = 32),
    PRIMARY KEY (licence, holder)
) STRICT, WITHOUT ROWID;

CREATE INDEX licence_holders_by_holder ON licence_holders (holder, licence);

CREATE TABLE status_changes (
    log_index       INTEGER PRIMARY KEY,
    digest          BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
    record          BLOB    NOT NULL,
    licence         BLOB    NOT NULL REFERENCES licences (digest),
    act             INTEGER NOT NULL CHECK (act BETWEEN 1 AND 9),
    previous        INTEGER NOT NULL CHECK (previous BETWEEN 0 AND 3),
    value           INTEGER NOT NULL CHECK (value BETWEEN 0 AND 3),
    effective_at    INTEGER NOT NULL,
    recorded_at     INTEGER NOT NULL,
    legal_basis     TEXT    NOT NULL,
    document_number TEXT    NOT NULL,
    officer         TEXT    NOT NULL,
    successor       BLOB    CHECK (length(successor) = 32)
) STRICT;

CREATE INDEX status_changes_by_licence ON status_changes (licence, log_index);

-- The log of this node: one head.
CREATE TABLE log_head (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    origin TEXT    NOT NULL,
    size   INTEGER NOT NULL CHECK (size >= 0),
    root   BLOB    NOT NULL CHECK (length(root) = 32)
) STRICT;

CREATE TABLE log_leaves (
    idx   INTEGER PRIMARY KEY CHECK (idx >= 0),
    hash  BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    entry BLOB    NOT NULL CHECK (length(entry) <= 65535)
) STRICT;

CREATE TABLE log_tiles (
    level  INTEGER NOT NULL CHECK (level BETWEEN 0 AND 7),
    idx    INTEGER NOT NULL CHECK (idx >= 0),
    hashes BLOB    NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
    PRIMARY KEY (level, idx)
) STRICT;

CREATE TABLE documents (
    kind      TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    version   INTEGER NOT NULL CHECK (version >= 0),
    iat       INTEGER NOT NULL,
    digest    BLOB    NOT NULL CHECK (length(digest) = 32),
    bytes     BLOB    NOT NULL,
    stored_at INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT;

CREATE TABLE clients (
    id          TEXT    PRIMARY KEY NOT NULL,
    name        TEXT    NOT NULL,
    token_hash  BLOB    NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    authorities TEXT    NOT NULL,
    types       TEXT    NOT NULL,
    calls       TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    revoked_at  INTEGER
) STRICT;

CREATE TABLE receipts (
    id      BLOB    PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    client  TEXT    NOT NULL,
    made_at INTEGER NOT NULL,
    digest  BLOB    NOT NULL CHECK (length(digest) = 32),
    bytes   BLOB    NOT NULL
) STRICT;

CREATE TABLE idempotent_answers (
    caller          TEXT    NOT NULL,
    idempotency_key TEXT    NOT NULL,
    fingerprint     BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    status          INTEGER NOT NULL CHECK (status BETWEEN 100 AND 599),
    content_type    TEXT    NOT NULL,
    body            BLOB    NOT NULL,
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (caller, idempotency_key)
) STRICT;

CREATE INDEX idempotent_answers_by_age ON idempotent_answers (created_at);
