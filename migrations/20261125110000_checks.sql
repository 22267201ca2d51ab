-- What the last check of a model's files found; it holds for one manifest.
CREATE TABLE model_check (
    model_id INTEGER NOT NULL PRIMARY KEY REFERENCES model (id) ON DELETE CASCADE,
    digest   TEXT,
    at       INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    -- How many of its layers are damaged, and which.
    damaged  INTEGER NOT NULL,
    layers   TEXT NOT NULL
) STRICT;

CREATE TABLE model_smoke (
    model_id INTEGER NOT NULL PRIMARY KEY REFERENCES model (id) ON DELETE CASCADE,
    digest   TEXT,
    at       INTEGER NOT NULL,
    outcome  TEXT NOT NULL,
    ms       INTEGER,
    problem  TEXT
) STRICT;
