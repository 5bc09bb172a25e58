-- What a province was told of other nodes' logs (归集). Times are Unix seconds, days are counted in UTC+8.
-- Digests are unique within a log only: what one node claims keeps no other node's record out.
CREATE TABLE index_cursors (
    origin TEXT    PRIMARY KEY NOT NULL,
    next   INTEGER NOT NULL CHECK (next >= 0)
) STRICT;

CREATE TABLE index_licences (
    origin       TEXT    NOT NULL,
    log_index    INTEGER NOT NULL CHECK (log_index >= 0),
    day          INTEGER NOT NULL,
    digest       BLOB    NOT NULL CHECK (length(digest) = 32),
    id           TEXT    NOT NULL,
    vct          TEXT    NOT NULL,
    number       TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    authority    TEXT    NOT NULL,
    area         TEXT    NOT NULL,
    issued_at    INTEGER NOT NULL,
    valid_from   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    status_list  TEXT    NOT NULL,
    status_index INTEGER NOT NULL,
    predecessor  BLOB    CHECK (length(predecessor) = 32),
    status       INTEGER NOT NULL CHECK (status BETWEEN 0 AND 3),
    successor    BLOB    CHECK (length(successor) = 32),
    PRIMARY KEY (origin, log_index)
) STRICT;

CREATE INDEX index_licences_by_digest ON index_licences (digest, origin);

CREATE TABLE index_holders (
    holder    BLOB    NOT NULL CHECK (length(holder) = 32),
    origin    TEXT    NOT NULL,
    log_index INTEGER NOT NULL,
    PRIMARY KEY (holder, origin, log_index),
    FOREIGN KEY (origin, log_index) REFERENCES index_licences (origin, log_index)
) STRICT, WITHOUT ROWID;

CREATE INDEX index_holders_by_leaf ON index_holders (log_index, origin);

CREATE TABLE index_changes (
    origin    TEXT    NOT NULL,
    log_index INTEGER NOT NULL CHECK (log_index >= 0),
    day       INTEGER NOT NULL,
    licence   BLOB    NOT NULL CHECK (length(licence) = 32),
    record    BLOB    NOT NULL,
    value     INTEGER NOT NULL CHECK (value BETWEEN 0 AND 3),
    successor BLOB    CHECK (length(successor) = 32),
    PRIMARY KEY (origin, log_index)
) STRICT;

CREATE TABLE index_rejects (
    origin    TEXT    NOT NULL,
    log_index INTEGER NOT NULL CHECK (log_index >= 0),
    day       INTEGER NOT NULL,
    kind      INTEGER NOT NULL,
    logged    INTEGER NOT NULL CHECK (logged IN (0, 1)),
    reason    TEXT    NOT NULL,
    told_at   INTEGER NOT NULL,
    PRIMARY KEY (origin, log_index)
) STRICT;

CREATE TABLE index_days (
    origin TEXT    NOT NULL,
    day    INTEGER NOT NULL,
    kind   INTEGER NOT NULL,
    logged INTEGER NOT NULL CHECK (logged >= 0),
    PRIMARY KEY (origin, day, kind)
) STRICT;
