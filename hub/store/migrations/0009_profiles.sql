-- When a unit took no letters by its own profile: a maintenance window, or the hours outside its calendar. The wait is
-- the unit's own, so it is neither the hub's nor the network's lost time.
CREATE TABLE lane_rests (
    connection_id text NOT NULL,
    unit_id       text NOT NULL,
    since         timestamptz NOT NULL,
    until         timestamptz NOT NULL,
    -- Whether urgent letters waited too.
    urgent        boolean NOT NULL,
    reason        text NOT NULL,
    PRIMARY KEY (connection_id, since),
    CHECK (until >= since)
);
CREATE INDEX lane_rests_by_end ON lane_rests (until);

-- Why a version of a profile was applied: a roll-back says so.
ALTER TABLE profiles ADD COLUMN reason text NOT NULL DEFAULT '';
