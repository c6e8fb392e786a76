-- The foundation: what is frozen from here on (docs/decisions/0001 to 0010).
-- Every table lives in schema cityhub; case data is partitioned by the case's month, which its id tells.

-- Commit order ---------------------------------------------------------------------------------------------------

-- One position for entries and letters. It is drawn under the advisory lock that write_batch takes last, so positions
-- become visible in order and `position > cursor` never skips one.
CREATE SEQUENCE commit_position AS bigint CACHE 1;

-- A cursor names its epoch; a restore begins a new one, and numbers issued after the backup are not issued again.
CREATE TABLE epochs (
    epoch               int PRIMARY KEY,
    began_at            timestamptz NOT NULL DEFAULT now(),
    reason              text NOT NULL,
    numbers_through_day int NOT NULL DEFAULT 0,
    serial_floor        bigint NOT NULL DEFAULT 0
);
INSERT INTO epochs (epoch, reason) VALUES (1, 'first start');

-- The city clock: city time = city_anchor + (machine time - machine_anchor) * rate.
CREATE TABLE city_clock (
    only_row       bool PRIMARY KEY DEFAULT true CHECK (only_row),
    machine_anchor timestamptz NOT NULL DEFAULT now(),
    city_anchor    timestamptz NOT NULL DEFAULT now(),
    rate           double precision NOT NULL DEFAULT 1 CHECK (rate > 0)
);
INSERT INTO city_clock DEFAULT VALUES;

-- Case numbers are handed out in blocks; a block that is not used up is a gap.
CREATE TABLE case_number_blocks (
    day         int PRIMARY KEY,
    next_serial bigint NOT NULL CHECK (next_serial BETWEEN 1 AND 100000000)
);

-- The directory: units, matrix, categories, calendar. Each version is whole; its rows carry their own validity.
CREATE TABLE directory_versions (
    version  int PRIMARY KEY,
    known_at timestamptz NOT NULL DEFAULT now(),
    loaded_by text NOT NULL,
    digest   bytea NOT NULL,
    document text NOT NULL
);

-- Units' connections and credentials ------------------------------------------------------------------------------

CREATE TABLE profiles (
    unit_id    text NOT NULL,
    version    int NOT NULL,
    document   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    applied_by text NOT NULL,
    PRIMARY KEY (unit_id, version)
);

