-- Recourse, SQLite, schema 7: keys and sessions, and who did what. Why: docs/decisions/0007-doors.md
-- No older reader: a program that does not know keys would let everybody in.

CREATE TABLE api_keys (
  number     INTEGER PRIMARY KEY,
  id         TEXT    NOT NULL UNIQUE,
  name       TEXT    NOT NULL,
  role       TEXT    NOT NULL,
  hash       BLOB    NOT NULL,         -- SHA-256 of the secret; the secret is nowhere
  created_at INTEGER NOT NULL,
  created_by TEXT    NOT NULL,
  expires_at INTEGER,
  parent     TEXT                      -- the id of the key that a session began with
);
CREATE UNIQUE INDEX api_keys_name ON api_keys (name) WHERE parent IS NULL;

-- Numbers rise and are never used again, also when the newest acts are gone.
CREATE TABLE acts (
  number  INTEGER PRIMARY KEY AUTOINCREMENT,
  at      INTEGER NOT NULL,
  actor   TEXT    NOT NULL,
  verb    TEXT    NOT NULL,
  target  TEXT    NOT NULL,
  reason  TEXT,
  outcome TEXT    NOT NULL
);
CREATE INDEX acts_actor ON acts (actor, number);
CREATE INDEX acts_verb  ON acts (verb, number);
CREATE INDEX acts_at    ON acts (at);

-- The keys of the user that payloads are sealed with: never the key, only what tells it from another one of its id.
CREATE TABLE payload_keys (
  id          TEXT PRIMARY KEY,
  check_value BLOB NOT NULL
) WITHOUT ROWID;
