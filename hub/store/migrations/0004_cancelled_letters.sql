-- A letter that was cancelled while it was tried stays cancelled: `write_outcomes` holds it no more.

CREATE OR REPLACE FUNCTION write_outcomes(
    -- lanes: the caller's token and how far each stream is done, the breaker's position
    n_connection text[], n_fencing bigint[], n_done_urgent bigint[], n_done_ordinary bigint[],
    n_breaker text[], n_failures int[], n_paused text[],
    -- attempts
    a_connection text[], a_case bigint[], a_position bigint[], a_attempt int[], a_outcome text[], a_status int[],
    a_digest bytea[], a_answer bytea[], a_reason text[], a_taken timestamptz[], a_sent timestamptz[],
    a_ended timestamptz[], a_holder text,
    -- letters that leave the held table
    s_connection text[], s_case bigint[], s_position bigint[],
    -- letters that are held: due (null: behind an earlier one of their case), or buried
    h_connection text[], h_case bigint[], h_position bigint[], h_due timestamptz[], h_attempts int[], h_reason text[],
    h_buried bool[]
) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    mine text[];
BEGIN
    -- Sorted, so that two processes that both believe to hold a lane never wait in a circle.
    SELECT coalesce(array_agg(held.connection_id), '{}') INTO mine
    FROM (
        SELECT l.connection_id
        FROM cityhub.lanes l
        JOIN unnest(n_connection, n_fencing) AS u (connection, fencing)
          ON u.connection = l.connection_id AND u.fencing = l.fencing
        ORDER BY l.connection_id
        FOR UPDATE OF l
    ) AS held;

    INSERT INTO cityhub.attempts (case_id, position, attempt, connection_id, outcome, status, digest, answer, reason,
                                  taken_at, sent_at, ended_at, holder)
    SELECT u.id, u.pos, u.attempt, u.connection, u.outcome, u.status, u.digest, u.answer, u.reason, u.taken, u.sent,
           u.ended, a_holder
    FROM unnest(a_connection, a_case, a_position, a_attempt, a_outcome, a_status, a_digest, a_answer, a_reason, a_taken,
                a_sent, a_ended)
         AS u (connection, id, pos, attempt, outcome, status, digest, answer, reason, taken, sent, ended)
    WHERE u.connection = ANY (mine)
    -- The same write again, after its first commit's outcome was unknown.
    ON CONFLICT DO NOTHING;

    IF cardinality(s_connection) > 0 THEN
        DELETE FROM cityhub.held_letters h
        USING unnest(s_connection, s_position) AS u (connection, pos)
        WHERE h.connection_id = u.connection AND h.position = u.pos AND u.connection = ANY (mine);
    END IF;

    IF cardinality(h_connection) > 0 THEN
        INSERT INTO cityhub.held_letters AS kept (connection_id, position, case_id, due_at, attempts, reason, buried_at)
        SELECT u.connection, u.pos, u.id, u.due, u.attempts, u.reason, CASE WHEN u.buried THEN now() END
        FROM unnest(h_connection, h_case, h_position, h_due, h_attempts, h_reason, h_buried)
             AS u (connection, id, pos, due, attempts, reason, buried)
        WHERE u.connection = ANY (mine)
          -- An operator cancelled it while it was tried: it does not come back.
          AND NOT EXISTS (SELECT FROM cityhub.attempts a
                          WHERE a.case_id = u.id AND a.position = u.pos AND a.outcome = 'cancelled')
        ON CONFLICT (connection_id, position) DO UPDATE
            SET due_at = excluded.due_at, attempts = excluded.attempts, reason = excluded.reason,
                buried_at = excluded.buried_at;
    END IF;

    IF cardinality(s_connection) > 0 OR cardinality(h_connection) > 0 THEN
        -- The first held letter of each case that changed becomes due, unless it is buried.
        UPDATE cityhub.held_letters h SET due_at = now()
        FROM (
            SELECT k.connection_id, k.case_id, min(k.position) AS first
            FROM cityhub.held_letters k
            JOIN (
                SELECT DISTINCT t.connection_id, t.case_id
                FROM unnest(s_connection || h_connection, s_case || h_case) AS t (connection_id, case_id)
                WHERE t.connection_id = ANY (mine)
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
    FROM unnest(n_connection, n_done_urgent, n_done_ordinary, n_breaker, n_failures, n_paused)
         AS u (connection, done_urgent, done_ordinary, breaker, failures, paused)
    WHERE l.connection_id = u.connection AND u.connection = ANY (mine);

    RETURN mine;
END $$;
