-- Statements of the pull inbox: leases on letters, acknowledgements.

-- name: lock_lane
-- One puller at a time per connection; the row is made where it is missing.
INSERT INTO lanes (connection_id, unit_id) VALUES ($1, $2)
ON CONFLICT (connection_id) DO UPDATE SET unit_id = excluded.unit_id
RETURNING done_urgent, done_ordinary

-- name: lease
-- The next letters: urgent first, in order per case; a case with a letter leased, dead or not yet due waits as a whole.
WITH busy AS MATERIALIZED (
    SELECT case_id FROM inbox_leases WHERE connection_id = $1 AND leased_until > now()
    UNION
    SELECT case_id FROM held_letters WHERE connection_id = $1 AND (buried_at IS NOT NULL OR due_at > now())
), open AS MATERIALIZED (
    (SELECT l.* FROM held_letters h JOIN letters l ON l.case_id = h.case_id AND l.position = h.position
     WHERE h.connection_id = $1
       AND NOT EXISTS (SELECT FROM busy b WHERE b.case_id = l.case_id)
       AND NOT EXISTS (SELECT FROM attempts a WHERE a.case_id = l.case_id AND a.position = l.position
                       AND a.outcome IN ('received', 'processed', 'refused', 'cancelled'))
     ORDER BY l.urgent DESC, l.position LIMIT $4)
    UNION ALL
    (SELECT l.* FROM letters l
     WHERE l.connection_id = $1 AND l.urgent AND l.position > $2
       AND NOT EXISTS (SELECT FROM busy b WHERE b.case_id = l.case_id)
       AND NOT EXISTS (SELECT FROM attempts a WHERE a.case_id = l.case_id AND a.position = l.position
                       AND a.outcome IN ('received', 'processed', 'refused', 'cancelled'))
       AND NOT EXISTS (SELECT FROM held_letters h WHERE h.connection_id = $1 AND h.position = l.position)
     ORDER BY l.position LIMIT $4)
    UNION ALL
    (SELECT l.* FROM letters l
     WHERE l.connection_id = $1 AND NOT l.urgent AND l.position > $3
       AND NOT EXISTS (SELECT FROM busy b WHERE b.case_id = l.case_id)
       AND NOT EXISTS (SELECT FROM attempts a WHERE a.case_id = l.case_id AND a.position = l.position
                       AND a.outcome IN ('received', 'processed', 'refused', 'cancelled'))
       AND NOT EXISTS (SELECT FROM held_letters h WHERE h.connection_id = $1 AND h.position = l.position)
     ORDER BY l.position LIMIT $4)
), chosen AS (
    SELECT * FROM open ORDER BY urgent DESC, position LIMIT $4
), leased AS (
    INSERT INTO inbox_leases AS kept (connection_id, position, case_id, lease_id, leased_until)
    SELECT connection_id, position, case_id, $5::uuid, now() + make_interval(secs => $6) FROM chosen
    ON CONFLICT (connection_id, position) DO UPDATE
        SET lease_id = excluded.lease_id, leased_until = excluded.leased_until, leases = kept.leases + 1
    RETURNING position, leases
)
SELECT l.*, e.fact, e.state, e.unit_id AS acted_by, e.effective_at, e.known_at, e.body, e.traceparent, leased.leases
FROM leased
JOIN chosen l USING (position)
JOIN entries e ON e.case_id = l.case_id AND e.sequence = l.entry_sequence
ORDER BY l.urgent DESC, l.position

-- name: acknowledge
-- Settle leased letters; only those whose lease is still the caller's.
WITH mine AS (
    DELETE FROM inbox_leases
    WHERE connection_id = $1 AND position = ANY ($2::bigint[]) AND lease_id = $3
    RETURNING position, case_id, leases
), kept AS (
    INSERT INTO attempts (case_id, position, attempt, connection_id, outcome, status, digest, reason, taken_at, sent_at,
                          ended_at, holder)
    SELECT m.case_id, m.position, 1 + coalesce((SELECT max(a.attempt) FROM attempts a
                                                WHERE a.case_id = m.case_id AND a.position = m.position), 0),
           $1, 'processed', NULL, u.digest, '', now(), now(), now(), $5
    FROM mine m JOIN unnest($2::bigint[], $4::bytea[]) AS u (position, digest) USING (position)
    ON CONFLICT DO NOTHING
    RETURNING position
), freed AS (
    DELETE FROM held_letters WHERE connection_id = $1 AND position IN (SELECT position FROM mine)
)
SELECT position FROM mine

-- name: promote
-- What a lane held behind the settled ones is due, should a lane ever deliver it.
UPDATE held_letters h SET due_at = now()
FROM (SELECT case_id, min(position) AS first FROM held_letters WHERE connection_id = $1 GROUP BY case_id) AS heads
WHERE h.connection_id = $1 AND h.position = heads.first AND h.due_at IS NULL AND h.buried_at IS NULL

-- name: settled_among
-- Which of these letters of a connection were settled before: acknowledging them again is no fault.
SELECT l.position FROM letters l JOIN attempts a ON a.case_id = l.case_id AND a.position = l.position
WHERE l.connection_id = $1 AND l.position = ANY ($2::bigint[]) AND a.outcome IN ('received', 'processed')

-- name: rendered
-- Letters of a connection with the entries they tell, to reckon the digest of what was handed out.
SELECT l.*, e.fact, e.state, e.unit_id AS acted_by, e.effective_at, e.known_at, e.body, e.traceparent
FROM letters l JOIN entries e ON e.case_id = l.case_id AND e.sequence = l.entry_sequence
WHERE l.connection_id = $1 AND l.position = ANY ($2::bigint[])

-- name: advance
-- Move the cursors over what is settled or held, up to the first letter that is neither.
UPDATE lanes SET
    done_urgent = greatest(done_urgent, reached.urgent), taken_urgent = greatest(taken_urgent, reached.urgent),
    done_ordinary = greatest(done_ordinary, reached.ordinary), taken_ordinary = greatest(taken_ordinary, reached.ordinary)
FROM (
    SELECT coalesce(
        (SELECT l.position - 1 FROM letters l
         WHERE l.connection_id = $1 AND l.urgent AND l.position > $2
           AND NOT EXISTS (SELECT FROM attempts a WHERE a.case_id = l.case_id AND a.position = l.position
                           AND a.outcome IN ('received', 'processed', 'refused', 'cancelled'))
           AND NOT EXISTS (SELECT FROM held_letters h WHERE h.connection_id = $1 AND h.position = l.position)
         ORDER BY l.position LIMIT 1),
        (SELECT max(position) FROM letters WHERE connection_id = $1 AND urgent), 0
    ) AS urgent, coalesce(
        (SELECT l.position - 1 FROM letters l
         WHERE l.connection_id = $1 AND NOT l.urgent AND l.position > $3
           AND NOT EXISTS (SELECT FROM attempts a WHERE a.case_id = l.case_id AND a.position = l.position
                           AND a.outcome IN ('received', 'processed', 'refused', 'cancelled'))
           AND NOT EXISTS (SELECT FROM held_letters h WHERE h.connection_id = $1 AND h.position = l.position)
         ORDER BY l.position LIMIT 1),
        (SELECT max(position) FROM letters WHERE connection_id = $1 AND NOT urgent), 0
    ) AS ordinary
) AS reached
WHERE connection_id = $1
