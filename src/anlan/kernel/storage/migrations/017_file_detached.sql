-- A file that was taken off its last record stays for a day, so that it can be put back.
ALTER TABLE file ADD COLUMN detached_at timestamptz;
ALTER TABLE file ADD COLUMN detached_by uuid;
CREATE INDEX file_detached ON file (detached_at) WHERE detached_at IS NOT NULL;   -- what the nightly sweep looks for
