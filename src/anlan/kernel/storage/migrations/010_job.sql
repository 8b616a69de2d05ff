-- Background work. A row is written in the transaction that wants the work, without NOTIFY (it would cost every
-- writer a fifth of its speed); the relay hands committed rows over to the queue. The row stays as the job's record.
CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    task text NOT NULL,
    payload json NOT NULL,
    key text,                              -- names the work: the same task and key is the same job
    owner uuid,                            -- who asked, and may see the answer
    state text NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'queued', 'running', 'retrying', 'done', 'failed', 'dead', 'cancelled')),
    run_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    progress json,
    result json,
    error json
);
CREATE INDEX outbox_waiting ON outbox (run_at, id) WHERE state = 'waiting';   -- the relay's look, twice a second
CREATE UNIQUE INDEX outbox_key ON outbox (task, key) WHERE key IS NOT NULL;
CREATE INDEX outbox_dead ON outbox (finished_at) WHERE state = 'dead';        -- the list of dead letters
CREATE INDEX outbox_finished ON outbox (finished_at) WHERE state IN ('done', 'failed', 'cancelled');   -- the purge
CREATE INDEX outbox_owner ON outbox (owner, id DESC) WHERE owner IS NOT NULL; -- "my exports and imports"

-- The latest tick of each schedule that a worker took; taking one is a conditional UPDATE, so one worker wins.
CREATE TABLE schedule (
    name text PRIMARY KEY,
    tick timestamptz NOT NULL
);

-- Up to which of its upgrade steps the queue's own schema is applied (kernel/job/schema.py).
CREATE TABLE queue_schema (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    step text NOT NULL
);
