-- What the hub fetches again after a death lies on the refused shelf once, for as long as nobody has settled it.

ALTER TABLE refused_messages ADD COLUMN fetched bytea;
COMMENT ON COLUMN refused_messages.fetched IS
    'what tells it from others of its connection, where the hub fetched it; null where somebody sent it';
CREATE UNIQUE INDEX refused_messages_once ON refused_messages (connection_id, fetched)
    WHERE fetched IS NOT NULL AND settled_at IS NULL;
