-- Approvals in several rounds: people are asked round by round, in an order, in somebody's place, until a time.

ALTER TABLE approval_request DROP CONSTRAINT approval_request_mode_check;
ALTER TABLE approval_request ADD CONSTRAINT approval_request_mode_check
    CHECK (mode IN ('one', 'all', 'any', 'sequence'));
ALTER TABLE approval_request
    ADD COLUMN definition json,                    -- the definition as it was when it was asked; null: asked by an older program
    ADD COLUMN step integer NOT NULL DEFAULT 0,    -- the round that it is in
    ADD COLUMN company uuid,                       -- whose calendar and people count in later rounds
    ADD COLUMN department uuid,                    -- whose manager is asked in later rounds
    ADD COLUMN due_at timestamptz,                 -- when something happens because nobody decided
    ADD COLUMN urged_at timestamptz;               -- urged at most once an hour
CREATE INDEX approval_request_due ON approval_request (due_at) WHERE status = 'waiting' AND due_at IS NOT NULL; -- the worker's look
CREATE INDEX approval_request_started ON approval_request (requested_by, requested_at DESC);                    -- "started by me"

ALTER TABLE approval_person
    ADD COLUMN step integer NOT NULL DEFAULT 0,
    ADD COLUMN held boolean NOT NULL DEFAULT false,-- his turn has not come
    ADD COLUMN asked_at timestamptz,               -- since when it waits for him
    ADD COLUMN after uuid,                         -- whose decision in this round comes first
    ADD COLUMN added_by uuid,                      -- who added him as a signer
    ADD COLUMN decided_by uuid,                    -- who decided: himself, or his deputy
    ADD COLUMN automatic text;                     -- why it was decided without anybody: repeated, timeout
UPDATE approval_person p SET asked_at = r.requested_at, decided_by = CASE WHEN p.decision IS NULL THEN NULL ELSE p.user_id END
    FROM approval_request r WHERE r.id = p.request;
ALTER TABLE approval_person DROP CONSTRAINT approval_person_pkey;
ALTER TABLE approval_person ADD PRIMARY KEY (request, step, user_id);
CREATE INDEX approval_person_decided ON approval_person (decided_by, decided_at DESC) WHERE decided_by IS NOT NULL; -- "done by me"

CREATE TABLE approval_copy (
    request uuid NOT NULL REFERENCES approval_request,
    user_id uuid NOT NULL,
    copied_by uuid,                                -- null: the definition says so
    copied_at timestamptz NOT NULL,
    PRIMARY KEY (request, user_id)
);
CREATE INDEX approval_copy_of_user ON approval_copy (user_id, copied_at DESC);                                  -- "copied to me"

-- Who decides in whose place, from when until when. It ends by itself; ended_at: it was ended before its time.
CREATE TABLE approval_delegation (
    id uuid PRIMARY KEY,
    person uuid NOT NULL,
    deputy uuid NOT NULL CHECK (deputy <> person),
    forms text[],                                  -- null: all
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
    reason text,
    made_by uuid NOT NULL,
    made_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX approval_delegation_deputy ON approval_delegation (deputy, ends_at) WHERE ended_at IS NULL;        -- to-do list
CREATE INDEX approval_delegation_person ON approval_delegation (person, ends_at) WHERE ended_at IS NULL;        -- who is told
