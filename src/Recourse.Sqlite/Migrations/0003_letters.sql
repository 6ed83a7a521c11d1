-- Recourse, SQLite, schema 3: dead letters in groups, searchable, with what people do to them.

-- From here on no two dead letters have the same time of death: it names the letter in the search. Those that died in one commit are moved
-- apart by as many microseconds as it takes, in the order of their keys.
WITH ranked AS (
  SELECT key, ended_at, row_number() OVER (ORDER BY ended_at, key) AS place FROM deliveries WHERE state = 4
), apart AS (
  SELECT key, place + max(ended_at - place) OVER (ORDER BY place ROWS UNBOUNDED PRECEDING) AS died_at FROM ranked
)
UPDATE deliveries SET ended_at = apart.died_at FROM apart WHERE deliveries.key = apart.key AND deliveries.ended_at <> apart.died_at;

ALTER TABLE deliveries ADD COLUMN letter_group INTEGER;               -- in which it died last; null: never, or not yet sorted in
ALTER TABLE deliveries ADD COLUMN edits INTEGER NOT NULL DEFAULT 0;   -- how often its payload was edited

-- In place of the index by kind: a kind is a few groups, and each index costs every change of a delivery a little.
DROP INDEX deliveries_dead_kind;
CREATE INDEX deliveries_dead_group ON deliveries (letter_group, ended_at) WHERE state = 4;

-- Deaths that are alike. The key is the fingerprint of service, kind, code and template.
CREATE TABLE letter_groups (
  fingerprint INTEGER PRIMARY KEY,
  service     TEXT    NOT NULL,
  kind        TEXT    NOT NULL,
  code        TEXT,
  template    TEXT    NOT NULL,
  sample      TEXT,
  dead        INTEGER NOT NULL CHECK (dead >= 0),
  total       INTEGER NOT NULL,
  first_seen  INTEGER NOT NULL,
  last_seen   INTEGER NOT NULL
);

-- The error texts of the dead, in capitals, by the time of death. Only the index: the text itself stands with its attempt.
CREATE VIRTUAL TABLE letter_text USING fts5(error, content = '', contentless_delete = 1, detail = none,
  tokenize = 'trigram case_sensitive 1');

-- What people noted; only of letters that somebody touched.
CREATE TABLE letter_marks (
  delivery    INTEGER PRIMARY KEY,
  assignee    TEXT,
  note        TEXT,
  manual      INTEGER NOT NULL DEFAULT 0,
  taken_by    TEXT,
  taken_until INTEGER,
  resolved_at INTEGER
);
CREATE INDEX letter_marks_assignee ON letter_marks (assignee)              WHERE assignee IS NOT NULL;
CREATE INDEX letter_marks_resolved ON letter_marks (resolved_at, delivery) WHERE resolved_at IS NOT NULL;

-- The edited body of a letter; what came in stays in messages.
CREATE TABLE letter_bodies (
  delivery     INTEGER PRIMARY KEY,
  generation   INTEGER NOT NULL,   -- in which it was edited last
  content_type TEXT,
  body         BLOB    NOT NULL
);

-- Who did what, the last 50 of each letter.
CREATE TABLE letter_acts (
  id       INTEGER PRIMARY KEY,
  delivery INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  actor    TEXT    NOT NULL,
  verb     TEXT    NOT NULL,
  detail   TEXT
);
CREATE INDEX letter_acts_delivery ON letter_acts (delivery, id);
