-- Up to when the measurements of a series register are rolled up; what comes in older sets it back (kernel/series).
CREATE TABLE series_state (
    register text PRIMARY KEY,
    rolled_until timestamptz NOT NULL
);
