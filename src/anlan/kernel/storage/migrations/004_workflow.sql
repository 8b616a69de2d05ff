-- Approvals that stand between a record and its next state. What was asked (mode, how many, who) is kept as it
-- was when it was asked: a changed definition does not change a request that waits.

CREATE TABLE approval_request (
    id uuid PRIMARY KEY,
    record uuid NOT NULL,
    form text NOT NULL,
    transition text NOT NULL,
    approval text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('one', 'all', 'any')),
    needed integer NOT NULL,
    status text NOT NULL CHECK (status IN ('waiting', 'approved', 'rejected', 'returned', 'withdrawn')),
    state text,                                -- the record's state meanwhile
    content json,                              -- the values that came with the step, for when it is taken
    comment text,
    requested_by uuid NOT NULL,
    requested_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE UNIQUE INDEX approval_request_waiting ON approval_request (record) WHERE status = 'waiting';  -- one a record
CREATE INDEX approval_request_of_record ON approval_request (record, requested_at DESC);             -- the latest
CREATE INDEX approval_request_returned ON approval_request (requested_by) WHERE status = 'returned'; -- to-do list

CREATE TABLE approval_person (
    request uuid NOT NULL REFERENCES approval_request,
    user_id uuid NOT NULL,
    position integer NOT NULL,
    through text[],                            -- the roles that make him an approver; null: named, manager, handed over
    decision text CHECK (decision IN ('approve', 'reject', 'return', 'transfer')),
    decided_at timestamptz,
    comment text,
    PRIMARY KEY (request, user_id)
);
CREATE INDEX approval_person_open ON approval_person (user_id) WHERE decision IS NULL;               -- to-do list
