-- What a province was told of other nodes' logs (归集). Times are Unix seconds, days are counted in UTC+8.
-- Digests are unique within a log only: what one node claims keeps no other node's record out.
-- Licences and changes lie in ranges of the log index, as in 0001, holders in hashes. Where it departs from SQLite: `holders` stands in
-- the licence as well (32 bytes each, ascending), and nothing refers to it by a foreign key.
CREATE TABLE index_cursors (
    origin TEXT   COLLATE "C" PRIMARY KEY,
    next   BIGINT NOT NULL CHECK (next >= 0)
);

CREATE TABLE index_licences (
    origin       TEXT   COLLATE "C" NOT NULL,
    log_index    BIGINT NOT NULL CHECK (log_index >= 0),
    day          BIGINT NOT NULL,
    digest       BYTEA  NOT NULL CHECK (length(digest) = 32),
    id           TEXT   NOT NULL,
    vct          TEXT   NOT NULL,
    number       TEXT   NOT NULL,
    version      BIGINT NOT NULL,
    authority    TEXT   NOT NULL,
    area         TEXT   NOT NULL,
    issued_at    BIGINT NOT NULL,
    valid_from   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    status_list  TEXT   NOT NULL,
    status_index BIGINT NOT NULL,
    predecessor  BYTEA  CHECK (length(predecessor) = 32),
    status       BIGINT NOT NULL CHECK (status BETWEEN 0 AND 3),
    successor    BYTEA  CHECK (length(successor) = 32),
    holders      BYTEA  NOT NULL CHECK (length(holders) % 32 = 0),
    PRIMARY KEY (origin, log_index)
) PARTITION BY RANGE (log_index);

CREATE INDEX index_licences_by_digest ON index_licences (digest, origin);

CREATE TABLE index_holders (
    holder    BYTEA  NOT NULL CHECK (length(holder) = 32),
    origin    TEXT   COLLATE "C" NOT NULL,
    log_index BIGINT NOT NULL,
    PRIMARY KEY (holder, origin, log_index)
) PARTITION BY HASH (holder);

CREATE INDEX index_holders_by_leaf ON index_holders (log_index, origin);

CREATE TABLE index_changes (
    origin    TEXT   COLLATE "C" NOT NULL,
    log_index BIGINT NOT NULL CHECK (log_index >= 0),
    day       BIGINT NOT NULL,
    licence   BYTEA  NOT NULL CHECK (length(licence) = 32),
    record    BYTEA  NOT NULL,
    value     BIGINT NOT NULL CHECK (value BETWEEN 0 AND 3),
    successor BYTEA  CHECK (length(successor) = 32),
    PRIMARY KEY (origin, log_index)
) PARTITION BY RANGE (log_index);

CREATE TABLE index_rejects (
    origin    TEXT   COLLATE "C" NOT NULL,
    log_index BIGINT NOT NULL CHECK (log_index >= 0),
    day       BIGINT NOT NULL,
    kind      BIGINT NOT NULL,
    logged    BIGINT NOT NULL CHECK (logged IN (0, 1)),
    reason    TEXT   NOT NULL,
    told_at   BIGINT NOT NULL,
    PRIMARY KEY (origin, log_index)
);

CREATE TABLE index_days (
    origin TEXT   COLLATE "C" NOT NULL,
    day    BIGINT NOT NULL,
    kind   BIGINT NOT NULL,
    logged BIGINT NOT NULL CHECK (logged >= 0),
    PRIMARY KEY (origin, day, kind)
);

DO $$
DECLARE
    grown TEXT;
    width CONSTANT BIGINT := 67108864;
BEGIN
    FOREACH grown IN ARRAY ARRAY['index_licences', 'index_changes'] LOOP
        FOR n IN 0..15 LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s)',
                           grown || '_' || n, grown, n * width, (n + 1) * width);
        END LOOP;
        EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', grown || '_rest', grown);
    END LOOP;
    FOR n IN 0..7 LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS 8, REMAINDER %s)',
                       'index_holders_' || n, 'index_holders', n);
    END LOOP;
END $$;
