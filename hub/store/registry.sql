-- Statements of the registry: the directory's versions, units' profiles and states, keys, secrets, the city clock.

-- name: latest_directory
-- The newest version of the directory.
SELECT version, digest, document FROM directory_versions ORDER BY version DESC LIMIT 1

-- name: directory
-- One version of the directory.
SELECT version, digest, document FROM directory_versions WHERE version = $1

-- name: add_directory
-- A new version; the lock keeps two loaders from taking the same number.
INSERT INTO directory_versions (version, loaded_by, digest, document)
SELECT coalesce(max(version), 0) + 1, $1, $2, $3 FROM directory_versions
RETURNING version

-- name: newest_directory
-- The number of the newest version of the directory.
SELECT max(version) FROM directory_versions

-- name: unit_states
-- Each unit's state, and which version of its profile is in force.
SELECT unit_id, state, profile_version FROM unit_states ORDER BY unit_id

-- name: unit_profile
-- One unit's state with its profile in force.
SELECT s.unit_id, s.state, s.profile_version, p.document
FROM unit_states s JOIN profiles p ON p.unit_id = s.unit_id AND p.version = s.profile_version
WHERE s.unit_id = $1

-- name: profile_documents
-- The documents of some versions of profiles.
SELECT p.unit_id, p.document
FROM unnest($1::text[], $2::int[]) AS u (unit, version)
JOIN profiles p ON p.unit_id = u.unit AND p.version = u.version

-- name: add_profile
-- A new version of a unit's profile.
INSERT INTO profiles (unit_id, version, document, applied_by, reason)
SELECT $1, coalesce(max(version), 0) + 1, $2, $3, $4 FROM profiles WHERE unit_id = $1
RETURNING version

-- name: profile_history
-- Every version of a unit's profile, newest first.
SELECT version, document, applied_at, applied_by, reason FROM profiles WHERE unit_id = $1 ORDER BY version DESC

-- name: broker_connections
-- Every connection that ever was on the hub's broker by some version of a profile.
SELECT DISTINCT p.unit_id || '.' || (c ->> 'name')
FROM profiles p, jsonb_array_elements(p.document::jsonb -> 'connections') AS c
WHERE c ->> 'transport' = 'rabbitmq'

-- name: put_state
-- The unit's state and the profile in force.
INSERT INTO unit_states (unit_id, state, profile_version, approved_by, approved_at)
VALUES ($1, $2, $3, $4, CASE WHEN $4::text IS NULL THEN NULL ELSE now() END)
ON CONFLICT (unit_id) DO UPDATE SET
    state = excluded.state, profile_version = excluded.profile_version, changed_at = now(),
    approved_by = coalesce(excluded.approved_by, unit_states.approved_by),
    approved_at = coalesce(excluded.approved_at, unit_states.approved_at)

-- name: keys
-- Every key that may still be shown.
SELECT key_id, unit_id, digest, scopes, note, created_at, expires_at, revoked_at FROM api_keys ORDER BY created_at

-- name: add_key
-- A new key; only its digest is kept.
INSERT INTO api_keys (key_id, unit_id, digest, scopes, note, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: revoke_key
-- A key is no longer good.
UPDATE api_keys SET revoked_at = now() WHERE key_id = $1 AND revoked_at IS NULL

-- name: secrets
-- Sealed secrets of an owner that are not retired, newest first.
SELECT name, version, sealed FROM sealed_secrets
WHERE owner = $1 AND (retires_at IS NULL OR retires_at > now()) ORDER BY name, version DESC

-- name: secret_versions
-- When each version of an owner's secrets came, and when it goes; never what it is.
SELECT name, version, created_at, retires_at FROM sealed_secrets
WHERE owner = $1 AND (retires_at IS NULL OR retires_at > now()) ORDER BY name, version DESC

-- name: remove_secret
-- A secret is gone: what was sealed goes too.
DELETE FROM sealed_secrets WHERE owner = $1 AND name = $2

-- name: secrets_named
-- Every owner's sealed secrets of one name that are not retired, newest first.
SELECT owner, version, sealed FROM sealed_secrets
WHERE name = $1 AND (retires_at IS NULL OR retires_at > now()) ORDER BY owner, version DESC

-- name: all_secrets
-- Every sealed secret that is not retired.
SELECT owner, name, sealed FROM sealed_secrets WHERE retires_at IS NULL OR retires_at > now() ORDER BY owner, name

-- name: add_secret
-- A new version of a secret.
INSERT INTO sealed_secrets (owner, name, version, sealed)
SELECT $1, $2, coalesce(max(version), 0) + 1, $3 FROM sealed_secrets WHERE owner = $1 AND name = $2
RETURNING version

-- name: retire_secrets
-- Older versions stay valid until the new one has come into use everywhere.
UPDATE sealed_secrets SET retires_at = now() + make_interval(secs => $4)
WHERE owner = $1 AND name = $2 AND version < $3 AND (retires_at IS NULL OR retires_at > now() + make_interval(secs => $4))

-- name: clock
-- The city clock.
SELECT machine_anchor, city_anchor, rate FROM city_clock

-- name: set_clock
-- Set the city clock to a moment and a rate, from now on.
UPDATE city_clock SET machine_anchor = now(), city_anchor = $1, rate = $2

-- name: epoch
-- The epoch in force.
SELECT max(epoch) FROM epochs

-- name: add_operation
-- What an operator did.
INSERT INTO operations (by, verb, subject, reason) VALUES ($1, $2, $3, $4)

-- name: tell
-- Tell every process that the registry changed.
SELECT pg_notify('cityhub_registry', '')
