-- Statements of one intake batch: what it looks up before it is decided, and how it is written.

-- name: load_batch
-- What was answered before, the cases that the batch names, and the open ones near its reports (see migration 0015).
SELECT near, seen, known FROM load_batch($1, $2, $3, $4, $5, $6)

-- name: known_attachments
-- Which of these attachments exist, and whose they are.
SELECT attachment_id, unit_id FROM attachments WHERE attachment_id = ANY ($1::text[])

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
-- Everything the batch decided, where what it was decided on still holds, in one call (see migration 0015).
SELECT write_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
