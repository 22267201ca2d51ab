-- What downloads moved, by the hour since 1970: the picture of the last days.
CREATE TABLE download_hour (
    hour      INTEGER NOT NULL PRIMARY KEY,
    bytes     INTEGER NOT NULL DEFAULT 0,
    started   INTEGER NOT NULL DEFAULT 0,
    -- Milliseconds that the started ones had waited for their turn.
    waited_ms INTEGER NOT NULL DEFAULT 0,
    done      INTEGER NOT NULL DEFAULT 0,
    failed    INTEGER NOT NULL DEFAULT 0,
    -- Most jobs that ran or waited at once.
    longest   INTEGER NOT NULL DEFAULT 0
) STRICT;
