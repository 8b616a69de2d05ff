-- Ends a transaction from inside a statement, so that nobody has to look at an answer before the commit is sent.
-- `code` is an SQLSTATE of ours: AN001 a limit is broken (detail: JSON), AN002 what a process holds in memory is old
-- (detail: the three versions of the site).
CREATE FUNCTION anlan_refuse(code text, detail text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = code, MESSAGE = 'refused', DETAIL = coalesce(detail, '');
END
$$;
