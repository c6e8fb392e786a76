-- Months of case data: what each holds, and dropping one.

-- name: months
-- The months that have partitions, oldest first.
SELECT substring(c.relname FROM 'cases_([0-9]{6})$')::int AS month
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'cityhub.cases'::regclass ORDER BY 1

-- name: hold
-- Nothing more is written into the month. Not waited for long, as whoever waits for a lock lets others wait; and given up
-- before the database looks for circles (1 s): should we be part of one, nobody else is picked to fail.
SELECT set_config('lock_timeout', '500ms', true), hold_month($1)

-- name: content
-- What a month holds, between two case ids: how many cases, open ones, letters that did not arrive; how far it reaches. A
-- verification's limit may reach three weeks over a holiday. What waits at a desk only shows a case that is over.
SELECT c.*, e.*, l.*
FROM (SELECT count(*) AS cases, count(*) FILTER (WHERE state NOT IN ('closed', 'rejected', 'duplicate', 'voided')) AS open,
             greatest(max(changed_at), max(due_at)) AS cases_until
      FROM cases WHERE case_id >= $1 AND case_id < $2) AS c,
     (SELECT count(*) AS entries, coalesce(max(position), 0) AS last_entry
      FROM entries WHERE case_id >= $1 AND case_id < $2) AS e,
     (SELECT count(*) AS letters, coalesce(max(position), 0) AS last_letter,
             max(due_at) + interval '21 days' AS letters_until,
             count(*) FILTER (WHERE l.connection_id NOT LIKE '%.desk' AND (EXISTS (SELECT FROM held_letters h
                                            WHERE h.connection_id = l.connection_id AND h.position = l.position)
                  OR NOT EXISTS (SELECT FROM attempts a WHERE a.case_id = l.case_id AND a.position = l.position
                      AND a.outcome IN ('received', 'processed', 'refused', 'cancelled')))) AS undelivered
      FROM letters l WHERE case_id >= $1 AND case_id < $2) AS l

-- name: lock
-- All at once before the first partition goes: everybody comes to a partition through its table, so from here on nobody
-- has one of them and waits for another.
LOCK TABLE ONLY attempts, case_visibility, cases, entries, letters, personal_data, raw_messages IN ACCESS EXCLUSIVE MODE

-- name: drop
-- The month goes, and is kept on record.
SELECT drop_month($1, $2, $3, $4, $5, $6, $7)

-- name: gone
-- The newest dropped month whose cases the figures of a period need: it begins at $1 and ends in the month $2.
SELECT month FROM dropped_months WHERE reached_until >= $1 AND month <= $2 ORDER BY month DESC LIMIT 1

-- name: dropped
-- What was dropped, oldest month first.
SELECT month, cases, entries, letters, last_position, reached_until, dropped_at, by FROM dropped_months ORDER BY month
