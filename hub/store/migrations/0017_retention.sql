-- Months of cases that have gone: what was in them, and how far the log goes that is no longer whole.

CREATE TABLE dropped_months (
    month           int PRIMARY KEY,
    dropped_at      timestamptz NOT NULL DEFAULT now(),
    dropped_by      text NOT NULL,
    reason          text NOT NULL,
    cases           bigint NOT NULL,
    entries         bigint NOT NULL,
    letters         bigint NOT NULL,
    -- Below this position the log has gaps: no cursor leads on from there.
    last_position   bigint NOT NULL,
    -- City time: when the hub last knew something of a case, and when a case last changed.
    last_known_at   timestamptz,
    last_changed_at timestamptz
);

-- Everything that lies in a month's partitions goes. The caller has locked what it needs and knows that it may.
CREATE FUNCTION drop_month(yyyymm int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kept text;
BEGIN
    FOR kept IN SELECT relname FROM pg_class WHERE relkind = 'p' AND relnamespace = 'cityhub'::regnamespace LOOP
        EXECUTE format('DROP TABLE cityhub.%I', kept || '_' || yyyymm);
    END LOOP;
END $$;
