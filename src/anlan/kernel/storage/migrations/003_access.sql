-- Secrets of users. The users themselves are records of the form system.user, whose table is made from the
-- catalogue: so there is no foreign key, and every read joins system_user, where `active` must be true.

CREATE TABLE credential (
    user_id uuid PRIMARY KEY,
    password_hash text NOT NULL,               -- argon2id, with its parameters
    must_change boolean NOT NULL,              -- somebody else gave the password
    changed_at timestamptz NOT NULL,
    totp_secret bytea,                         -- encrypted under the site's key, which is not in the database
    totp_pending bytea,                        -- enrolled but not confirmed by a first code
    totp_last_step bigint                      -- the last step that was used: a code works once
);

-- Failed log-ins. `subject` is a keyed hash: a log-in name typed here may be somebody's password.
CREATE TABLE login_throttle (
    subject bytea PRIMARY KEY,
    failed integer NOT NULL,
    last_failed timestamptz NOT NULL,
    locked_until timestamptz
);
CREATE INDEX login_throttle_age ON login_throttle (last_failed);   -- the sweep of old rows

CREATE TABLE session (
    id uuid PRIMARY KEY,
    digest bytea NOT NULL UNIQUE,              -- SHA-256 of a 256-bit secret that only the browser has
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,            -- to the minute
    expires_at timestamptz NOT NULL,
    address inet,
    agent text,
    revoked_at timestamptz
);
CREATE INDEX session_of_user ON session (user_id, created_at DESC);   -- a person's sessions; known addresses

CREATE TABLE token (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    name text NOT NULL,
    digest bytea NOT NULL UNIQUE,              -- SHA-256 of a 256-bit secret that was shown once
    prefix text NOT NULL,                      -- its first characters, to recognise it by
    forms text[],                              -- null: not narrowed
    actions text[],
    addresses cidr[],
    created_at timestamptz NOT NULL,
    created_by uuid,
    expires_at timestamptz,
    last_used timestamptz,                     -- to the minute
    revoked_at timestamptz
);
CREATE INDEX token_of_user ON token (user_id, created_at DESC);       -- a person's tokens
