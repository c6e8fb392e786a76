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

-- name: take_numbers
-- A block of serials for one day.
SELECT take_case_numbers($1, $2)

-- name: ensure_month
-- The partitions of a month.
SELECT ensure_month($1)

-- name: write_batch
-- Everything the batch decided, in one call (see migration 0002).
SELECT write_batch(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
    $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48,
    $49, $50, $51, $52, $53, $54, $55, $56, $57, $58, $59)
