-- First schema. Names, columns and constraints are those of the SQLite backend: INTEGER is BIGINT and BLOB is BYTEA here.
-- Times are Unix seconds. Text that is compared is compared byte by byte (collation "C").
--
-- Where it departs from SQLite, and why:
-- * Tables that grow are partitioned. What has a leaf lies in ranges of the log index, 2^26 a partition, made in advance so that
--   no statement of a running node changes the schema; the last partition takes whatever comes after 2^30.
--   What is looked up by a random key lies in 8 hashes of that key.
-- * A unique constraint of a partitioned table must contain its partition key. The unique names of a licence (digest, id, cti,
--   status index, number with version) therefore lie in `licence_names`, and the hashes of leaves in `leaf_hashes`: hash-partitioned by
--   the name itself, so that a name is unique everywhere, and it leads to the log index, so that one partition is looked at.
-- * The times of a list's tokens are unique because they only rise, under the lock on the list's row.
-- * `status_changes` (one for every few hundred licences) and `log_tiles` (one for 256 leaves) are not partitioned.

-- Never has a row. Whoever writes locks it first, before its snapshot is taken: the queue of writers.
CREATE TABLE writer_turn (id BIGINT PRIMARY KEY);

-- Whose database this is: one row.
CREATE TABLE node (
    id         BIGINT PRIMARY KEY CHECK (id = 1),
    role       TEXT   NOT NULL,
    region     TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE counters (
    name TEXT   COLLATE "C" PRIMARY KEY,
    next BIGINT NOT NULL CHECK (next >= 0)
);

CREATE TABLE status_lists (
    id                 BIGINT PRIMARY KEY,
    uri                TEXT   COLLATE "C" NOT NULL UNIQUE,
    authority          TEXT   NOT NULL,
    size               BIGINT NOT NULL CHECK (size > 0),
    permutation_secret BYTEA  NOT NULL CHECK (length(permutation_secret) = 32),
    next_counter       BIGINT NOT NULL CHECK (next_counter BETWEEN 0 AND size),
    open               BIGINT NOT NULL CHECK (open IN (0, 1)),
    revision           BIGINT NOT NULL,
    token_revision     BIGINT CHECK (token_revision <= revision),
    token_iat          BIGINT,
    token_exp          BIGINT,
    dirty_since        BIGINT
);

CREATE TABLE status_tokens (
    log_index BIGINT NOT NULL PRIMARY KEY,
    list      BIGINT NOT NULL REFERENCES status_lists (id),
    iat       BIGINT NOT NULL,
    exp       BIGINT NOT NULL,
    digest    BYTEA  NOT NULL CHECK (length(digest) = 32),
    bytes     BYTEA  NOT NULL,
    revision  BIGINT NOT NULL
) PARTITION BY RANGE (log_index);

CREATE INDEX status_tokens_by_time ON status_tokens (list, iat);

-- `holders` are the keyed hashes of the holders' codes, 32 bytes each, ascending, one after another.
CREATE TABLE licences (
    log_index    BIGINT NOT NULL PRIMARY KEY CHECK (log_index >= 0),
    digest       BYTEA  NOT NULL CHECK (length(digest) = 32),
    id           TEXT   COLLATE "C" NOT NULL,
    cti          BYTEA  NOT NULL CHECK (length(cti) = 16),
    vct          TEXT   COLLATE "C" NOT NULL,
    number       TEXT   COLLATE "C" NOT NULL,
    version      BIGINT NOT NULL,
    authority    TEXT   COLLATE "C" NOT NULL,
    area         TEXT   NOT NULL,
    issued_at    BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    credential   BYTEA  NOT NULL,
    status_list  BIGINT NOT NULL REFERENCES status_lists (id),
    status_index BIGINT NOT NULL,
    status       BIGINT NOT NULL CHECK (status BETWEEN 0 AND 3),
    predecessor  BYTEA  CHECK (length(predecessor) = 32),
    successor    BYTEA  CHECK (length(successor) = 32),
    holders      BYTEA  NOT NULL CHECK (length(holders) % 32 = 0)
) PARTITION BY RANGE (log_index);

-- What a status list holds: few rows, as most licences are valid.
CREATE INDEX licences_not_valid ON licences (status_list, status_index, status) WHERE status <> 0;

-- `name` is SHA-256 over a kind and the parts of a name (`licences.rs`); `version` is 0 but for numbers.
CREATE TABLE licence_names (
    name      BYTEA  NOT NULL CHECK (length(name) = 32),
    version   BIGINT NOT NULL,
    log_index BIGINT NOT NULL,
    PRIMARY KEY (name, version)
) PARTITION BY HASH (name);

CREATE TABLE licence_holders (
    holder  BYTEA  NOT NULL CHECK (length(holder) = 32),
    licence BIGINT NOT NULL,
    PRIMARY KEY (holder, licence)
) PARTITION BY HASH (holder);

CREATE TABLE status_changes (
    log_index       BIGINT PRIMARY KEY,
    digest          BYTEA  NOT NULL UNIQUE CHECK (length(digest) = 32),
    record          BYTEA  NOT NULL,
    licence         BYTEA  NOT NULL CHECK (length(licence) = 32),
    act             BIGINT NOT NULL CHECK (act BETWEEN 1 AND 9),
    previous        BIGINT NOT NULL CHECK (previous BETWEEN 0 AND 3),
    value           BIGINT NOT NULL CHECK (value BETWEEN 0 AND 3),
    effective_at    BIGINT NOT NULL,
    recorded_at     BIGINT NOT NULL,
    legal_basis     TEXT   NOT NULL,
    document_number TEXT   NOT NULL,
    officer         TEXT   NOT NULL,
    successor       BYTEA  CHECK (length(successor) = 32)
);

CREATE INDEX status_changes_by_licence ON status_changes (licence, log_index);

-- The log of this node: one head.
CREATE TABLE log_head (
    id     BIGINT PRIMARY KEY CHECK (id = 1),
    origin TEXT   COLLATE "C" NOT NULL,
    size   BIGINT NOT NULL CHECK (size >= 0),
    root   BYTEA  NOT NULL CHECK (length(root) = 32)
);

CREATE TABLE log_leaves (
    idx   BIGINT NOT NULL PRIMARY KEY CHECK (idx >= 0),
    hash  BYTEA  NOT NULL CHECK (length(hash) = 32),
    entry BYTEA  NOT NULL CHECK (length(entry) <= 65535)
) PARTITION BY RANGE (idx);

CREATE TABLE leaf_hashes (
    hash BYTEA  NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    idx  BIGINT NOT NULL
) PARTITION BY HASH (hash);

CREATE TABLE log_tiles (
    level  BIGINT NOT NULL CHECK (level BETWEEN 0 AND 7),
    idx    BIGINT NOT NULL CHECK (idx >= 0),
    hashes BYTEA  NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
    PRIMARY KEY (level, idx)
);

CREATE TABLE documents (
    kind      TEXT   COLLATE "C" NOT NULL,
    name      TEXT   COLLATE "C" NOT NULL,
    version   BIGINT NOT NULL CHECK (version >= 0),
    iat       BIGINT NOT NULL,
    digest    BYTEA  NOT NULL CHECK (length(digest) = 32),
    bytes     BYTEA  NOT NULL,
    stored_at BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
);

CREATE TABLE clients (
    id          TEXT   COLLATE "C" PRIMARY KEY,
    name        TEXT   NOT NULL,
    token_hash  BYTEA  NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    authorities TEXT   NOT NULL,
    types       TEXT   NOT NULL,
    calls       TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    revoked_at  BIGINT
);

CREATE TABLE receipts (
    id      BYTEA  NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    client  TEXT   NOT NULL,
    made_at BIGINT NOT NULL,
    digest  BYTEA  NOT NULL CHECK (length(digest) = 32),
    bytes   BYTEA  NOT NULL
) PARTITION BY HASH (id);

CREATE TABLE idempotent_answers (
    caller          TEXT   COLLATE "C" NOT NULL,
    idempotency_key TEXT   COLLATE "C" NOT NULL,
    fingerprint     BYTEA  NOT NULL CHECK (length(fingerprint) = 32),
    status          BIGINT NOT NULL CHECK (status BETWEEN 100 AND 599),
    content_type    TEXT   NOT NULL,
    body            BYTEA  NOT NULL,
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (caller, idempotency_key)
) PARTITION BY HASH (caller, idempotency_key);

CREATE INDEX idempotent_answers_by_age ON idempotent_answers (created_at);

DO $$
DECLARE
    grown TEXT;
    width CONSTANT BIGINT := 67108864;
BEGIN
    FOREACH grown IN ARRAY ARRAY['licences', 'log_leaves', 'status_tokens'] LOOP
        FOR n IN 0..15 LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s)',
                           grown || '_' || n, grown, n * width, (n + 1) * width);
        END LOOP;
        EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', grown || '_rest', grown);
    END LOOP;
    FOREACH grown IN ARRAY ARRAY['licence_names', 'licence_holders', 'leaf_hashes', 'receipts', 'idempotent_answers'] LOOP
        FOR n IN 0..7 LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS 8, REMAINDER %s)',
                           grown || '_' || n, grown, n);
        END LOOP;
    END LOOP;
END $$;
