-- Statements of the lanes: leases, heads, held letters, outcomes.

-- name: ensure_lanes
-- A row for every connection that letters are written to.
INSERT INTO lanes (connection_id, unit_id) SELECT * FROM unnest($1::text[], $2::text[])
ON CONFLICT DO NOTHING

-- name: acquire
-- Take free lanes: those nobody holds, whose lease ran out, or that this very holder had before it was restarted.
UPDATE lanes SET holder = $2, fencing = fencing + 1, leased_until = now() + make_interval(secs => $3)
WHERE connection_id IN (
    SELECT connection_id FROM lanes
    WHERE connection_id = ANY ($1::text[])
      AND (holder IS NULL OR leased_until < now() OR holder = $2)
    ORDER BY connection_id
    LIMIT $4
    FOR UPDATE SKIP LOCKED
)
RETURNING connection_id, fencing, done_urgent, taken_urgent, done_ordinary, taken_ordinary, paused_at, paused_reason

-- name: renew
-- The leases that are still ours; one of which 3 s have gone is kept for longer, the others are only looked at: a lane
-- whose row is being written must wait with its letters.
WITH ours AS (
    SELECT l.connection_id, l.fencing, l.paused_at, l.paused_reason, l.leased_until
    FROM lanes l JOIN unnest($1::text[], $2::bigint[]) AS u (connection, fencing)
      ON l.connection_id = u.connection AND l.fencing = u.fencing
), kept AS (
    UPDATE lanes SET leased_until = now() + make_interval(secs => $3)
    FROM ours
    WHERE lanes.connection_id = ours.connection_id AND lanes.fencing = ours.fencing
      AND ours.leased_until < now() + make_interval(secs => $3 - 3)
)
SELECT connection_id, paused_at, paused_reason FROM ours

-- name: release
-- Give leases back at their holder's orderly end; not those that a successor of the same name has by now.
UPDATE lanes SET holder = NULL, leased_until = '-infinity'
FROM unnest($1::text[], $2::bigint[]) AS u (connection, fencing)
WHERE lanes.connection_id = u.connection AND lanes.fencing = u.fencing

-- name: take_urgent
-- The next urgent letters of a lane; none of them was ever tried, and `taken_urgent` says so before one is.
WITH head AS MATERIALIZED (
    SELECT * FROM letters WHERE connection_id = $1 AND urgent AND position > $3 ORDER BY position LIMIT $4
), moved AS (
    UPDATE lanes SET taken_urgent = greatest(taken_urgent, (SELECT max(position) FROM head))
    WHERE connection_id = $1 AND fencing = $2 AND EXISTS (SELECT FROM head)
    RETURNING 1
)
SELECT l.*, e.fact, e.state, e.unit_id AS acted_by, e.effective_at, e.known_at, e.body, e.traceparent
FROM head l JOIN entries e ON e.case_id = l.case_id AND e.sequence = l.entry_sequence
WHERE EXISTS (SELECT FROM moved)
ORDER BY l.position

-- name: take_ordinary
-- The same for the other letters.
WITH head AS MATERIALIZED (
    SELECT * FROM letters WHERE connection_id = $1 AND NOT urgent AND position > $3 ORDER BY position LIMIT $4
), moved AS (
    UPDATE lanes SET taken_ordinary = greatest(taken_ordinary, (SELECT max(position) FROM head))
    WHERE connection_id = $1 AND fencing = $2 AND EXISTS (SELECT FROM head)
    RETURNING 1
)
SELECT l.*, e.fact, e.state, e.unit_id AS acted_by, e.effective_at, e.known_at, e.body, e.traceparent
FROM head l JOIN entries e ON e.case_id = l.case_id AND e.sequence = l.entry_sequence
WHERE EXISTS (SELECT FROM moved)
ORDER BY l.position

-- name: in_doubt
-- Letters that a former holder took and neither settled nor held: tried or not, nobody knows. They are tried again.
SELECT l.*, e.fact, e.state, e.unit_id AS acted_by, e.effective_at, e.known_at, e.body, e.traceparent
FROM letters l JOIN entries e ON e.case_id = l.case_id AND e.sequence = l.entry_sequence
WHERE l.connection_id = $1 AND l.urgent = $2 AND l.position > $3 AND l.position <= $4
  AND NOT EXISTS (SELECT FROM held_letters h WHERE h.connection_id = l.connection_id AND h.position = l.position)
  AND NOT EXISTS (SELECT FROM attempts a WHERE a.case_id = l.case_id AND a.position = l.position
                  AND a.outcome IN ('received', 'processed', 'refused', 'cancelled'))
ORDER BY l.position

-- name: due
-- Held letters whose time has come, the urgent first, then the soonest; only the first of its case ever has one.
SELECT l.*, e.fact, e.state, e.unit_id AS acted_by, e.effective_at, e.known_at, e.body, e.traceparent,
       h.attempts, h.due_at AS retry_at,
       (SELECT max(a.attempt) FROM attempts a WHERE a.case_id = h.case_id AND a.position = h.position) AS on_record
FROM held_letters h
JOIN letters l ON l.case_id = h.case_id AND l.position = h.position
JOIN entries e ON e.case_id = l.case_id AND e.sequence = l.entry_sequence
WHERE h.connection_id = $1 AND h.due_at <= now() AND h.position <> ALL ($2::bigint[]) AND (l.urgent OR NOT $4)
ORDER BY l.urgent DESC, h.due_at
LIMIT $3

-- name: next_due
-- When the next held letter of a lane is due.
SELECT min(h.due_at) FROM held_letters h
WHERE h.connection_id = $1 AND h.due_at IS NOT NULL AND h.position <> ALL ($2::bigint[])
  AND (NOT $3 OR EXISTS (SELECT FROM letters l WHERE l.case_id = h.case_id AND l.position = h.position AND l.urgent))

-- name: held_by_case
-- How many letters of each case a lane holds.
SELECT case_id, count(*)::int AS held FROM held_letters WHERE connection_id = $1 GROUP BY case_id

-- name: pins
-- Which versions made the bytes of a lane's letters, by position.
SELECT urgent, from_position, profile_version, renderer_version FROM lane_pins
WHERE connection_id = $1 ORDER BY urgent, from_position

-- name: pin
-- From here on letters are made by these versions.
INSERT INTO lane_pins (connection_id, urgent, from_position, profile_version, renderer_version)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT (connection_id, urgent, from_position)
DO UPDATE SET profile_version = excluded.profile_version, renderer_version = excluded.renderer_version

-- name: write_outcomes
-- Everything that happened to letters since the last write (see migration 0012).
SELECT write_outcomes($1, $2, $3, $4, $5)

-- name: resume
-- Let a paused lane go on; its held letters are due at once.
UPDATE lanes SET paused_at = NULL, paused_reason = NULL, breaker = 'closed', failures = 0
WHERE connection_id = $1 AND paused_at IS NOT NULL

-- name: hasten
-- What a resumed lane holds is due now, the first of each case.
UPDATE held_letters SET due_at = now() WHERE connection_id = $1 AND due_at IS NOT NULL
