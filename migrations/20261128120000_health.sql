-- The file of a server's log that the user named.
CREATE TABLE server_log (
    instance_id INTEGER NOT NULL PRIMARY KEY REFERENCES instance (id) ON DELETE CASCADE,
    path        TEXT NOT NULL
) STRICT;

-- How a server is watched, as JSON, and where the starting of it stands: idle, givenUp or held.
CREATE TABLE health_rules (
    instance_id INTEGER NOT NULL PRIMARY KEY REFERENCES instance (id) ON DELETE CASCADE,
    rules       TEXT NOT NULL,
    recovery    TEXT NOT NULL DEFAULT 'idle'
) STRICT;

-- Ten minutes of questions, for a week. latencies: ms of the answers, as JSON.
CREATE TABLE health_slot (
    instance_id INTEGER NOT NULL REFERENCES instance (id) ON DELETE CASCADE,
    at          INTEGER NOT NULL,
    asked       INTEGER NOT NULL,
    answered    INTEGER NOT NULL,
    latencies   TEXT NOT NULL,
    PRIMARY KEY (instance_id, at)
) STRICT;

CREATE TABLE health_incident (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    instance_id INTEGER NOT NULL REFERENCES instance (id) ON DELETE CASCADE,
    kind        TEXT NOT NULL,
    at          INTEGER NOT NULL,
    until       INTEGER,
    subject     TEXT,
    problem     TEXT,
    cause       TEXT,
    -- The last lines of the log then, as JSON, without secrets.
    lines       TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE INDEX health_incident_of ON health_incident (instance_id, id);

-- What is wrong. One that was dismissed shows again when it is seen again.
CREATE TABLE health_finding (
    instance_id INTEGER NOT NULL REFERENCES instance (id) ON DELETE CASCADE,
    kind        TEXT NOT NULL,
    subject     TEXT NOT NULL DEFAULT '',
    at          INTEGER NOT NULL,
    line        TEXT,
    now         TEXT,
    before      TEXT,
    dismissed   INTEGER,
    PRIMARY KEY (instance_id, kind, subject)
) STRICT;

-- How fast models answered and loaded, and which were seen in graphics memory.
CREATE TABLE health_speed (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    instance_id INTEGER NOT NULL REFERENCES instance (id) ON DELETE CASCADE,
    key         TEXT NOT NULL,
    at          INTEGER NOT NULL,
    -- Tokens per second; NULL where only the load was measured.
    speed       REAL,
    load_ms     INTEGER
) STRICT;
CREATE INDEX health_speed_of ON health_speed (instance_id, key, id);
CREATE TABLE health_gpu (
    instance_id INTEGER NOT NULL REFERENCES instance (id) ON DELETE CASCADE,
    key         TEXT NOT NULL,
    vram        INTEGER NOT NULL,
    PRIMARY KEY (instance_id, key)
) STRICT;
