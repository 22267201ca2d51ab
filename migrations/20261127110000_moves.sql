-- Exports, imports and copies: what was asked for, so that one that Corral's end interrupted goes on
-- at the next start, and how it went with each model.
CREATE TABLE move (
    id          INTEGER NOT NULL PRIMARY KEY,
    kind        TEXT NOT NULL,
    request     TEXT NOT NULL,
    items       TEXT NOT NULL,
    task_id     INTEGER,
    created_at  INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;

CREATE INDEX move_task ON move (task_id);
CREATE INDEX move_open ON move (id) WHERE finished_at IS NULL;
