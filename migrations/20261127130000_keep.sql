-- What is known of the use of a model, and whether the user pinned it.
CREATE TABLE model_keep (
    model_id  INTEGER NOT NULL PRIMARY KEY REFERENCES model (id) ON DELETE CASCADE,
    -- When it was last seen in memory or at work; NULL = never.
    last_used INTEGER,
    pinned    INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Since when anybody looks which models of an instance are used.
CREATE TABLE use_watch (
    instance_id INTEGER NOT NULL PRIMARY KEY REFERENCES instance (id) ON DELETE CASCADE,
    since       INTEGER NOT NULL,
    -- When the rules of the clean-up were last looked at.
    cleaned_at  INTEGER
) STRICT;

-- Deleted models whose blobs are still held. A row is written before a file is touched, and goes
-- after the last one went; it outlives its instance, so that the files are removed all the same.
CREATE TABLE trash (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    instance_id INTEGER REFERENCES instance (id) ON DELETE SET NULL,
    -- The models folder, and the folder of this entry below blobs/.corral/trash.
    store       TEXT NOT NULL,
    folder      TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    key         TEXT NOT NULL,
    -- Of the manifest, 64 hex digits.
    digest      TEXT NOT NULL,
    bytes       INTEGER NOT NULL,
    -- entering, kept, restoring, leaving
    state       TEXT NOT NULL,
    at          INTEGER NOT NULL,
    until       INTEGER NOT NULL
) STRICT;
CREATE INDEX trash_due ON trash (until);

CREATE TABLE reclaim_report (
    task_id INTEGER NOT NULL PRIMARY KEY,
    at      INTEGER NOT NULL,
    report  TEXT NOT NULL
) STRICT;

-- A delete that keeps nothing, and what each model was when it was chosen.
ALTER TABLE batch ADD COLUMN for_good INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batch_item ADD COLUMN digest TEXT;
