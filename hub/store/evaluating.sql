-- Reading for the evaluation: the logs of every case that a period may concern, and what was known at an earlier time.

-- name: concerned_logs
-- Entries, case by case, of live cases registered before $2: those open or changed since the period began ($3), and of
-- the rest, back to $1, those with a deadline that may fall into it (before $4). What no figure is made of is left where
-- it is; supervision (督办) makes none either, and the monthly notice names it. A reminder counts where it tells what
-- the hub or the network had lost.
-- Three weeks before the period: a verification's limit may reach over a holiday into it.
WITH concerned AS (
    SELECT case_id FROM cases
    WHERE case_id < $2 AND mode = 'live'
      AND (state NOT IN ('closed', 'rejected', 'duplicate', 'voided') OR changed_at >= $3)
    UNION
    SELECT case_id FROM letters
    WHERE case_id >= $1 AND case_id < $2 AND mode = 'live' AND due_at >= $3 - interval '21 days' AND due_at < $4
    UNION
    SELECT case_id FROM entries
    WHERE case_id >= $1 AND case_id < $2 AND mode = 'live'
      AND fact IN ('extend', 'resume', 'uphold_dispute', 'reckon_again')
)
SELECT e.case_id, e.sequence, e.position, e.fact, e.state, e.mode, e.unit_id, e.connection_id, e.actor, e.effective_at,
       e.known_at, e.directory_version, e.body
FROM concerned JOIN entries e USING (case_id)
WHERE e.case_id < $2
  AND (e.fact <> 'remind' OR e.body LIKE '%"lost":[{%')
  AND e.fact NOT IN ('warn', 'progress', 'acknowledge', 'assist', 'acknowledge_assisting',
                     'answer_assisting', 'return_assisting')
  AND ($5::bigint IS NULL OR e.position <= $5)
ORDER BY e.case_id, e.sequence

-- name: known_by_position
-- The last entry at or before a commit position.
SELECT position, known_at, directory_version FROM entries WHERE position <= $1 ORDER BY position DESC LIMIT 1

-- name: known_by_moment
-- The last entry that the hub knew at a moment.
SELECT position, known_at, directory_version FROM entries WHERE known_at <= $1 ORDER BY position DESC LIMIT 1
