-- What the console's pages ask beyond the reading of one thing. Nothing here grows with the history: a day's cases, the
-- open ones, the shelf; counts on lanes stop at a bound.

-- name: day_stages
-- One day's cases by state, and how many of them are past their deadline in their unit's hands.
SELECT state, count(*)::int AS cases,
       count(*) FILTER (WHERE due_at < $3 AND state IN ('dispatched', 'acknowledged'))::int AS late
FROM cases WHERE case_id >= $1 AND case_id < $2 AND mode = $4 GROUP BY state

-- name: earlier_open
-- Cases of earlier days that are still open, by state.
SELECT state, count(*)::int AS cases,
       count(*) FILTER (WHERE due_at < $2 AND state IN ('dispatched', 'acknowledged'))::int AS late
FROM cases
WHERE state NOT IN ('closed', 'rejected', 'duplicate', 'voided') AND case_id < $1 AND mode = $3 GROUP BY state

-- name: backlog
-- What each unit has in hand, and how much of it is late.
SELECT lead_unit_id AS unit_id, count(*)::int AS open, count(*) FILTER (WHERE due_at < $1)::int AS late,
       min(due_at) AS next_due
FROM cases
WHERE state IN ('dispatched', 'acknowledged') AND lead_unit_id IS NOT NULL AND mode = $2
GROUP BY lead_unit_id

-- name: awaiting
-- Cases that no unit has and the command centre must decide on, the longest waiting first.
SELECT body FROM cases
WHERE state IN ('reported', 'accepted', 'returned', 'in_coordination') AND mode = $1 ORDER BY case_id LIMIT $2

-- name: pressing
-- Cases in a unit's hands whose deadlines are over or nearest.
SELECT body FROM cases
WHERE state IN ('dispatched', 'acknowledged') AND due_at IS NOT NULL AND mode = $1 ORDER BY due_at, case_id LIMIT $2

-- name: connections
-- Each connection that letters may go to, and each lane there is: what waits and is held, up to a bound, and is dead.
-- The order makes the count walk the lane's own index and stop at the bound, however long the backlog is.
SELECT c.connection_id, c.unit_id, coalesce(n.breaker, 'closed') AS breaker, n.paused_at, n.paused_reason,
       coalesce(n.holder IS NOT NULL AND n.leased_until > now(), false) AS running,
       (SELECT count(*)::int FROM (SELECT 1 FROM letters l WHERE l.connection_id = c.connection_id AND l.urgent
           AND l.position > coalesce(n.done_urgent, 0) ORDER BY l.position LIMIT $3) AS u)
     + (SELECT count(*)::int FROM (SELECT 1 FROM letters l WHERE l.connection_id = c.connection_id AND NOT l.urgent
           AND l.position > coalesce(n.done_ordinary, 0) ORDER BY l.position LIMIT $3) AS o) AS waiting,
       (SELECT count(*)::int FROM (SELECT 1 FROM held_letters h WHERE h.connection_id = c.connection_id
           AND h.buried_at IS NULL LIMIT $3) AS h) AS held,
       coalesce(d.dead, 0) AS dead
FROM (SELECT * FROM unnest($1::text[], $2::text[]) AS given (connection_id, unit_id)
      UNION SELECT connection_id, unit_id FROM lanes) AS c
LEFT JOIN lanes n ON n.connection_id = c.connection_id
LEFT JOIN (SELECT connection_id, count(*)::int AS dead FROM held_letters WHERE buried_at IS NOT NULL
           GROUP BY connection_id) AS d ON d.connection_id = c.connection_id
ORDER BY c.connection_id

-- name: case_attempts
-- Every try at every letter of a case, with the beginning of the answer.
SELECT position, attempt, outcome, status, reason, substring(answer FOR 400) AS answer, sent_at, ended_at
FROM attempts WHERE case_id = $1 ORDER BY position, attempt LIMIT $2
