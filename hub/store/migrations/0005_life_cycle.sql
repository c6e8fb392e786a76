-- The whole life of a case: the table of steps held by the database too, reminders, outages, near-duplicates.

ALTER TABLE cases
    ADD COLUMN alarm_at timestamptz,
    ADD COLUMN provisional bool NOT NULL DEFAULT false,
    ADD COLUMN component_code text;
-- When time alone next does something to a case.
CREATE INDEX cases_by_alarm ON cases (alarm_at) WHERE alarm_at IS NOT NULL;
-- Deadlines that rest on a calendar yet to be announced.
CREATE INDEX cases_provisional ON cases (case_id) WHERE provisional;
CREATE INDEX cases_open_near ON cases (category_code, grid_cell)
    WHERE state NOT IN ('closed', 'rejected', 'duplicate', 'voided');
CREATE INDEX cases_open_by_component ON cases (component_code)
    WHERE component_code IS NOT NULL AND state NOT IN ('closed', 'rejected', 'duplicate', 'voided');

-- What hub/life_cycle.py says, said again where nobody gets past it: no entry without a step that the table knows.
ALTER TABLE entries
    ADD COLUMN state_before text,
    ADD CONSTRAINT entries_follow_the_life_cycle CHECK (
        coalesce(state_before, '') || '>' || fact || '>' || state = ANY (ARRAY[
        '>report>reported', 'reported>accept>accepted', 'reported>reject>rejected',
        'reported>link_duplicate>duplicate', 'accepted>link_duplicate>duplicate', 'accepted>dispatch>dispatched',
        'accepted>coordinate>in_coordination', 'dispatched>acknowledge>acknowledged', 'dispatched>return>returned',
        'acknowledged>return>returned', 'returned>dispatch>dispatched', 'returned>coordinate>in_coordination',
        'in_coordination>escalate>in_coordination', 'in_coordination>dispatch>dispatched',
        'dispatched>recall>accepted', 'acknowledged>recall>accepted', 'dispatched>sub_dispatch>dispatched',
        'dispatched>progress>dispatched', 'dispatched>reckon_again>dispatched',
        'dispatched>request_extension>dispatched', 'dispatched>extend>dispatched',
        'dispatched>refuse_extension>dispatched', 'dispatched>request_suspension>dispatched',
        'dispatched>suspend>dispatched', 'dispatched>refuse_suspension>dispatched', 'dispatched>resume>dispatched',
        'dispatched>dispute>dispatched', 'dispatched>uphold_dispute>dispatched',
        'dispatched>dismiss_dispute>dispatched', 'acknowledged>sub_dispatch>acknowledged',
        'acknowledged>progress>acknowledged', 'acknowledged>reckon_again>acknowledged',
        'acknowledged>request_extension>acknowledged', 'acknowledged>extend>acknowledged',
        'acknowledged>refuse_extension>acknowledged', 'acknowledged>request_suspension>acknowledged',
        'acknowledged>suspend>acknowledged', 'acknowledged>refuse_suspension>acknowledged',
        'acknowledged>resume>acknowledged', 'acknowledged>dispute>acknowledged',
        'acknowledged>uphold_dispute>acknowledged', 'acknowledged>dismiss_dispute>acknowledged',
        'dispatched>answer>answered', 'acknowledged>answer>answered', 'answered>judge_late_proof>answered',
        'in_verification>judge_late_proof>in_verification', 'dispatched>assist>dispatched',
        'dispatched>acknowledge_assisting>dispatched', 'dispatched>return_assisting>dispatched',
        'dispatched>answer_assisting>dispatched', 'acknowledged>assist>acknowledged',
        'acknowledged>acknowledge_assisting>acknowledged', 'acknowledged>return_assisting>acknowledged',
        'acknowledged>answer_assisting>acknowledged', 'answered>assist>answered',
        'answered>acknowledge_assisting>answered', 'answered>return_assisting>answered',
        'answered>answer_assisting>answered', 'in_verification>assist>in_verification',
        'in_verification>acknowledge_assisting>in_verification', 'in_verification>return_assisting>in_verification',
        'in_verification>answer_assisting>in_verification', 'answered>request_verification>in_verification',
        'in_verification>pass>in_verification', 'in_verification>close>closed', 'in_verification>fail>dispatched',
        'answered>pass>in_verification', 'answered>fail>dispatched', 'answered>close>closed', 'reported>void>voided',
        'accepted>void>voided', 'dispatched>void>voided', 'acknowledged>void>voided', 'answered>void>voided',
        'in_verification>void>voided', 'returned>void>voided', 'in_coordination>void>voided',
        'reported>warn>reported', 'reported>remind>reported', 'reported>supervise>reported',
        'accepted>warn>accepted', 'accepted>remind>accepted', 'accepted>supervise>accepted',
        'dispatched>warn>dispatched', 'dispatched>remind>dispatched', 'dispatched>supervise>dispatched',
        'acknowledged>warn>acknowledged', 'acknowledged>remind>acknowledged', 'acknowledged>supervise>acknowledged',
        'answered>warn>answered', 'answered>remind>answered', 'answered>supervise>answered',
        'in_verification>warn>in_verification', 'in_verification>remind>in_verification',
        'in_verification>supervise>in_verification', 'returned>warn>returned', 'returned>remind>returned',
        'returned>supervise>returned', 'in_coordination>warn>in_coordination',
        'in_coordination>remind>in_coordination', 'in_coordination>supervise>in_coordination'
        ]));

