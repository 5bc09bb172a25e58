-- Which of the processes on one database does a recurring job, and until when. Times are Unix seconds.
CREATE TABLE job_leases (
    job        TEXT   COLLATE "C" PRIMARY KEY,
    holder     TEXT   NOT NULL,
    held_until BIGINT NOT NULL
);
