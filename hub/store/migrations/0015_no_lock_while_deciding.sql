-- A batch is decided without a lock: what it rests on is looked at first, and once more in the call that writes it. So
-- nobody waits while another thinks, and a batch is two round trips instead of four.

DROP FUNCTION load_batch;

ALTER TYPE locked_row RENAME TO known_row;

-- Where what a report may repeat can lie: its category, a cell, and the box around its place.
CREATE TYPE stretch_row AS (
    category_code text, grid_cell text, west double precision, south double precision, east double precision,
    north double precision);

-- What a batch must know before it is decided. Each statement sees what was committed before it began. With ``hold`` the
-- cases are locked until the transaction ends, sorted: for who was overtaken before.
CREATE FUNCTION load_batch(
    keys uuid[], ids bigint[], stretches stretch_row[], since timestamptz, from_case bigint, hold bool,
    OUT near near_row[], OUT seen seen_row[], OUT known known_row[]
) LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(stretches) > 0 THEN
        near := ARRAY(
            SELECT DISTINCT (c.case_id, c.category_code, c.grid_cell, c.component_code, c.longitude, c.latitude,
                             c.registered_at, c.mode)::cityhub.near_row
            FROM unnest(stretches) AS u
            JOIN cityhub.cases c ON c.category_code = u.category_code AND c.grid_cell = u.grid_cell
            WHERE c.state NOT IN ('closed', 'rejected', 'duplicate', 'voided') AND c.registered_at >= since
              AND c.case_id >= from_case
              AND c.longitude BETWEEN u.west AND u.east AND c.latitude BETWEEN u.south AND u.north);
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
        IF hold THEN
            PERFORM FROM cityhub.cases c WHERE c.case_id = ANY (ids) ORDER BY c.case_id FOR UPDATE;
        END IF;
        known := ARRAY(SELECT (c.case_id, c.body)::cityhub.known_row FROM cityhub.cases c WHERE c.case_id = ANY (ids));
    END IF;
END $$;

DROP FUNCTION write_batch;

