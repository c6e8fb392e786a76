-- Statements of the component register: imports, entries with their intervals, the cases that an owner change concerns.

-- name: one_import_at_a_time
-- Two imports follow each other; nobody who reads waits for them.
SELECT pg_advisory_xact_lock(7242004)

-- name: believed
-- Every interval of these codes that is believed now.
SELECT c.*, i.file_name FROM components c JOIN register_imports i USING (import_id)
WHERE c.component_code = ANY ($1::text[]) AND c.known_until IS NULL

-- name: in_force
-- What is in force on a day for these codes.
SELECT c.*, i.file_name FROM components_in_force($1, $2) c JOIN register_imports i USING (import_id)

-- name: add_import
-- One offered file and what came of it.
INSERT INTO register_imports (file_name, sha256, effective_from, rows, added, changed_owner, changed, unchanged, refused,
                              imported_by, known_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING import_id

-- name: end_entries
-- These entries are believed no longer; the city clock may have been set back since they were written.
UPDATE components SET known_until = greatest($2, known_from), superseded_by = $3 WHERE entry_id = ANY ($1::bigint[]) AND known_until IS NULL

-- name: wait_for_deciding
-- Wait until every batch is committed that was written by what the register said before.
SELECT pg_advisory_xact_lock(7242003)

-- name: movable
-- Cases on these components that a unit has in its hands, or has returned.
SELECT body FROM cases
WHERE component_code = ANY ($1::text[]) AND state IN ('dispatched', 'acknowledged', 'returned', 'in_coordination')
  AND state NOT IN ('closed', 'rejected', 'duplicate', 'voided')
ORDER BY case_id

-- name: strayed
-- Cases with another unit than the owner that the register names on a day, or with none, in the order of their ids.
SELECT k.body, c.component_code FROM cases k
JOIN components c ON c.component_code = k.component_code AND c.known_until IS NULL
    AND c.valid_from <= $1 AND (c.valid_to IS NULL OR c.valid_to >= $1)
WHERE k.component_code IS NOT NULL AND k.state IN ('dispatched', 'acknowledged', 'returned', 'in_coordination')
  AND k.state NOT IN ('closed', 'rejected', 'duplicate', 'voided')
  AND k.lead_unit_id IS DISTINCT FROM c.owner_unit_id AND k.case_id > $2
ORDER BY k.case_id LIMIT $3

-- name: history
-- Everything that was ever said of a component, what is believed first, then by day.
SELECT c.*, i.file_name FROM components c JOIN register_imports i USING (import_id)
WHERE c.component_code = $1 ORDER BY c.known_until IS NOT NULL, c.valid_from, c.known_from

-- name: page
-- Entries in force on a day, by code: those of a unit (as owner, maintainer or in charge) and of a category.
SELECT c.*, i.file_name FROM components c JOIN register_imports i USING (import_id)
WHERE c.known_until IS NULL AND c.valid_from <= $1 AND (c.valid_to IS NULL OR c.valid_to >= $1)
  AND ($2::text IS NULL OR $2 IN (c.owner_unit_id, c.maintainer_unit_id, c.department_unit_id))
  AND ($3::text IS NULL OR $3 IN (c.owner_unit_id, c.maintainer_unit_id, c.department_unit_id))
  AND ($4::text IS NULL OR c.category_code = $4)
  AND c.component_code > $5
ORDER BY c.component_code LIMIT $6

-- name: imports
-- The files that were offered, newest first.
SELECT import_id, file_name, sha256, effective_from, rows, added, changed_owner, changed, unchanged, refused,
       imported_by, known_at
FROM register_imports ORDER BY import_id DESC LIMIT $1

-- name: of_live_cases
-- Everything that was ever said of the components that live cases between two ids name.
SELECT c.*, i.file_name FROM components c JOIN register_imports i USING (import_id)
WHERE c.component_code IN (
    SELECT component_code FROM cases
    WHERE case_id >= $1 AND case_id < $2 AND mode = 'live' AND component_code IS NOT NULL)
ORDER BY c.component_code, c.known_from
