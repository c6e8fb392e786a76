-- A batch is loaded and written in one call each, and goes over as rows, one array for each table: what a call costs
-- besides its rows is paid for every batch, however small.

-- Where an open case lies, beside its body: a report is compared with every case near it.
ALTER TABLE cases ADD COLUMN longitude double precision, ADD COLUMN latitude double precision;
UPDATE cases SET longitude = (body::json #>> '{reported,location,longitude}')::double precision,
                 latitude = (body::json #>> '{reported,location,latitude}')::double precision
WHERE state NOT IN ('closed', 'rejected', 'duplicate', 'voided');

-- What was answered to a message that was decided before.
CREATE TYPE seen_row AS (key uuid, fingerprint bytea, case_id bigint, version int, refusal text, state text, position bigint);
CREATE TYPE locked_row AS (case_id bigint, body text);
CREATE TYPE near_row AS (
    case_id bigint, category_code text, grid_cell text, component_code text, longitude double precision,
    latitude double precision, registered_at timestamptz, mode text);

-- What a batch must know and lock before it is decided. Each statement sees what was committed before it began.
CREATE FUNCTION load_batch(
    keys uuid[], ids bigint[], categories text[], cells text[], since timestamptz, from_case bigint,
    OUT near near_row[], OUT seen seen_row[], OUT locked locked_row[]
) LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(categories) > 0 THEN
        -- One report after the other where they may repeat each other: a lock on each category and cell, sorted.
        PERFORM pg_advisory_xact_lock(stretches.key) FROM (
            SELECT DISTINCT hashtextextended(u.category || ' ' || u.cell, 7242) AS key
            FROM unnest(categories, cells) AS u (category, cell) ORDER BY key
        ) AS stretches;
        near := ARRAY(
            SELECT (c.case_id, c.category_code, c.grid_cell, c.component_code, c.longitude, c.latitude, c.registered_at,
                    c.mode)::cityhub.near_row
            FROM unnest(categories, cells) AS u (category, cell)
            JOIN cityhub.cases c ON c.category_code = u.category AND c.grid_cell = u.cell
            WHERE c.state NOT IN ('closed', 'rejected', 'duplicate', 'voided') AND c.registered_at >= since
              AND c.case_id >= from_case);
    END IF;
    -- Seldom: the entries of every month are asked only then.
    IF EXISTS (SELECT FROM cityhub.messages_seen s WHERE s.key = ANY (keys)) THEN
        seen := ARRAY(
            SELECT (s.key, s.fingerprint, s.case_id, s.version, s.refusal, e.state, e.position)::cityhub.seen_row
            FROM cityhub.messages_seen s
            LEFT JOIN cityhub.entries e ON e.case_id = s.case_id AND e.sequence = s.version
            WHERE s.key = ANY (keys));
    END IF;
    IF cardinality(ids) > 0 THEN
        locked := ARRAY(
            SELECT (held.case_id, held.body)::cityhub.locked_row FROM (
                SELECT c.case_id, c.body FROM cityhub.cases c WHERE c.case_id = ANY (ids) ORDER BY c.case_id FOR UPDATE
            ) AS held);
    END IF;
END $$;

CREATE TYPE case_row AS (
    case_id bigint, version int, state text, mode text, category_code text, area_id text, grid_cell text,
    longitude double precision, latitude double precision, reported_by text, lead_unit_id text, tier text,
    registered_at timestamptz, due_at timestamptz, alarm_at timestamptz, provisional bool, component_code text, body text);
CREATE TYPE key_row AS (key uuid, fingerprint bytea, case_id bigint, version int, refusal text);
CREATE TYPE raw_row AS (case_id bigint, key uuid, received_at timestamptz, content_type text, body bytea);
CREATE TYPE personal_row AS (case_id bigint, personal_id uuid, body text);
CREATE TYPE entry_row AS (
    case_id bigint, sequence int, fact text, state_before text, state text, mode text, unit_id text, connection_id text,
    actor text, on_behalf_of text, message_key uuid, message_digest bytea, personal_id uuid, effective_at timestamptz,
    traceparent text, audience text, body text);
-- A unit's sight of a case that begins, or ceases (open is false), with the batch's entry of that index.
CREATE TYPE sight_row AS (unit_id text, case_id bigint, entry_index int, open bool);
CREATE TYPE letter_row AS (
    case_id bigint, connection_id text, unit_id text, entry_sequence int, contract text, unit_sequence int, urgent bool,
    mode text, due_at timestamptz);

DROP FUNCTION write_batch;

-- Writes one decided batch and returns the first commit position: entries get positions by their index, letters follow.
-- Lock order, the same in every transaction: cases (locked by the caller, sorted), new cases, keys, position.
CREATE FUNCTION write_batch(
    -- of version 1 are new, higher ones replace the one before
    new_cases case_row[], new_keys key_row[], new_raws raw_row[], new_personal personal_row[], new_entries entry_row[],
    new_sights sight_row[], new_letters letter_row[], at_city timestamptz, at_machine timestamptz, directory int
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    positions int := cardinality(new_entries) + cardinality(new_letters);
    base      bigint;
    written   int;
BEGIN
    IF cardinality(new_cases) > 0 THEN
        INSERT INTO cityhub.cases (case_id, version, state, mode, category_code, area_id, grid_cell, longitude, latitude,
                                   reported_by, lead_unit_id, tier, registered_at, due_at, alarm_at, provisional,
                                   component_code, body, changed_at)
        SELECT u.*, at_city FROM unnest(new_cases) AS u
        ON CONFLICT (case_id) DO UPDATE SET
            version = excluded.version, state = excluded.state, category_code = excluded.category_code,
            area_id = excluded.area_id, lead_unit_id = excluded.lead_unit_id, tier = excluded.tier,
            due_at = excluded.due_at, alarm_at = excluded.alarm_at, provisional = excluded.provisional,
            changed_at = excluded.changed_at, body = excluded.body
        WHERE cases.version < excluded.version;
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written <> cardinality(new_cases) THEN
            RAISE EXCEPTION 'a case moved on under its lock' USING ERRCODE = 'CH001';
        END IF;
    END IF;

    INSERT INTO cityhub.messages_seen (key, fingerprint, case_id, version, refusal)
    SELECT u.* FROM unnest(new_keys) AS u
    ON CONFLICT (key) DO NOTHING;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> cardinality(new_keys) THEN
        -- Another process decided one of these messages meanwhile: the caller loads again and gives its first answer.
        RAISE EXCEPTION 'a message was decided elsewhere' USING ERRCODE = 'CH002';
    END IF;

    IF cardinality(new_raws) > 0 THEN
        INSERT INTO cityhub.raw_messages (case_id, key, received_at, content_type, body)
        SELECT u.* FROM unnest(new_raws) AS u
        ON CONFLICT DO NOTHING;
    END IF;
    IF cardinality(new_personal) > 0 THEN
        INSERT INTO cityhub.personal_data (case_id, personal_id, body)
        SELECT u.* FROM unnest(new_personal) AS u;
    END IF;

    IF positions = 0 THEN
        RETURN 0;
    END IF;

    -- Last lock of all: held until the commit is visible, so positions become visible in their order.
    PERFORM pg_advisory_xact_lock(7242001);
    base := nextval('cityhub.commit_position');
    IF positions > 1 THEN
        PERFORM setval('cityhub.commit_position', base + positions - 1);
    END IF;

    INSERT INTO cityhub.entries (case_id, sequence, position, fact, state_before, state, mode, unit_id, connection_id,
                                 actor, on_behalf_of, message_key, message_digest, personal_id, effective_at, known_at,
                                 directory_version, traceparent, audience, body)
    SELECT u.case_id, u.sequence, base + u.ordinality - 1, u.fact, u.state_before, u.state, u.mode, u.unit_id,
           u.connection_id, u.actor, u.on_behalf_of, u.message_key, u.message_digest, u.personal_id, u.effective_at,
           at_city, directory, u.traceparent, string_to_array(u.audience, ' '), u.body
    FROM unnest(new_entries) WITH ORDINALITY AS u;

    IF cardinality(new_sights) > 0 THEN
        INSERT INTO cityhub.case_visibility AS seen (unit_id, case_id, from_position, until_position)
        SELECT u.unit_id, u.case_id, base + u.entry_index, CASE WHEN u.open THEN NULL ELSE base + u.entry_index END
        FROM unnest(new_sights) AS u
        ON CONFLICT (unit_id, case_id) DO UPDATE SET until_position = excluded.until_position;
    END IF;

    IF cardinality(new_letters) > 0 THEN
        INSERT INTO cityhub.letters (case_id, position, connection_id, unit_id, entry_sequence, contract, unit_sequence,
                                     urgent, mode, due_at, written_at)
        SELECT u.case_id, base + cardinality(new_entries) + u.ordinality - 1, u.connection_id, u.unit_id,
               u.entry_sequence, u.contract, u.unit_sequence, u.urgent, u.mode, u.due_at, at_machine
        FROM unnest(new_letters) WITH ORDINALITY AS u;
        -- Which lanes have something new, urgent (u) or ordinary (o): the others need not look.
        PERFORM pg_notify('cityhub_letters', left(string_agg(
            DISTINCT CASE WHEN u.urgent THEN 'u/' ELSE 'o/' END || u.connection_id, ' '), 7900))
        FROM unnest(new_letters) AS u;
    END IF;
    PERFORM pg_notify('cityhub_entries', '');
    RETURN base;
END $$;

-- The caller's token for a lane, how far each stream is done, the breaker's position, why it is paused (null: it runs).
CREATE TYPE lane_row AS (
    connection_id text, fencing bigint, done_urgent bigint, done_ordinary bigint, breaker text, failures int, paused text);
CREATE TYPE attempt_row AS (
    connection_id text, case_id bigint, position bigint, attempt int, outcome text, status int, digest bytea,
    answer bytea, reason text, taken_at timestamptz, sent_at timestamptz, ended_at timestamptz);
CREATE TYPE settled_row AS (connection_id text, case_id bigint, position bigint);
-- Due at a time, or (null) behind an earlier one of its case; or buried.
CREATE TYPE held_row AS (
    connection_id text, case_id bigint, position bigint, due_at timestamptz, attempts int, reason text, buried bool);

DROP FUNCTION write_outcomes;

-- Writes what became of letters on all lanes of a process, each under its fencing token; returns the lanes that hold.
CREATE FUNCTION write_outcomes(
    reported lane_row[], tried attempt_row[], settled settled_row[], held held_row[], by_holder text
) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    mine text[];
BEGIN
    -- Sorted, so that two processes that both believe to hold a lane never wait in a circle.
    SELECT coalesce(array_agg(locked.connection_id), '{}') INTO mine
    FROM (
        SELECT l.connection_id
        FROM cityhub.lanes l
        JOIN unnest(reported) AS u ON u.connection_id = l.connection_id AND u.fencing = l.fencing
        ORDER BY l.connection_id
        FOR UPDATE OF l
    ) AS locked;

    INSERT INTO cityhub.attempts (connection_id, case_id, position, attempt, outcome, status, digest, answer, reason,
                                  taken_at, sent_at, ended_at, holder)
    SELECT u.*, by_holder FROM unnest(tried) AS u
    WHERE u.connection_id = ANY (mine)
    -- The same write again, after its first commit's outcome was unknown.
    ON CONFLICT DO NOTHING;

    IF cardinality(settled) > 0 THEN
        DELETE FROM cityhub.held_letters h
        USING unnest(settled) AS u
        WHERE h.connection_id = u.connection_id AND h.position = u.position AND u.connection_id = ANY (mine);
    END IF;

    IF cardinality(held) > 0 THEN
        INSERT INTO cityhub.held_letters AS kept (connection_id, position, case_id, due_at, attempts, reason, buried_at)
        SELECT u.connection_id, u.position, u.case_id, u.due_at, u.attempts, u.reason, CASE WHEN u.buried THEN now() END
        FROM unnest(held) AS u
        WHERE u.connection_id = ANY (mine)
          -- An operator cancelled it while it was tried: it does not come back.
          AND NOT EXISTS (SELECT FROM cityhub.attempts a
                          WHERE a.case_id = u.case_id AND a.position = u.position AND a.outcome = 'cancelled')
        ON CONFLICT (connection_id, position) DO UPDATE
            SET due_at = excluded.due_at, attempts = excluded.attempts, reason = excluded.reason,
                buried_at = excluded.buried_at;
    END IF;

    IF cardinality(settled) > 0 OR cardinality(held) > 0 THEN
        -- The first held letter of each case that changed becomes due, unless it is buried.
        UPDATE cityhub.held_letters h SET due_at = now()
        FROM (
            SELECT k.connection_id, k.case_id, min(k.position) AS first
            FROM cityhub.held_letters k
            JOIN (
                SELECT s.connection_id, s.case_id FROM unnest(settled) AS s WHERE s.connection_id = ANY (mine)
                UNION
                SELECT w.connection_id, w.case_id FROM unnest(held) AS w WHERE w.connection_id = ANY (mine)
            ) AS touched USING (connection_id, case_id)
            GROUP BY 1, 2
        ) AS heads
        WHERE h.connection_id = heads.connection_id AND h.position = heads.first
          AND h.due_at IS NULL AND h.buried_at IS NULL;
    END IF;

    UPDATE cityhub.lanes l SET
        done_urgent = greatest(l.done_urgent, u.done_urgent),
        done_ordinary = greatest(l.done_ordinary, u.done_ordinary),
        taken_urgent = greatest(l.taken_urgent, u.done_urgent),
        taken_ordinary = greatest(l.taken_ordinary, u.done_ordinary),
        breaker = u.breaker, failures = u.failures,
        paused_at = CASE WHEN u.paused IS NULL THEN l.paused_at ELSE coalesce(l.paused_at, now()) END,
        paused_reason = coalesce(u.paused, l.paused_reason)
    FROM unnest(reported) AS u
    WHERE l.connection_id = u.connection_id AND u.connection_id = ANY (mine);

    RETURN mine;
END $$;
