-- Files that users brought. The content lies on disk under its hash (kernel/file/store.py); equal contents lie once.
CREATE TABLE file (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    media_type text NOT NULL,              -- told by the content, never by the sender
    size bigint NOT NULL,
    sha256 text NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid
);
CREATE INDEX file_sha256 ON file (sha256);             -- is this content still used?

CREATE TABLE record_file (
    record uuid NOT NULL,
    file uuid NOT NULL REFERENCES file (id),
    form text NOT NULL,
    added_at timestamptz NOT NULL,
    added_by uuid,
    PRIMARY KEY (record, file)
);
CREATE INDEX record_file_file ON record_file (file);   -- on which records does it hang?
