-- Statements of the rests of lanes.

-- name: end_rests
-- What rests still is over; only for who holds the lane.
UPDATE lane_rests SET until = now()
WHERE connection_id = $1 AND until > now()
  AND EXISTS (SELECT FROM lanes WHERE connection_id = $1 AND fencing = $2)

-- name: begin_rest
-- A rest begins, and lasts until its end unless it is cut short.
INSERT INTO lane_rests (connection_id, unit_id, since, until, urgent, reason)
SELECT $1, $2, now(), $4, $5, $6 FROM lanes WHERE connection_id = $1 AND fencing = $3 AND $4 > now()
ON CONFLICT (connection_id, since) DO NOTHING

-- name: resting
-- The connections that rest now.
SELECT DISTINCT ON (connection_id) connection_id, until, urgent, reason FROM lane_rests
WHERE until > now() AND ($1::text[] IS NULL OR unit_id = ANY ($1))
ORDER BY connection_id, since DESC
