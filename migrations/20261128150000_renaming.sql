-- A change of case alone goes over a third name on the server. A row is there from before the first
-- step until that name is gone again.
CREATE TABLE renaming (
    instance_id INTEGER NOT NULL REFERENCES instance (id) ON DELETE CASCADE,
    -- The name in between.
    third       TEXT NOT NULL,
    model_id    INTEGER NOT NULL,
    wanted      TEXT NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (instance_id, third)
) STRICT;
