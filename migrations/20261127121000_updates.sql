-- What a registry has in place of an installed model; it holds for one local manifest.
CREATE TABLE model_update (
    model_id   INTEGER NOT NULL PRIMARY KEY REFERENCES model (id) ON DELETE CASCADE,
    -- The manifest that was compared.
    digest     TEXT NOT NULL,
    -- The one in the registry; NULL = not compared, and why not.
    offered    TEXT,
    why        TEXT,
    problem    TEXT,
    bytes      INTEGER,
    changed    TEXT NOT NULL DEFAULT '[]',
    pushed_at  INTEGER,
    checked_at INTEGER NOT NULL,
    -- The offered manifest that was put off.
    snoozed    TEXT
) STRICT;

-- Versions before an update, kept under another name until the new one has loaded once. A row
-- outlives its model: the copy on the server has to go first.
CREATE TABLE model_before (
    model_id    INTEGER NOT NULL PRIMARY KEY,
    instance_id INTEGER NOT NULL REFERENCES instance (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    kept_as     TEXT NOT NULL,
    digest      TEXT NOT NULL,
    state       TEXT NOT NULL,
    at          INTEGER NOT NULL
) STRICT;
