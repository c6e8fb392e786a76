-- What lies on the refused shelf lies there once: what is fetched again after a crash, or sent again by its unit, is
-- known by its unit, its connection, its door, its own id and its bytes. One that an operator laid aside does not count:
-- when it comes again, somebody should see it.
ALTER TABLE refused_messages ADD COLUMN content_key uuid;
CREATE UNIQUE INDEX refused_messages_once ON refused_messages (content_key)
    WHERE settled_at IS NULL OR settled_as IS NOT NULL;

-- Months that are kept no longer: what went with each, and how far it reached. A cursor of the change feed below
-- `last_position` has missed entries; figures of a period that begins before `reached_until` would lack cases.
CREATE TABLE dropped_months (
    month         int PRIMARY KEY,
    cases         bigint NOT NULL,
    entries       bigint NOT NULL,
    letters       bigint NOT NULL,
    last_position bigint NOT NULL,
    reached_until timestamptz,
    dropped_at    timestamptz NOT NULL DEFAULT now(),
    by            text NOT NULL
);

-- From here on until the transaction ends nothing more is written into a month; who reads goes on.
CREATE FUNCTION hold_month(yyyymm int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kept text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('cityhub.ensure_month'));
    -- In the order in which a batch is written.
    FOREACH kept IN ARRAY ARRAY['cases', 'raw_messages', 'personal_data', 'entries', 'case_visibility', 'letters', 'attempts'] LOOP
        EXECUTE format('LOCK TABLE cityhub.%I IN SHARE MODE', kept || '_' || yyyymm);
    END LOOP;
END $$;

-- Everything of a month's cases goes, and what went is kept on record. The caller holds the month.
CREATE FUNCTION drop_month(yyyymm int, cases bigint, entries bigint, letters bigint, last_position bigint,
                           reached_until timestamptz, by text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kept text;
    low  bigint := yyyymm::bigint * 100 * 100000000;
    high bigint := (yyyymm::bigint + 1) * 100 * 100000000;
BEGIN
    IF EXISTS (SELECT FROM cityhub.cases c WHERE c.case_id >= low AND c.case_id < high
               AND c.state NOT IN ('closed', 'rejected', 'duplicate', 'voided')) THEN
        RAISE EXCEPTION 'a case of % is still open', yyyymm USING ERRCODE = 'CH003';
    END IF;
    DELETE FROM cityhub.inbox_leases i WHERE i.case_id >= low AND i.case_id < high;
    FOREACH kept IN ARRAY ARRAY['cases', 'raw_messages', 'personal_data', 'entries', 'case_visibility', 'letters', 'attempts'] LOOP
        EXECUTE format('DROP TABLE cityhub.%I', kept || '_' || yyyymm);
    END LOOP;
    -- A month that was made again by a late message and dropped again adds to what is on record.
    INSERT INTO cityhub.dropped_months AS d VALUES (yyyymm, cases, entries, letters, last_position, reached_until, now(), by)
    ON CONFLICT (month) DO UPDATE SET
        cases = d.cases + excluded.cases, entries = d.entries + excluded.entries, letters = d.letters + excluded.letters,
        last_position = greatest(d.last_position, excluded.last_position),
        reached_until = greatest(d.reached_until, excluded.reached_until),
        dropped_at = excluded.dropped_at, by = excluded.by;
END $$;
