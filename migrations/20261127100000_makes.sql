-- Names that were ordered by create, copy or rename and that no sync has seen yet. The sync that
-- sees one first takes it away and knows where that model comes from.
CREATE TABLE made (
    instance_id INTEGER NOT NULL REFERENCES instance (id) ON DELETE CASCADE,
    -- Complete and lower case.
    key         TEXT NOT NULL,
    -- For the history of the model.
    note        TEXT NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (instance_id, key)
) STRICT;
