-- Sources (来源): connections from which the hub fetches messages itself: a queue, a service that is polled, a folder.

-- One row for each; held by lease, so that one process of all collects. The bookmark moves only after what was read up to
-- it is committed, and only for who holds the lease.
CREATE TABLE sources (
    connection_id  text PRIMARY KEY,
    unit_id        text NOT NULL,
    holder         text,
    fencing        bigint NOT NULL DEFAULT 0,
    leased_until   timestamptz NOT NULL DEFAULT '-infinity',
    bookmark       text NOT NULL DEFAULT '',
    moved_at       timestamptz,
    troubled_at    timestamptz,
    trouble        text
) WITH (fillfactor = 50);
