-- What an operator does with letters: replay and cancel. Each is one transaction that also keeps who did it.

-- name: lock_held
-- A held or buried letter, locked; and whether it waits behind an earlier one of its case.
SELECT h.connection_id, h.case_id,
       EXISTS (SELECT FROM held_letters e WHERE e.connection_id = h.connection_id AND e.case_id = h.case_id
                                            AND e.position < h.position) AS behind
FROM held_letters h WHERE h.position = $1 FOR UPDATE

-- name: buried_among
-- The dead letters of a unit, or all.
SELECT h.position FROM held_letters h JOIN letters l ON l.case_id = h.case_id AND l.position = h.position
WHERE h.buried_at IS NOT NULL AND ($1::text IS NULL OR l.unit_id = $1) ORDER BY h.position

-- name: replay
-- Try it again, now: the same letter, the same bytes, so a receiver that had it drops it by its id.
UPDATE held_letters SET due_at = now(), buried_at = NULL, attempts = 0, reason = 'replayed'
WHERE connection_id = $1 AND position = $2

-- name: cancel
-- It will not be delivered any more.
DELETE FROM held_letters WHERE connection_id = $1 AND position = $2

-- name: cancelled
-- The letter's last word. It leaves a number free for a try that may be under way.
INSERT INTO attempts (case_id, position, attempt, connection_id, outcome, digest, reason, taken_at, sent_at, ended_at, holder)
SELECT $1, $2, 2 + coalesce(max(attempt), 0), $3, 'cancelled', '', $4, now(), now(), now(), $5
FROM attempts WHERE case_id = $1 AND position = $2

-- name: promote
-- The next letter of the case is due.
UPDATE held_letters SET due_at = now()
WHERE connection_id = $1 AND due_at IS NULL AND buried_at IS NULL AND position = (
    SELECT min(position) FROM held_letters WHERE connection_id = $1 AND case_id = $2)

-- name: tell_lane
-- Tell the lane's holder that its held letters changed.
SELECT pg_notify('cityhub_lane', $1)
