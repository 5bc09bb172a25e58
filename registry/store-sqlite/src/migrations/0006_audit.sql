-- Who did what, on what ground: rows in a chain (spec/audit.md). The columns beside the bytes are there to be searched.
CREATE TABLE audit (
    number      INTEGER PRIMARY KEY CHECK (number >= 1),
    time        INTEGER NOT NULL,
    who         TEXT NOT NULL,
    case_number TEXT,
    licence     BLOB CHECK (length(licence) = 32),
    digest      BLOB NOT NULL CHECK (length(digest) = 32),
    bytes       BLOB NOT NULL
) STRICT;

CREATE INDEX audit_by_who ON audit (who, number);
CREATE INDEX audit_by_case ON audit (case_number, number) WHERE case_number IS NOT NULL;
CREATE INDEX audit_by_licence ON audit (licence, number) WHERE licence IS NOT NULL;
