-- Recourse, SQLite, schema 4: replay jobs, controls, priority, expiry. Why: docs/decisions/0005-replay-and-flow.md

-- 0 to 9: the priority. Ten less while a replay job's replay of it has not ended.
ALTER TABLE deliveries ADD COLUMN rank INTEGER NOT NULL DEFAULT 4;
ALTER TABLE deliveries ADD COLUMN expires_at INTEGER;
ALTER TABLE deliveries ADD COLUMN replay INTEGER;               -- the job that sent it back last, as long as it has not died again

DROP INDEX deliveries_ready;
CREATE INDEX deliveries_ready    ON deliveries (route, rank, due_at) WHERE state = 0 AND lane IS NULL AND suspect = 0;
CREATE INDEX deliveries_expiring ON deliveries (expires_at)          WHERE state = 0 AND expires_at IS NOT NULL;
CREATE INDEX deliveries_dead_key ON deliveries (key)                 WHERE state = 4;

-- A lane stands in the queue of its head, with its head's rank.
ALTER TABLE lanes ADD COLUMN route INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lanes ADD COLUMN rank  INTEGER NOT NULL DEFAULT 4;
UPDATE lanes SET route = (SELECT d.route FROM deliveries d WHERE d.key = lanes.head);
DROP INDEX lanes_ready;
CREATE INDEX lanes_ready   ON lanes (route, rank, due_at, head) WHERE state = 0 AND suspect = 0;
CREATE INDEX lanes_suspect ON lanes (route, due_at, head)       WHERE state = 0 AND suspect = 1;

-- What operators hold: it outlives a restart.
CREATE TABLE controls (
  kind   TEXT    NOT NULL,
  name   TEXT    NOT NULL,
  actor  TEXT    NOT NULL,
  reason TEXT,
  since  INTEGER NOT NULL,
  PRIMARY KEY (kind, name)
) WITHOUT ROWID;

CREATE TABLE replays (
  number        INTEGER PRIMARY KEY,
  id            BLOB    NOT NULL UNIQUE,
  request       TEXT    NOT NULL,             -- JSON
  state         INTEGER NOT NULL,             -- 0 running, 1 waits for its canary, 2 paused, 3 completed, 4 cancelled
  state_reason  TEXT,
  made_at       INTEGER NOT NULL,             -- what died later is not touched
  ended_at      INTEGER,
  matched       INTEGER NOT NULL,
  replayed      INTEGER NOT NULL DEFAULT 0,
  skipped       INTEGER NOT NULL DEFAULT 0,
  delivered     INTEGER NOT NULL DEFAULT 0,
  dead_again    INTEGER NOT NULL DEFAULT 0,
  canary_judged INTEGER NOT NULL DEFAULT 0,
  cursor        TEXT                          -- moves with each batch, in its commit
);
CREATE INDEX replays_active ON replays (number) WHERE state IN (0, 1);

CREATE TABLE replay_items (
  replay     INTEGER NOT NULL,
  delivery   INTEGER NOT NULL,
  message    BLOB    NOT NULL,                -- its id: the item outlives a pruned message
  generation INTEGER NOT NULL,
  at         INTEGER NOT NULL,
  outcome    INTEGER NOT NULL,                -- 0 pending, 1 delivered, 2 dead again, 3 left alone
  reason     TEXT,                            -- why it was left alone
  ended_at   INTEGER,
  PRIMARY KEY (replay, delivery)
) WITHOUT ROWID;
