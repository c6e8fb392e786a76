-- A connection by which a unit's messages are collected may be cut off as one by which its letters go out: from the first
-- failure until something was collected again. Each way has marks of its own.
ALTER TABLE outages ADD COLUMN inward bool NOT NULL DEFAULT false;
ALTER TABLE outages DROP CONSTRAINT outages_pkey, ADD PRIMARY KEY (connection_id, since, inward);

CREATE OR REPLACE FUNCTION note_outage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.breaker = 'closed' THEN
        UPDATE cityhub.outages SET until = now()
        WHERE connection_id = NEW.connection_id AND until IS NULL AND NOT inward;
    ELSIF OLD.breaker = 'closed' THEN
        INSERT INTO cityhub.outages (connection_id, unit_id, since) VALUES (NEW.connection_id, NEW.unit_id, now())
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION note_inward_outage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.troubled_at IS NULL THEN
        UPDATE cityhub.outages SET until = now()
        WHERE connection_id = NEW.connection_id AND until IS NULL AND inward;
    ELSE
        INSERT INTO cityhub.outages (connection_id, unit_id, since, inward)
        VALUES (NEW.connection_id, NEW.unit_id, NEW.troubled_at, true)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER sources_note_outage AFTER UPDATE OF troubled_at ON sources
    FOR EACH ROW WHEN (OLD.troubled_at IS DISTINCT FROM NEW.troubled_at) EXECUTE FUNCTION note_inward_outage();
