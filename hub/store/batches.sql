-- Statements of one intake batch: what it looks up and locks before it is decided.

-- name: first_answers
-- What was answered to messages that were decided before, by key.
SELECT s.key, s.fingerprint, s.case_id, s.version, s.refusal, e.state, e.position
FROM messages_seen s
LEFT JOIN entries e ON e.case_id = s.case_id AND e.sequence = s.version
WHERE s.key = ANY ($1::uuid[])

-- name: lock_cases
-- Lock, in the order of their ids, the cases that the batch names, and load them.
SELECT case_id, body FROM cases WHERE case_id = ANY ($1::bigint[]) ORDER BY case_id FOR UPDATE

-- name: known_attachments
-- Which of these attachments exist, and whose they are.
SELECT attachment_id, unit_id FROM attachments WHERE attachment_id = ANY ($1::text[])

-- name: lock_stretches
-- One report after the other where they may repeat each other: a lock on each category and cell, sorted.
SELECT count(pg_advisory_xact_lock(key)) FROM (
    SELECT DISTINCT hashtextextended(stretch, 7242) AS key FROM unnest($1::text[]) AS stretch ORDER BY key
) AS keys

-- name: open_near
-- Open cases of these categories in these cells, registered since.
SELECT c.case_id, c.category_code, c.grid_cell, c.registered_at, c.mode, c.body
FROM unnest($1::text[], $2::text[]) AS u (category, cell)
JOIN cases c ON c.category_code = u.category AND c.grid_cell = u.cell
WHERE c.state NOT IN ('closed', 'rejected', 'duplicate', 'voided') AND c.registered_at >= $3 AND c.case_id >= $4

-- name: dispatch_deliveries
-- How the last dispatch of each case reached its lead: written, first tried, first unanswered try, received; and the
-- rests of its connection in between, for urgent letters those that held these up too. What a unit fetches itself ($3
-- are such connections, and every desk) is there for it once it is written: none of these.
SELECT l.case_id, l.written_at,
       min(a.sent_at) AS tried_at,
       min(a.sent_at) FILTER (WHERE a.outcome = 'unavailable' AND a.status IS NULL) AS cut_off_at,
       min(a.ended_at) FILTER (WHERE a.outcome IN ('received', 'processed')) AS received_at,
       ARRAY(SELECT r.since FROM lane_rests r WHERE r.connection_id = l.connection_id AND r.until > l.written_at
             AND (r.urgent OR NOT l.urgent) ORDER BY r.since) AS rests_since,
       ARRAY(SELECT r.until FROM lane_rests r WHERE r.connection_id = l.connection_id AND r.until > l.written_at
             AND (r.urgent OR NOT l.urgent) ORDER BY r.since) AS rests_until
FROM (
    SELECT DISTINCT ON (l.case_id) l.case_id, l.position, l.written_at, l.connection_id, l.urgent
    FROM unnest($1::bigint[], $2::text[]) AS u (case_id, unit_id)
    JOIN letters l ON l.case_id = u.case_id AND l.unit_id = u.unit_id
    WHERE l.contract LIKE 'case.dispatch/%'
    ORDER BY l.case_id, l.entry_sequence DESC, l.position
) AS l
LEFT JOIN attempts a ON a.case_id = l.case_id AND a.position = l.position
WHERE l.connection_id <> ALL ($3::text[]) AND l.connection_id NOT LIKE '%.desk'
GROUP BY l.case_id, l.position, l.written_at, l.connection_id, l.urgent

-- name: outages
-- When these units' connections were cut off, as far as it may still matter.
SELECT connection_id, unit_id, since, until FROM outages
WHERE unit_id = ANY ($1::text[]) AND (until IS NULL OR until >= $2)

-- name: due_alarms
-- Cases that time alone does something to now.
SELECT case_id, body FROM cases WHERE alarm_at <= $1 ORDER BY alarm_at LIMIT $2

-- name: cases_of
SELECT case_id, body FROM cases WHERE case_id = ANY ($1::bigint[])

-- name: set_alarms
-- Cases for which nothing was due after all: when to look again.
UPDATE cases SET alarm_at = u.alarm_at
FROM unnest($1::bigint[], $2::int[], $3::timestamptz[]) AS u (case_id, version, alarm_at)
WHERE cases.case_id = u.case_id AND cases.version = u.version

-- name: look_at_provisional
-- Deadlines that rest on a calendar that has changed: look at each now.
UPDATE cases SET alarm_at = least(alarm_at, $1)
WHERE provisional AND state IN ('dispatched', 'acknowledged')

-- name: take_numbers
-- A block of serials for one day.
SELECT take_case_numbers($1, $2)

-- name: ensure_month
-- The partitions of a month.
SELECT ensure_month($1)

-- name: write_batch
-- Everything the batch decided, in one call (see the migration that made it last, 0005).
SELECT write_batch(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
    $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46,
    $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, $57, $58, $59, $60, $61, $62, $63)
