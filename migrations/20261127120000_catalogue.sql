-- What registries said about tags of the catalogue, by complete lower-case name.
CREATE TABLE catalogue_tag (
    key          TEXT NOT NULL PRIMARY KEY,
    bytes        INTEGER,
    digest       TEXT,
    -- There was no such tag.
    gone         INTEGER NOT NULL DEFAULT 0,
    checked_at   INTEGER NOT NULL
) STRICT;

-- Answers of hf.co, by what was asked.
CREATE TABLE hub_answer (
    question TEXT NOT NULL PRIMARY KEY,
    answer   TEXT NOT NULL,
    at       INTEGER NOT NULL
) STRICT;

CREATE TABLE catalogue_setup (
    one          INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    -- The user's own list; NULL = the usual place.
    own_file     TEXT,
    refreshed_at INTEGER,
    problem      TEXT
) STRICT;

-- What a model took in memory as its server said, beside what was reckoned for it.
CREATE TABLE fit_load (
    instance_id INTEGER NOT NULL REFERENCES instance (id) ON DELETE CASCADE,
    digest      TEXT NOT NULL,
    -- Tokens; 0 = the server did not say.
    context     INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    vram        INTEGER NOT NULL,
    reckoned    INTEGER,
    at          INTEGER NOT NULL,
    PRIMARY KEY (instance_id, digest, context)
) STRICT;
CREATE INDEX fit_load_newest ON fit_load (instance_id, at);
