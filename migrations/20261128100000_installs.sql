-- Versions of Ollama that lie complete in Corral's folder. A row comes after the last file and goes
-- before the first.
CREATE TABLE ollama_version (
    version      TEXT NOT NULL PRIMARY KEY,
    -- sha256: and 64 hex digits of the archive.
    digest       TEXT NOT NULL,
    verified     INTEGER NOT NULL,
    from_file    INTEGER NOT NULL,
    -- Bytes on the disk.
    size         INTEGER NOT NULL,
    installed_at INTEGER NOT NULL
) STRICT;

-- The one server that Corral runs of them.
CREATE TABLE ollama_server (
    id          INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    instance_id INTEGER REFERENCES instance (id) ON DELETE SET NULL,
    port        INTEGER NOT NULL,
    models      TEXT NOT NULL,
    -- Variables that it is started with, a JSON object.
    environment TEXT NOT NULL,
    -- The version that it runs, and the one that a roll back leads to.
    active      TEXT NOT NULL,
    previous    TEXT,
    pinned      INTEGER NOT NULL DEFAULT 0,
    autostart   INTEGER NOT NULL DEFAULT 1
) STRICT;

-- What is being done to them: written before anything else is, gone when it is over. A start that
-- finds it goes on with it.
CREATE TABLE ollama_job (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    wish    TEXT NOT NULL,
    -- Known once the source was asked.
    version TEXT
) STRICT;

-- The newest release that was seen.
CREATE TABLE ollama_release (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    release TEXT NOT NULL
) STRICT;