-- When a connection was cut off, by the hub's own marks: its breaker opened, and closed again.
CREATE TABLE outages (
    connection_id text NOT NULL,
    unit_id       text NOT NULL,
    since         timestamptz NOT NULL,
    until         timestamptz,
    PRIMARY KEY (connection_id, since)
);
CREATE INDEX outages_by_unit ON outages (unit_id, until);

CREATE FUNCTION note_outage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.breaker = 'closed' THEN
        UPDATE cityhub.outages SET until = now() WHERE connection_id = NEW.connection_id AND until IS NULL;
    ELSIF OLD.breaker = 'closed' THEN
        INSERT INTO cityhub.outages (connection_id, unit_id, since) VALUES (NEW.connection_id, NEW.unit_id, now())
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER lanes_note_outage AFTER UPDATE OF breaker ON lanes
    FOR EACH ROW WHEN (OLD.breaker IS DISTINCT FROM NEW.breaker) EXECUTE FUNCTION note_outage();

DROP FUNCTION write_batch;

-- Writes one decided batch and returns the first commit position; offsets into it are counted by the caller.
-- Lock order, the same in every transaction: cases (locked by the caller, sorted), new cases, keys, position.
CREATE FUNCTION write_batch(
    positions int,
    -- cases: version 1 is new, higher replaces the one before
    c_id bigint[], c_version int[], c_state text[], c_mode text[], c_category text[], c_area text[], c_cell text[],
    c_reported_by text[], c_lead text[], c_tier text[], c_registered timestamptz[], c_due timestamptz[],
    c_alarm timestamptz[], c_provisional bool[], c_component text[], c_body text[],
    c_known timestamptz,
    -- keys of decided messages
    k_key uuid[], k_fingerprint bytea[], k_case bigint[], k_version int[], k_refusal text[],
    -- raw messages
    r_case bigint[], r_key uuid[], r_received timestamptz[], r_type text[], r_body bytea[],
    -- personal data
    p_case bigint[], p_id uuid[], p_body text[],
    -- entries, offset by their index
    e_case bigint[], e_sequence int[], e_fact text[], e_before text[], e_state text[], e_mode text[], e_unit text[], e_connection text[],
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
                                   lead_unit_id, tier, registered_at, due_at, alarm_at, provisional, component_code,
                                   changed_at, body)
        SELECT u.id, u.version, u.state, u.mode, u.category, u.area, u.cell, u.reported_by, u.lead, u.tier,
               u.registered, u.due, u.alarm, u.provisional, u.component, c_known, u.body
        FROM unnest(c_id, c_version, c_state, c_mode, c_category, c_area, c_cell, c_reported_by, c_lead, c_tier,
                    c_registered, c_due, c_alarm, c_provisional, c_component, c_body)
             AS u (id, version, state, mode, category, area, cell, reported_by, lead, tier, registered, due, alarm,
                   provisional, component, body)
        ON CONFLICT (case_id) DO UPDATE SET
            version = excluded.version, state = excluded.state, category_code = excluded.category_code,
            area_id = excluded.area_id, lead_unit_id = excluded.lead_unit_id, tier = excluded.tier,
            due_at = excluded.due_at, alarm_at = excluded.alarm_at, provisional = excluded.provisional,
            changed_at = excluded.changed_at, body = excluded.body
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

    INSERT INTO cityhub.entries (case_id, sequence, position, fact, state_before, state, mode, unit_id, connection_id, actor,
                                 on_behalf_of, message_key, message_digest, personal_id, effective_at, known_at,
                                 directory_version, traceparent, audience, body)
    SELECT u.id, u.sequence, base + u.ordinal - 1, u.fact, u.before, u.state, u.mode, u.unit, u.connection, u.actor, u.behalf,
           u.key, u.digest, u.personal, u.effective, c_known, e_directory, u.trace,
           string_to_array(u.audience, ' '), u.body
    FROM unnest(e_case, e_sequence, e_fact, e_before, e_state, e_mode, e_unit, e_connection, e_actor, e_behalf, e_key, e_digest,
                e_personal, e_effective, e_trace, e_audience, e_body) WITH ORDINALITY
         AS u (id, sequence, fact, before, state, mode, unit, connection, actor, behalf, key, digest, personal, effective,
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
