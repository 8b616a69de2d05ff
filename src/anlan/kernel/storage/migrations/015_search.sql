-- Codes sort by code point on whatever server, as typed beginnings are looked up.
ALTER TABLE record_index ALTER COLUMN code TYPE text COLLATE "C";

-- Records that have some words, at most `most` of them. A function of its own, because PostgreSQL takes every beginning of
-- a word for frequent and would read the whole table to find a rare one.
CREATE FUNCTION record_index_found(wanted text, words tsquery, most integer) RETURNS TABLE (id uuid)
LANGUAGE sql STABLE ROWS 200 SET enable_seqscan = off AS $$
    SELECT i.id FROM record_index i WHERE i.tokens @@ words AND (wanted IS NULL OR i.form = wanted) LIMIT most
$$;
