-- Which client of the API sent it; NULL in rows from before, and where it came by the command line or a restore.
ALTER TABLE licences ADD COLUMN client TEXT;
ALTER TABLE status_changes ADD COLUMN client TEXT;
