-- When an instance is compared by itself, as JSON; NULL = as the settings say for all.
ALTER TABLE instance ADD COLUMN sync_schedule TEXT;

-- 0 = the sync failed or was stopped before its end. Of older reports it is not known; they count
-- as complete unless they hold an error.
ALTER TABLE sync_report ADD COLUMN completed INTEGER NOT NULL DEFAULT 1;
-- For forgetting the old ones.
CREATE INDEX sync_report_age ON sync_report (started_at);
