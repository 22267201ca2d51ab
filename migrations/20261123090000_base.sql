-- Times are milliseconds since 1970 (UTC). Words such as status and kind are those of the
-- contract crate; structured values that nobody searches are JSON text.

CREATE TABLE setting (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE instance (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name         TEXT NOT NULL,
    kind         TEXT NOT NULL,
    runner       TEXT NOT NULL,
    url          TEXT NOT NULL UNIQUE,
    headers      TEXT NOT NULL DEFAULT '[]',
    custom_ca    TEXT,
    store_path   TEXT,
    store_source TEXT NOT NULL DEFAULT 'unknown',
    version      TEXT,
    last_sync    INTEGER,
    tags_hash    TEXT,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE task (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind        TEXT NOT NULL,
    state       TEXT NOT NULL,
    phase       TEXT NOT NULL DEFAULT '',
    instance_id INTEGER REFERENCES instance (id) ON DELETE SET NULL,
    model_id    INTEGER,
    target      TEXT NOT NULL,
    problem     TEXT,
    log_exists  INTEGER NOT NULL DEFAULT 0,
    created_at  INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
-- The list joins "has a log" from here: one look-up per row, answered by the index alone.
CREATE INDEX task_log ON task (model_id, log_exists);
CREATE INDEX task_open ON task (state) WHERE state IN ('waiting', 'running');

CREATE TABLE model (
    id             INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    instance_id    INTEGER NOT NULL REFERENCES instance (id) ON DELETE CASCADE,
    -- As Ollama displays it.
    name           TEXT NOT NULL,
    -- Complete and lower case: what makes two names the same.
    key            TEXT NOT NULL,
    -- Natural order, see contract `natural_key`.
    sort_key       TEXT NOT NULL,
    origin         TEXT NOT NULL,
    registry       TEXT NOT NULL,
    install        TEXT NOT NULL,
    run            TEXT NOT NULL,
    -- Derived from the two above by the core, kept for filters and sorting.
    status         TEXT NOT NULL,
    -- The order of the statuses in a list sorted by them: that of the contract.
    status_place   INTEGER NOT NULL GENERATED ALWAYS AS (CASE status
        WHEN 'running' THEN 0 WHEN 'starting' THEN 1 WHEN 'stopping' THEN 2
        WHEN 'downloading' THEN 3 WHEN 'verifying' THEN 4 WHEN 'paused' THEN 5
        WHEN 'queued' THEN 6 WHEN 'stopped' THEN 7 WHEN 'failed' THEN 8
        WHEN 'crashed' THEN 9 ELSE 10 END) STORED,
    bytes          INTEGER,
    digest         TEXT,
    modified_at    INTEGER,
    family         TEXT,
    parameter_size TEXT,
    quantization   TEXT,
    context_length INTEGER,
    capabilities   TEXT NOT NULL DEFAULT '[]',
    cloud          INTEGER NOT NULL DEFAULT 0,
    -- On the server when it was last asked.
    on_server      INTEGER NOT NULL DEFAULT 0,
    message        TEXT NOT NULL DEFAULT '',
    problem        TEXT,
    memory         TEXT,
    last_task      INTEGER,
    created_at     INTEGER NOT NULL,
    seen_at        INTEGER,
    -- Not shown until then: a delete that can still be taken back.
    hidden_until   INTEGER,
    -- Hash of what the server last said about it.
    mark           INTEGER,
    UNIQUE (instance_id, key)
) STRICT;
-- One index per order of the list. Each holds everything that a search filters by, so that the
-- rows come in order, nothing is sorted, and only those of the page are read.
CREATE INDEX model_search
    ON model (instance_id, status, origin, bytes, name, hidden_until) WHERE hidden_until IS NULL;
CREATE INDEX model_by_id
    ON model (id, instance_id, status, origin, bytes, name, hidden_until)
    WHERE hidden_until IS NULL;
CREATE INDEX model_by_name
    ON model (sort_key, id, instance_id, status, origin, bytes, name, hidden_until)
    WHERE hidden_until IS NULL;
CREATE INDEX model_by_size
    ON model (bytes, id, instance_id, status, origin, name, hidden_until) WHERE hidden_until IS NULL;
CREATE INDEX model_by_age
    ON model (created_at, id, instance_id, status, origin, bytes, name, hidden_until)
    WHERE hidden_until IS NULL;
CREATE INDEX model_by_status
    ON model (status_place, sort_key, id, instance_id, status, origin, bytes, name,
              hidden_until)
    WHERE hidden_until IS NULL;
CREATE INDEX model_digest ON model (instance_id, digest);
-- The few rows that a poll of loaded models has to look at.
CREATE INDEX model_loaded ON model (instance_id) WHERE run <> 'stopped';

CREATE TABLE show_cache (
    model_id INTEGER NOT NULL PRIMARY KEY REFERENCES model (id) ON DELETE CASCADE,
    digest   TEXT,
    answer   TEXT NOT NULL,
    at       INTEGER NOT NULL
) STRICT;

CREATE TABLE job (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    model_id    INTEGER NOT NULL REFERENCES model (id) ON DELETE CASCADE,
    instance_id INTEGER NOT NULL REFERENCES instance (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    -- 0 high, 1 normal, 2 low: queue order is (priority, position).
    priority    INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    state       TEXT NOT NULL,
    phase       TEXT NOT NULL,
    wait        TEXT,
    options     TEXT NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    done        INTEGER NOT NULL DEFAULT 0,
    total       INTEGER,
    again       INTEGER NOT NULL DEFAULT 0,
    problem     TEXT,
    task_id     INTEGER,
    created_at  INTEGER NOT NULL,
    queued_at   INTEGER NOT NULL,
    started_at  INTEGER,
    finished_at INTEGER,
    retry_at    INTEGER
) STRICT;
-- A model is in the queue once.
CREATE UNIQUE INDEX job_open ON job (model_id) WHERE state IN ('queued', 'running', 'paused');
CREATE INDEX job_order ON job (state, priority, position);

-- The furthest each layer came, so that a bar never walks backwards, also after a restart.
CREATE TABLE job_layer (
    job_id  INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    digest  TEXT NOT NULL,
    kind    TEXT,
    done    INTEGER NOT NULL,
    total   INTEGER,
    state   TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    PRIMARY KEY (job_id, digest)
) STRICT;

CREATE TABLE batch (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    op          TEXT NOT NULL,
    force       INTEGER NOT NULL DEFAULT 0,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    undo_until  INTEGER,
    undone      INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE batch_item (
    batch_id INTEGER NOT NULL REFERENCES batch (id) ON DELETE CASCADE,
    ordinal  INTEGER NOT NULL,
    model_id INTEGER NOT NULL,
    name     TEXT NOT NULL,
    state    TEXT NOT NULL,
    task_id  INTEGER,
    problem  TEXT,
    PRIMARY KEY (batch_id, ordinal)
) STRICT;

CREATE TABLE history (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    model_id    INTEGER NOT NULL,
    instance_id INTEGER NOT NULL,
    name        TEXT NOT NULL,
    from_status TEXT,
    to_status   TEXT NOT NULL,
    at          INTEGER NOT NULL,
    cause       TEXT NOT NULL,
    note        TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX history_model ON history (model_id, id);

CREATE TABLE audit (
    id      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    command TEXT NOT NULL,
    target  TEXT NOT NULL,
    outcome TEXT NOT NULL,
    code    TEXT
) STRICT;

CREATE TABLE sync_report (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    instance_id INTEGER NOT NULL REFERENCES instance (id) ON DELETE CASCADE,
    trigger     TEXT NOT NULL,
    added       INTEGER NOT NULL,
    updated     INTEGER NOT NULL,
    removed     INTEGER NOT NULL,
    unchanged   INTEGER NOT NULL,
    errors      TEXT NOT NULL,
    items       TEXT NOT NULL,
    started_at  INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    task_id     INTEGER,
    asks_empty  INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX sync_report_instance ON sync_report (instance_id, id);

CREATE TABLE notice (
    id      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    subject TEXT NOT NULL,
    problem TEXT
) STRICT;
