-- Who did what, on what ground: rows in a chain (spec/audit.md). The columns beside the bytes are there to be searched.
-- Partitioned by month, so that what is past its time is dropped as a table. A number is unique because rows only follow on the newest,
-- under the turn of the writers: a unique constraint would have to contain the time.
CREATE TABLE audit (
    number      BIGINT NOT NULL CHECK (number >= 1),
    time        BIGINT NOT NULL,
    who         TEXT   COLLATE "C" NOT NULL,
    case_number TEXT   COLLATE "C",
    licence     BYTEA  CHECK (length(licence) = 32),
    digest      BYTEA  NOT NULL CHECK (length(digest) = 32),
    bytes       BYTEA  NOT NULL,
    PRIMARY KEY (number, time)
) PARTITION BY RANGE (time);

CREATE INDEX audit_by_who ON audit (who, number);
CREATE INDEX audit_by_case ON audit (case_number, number) WHERE case_number IS NOT NULL;
CREATE INDEX audit_by_licence ON audit (licence, number) WHERE licence IS NOT NULL;

-- The newest row: a query over all partitions would look into each.
CREATE TABLE audit_head (
    id     BIGINT PRIMARY KEY CHECK (id = 1),
    number BIGINT NOT NULL,
    digest BYTEA  NOT NULL CHECK (length(digest) = 32)
);

-- Makes the partitions of the months (UTC) from one time to another, if they are not there. Only whoever has the turn calls it.
CREATE FUNCTION audit_months(first BIGINT, last BIGINT) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    month TIMESTAMP := date_trunc('month', to_timestamp(first) AT TIME ZONE 'UTC');
    name  TEXT;
BEGIN
    WHILE month <= to_timestamp(last) AT TIME ZONE 'UTC' LOOP
        name := to_char(month, '"audit_"YYYY"_"MM');
        IF to_regclass(quote_ident(current_schema()) || '.' || quote_ident(name)) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF audit FOR VALUES FROM (%s) TO (%s)', name,
                           extract(epoch FROM month AT TIME ZONE 'UTC')::BIGINT,
                           extract(epoch FROM (month + interval '1 month') AT TIME ZONE 'UTC')::BIGINT);
        END IF;
        month := month + interval '1 month';
    END LOOP;
END $$;

-- Drops the partitions in which no row is left.
CREATE FUNCTION audit_drop_empty() RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    child REGCLASS;
    is_used BOOLEAN;
BEGIN
    FOR child IN SELECT inhrelid::regclass FROM pg_catalog.pg_inherits WHERE inhparent = 'audit'::regclass LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s)', child) INTO is_used;
        IF NOT is_used THEN
            EXECUTE format('DROP TABLE %s', child);
        END IF;
    END LOOP;
END $$;