-- Writes one decided batch and returns the first commit position: entries get positions by their index, letters follow.
-- What it was decided on must still be so, else nothing is written (CH002) and the caller loads again.
-- Lock order, the same in every transaction: cases, sorted; new cases; keys; the register; position.
CREATE FUNCTION write_batch(
    -- the cases that were looked at, and in which version
    looked_at bigint[], versions int[],
    -- reports that repeat none of the cases known near them; from when and which case on they were sought
    fresh stretch_row[], near_known bigint[], near_since timestamptz, near_from bigint,
    -- components that were asked for in the register, and the entries found in force on a day
    asked text[], on_day date, entry_ids bigint[],
    -- of version 1 are new, higher ones replace the one before
    new_cases case_row[], new_keys key_row[], new_raws raw_row[], new_personal personal_row[], new_entries entry_row[],
    new_sights sight_row[], new_letters letter_row[], at_city timestamptz, at_machine timestamptz, directory int
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    positions int := cardinality(new_entries) + cardinality(new_letters);
    base      bigint;
    written   int;
BEGIN
    IF cardinality(looked_at) > 0 THEN
        SELECT count(*) INTO written FROM (
            SELECT c.case_id, c.version FROM cityhub.cases c WHERE c.case_id = ANY (looked_at)
            ORDER BY c.case_id FOR UPDATE
        ) AS held
        JOIN unnest(looked_at, versions) AS u (case_id, version) USING (case_id, version);
        IF written <> cardinality(looked_at) THEN
            RAISE EXCEPTION 'a case moved on meanwhile' USING ERRCODE = 'CH002';
        END IF;
    END IF;

    IF cardinality(new_cases) > 0 THEN
        INSERT INTO cityhub.cases (case_id, version, state, mode, category_code, area_id, grid_cell, longitude, latitude,
                                   reported_by, lead_unit_id, tier, registered_at, due_at, alarm_at, provisional,
                                   component_code, body, changed_at)
        SELECT u.*, at_city FROM unnest(new_cases) AS u
        ON CONFLICT (case_id) DO UPDATE SET
            version = excluded.version, state = excluded.state, category_code = excluded.category_code,
            area_id = excluded.area_id, lead_unit_id = excluded.lead_unit_id, tier = excluded.tier,
            due_at = excluded.due_at,
            -- The calendar changed since the case was loaded: it is to be looked at now, whatever was decided by the old.
            alarm_at = CASE WHEN cases.provisional AND cases.alarm_at <= at_city
                       THEN least(cases.alarm_at, excluded.alarm_at) ELSE excluded.alarm_at END,
            provisional = excluded.provisional,
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

    IF cardinality(asked) > 0 THEN
        -- Until the commit, an import that looks for the cases that it concerns waits: none slips between.
        PERFORM pg_advisory_xact_lock_shared(7242003);
        IF ARRAY(SELECT c.entry_id FROM cityhub.components c
                 WHERE c.component_code = ANY (asked) AND c.known_until IS NULL
                   AND c.valid_from <= on_day AND (c.valid_to IS NULL OR c.valid_to >= on_day)
                 ORDER BY c.entry_id) <> entry_ids THEN
            RAISE EXCEPTION 'the register says something else by now' USING ERRCODE = 'CH002';
        END IF;
    END IF;

    -- Last lock of all: held until the commit is visible, so positions become visible in their order.
    PERFORM pg_advisory_xact_lock(7242001);
    -- Whoever comes here sees everything that was committed before it, and nobody commits meanwhile: what is not near
    -- now comes near only after this batch, and is compared with it.
    IF cardinality(fresh) > 0 AND EXISTS (
        SELECT FROM unnest(fresh) AS u
        JOIN cityhub.cases c ON c.category_code = u.category_code AND c.grid_cell = u.grid_cell
        WHERE c.state NOT IN ('closed', 'rejected', 'duplicate', 'voided')
          AND c.registered_at >= near_since AND c.case_id >= near_from AND c.case_id <> ALL (near_known)
          AND c.longitude BETWEEN u.west AND u.east AND c.latitude BETWEEN u.south AND u.north
    ) THEN
        RAISE EXCEPTION 'a case came near meanwhile' USING ERRCODE = 'CH002';
    END IF;
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

-- The entries in force for these codes on a day; what was found is looked at again when the batch is written.
CREATE OR REPLACE FUNCTION components_in_force(codes text[], day date) RETURNS SETOF components LANGUAGE sql STABLE AS $$
    SELECT c.* FROM cityhub.components c
    WHERE c.component_code = ANY (codes) AND c.known_until IS NULL
      AND c.valid_from <= day AND (c.valid_to IS NULL OR c.valid_to >= day)
$$;

-- To compress a case at every step costs a tenth of what the database does for it.
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'cityhub.cases'::regclass LOOP
        EXECUTE format('ALTER TABLE %s SET (toast_tuple_target = 4080)', part);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION ensure_month(yyyymm int) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
    kept text;
    low  bigint := (yyyymm::bigint * 100 + 0) * 100000000;
    high bigint := (CASE WHEN yyyymm % 100 = 12 THEN yyyymm + 89 ELSE yyyymm + 1 END)::bigint * 100 * 100000000;
BEGIN
    IF to_regclass('cityhub.cases_' || yyyymm) IS NOT NULL THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('cityhub.ensure_month'));
    IF to_regclass('cityhub.cases_' || yyyymm) IS NOT NULL THEN
        RETURN false;
    END IF;
    FOREACH kept IN ARRAY ARRAY['raw_messages', 'entries', 'personal_data', 'case_visibility', 'letters', 'attempts', 'cases'] LOOP
        EXECUTE format('CREATE TABLE cityhub.%I PARTITION OF cityhub.%I FOR VALUES FROM (%s) TO (%s)',
                       kept || '_' || yyyymm, kept, low, high);
    END LOOP;
    -- Cases are rewritten at every step: leave room on the page so that the new version needs no new index entry, and
    -- compress none but the very long.
    EXECUTE format('ALTER TABLE cityhub.%I SET (fillfactor = 70, toast_tuple_target = 4080)', 'cases_' || yyyymm);
    RETURN true;
END $$;

-- A block of serials of one day. After a restore, days up to the restore start above what may have been issued. It need
-- not wait for the disk: the case that uses a serial does, and comes later in the write-ahead log.
CREATE OR REPLACE FUNCTION take_case_numbers(on_day int, wanted int) RETURNS bigint LANGUAGE sql AS $$
    SELECT set_config('synchronous_commit', 'off', true);
    INSERT INTO cityhub.case_number_blocks AS blocks (day, next_serial)
    SELECT on_day, greatest(1, coalesce(max(serial_floor) FILTER (WHERE numbers_through_day >= on_day), 0) + 1) + wanted
    FROM cityhub.epochs
    ON CONFLICT (day) DO UPDATE SET next_serial = greatest(
        blocks.next_serial,
        (SELECT coalesce(max(serial_floor) FILTER (WHERE numbers_through_day >= on_day), 0) + 1 FROM cityhub.epochs)
    ) + wanted
    RETURNING next_serial - wanted
$$;
