-- What a user is told inside the system. The sentence is made from the code where it is shown, in his language.
CREATE TABLE message (
    id uuid PRIMARY KEY,
    recipient uuid NOT NULL,
    code text NOT NULL,
    params json NOT NULL,
    form text,
    record uuid,
    created_at timestamptz NOT NULL,
    read_at timestamptz
);
CREATE INDEX message_recipient ON message (recipient, id DESC);
CREATE INDEX message_unread ON message (recipient) WHERE read_at IS NULL;   -- the figure on the bell
