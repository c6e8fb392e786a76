-- How a decided batch is written: one call, set-wise, the position lock last.

-- The partitions of one month (yyyymm) of every table that holds case data. Safe to call from several processes at once.
CREATE FUNCTION ensure_month(yyyymm int) RETURNS bool LANGUAGE plpgsql AS $$
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
    -- Cases are rewritten at every step: leave room on the page so that the new version needs no new index entry.
    EXECUTE format('ALTER TABLE cityhub.%I SET (fillfactor = 70)', 'cases_' || yyyymm);
    RETURN true;
END $$;

-- A block of serials of one day. After a restore, days up to the restore start above what may have been issued.
CREATE FUNCTION take_case_numbers(on_day int, wanted int) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO cityhub.case_number_blocks AS blocks (day, next_serial)
    SELECT on_day, greatest(1, coalesce(max(serial_floor) FILTER (WHERE numbers_through_day >= on_day), 0) + 1) + wanted
    FROM cityhub.epochs
    ON CONFLICT (day) DO UPDATE SET next_serial = greatest(
        blocks.next_serial,
        (SELECT coalesce(max(serial_floor) FILTER (WHERE numbers_through_day >= on_day), 0) + 1 FROM cityhub.epochs)
    ) + wanted
    RETURNING next_serial - wanted
$$;

