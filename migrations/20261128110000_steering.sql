-- Servers that are not Corral's and that the user lets it start, stop and set up all the same.
CREATE TABLE steering_consent (
    instance_id INTEGER PRIMARY KEY REFERENCES instance (id) ON DELETE CASCADE,
    given_at INTEGER NOT NULL
) STRICT;

-- A change of a server's variables that has begun and was not yet found to work. The texts of
-- before and after are sealed: addresses of proxies hold passwords.
CREATE TABLE environment_change (
    instance_id INTEGER PRIMARY KEY REFERENCES instance (id) ON DELETE CASCADE,
    before_text TEXT NOT NULL,
    after_text TEXT NOT NULL,
    begun_at INTEGER NOT NULL
) STRICT;
