-- What is asked for: cases, entries, letters, the change feed. All paged; each unit sees only what is its own.

-- name: case
-- One case, with the interval in which the unit sees it (null: the whole).
SELECT c.body, v.from_position, v.until_position
FROM cases c LEFT JOIN case_visibility v ON v.case_id = c.case_id AND v.unit_id = $2
WHERE c.case_id = $1

-- name: cases_all
-- Cases, newest first, for who sees everything.
SELECT case_id, body FROM cases
WHERE case_id < $1
  AND ($2::text[] IS NULL OR state = ANY ($2))
  AND ($3::text IS NULL OR lead_unit_id = $3)
  AND ($4::text IS NULL OR area_id = $4)
  AND ($5::text IS NULL OR category_code = $5)
  AND ($6::text IS NULL OR mode = $6)
ORDER BY case_id DESC LIMIT $7

-- name: cases_seen
-- The same for one unit: cases that it sees now, or saw until it lost them.
SELECT c.case_id, c.body, v.until_position FROM case_visibility v JOIN cases c ON c.case_id = v.case_id
WHERE v.unit_id = $8 AND v.case_id < $1
  AND ($2::text[] IS NULL OR c.state = ANY ($2))
  AND ($3::text IS NULL OR c.lead_unit_id = $3)
  AND ($4::text IS NULL OR c.area_id = $4)
  AND ($5::text IS NULL OR c.category_code = $5)
  AND ($6::text IS NULL OR c.mode = $6)
ORDER BY v.case_id DESC LIMIT $7

-- name: entries
-- The log of a case, or a unit's part of it.
SELECT * FROM entries
WHERE case_id = $1 AND sequence > $2 AND ($3::text IS NULL OR $3 = ANY (audience))
ORDER BY sequence LIMIT $4

-- name: scanned
-- How far a page of the feed looks: so many entries after the cursor.
SELECT max(position) AS reached, count(*)::int AS entries
FROM (SELECT position FROM entries WHERE position > $1 ORDER BY position LIMIT $2) AS ahead

-- name: changes
-- Entries in commit order between two positions, all or those a unit may read.
SELECT * FROM entries
WHERE position > $1 AND position <= $2 AND ($3::text IS NULL OR $3 = ANY (audience))
ORDER BY position LIMIT $4

-- name: head
-- The newest position of the log, the oldest, and the one below which dropped months have left gaps.
SELECT greatest((SELECT max(position) FROM entries), kept.floor) AS newest,
       coalesce((SELECT min(position) FROM entries), 0) AS oldest, kept.floor
FROM (SELECT coalesce(max(last_position), 0) AS floor FROM dropped_months) AS kept

-- name: letters
-- Letters with what became of them, newest first.
SELECT l.*, last.outcome, last.status, last.attempt, last.ended_at, last.reason AS said, h.due_at AS retry_at,
       h.buried_at, h.reason AS held_because, h.position IS NOT NULL AS is_held
FROM letters l
LEFT JOIN LATERAL (
    SELECT outcome, status, attempt, ended_at, reason FROM attempts a
    WHERE a.case_id = l.case_id AND a.position = l.position ORDER BY attempt DESC LIMIT 1
) AS last ON true
LEFT JOIN held_letters h ON h.connection_id = l.connection_id AND h.position = l.position
WHERE l.position < $1
  AND ($2::text IS NULL OR l.unit_id = $2)
  AND ($3::bigint IS NULL OR l.case_id = $3)
ORDER BY l.position DESC LIMIT $4

-- name: dead_letters
-- The dead-letter shelf, oldest letter first.
SELECT l.*, last.outcome, last.status, last.attempt, last.ended_at, last.reason AS said, h.due_at AS retry_at,
       h.buried_at, h.reason AS held_because, true AS is_held