-- Writes one decided batch and returns the first commit position; offsets into it are counted by the caller.
-- Lock order, the same in every transaction: cases (locked by the caller, sorted), new cases, keys, position.
CREATE FUNCTION write_batch(
    positions int,
    -- cases: version 1 is new, higher replaces the one before
    c_id bigint[], c_version int[], c_state text[], c_mode text[], c_category text[], c_area text[], c_cell text[],
    c_reported_by text[], c_lead text[], c_tier text[], c_registered timestamptz[], c_due timestamptz[], c_body text[],
    c_known timestamptz,
    -- keys of decided messages
    k_key uuid[], k_fingerprint bytea[], k_case bigint[], k_version int[], k_refusal text[],
    -- raw messages
    r_case bigint[], r_key uuid[], r_received timestamptz[], r_type text[], r_body bytea[],
    -- personal data
    p_case bigint[], p_id uuid[], p_body text[],
    -- entries, offset by their index
    e_case bigint[], e_sequence int[], e_fact text[], e_state text[], e_mode text[], e_unit text[], e_connection text[],
    e_actor text[], e_behalf text[], e_key uuid[], e_digest bytea[], e_personal uuid[], e_effective timestamptz[],
    e_directory int, e_trace text[], e_audience text[], e_body text[],
    -- visibility: opened (until null) or closed at the given offset
    v_unit text[], v_case bigint[], v_offset int[], v_open bool[],
    -- letters, offset after the entries
    l_case bigint[], l_connection text[], l_unit text[], l_entry int[], l_contract text[], l_sequence int[],
    l_urgent bool[], l_mode text[], l_due timestamptz[], l_written timestamptz
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    base    bigint;
    written int;
BEGIN
    IF cardinality(c_id) > 0 THEN
        INSERT INTO cityhub.cases (case_id, version, state, mode, category_code, area_id, grid_cell, reported_by,
                                   lead_unit_id, tier, registered_at, due_at, changed_at, body)
        SELECT u.id, u.version, u.state, u.mode, u.category, u.area, u.cell, u.reported_by, u.lead, u.tier,
               u.registered, u.due, c_known, u.body
        FROM unnest(c_id, c_version, c_state, c_mode, c_category, c_area, c_cell, c_reported_by, c_lead, c_tier,
                    c_registered, c_due, c_body)
             AS u (id, version, state, mode, category, area, cell, reported_by, lead, tier, registered, due, body)
        ON CONFLICT (case_id) DO UPDATE SET
            version = excluded.version, state = excluded.state, category_code = excluded.category_code,
            area_id = excluded.area_id, lead_unit_id = excluded.lead_unit_id, tier = excluded.tier,
            due_at = excluded.due_at, changed_at = excluded.changed_at, body = excluded.body
        WHERE cases.version < excluded.version;
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written <> cardinality(c_id) THEN
            RAISE EXCEPTION 'a case moved on under its lock' USING ERRCODE = 'CH001';
        END IF;
    END IF;

    INSERT INTO cityhub.messages_seen (key, fingerprint, case_id, version, refusal)
    SELECT * FROM unnest(k_key, k_fingerprint, k_case, k_version, k_refusal)
    ON CONFLICT (key) DO NOTHING;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> cardinality(k_key) THEN
        -- Another process decided one of these messages meanwhile: the caller loads again and gives its first answer.
        RAISE EXCEPTION 'a message was decided elsewhere' USING ERRCODE = 'CH002';
    END IF;

    IF cardinality(r_case) > 0 THEN
        INSERT INTO cityhub.raw_messages (case_id, key, received_at, content_type, body)
        SELECT * FROM unnest(r_case, r_key, r_received, r_type, r_body)
        ON CONFLICT DO NOTHING;
    END IF;
    IF cardinality(p_case) > 0 THEN
        INSERT INTO cityhub.personal_data (case_id, personal_id, body)
        SELECT * FROM unnest(p_case, p_id, p_body);
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

    INSERT INTO cityhub.entries (case_id, sequence, position, fact, state, mode, unit_id, connection_id, actor,
                                 on_behalf_of, message_key, message_digest, personal_id, effective_at, known_at,
                                 directory_version, traceparent, audience, body)
    SELECT u.id, u.sequence, base + u.ordinal - 1, u.fact, u.state, u.mode, u.unit, u.connection, u.actor, u.behalf,
           u.key, u.digest, u.personal, u.effective, c_known, e_directory, u.trace,
           string_to_array(u.audience, ' '), u.body
    FROM unnest(e_case, e_sequence, e_fact, e_state, e_mode, e_unit, e_connection, e_actor, e_behalf, e_key, e_digest,
                e_personal, e_effective, e_trace, e_audience, e_body) WITH ORDINALITY
         AS u (id, sequence, fact, state, mode, unit, connection, actor, behalf, key, digest, personal, effective,
               trace, audience, body, ordinal);

    IF cardinality(v_unit) > 0 THEN
        INSERT INTO cityhub.case_visibility AS seen (unit_id, case_id, from_position, until_position)
        SELECT u.unit, u.id, base + u.at, CASE WHEN u.open THEN NULL ELSE base + u.at END
        FROM unnest(v_unit, v_case, v_offset, v_open) AS u (unit, id, at, open)
        ON CONFLICT (unit_id, case_id) DO UPDATE SET until_position = excluded.until_position;
    END IF;

    IF cardinality(l_case) > 0 THEN
        INSERT INTO cityhub.letters (case_id, position, connection_id, unit_id, entry_sequence, contract, unit_sequence,
                                     urgent, mode, due_at, written_at)
        SELECT u.id, base + cardinality(e_case) + u.ordinal - 1, u.connection, u.unit, u.entry, u.contract, u.sequence,
               u.urgent, u.mode, u.due, l_written
        FROM unnest(l_case, l_connection, l_unit, l_entry, l_contract, l_sequence, l_urgent, l_mode, l_due)
             WITH ORDINALITY
             AS u (id, connection, unit, entry, contract, sequence, urgent, mode, due, ordinal);
        -- Which lanes have something new, urgent (u) or ordinary (o): the others need not look.
        PERFORM pg_notify('cityhub_letters', left(string_agg(DISTINCT CASE WHEN u.urgent THEN 'u/' ELSE 'o/' END || u.connection, ' '), 7900))
        FROM unnest(l_connection, l_urgent) AS u (connection, urgent);
    END IF;
    PERFORM pg_notify('cityhub_entries', '');
    RETURN base;
END $$;
