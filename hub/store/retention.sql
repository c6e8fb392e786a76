-- Dropping a month of cases: what lies in it, what holds it back, and that it went.

-- name: months
-- The months that have partitions, oldest first, with their size.
SELECT right(child.relname, 6)::int AS month,
       (SELECT sum(pg_total_relation_size(part.oid)) FROM pg_class part
        WHERE part.relnamespace = child.relnamespace AND part.relname LIKE '%\_' || right(child.relname, 6))::bigint
           AS size_bytes
FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = 'cityhub.cases'::regclass
ORDER BY 1

-- name: content
-- What lies in a month: $1 is its first case id, $2 the first of the next month. $3 are the connections that the hub
-- pushes to: what is not settled there is still to be delivered; elsewhere the unit never fetched it.
SELECT (SELECT count(*) FROM cases WHERE case_id >= $1 AND case_id < $2) AS cases,
       (SELECT count(*) FROM cases WHERE case_id >= $1 AND case_id < $2
           AND state NOT IN ('closed', 'rejected', 'duplicate', 'voided')) AS open,
       (SELECT max(changed_at) FROM cases WHERE case_id >= $1 AND case_id < $2) AS last_changed_at,
       (SELECT count(*) FROM entries WHERE case_id >= $1 AND case_id < $2) AS entries,
       (SELECT coalesce(max(position), 0) FROM entries WHERE case_id >= $1 AND case_id < $2) AS last_position,
       (SELECT max(known_at) FROM entries WHERE case_id >= $1 AND case_id < $2) AS last_known_at,
       (SELECT count(*) FROM letters WHERE case_id >= $1 AND case_id < $2) AS letters,
       (SELECT count(*) FROM held_letters WHERE case_id >= $1 AND case_id < $2)
     + (SELECT count(*) FROM letters l LEFT JOIN lanes n USING (connection_id)
        WHERE l.case_id >= $1 AND l.case_id < $2 AND l.connection_id = ANY ($3::text[])
          AND l.position > coalesce(CASE WHEN l.urgent THEN n.done_urgent ELSE n.done_ordinary END, 0)
          AND NOT EXISTS (SELECT FROM held_letters h
                          WHERE h.connection_id = l.connection_id AND h.position = l.position)) AS waiting,
       (SELECT count(*) FROM letters l
        WHERE l.case_id >= $1 AND l.case_id < $2 AND l.connection_id <> ALL ($3::text[])
          AND NOT EXISTS (SELECT FROM attempts a WHERE a.case_id = l.case_id AND a.position = l.position
                          AND a.outcome IN ('received', 'processed', 'refused', 'cancelled'))) AS unfetched

-- name: patience
-- Whoever waits for us waits this long at the most, and gives up before anybody could be found in a circle with us.
SET LOCAL lock_timeout = '500ms'

-- name: lock
-- Nobody reads or writes case data until the transaction ends. The parents first, as everybody comes through them.
LOCK TABLE attempts, case_visibility, cases, entries, letters, personal_data, raw_messages IN ACCESS EXCLUSIVE MODE

-- name: moved
-- Whether something happened in the month since it was looked at: a case changed, or a letter waits.
SELECT EXISTS (SELECT FROM cases WHERE case_id >= $1 AND case_id < $2
               AND (changed_at > $3 OR state NOT IN ('closed', 'rejected', 'duplicate', 'voided')))
    OR EXISTS (SELECT FROM held_letters WHERE case_id >= $1 AND case_id < $2)
    OR (SELECT max(position) FROM entries WHERE case_id >= $1 AND case_id < $2) > $4

-- name: record
-- A month that goes; one that came back, because the city's clock was set back, goes again.
INSERT INTO dropped_months AS kept (month, dropped_by, reason, cases, entries, letters, last_position, last_known_at,
                                    last_changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (month) DO UPDATE SET
    dropped_at = now(), dropped_by = excluded.dropped_by, reason = excluded.reason,
    cases = kept.cases + excluded.cases, entries = kept.entries + excluded.entries,
    letters = kept.letters + excluded.letters,
    last_position = greatest(kept.last_position, excluded.last_position),
    last_known_at = greatest(kept.last_known_at, excluded.last_known_at),
    last_changed_at = greatest(kept.last_changed_at, excluded.last_changed_at)

-- name: forget_leases
-- Leases on letters that go.
DELETE FROM inbox_leases WHERE case_id >= $1 AND case_id < $2

-- name: drop
SELECT drop_month($1)

-- name: dropped
-- The months that went, oldest first.
SELECT month, dropped_at, dropped_by, reason, cases, entries, letters, last_position
FROM dropped_months ORDER BY month
