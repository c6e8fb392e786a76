-- Statements of the sources: leases and bookmarks.

-- name: ensure_sources
-- A row for every connection that is collected from.
INSERT INTO sources (connection_id, unit_id) SELECT * FROM unnest($1::text[], $2::text[])
ON CONFLICT DO NOTHING

-- name: acquire
-- Take free sources: those nobody holds, whose lease ran out, or that this very holder had before it was restarted.
UPDATE sources SET holder = $2, fencing = fencing + 1, leased_until = now() + make_interval(secs => $3)
WHERE connection_id IN (
    SELECT connection_id FROM sources
    WHERE connection_id = ANY ($1::text[])
      AND (holder IS NULL OR leased_until < now() OR holder = $2)
    ORDER BY connection_id
    FOR UPDATE SKIP LOCKED
)
RETURNING connection_id, fencing, bookmark

-- name: renew
-- The leases that are still ours, as the lanes' are renewed: written once 3 s of it have gone, until then only looked
-- at. A bookmark must wait where its row is being written.
WITH ours AS (
    SELECT s.connection_id, s.fencing, s.leased_until
    FROM sources s JOIN unnest($1::text[], $2::bigint[]) AS u (connection, fencing)
      ON s.connection_id = u.connection AND s.fencing = u.fencing
), kept AS (
    UPDATE sources SET leased_until = now() + make_interval(secs => $3)
    FROM ours
    WHERE sources.connection_id = ours.connection_id AND sources.fencing = ours.fencing
      AND ours.leased_until < now() + make_interval(secs => $3 - 3)
)
SELECT connection_id FROM ours

-- name: release
-- Give leases back at their holder's orderly end; not those that a successor of the same name has by now.
UPDATE sources SET holder = NULL, leased_until = '-infinity'
FROM unnest($1::text[], $2::bigint[]) AS u (connection, fencing)
WHERE sources.connection_id = u.connection AND sources.fencing = u.fencing

-- name: move
-- What was read up to here is committed.
UPDATE sources SET bookmark = $3, moved_at = now(), troubled_at = NULL, trouble = NULL
WHERE connection_id = $1 AND fencing = $2

-- name: trouble
-- Why nothing can be collected from it now.
UPDATE sources SET troubled_at = coalesce(troubled_at, now()), trouble = $3
WHERE connection_id = $1 AND fencing = $2

-- name: all
-- Every source with how far it was read and what troubles it.
SELECT connection_id, unit_id, holder, leased_until > now() AS held, bookmark, moved_at, troubled_at, trouble
FROM sources ORDER BY connection_id
