-- name: keep
-- Keep refused messages raw, each once; why it is refused is told as of the last time. What had not been there.
INSERT INTO refused_messages AS r (unit_id, credential_id, door, content_type, kind, problem, body, connection_id, content_key)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::text[], $9::uuid[])
ON CONFLICT (content_key) WHERE settled_at IS NULL OR settled_as IS NOT NULL
DO UPDATE SET kind = excluded.kind, problem = excluded.problem WHERE r.settled_at IS NULL
RETURNING content_key, xmax = 0 AS is_new

-- name: listed
-- The refused shelf, newest first.
SELECT refused_id, received_at, unit_id, credential_id, door, content_type, kind, problem, octet_length(body) AS size_bytes,
       settled_at, settled_by, connection_id, settled_as
FROM refused_messages
WHERE refused_id < $1 AND ($2::text IS NULL OR unit_id = $2) AND ($3 OR settled_at IS NULL)
ORDER BY refused_id DESC LIMIT $4

-- name: one
-- One refused message, raw.
SELECT refused_id, received_at, unit_id, credential_id, door, content_type, kind, problem, body, settled_at, settled_by,
       connection_id, settled_as
FROM refused_messages WHERE refused_id = $1

-- name: open_ids
-- What waits on the shelf, in the order in which it came: ids after one, of a kind and a unit.
SELECT refused_id FROM refused_messages
WHERE settled_at IS NULL AND refused_id > $1 AND kind = $2 AND ($3::text IS NULL OR unit_id = $3)
ORDER BY refused_id LIMIT $4

-- name: settle
-- Somebody dealt with it.
UPDATE refused_messages SET settled_at = now(), settled_by = $2, settled_as = $3 WHERE refused_id = $1 AND settled_at IS NULL
