-- Example data: what was loaded into a new site to look around in, so that it can be taken out again.

-- One row while the site has example data. `people`: whom the log-in page offers, with the password that all of them have.
CREATE TABLE example (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    loaded_at timestamptz NOT NULL,
    people json NOT NULL,
    password text NOT NULL,
    changed json NOT NULL                      -- records that were there before and that the example changed: old and new values
);

CREATE TABLE example_record (
    id uuid PRIMARY KEY,
    form text NOT NULL
);
