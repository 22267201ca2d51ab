-- Models that were in memory when Corral ended, with what they took there.
CREATE TABLE ran (
    instance_id INTEGER NOT NULL REFERENCES instance (id) ON DELETE CASCADE,
    key         TEXT NOT NULL,
    vram        INTEGER,
    PRIMARY KEY (instance_id, key)
) STRICT;
