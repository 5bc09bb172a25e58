-- Which of the processes on one database does a recurring job, and until when. Times are Unix seconds.
CREATE TABLE job_leases (
    job        TEXT    PRIMARY KEY NOT NULL,
    holder     TEXT    NOT NULL,
    held_until INTEGER NOT NULL
) STRICT;
