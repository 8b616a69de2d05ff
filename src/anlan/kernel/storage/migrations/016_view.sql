-- How people want their lists, and what became of each record of a bulk job.
CREATE TABLE saved_view (
    id uuid PRIMARY KEY,
    form text NOT NULL,
    owner uuid NOT NULL,
    shared boolean NOT NULL,
    label text NOT NULL,
    content json NOT NULL,                 -- kind, where, search, sort, columns, totals, by
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz                 -- deleting can be undone
);
CREATE INDEX saved_view_form ON saved_view (form, id) WHERE deleted_at IS NULL;   -- the tabs of a list

CREATE TABLE list_layout (
    owner uuid NOT NULL,
    form text NOT NULL,
    first_view text,                       -- what opens first: a key of the form's views or an id
    layout json NOT NULL,                  -- widths, frozen, columns of the packs' views
    at timestamptz NOT NULL,
    PRIMARY KEY (owner, form)
);

-- Written in the transaction that did it, so that a job which is run again does nothing twice.
CREATE TABLE bulk_result (
    job uuid NOT NULL,
    record uuid NOT NULL,
    outcome text NOT NULL,                 -- done, waiting, refused
    title text NOT NULL,
    refusal json,
    at timestamptz NOT NULL,
    PRIMARY KEY (job, record)
);
