-- What a person adds to a model, by its complete lower-case name: it outlives the row.
CREATE TABLE label (
    key        TEXT NOT NULL PRIMARY KEY,
    -- Manifest that the name last stood for: another name of the same content inherits the label.
    digest     TEXT,
    favourite  INTEGER NOT NULL DEFAULT 0,
    tags       TEXT NOT NULL DEFAULT '[]',
    note       TEXT NOT NULL DEFAULT '',
    -- Tags and note in lower case, with the initials of their pinyin.
    search     TEXT NOT NULL DEFAULT '',
    changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX label_digest ON label (digest, changed_at) WHERE digest IS NOT NULL;

-- The label follows its name to new content.
CREATE TRIGGER label_follows AFTER UPDATE OF digest ON model
    WHEN NEW.digest IS NOT NULL AND NEW.digest IS NOT OLD.digest
BEGIN
    UPDATE label SET digest = NEW.digest WHERE key = NEW.key;
END;

CREATE TABLE saved_view (
    id     INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name   TEXT NOT NULL,
    -- Lower case: what makes two names the same.
    key    TEXT NOT NULL UNIQUE,
    filter TEXT NOT NULL
) STRICT;

-- Load options that are kept for a name, whatever the server.
CREATE TABLE preset (
    id      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    key     TEXT NOT NULL,
    name    TEXT NOT NULL,
    options TEXT NOT NULL,
    -- Used where a start names no options.
    usual   INTEGER NOT NULL DEFAULT 0,
    used_at INTEGER,
    UNIQUE (key, name)
) STRICT;
CREATE UNIQUE INDEX preset_usual ON preset (key) WHERE usual = 1;

-- Models that are loaded when Corral finds their server for the first time after its own start.
CREATE TABLE preload (
    instance_id INTEGER NOT NULL REFERENCES instance (id) ON DELETE CASCADE,
    key         TEXT NOT NULL,
    -- VRAM it took last time, in bytes: the largest is loaded first.
    vram        INTEGER,
    PRIMARY KEY (instance_id, key)
) STRICT;
