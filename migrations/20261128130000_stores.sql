-- A models folder on its way to another place.
CREATE TABLE store_move (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    instance_id INTEGER NOT NULL REFERENCES instance (id) ON DELETE CASCADE,
    source      TEXT NOT NULL,
    target      TEXT NOT NULL,
    way         TEXT NOT NULL,
    stage       TEXT NOT NULL,
    -- What of the move was made: the target folder was not there before.
    made        INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    -- Files that move, as paths inside the folder with their sizes.
    files       TEXT NOT NULL,
    -- What the server listed before: digests by key.
    listed      TEXT,
    -- The variable as it was before it was set; NULL in JSON = it was not set.
    variable    TEXT,
    -- The server ran when it began.
    ran         INTEGER NOT NULL,
    -- Downloads that were paused for it.
    paused      TEXT,
    task_id     INTEGER,
    problem     TEXT,
    created_at  INTEGER NOT NULL,
    kept_at     INTEGER
) STRICT;

CREATE INDEX store_move_open ON store_move (instance_id) WHERE stage NOT IN ('done', 'returned');

-- Folders for models that are seldom needed.
CREATE TABLE cold_folder (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    path  TEXT NOT NULL UNIQUE,
    -- What the mark in the folder says: another drive at the same place has another one.
    mark  TEXT NOT NULL
) STRICT;

-- Models in them.
CREATE TABLE archived (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    folder_id   INTEGER NOT NULL REFERENCES cold_folder (id) ON DELETE CASCADE,
    -- Where it came from; the server may be forgotten since.
    instance_id INTEGER,
    name        TEXT NOT NULL,
    digest      TEXT NOT NULL,
    bytes       INTEGER NOT NULL,
    -- entering, leaving the server, kept.
    stage       TEXT NOT NULL,
    at          INTEGER NOT NULL,
    UNIQUE (folder_id, name)
) STRICT;