CREATE TABLE unit_states (
    unit_id         text PRIMARY KEY,
    state           text NOT NULL CHECK (state IN ('draft', 'testing', 'certified', 'live', 'suspended', 'retired')),
    profile_version int NOT NULL,
    approved_by     text,
    approved_at     timestamptz,
    changed_at      timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_keys (
    key_id     text PRIMARY KEY,
    unit_id    text NOT NULL,
    digest     bytea NOT NULL UNIQUE,
    scopes     text[] NOT NULL,
    note       text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
);

-- Secrets are sealed; `retires_at` leaves the old one valid while a new one comes into use.
CREATE TABLE sealed_secrets (
    owner      text NOT NULL,
    name       text NOT NULL,
    version    int NOT NULL,
    sealed     text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    retires_at timestamptz,
    PRIMARY KEY (owner, name, version)
);

-- What came in ----------------------------------------------------------------------------------------------------

-- Narrow and not partitioned: the key of every decided message, and how to give its first answer again.
CREATE TABLE messages_seen (
    key         uuid PRIMARY KEY,
    fingerprint bytea NOT NULL,
    case_id     bigint,
    version     int,
    refusal     text,
    decided_at  timestamptz NOT NULL DEFAULT now()
);

-- Raw messages stand apart from the log, erasable alone; the entry keeps their digest.
CREATE TABLE raw_messages (
    case_id      bigint NOT NULL,
    key          uuid NOT NULL,
    received_at  timestamptz NOT NULL,
    content_type text NOT NULL,
    body         bytea,
    PRIMARY KEY (case_id, key)
) PARTITION BY RANGE (case_id);

-- The refused shelf: what broke its contract, raw, so that an operator can see it and mend the mapping.
CREATE TABLE refused_messages (
    refused_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at   timestamptz NOT NULL DEFAULT now(),
    unit_id       text NOT NULL,
    credential_id text NOT NULL,
    door          text NOT NULL,
    content_type  text NOT NULL,
    kind          text NOT NULL,
    problem       text NOT NULL,
    body          bytea NOT NULL,
    settled_at    timestamptz,
    settled_by    text
);
CREATE INDEX refused_messages_by_unit ON refused_messages (unit_id, refused_id DESC);

CREATE TABLE attachments (
    attachment_id text PRIMARY KEY,
    unit_id       text NOT NULL,
    sha256        bytea NOT NULL,
    media_type    text NOT NULL,
    size_bytes    int NOT NULL,
    width         int,
    height        int,
    stored_at     timestamptz NOT NULL DEFAULT now()
);

-- Case data -------------------------------------------------------------------------------------------------------

-- The state as the entries say it, whole in `body`; the columns are what is asked for and what is held as invariant.
CREATE TABLE cases (
    case_id       bigint PRIMARY KEY,
    version       int NOT NULL CHECK (version >= 1),
    state         text NOT NULL CHECK (state IN ('reported', 'accepted', 'rejected', 'duplicate', 'dispatched',
                      'acknowledged', 'answered', 'in_verification', 'closed', 'returned', 'in_coordination', 'voided')),
    mode          text NOT NULL CHECK (mode IN ('live', 'drill', 'test')),
    category_code text NOT NULL,
    area_id       text,
    grid_cell     text NOT NULL,
    reported_by   text NOT NULL,
    lead_unit_id  text,
    tier          text NOT NULL,
    registered_at timestamptz NOT NULL,
    due_at        timestamptz,
    changed_at    timestamptz NOT NULL,
    body          text NOT NULL,
    -- A case that somebody must handle has exactly one unit that leads; one that is over has none waiting.
    CHECK (state NOT IN ('dispatched', 'acknowledged', 'answered', 'in_verification') OR lead_unit_id IS NOT NULL),
    CHECK (lead_unit_id IS NULL OR state NOT IN ('reported', 'accepted', 'rejected', 'duplicate'))
) PARTITION BY RANGE (case_id);
CREATE INDEX cases_open_by_state ON cases (state, case_id)
    WHERE state NOT IN ('closed', 'rejected', 'duplicate', 'voided');
CREATE INDEX cases_by_lead ON cases (lead_unit_id, case_id) WHERE lead_unit_id IS NOT NULL;

-- The log. Entries are never changed; `effective_at` is when it was so, `known_at` when the hub knew.
CREATE TABLE entries (
    case_id           bigint NOT NULL,
    sequence          int NOT NULL,
    position          bigint NOT NULL,
    fact              text NOT NULL,
    state             text NOT NULL,
    mode              text NOT NULL,
    unit_id           text NOT NULL,
    connection_id     text NOT NULL,
    actor             text,
    on_behalf_of      text,
    message_key       uuid,
    message_digest    bytea,
    personal_id       uuid,
    effective_at      timestamptz NOT NULL,
    known_at          timestamptz NOT NULL,
    directory_version int NOT NULL,
    traceparent       text,
    audience          text[] NOT NULL,
    body              text NOT NULL,
    PRIMARY KEY (case_id, sequence)
) PARTITION BY RANGE (case_id);
CREATE INDEX entries_by_position ON entries (position);

-- Personal data, referenced by the log and erasable alone.
CREATE TABLE personal_data (
    case_id     bigint NOT NULL,
    personal_id uuid NOT NULL,
    body        text,
    erased_at   timestamptz,
    PRIMARY KEY (case_id, personal_id)
) PARTITION BY RANGE (case_id);

-- Who may see a case, and from which position to which.
CREATE TABLE case_visibility (
    unit_id        text NOT NULL,
    case_id        bigint NOT NULL,
    from_position  bigint NOT NULL,
    until_position bigint,
    PRIMARY KEY (unit_id, case_id)
) PARTITION BY RANGE (case_id);

CREATE TABLE letters (
    case_id        bigint NOT NULL,
    position       bigint NOT NULL,
    connection_id  text NOT NULL,
    unit_id        text NOT NULL,
    entry_sequence int NOT NULL,
    contract       text NOT NULL,
    unit_sequence  int NOT NULL,
    urgent         bool NOT NULL,
    mode           text NOT NULL,
    due_at         timestamptz,
    written_at     timestamptz NOT NULL,
    replays        bigint,
    PRIMARY KEY (case_id, position)
) PARTITION BY RANGE (case_id);
-- A lane reads its own head: urgent letters first, each stream in commit order.
CREATE INDEX letters_by_lane ON letters (connection_id, urgent, position);
CREATE INDEX letters_by_position ON letters (position);

-- Every try at a letter, with the answer; the last one with a final outcome settles the letter.
CREATE TABLE attempts (
    case_id      bigint NOT NULL,
    position     bigint NOT NULL,
    attempt      int NOT NULL CHECK (attempt >= 1),
    connection_id text NOT NULL,
    outcome      text NOT NULL CHECK (outcome IN ('received', 'processed', 'unavailable', 'in_doubt', 'refused',
                     'unauthorised', 'failed', 'cancelled')),
    status       int,
    digest       bytea NOT NULL,
    answer       bytea NOT NULL DEFAULT '',
    reason       text NOT NULL DEFAULT '',
    taken_at     timestamptz NOT NULL,
    sent_at      timestamptz NOT NULL,
    ended_at     timestamptz NOT NULL,
    holder       text NOT NULL,
    PRIMARY KEY (case_id, position, attempt)
) PARTITION BY RANGE (case_id);

-- Delivery --------------------------------------------------------------------------------------------------------

-- A lane is one connection's letters. Its cursors are read positions: all letters up to `done_*` are settled or held,
-- none above `taken_*` was ever tried. A holder writes outcomes only under its fencing token.
CREATE TABLE lanes (
    connection_id  text PRIMARY KEY,
    unit_id        text NOT NULL,
    done_urgent    bigint NOT NULL DEFAULT 0,
    taken_urgent   bigint NOT NULL DEFAULT 0,
    done_ordinary  bigint NOT NULL DEFAULT 0,
    taken_ordinary bigint NOT NULL DEFAULT 0,
    holder         text,
    fencing        bigint NOT NULL DEFAULT 0,
    leased_until   timestamptz NOT NULL DEFAULT '-infinity',
    paused_at      timestamptz,
    paused_reason  text,
    breaker        text NOT NULL DEFAULT 'closed' CHECK (breaker IN ('closed', 'open', 'half_open')),
    breaker_until  timestamptz,
    failures       int NOT NULL DEFAULT 0,
    CHECK (done_urgent <= taken_urgent AND done_ordinary <= taken_ordinary)
) WITH (fillfactor = 50);

-- Which version of profile and renderer made the bytes of a lane's letters from a position on: a letter is pinned by
-- the last pin below it, so the same id never has other bytes.
CREATE TABLE lane_pins (
    connection_id    text NOT NULL,
    urgent           bool NOT NULL,
    from_position    bigint NOT NULL,
    profile_version  int NOT NULL,
    renderer_version int NOT NULL,
    pinned_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (connection_id, urgent, from_position)
);

-- Letters that must wait: the failed one with its due time, and the later ones of its case behind it (due_at null).
CREATE TABLE held_letters (
    connection_id text NOT NULL,
    position      bigint NOT NULL,
    case_id       bigint NOT NULL,
    due_at        timestamptz,
    attempts      int NOT NULL DEFAULT 0,
    held_at       timestamptz NOT NULL DEFAULT now(),
    reason        text NOT NULL DEFAULT '',
    buried_at     timestamptz,
    PRIMARY KEY (connection_id, position)
);
CREATE INDEX held_letters_due ON held_letters (connection_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX held_letters_by_case ON held_letters (connection_id, case_id, position);
CREATE INDEX held_letters_buried ON held_letters (buried_at) WHERE buried_at IS NOT NULL;

-- What a pulling unit has taken and not yet acknowledged.
CREATE TABLE inbox_leases (
    connection_id text NOT NULL,
    position      bigint NOT NULL,
    case_id       bigint NOT NULL,
    lease_id      uuid NOT NULL,
    leased_until  timestamptz NOT NULL,
    leases        int NOT NULL DEFAULT 1,
    PRIMARY KEY (connection_id, position)
);

-- What operators did that is not a step of a case: replays, cancellations, keys, approvals.
CREATE TABLE operations (
    operation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL DEFAULT now(),
    by           text NOT NULL,
    verb         text NOT NULL,
    subject      text NOT NULL,
    reason       text NOT NULL DEFAULT ''
);
