-- What lies on the refused shelf lies there once: what is fetched again after a crash, or sent again by its unit, is
-- known by its unit, its connection, its door, its own id and its bytes. One that an operator laid aside does not count:
-- when it comes again, somebody should see it.
ALTER TABLE refused_messages ADD COLUMN content_key uuid;
CREATE UNIQUE INDEX refused_messages_once ON refused_messages (content_key)
    WHERE settled_at IS NULL OR settled_as IS NOT NULL;