FROM held_letters h
JOIN letters l ON l.case_id = h.case_id AND l.position = h.position
LEFT JOIN LATERAL (
    SELECT outcome, status, attempt, ended_at, reason FROM attempts a
    WHERE a.case_id = l.case_id AND a.position = l.position ORDER BY attempt DESC LIMIT 1
) AS last ON true
WHERE h.buried_at IS NOT NULL AND ($1::text IS NULL OR l.unit_id = $1) AND h.position > $2
ORDER BY h.position LIMIT $3

-- name: letter
-- One letter by its position.
SELECT l.*, e.fact, e.state, e.unit_id AS acted_by, e.effective_at, e.known_at, e.body, e.traceparent
FROM letters l JOIN entries e ON e.case_id = l.case_id AND e.sequence = l.entry_sequence
WHERE l.position = $1

-- name: attempts
-- Every try at a letter.
SELECT attempt, outcome, status, digest, answer, reason, taken_at, sent_at, ended_at, holder
FROM attempts WHERE case_id = $1 AND position = $2 ORDER BY attempt

-- name: open_stages
-- All open cases by state.
SELECT state, count(*)::int AS cases FROM cases
WHERE state NOT IN ('closed', 'rejected', 'duplicate', 'voided') AND mode = $1 GROUP BY state

-- name: backlog
-- What each unit has in hand, and how much of it is late.
SELECT lead_unit_id AS unit_id, count(*)::int AS open, count(*) FILTER (WHERE due_at < $1)::int AS late,
       min(due_at) AS next_due
FROM cases
WHERE state IN ('dispatched', 'acknowledged') AND lead_unit_id IS NOT NULL AND mode = $2
GROUP BY lead_unit_id

-- name: lanes
-- Each lane: what waits (counted up to a bound), what is held, dead, leased; whether it is paused or its breaker open.
SELECT n.connection_id, n.unit_id, n.breaker, n.failures, n.paused_at, n.paused_reason, n.holder,
       n.leased_until > now() AS is_held,
       (SELECT count(*)::int FROM (SELECT 1 FROM letters l WHERE l.connection_id = n.connection_id AND l.urgent
           AND l.position > n.done_urgent ORDER BY l.position LIMIT $1) AS u)
     + (SELECT count(*)::int FROM (SELECT 1 FROM letters l WHERE l.connection_id = n.connection_id AND NOT l.urgent
           AND l.position > n.done_ordinary ORDER BY l.position LIMIT $1) AS o) AS waiting,
       (SELECT count(*)::int FROM held_letters h WHERE h.connection_id = n.connection_id AND h.buried_at IS NULL) AS held,
       (SELECT count(*)::int FROM held_letters h WHERE h.connection_id = n.connection_id
           AND h.buried_at IS NOT NULL) AS dead,
       least(
           (SELECT l.written_at FROM letters l WHERE l.connection_id = n.connection_id AND l.urgent
               AND l.position > n.done_urgent ORDER BY l.position LIMIT 1),
           (SELECT l.written_at FROM letters l WHERE l.connection_id = n.connection_id AND NOT l.urgent
               AND l.position > n.done_ordinary ORDER BY l.position LIMIT 1)) AS oldest
FROM lanes n ORDER BY n.connection_id

-- name: attachment
-- An attachment by its id.
SELECT attachment_id, unit_id, sha256, media_type, size_bytes, width, height, stored_at
FROM attachments WHERE attachment_id = $1

-- name: add_attachment
-- A new attachment, its file already on the disk.
INSERT INTO attachments (attachment_id, unit_id, sha256, media_type, size_bytes, width, height)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING

-- name: attachment_seen
-- Whether some entry of the case that the unit may read has the attachment in a list, as photos are. A text that
-- merely mentions its id does not count: anybody can write one.
SELECT EXISTS (
    SELECT FROM entries e
    WHERE e.case_id = $1 AND ($2::text IS NULL OR $2 = ANY (e.audience)) AND position($3 in e.body) > 0
      AND jsonb_path_exists(e.body::jsonb, 'strict $.**.*[*] ? (@ == $id)', jsonb_build_object('id', $3::text), true))
