-- The component register (部件台账): what a city says of each component, from when to when, and since when it is known.

-- One file that was offered; a refused one is kept too, with nothing changed.
CREATE TABLE register_imports (
    import_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file_name      text NOT NULL,
    sha256         bytea NOT NULL CHECK (length(sha256) = 32),
    effective_from date NOT NULL,
    rows           int NOT NULL,
    added          int NOT NULL,
    changed_owner  int NOT NULL,
    changed        int NOT NULL,
    unchanged      int NOT NULL,
    refused        int NOT NULL,
    imported_by    text NOT NULL,
    known_at       timestamptz NOT NULL,
    imported_at    timestamptz NOT NULL DEFAULT now(),
    -- The whole file or nothing of it.
    CHECK (CASE WHEN refused > 0 THEN added + changed_owner + changed + unchanged = 0
                ELSE added + changed_owner + changed + unchanged = rows END)
);

-- A component's code as a range of one number, so that the exclusion below needs no extension and its index splits well.
-- Among a million codes two share a number once in twenty million registers.
CREATE FUNCTION code_range(code text) RETURNS int8range LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN int8range(hashtextextended(code, 0) >> 1, (hashtextextended(code, 0) >> 1) + 1);

-- Both days of an interval are included; an open end is null. What is said is never changed: a row that no longer
-- holds gets the moment until which it was believed, and others say what is believed from then on.
CREATE TABLE components (
    entry_id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    component_code     text NOT NULL,
    valid_from         date NOT NULL,
    valid_to           date CHECK (valid_to >= valid_from),
    category_code      text NOT NULL,
    owner_unit_id      text NOT NULL,
    maintainer_unit_id text,
    department_unit_id text,
    longitude          double precision NOT NULL CHECK (abs(longitude) <= 180),
    latitude           double precision NOT NULL CHECK (abs(latitude) <= 90),
    area_id            text,
    source             text NOT NULL,
    import_id          bigint NOT NULL REFERENCES register_imports,
    line               int NOT NULL,
    known_from         timestamptz NOT NULL,
    known_until        timestamptz CHECK (known_until >= known_from),
    superseded_by      bigint REFERENCES register_imports,
    CHECK ((known_until IS NULL) = (superseded_by IS NULL)),
    CONSTRAINT components_say_one_thing EXCLUDE USING gist (
        code_range(component_code) WITH =,
        daterange(valid_from, valid_to, '[]') WITH &&
    ) WHERE (known_until IS NULL)
);
CREATE INDEX components_by_code ON components (component_code, valid_from);
CREATE INDEX components_by_owner ON components (owner_unit_id, component_code) WHERE known_until IS NULL;
CREATE INDEX components_by_maintainer ON components (maintainer_unit_id, component_code) WHERE known_until IS NULL;
CREATE INDEX components_by_department ON components (department_unit_id, component_code) WHERE known_until IS NULL;

CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.known_until IS NOT NULL
        OR (to_jsonb(NEW) - 'known_until' - 'superseded_by') <> (to_jsonb(OLD) - 'known_until' - 'superseded_by') THEN
        RAISE EXCEPTION 'what the register said is never rewritten' USING ERRCODE = 'CH003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER components_are_kept BEFORE UPDATE ON components FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();

-- The entries in force for these codes on a day. Until the caller's transaction ends, an import that looks for the
-- cases that it concerns waits for it; so no case slips between, sent to an owner that is no longer.
CREATE FUNCTION components_in_force(codes text[], day date) RETURNS SETOF components LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7242003);
    RETURN QUERY
    SELECT c.* FROM cityhub.components c
    WHERE c.component_code = ANY (codes) AND c.known_until IS NULL
      AND c.valid_from <= day AND (c.valid_to IS NULL OR c.valid_to >= day);
END $$;
