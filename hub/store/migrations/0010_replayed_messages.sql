-- By which connection a refused message came, so that its mended mapping can read it again; and what became of it.
ALTER TABLE refused_messages ADD COLUMN connection_id text NOT NULL DEFAULT '';
ALTER TABLE refused_messages ADD COLUMN settled_as text;
CREATE INDEX refused_messages_open ON refused_messages (kind, refused_id) WHERE settled_at IS NULL;
