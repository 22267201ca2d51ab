-- Where the one key of all secrets is kept: the system's keychain, or a file of the data folder.
CREATE TABLE secret_key (
    one   INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    place TEXT NOT NULL
) STRICT;

-- What was set up of a registry. Secrets are sealed with the key.
CREATE TABLE registry (
    host         TEXT NOT NULL PRIMARY KEY,
    -- JSON list of {address, plainHttp}, best first.
    mirrors      TEXT NOT NULL DEFAULT '[]',
    mirrors_only INTEGER NOT NULL DEFAULT 0,
    plain_http   INTEGER NOT NULL DEFAULT 0,
    login        TEXT NOT NULL DEFAULT 'none',
    user         TEXT NOT NULL DEFAULT '',
    secret       TEXT,
    realm        TEXT NOT NULL DEFAULT '',
    custom_ca    TEXT
) STRICT;
