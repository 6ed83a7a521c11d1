-- Recourse, PostgreSQL, schema 3: dead letters in groups, searchable, with what people do to them. The shape of the SQLite store.

-- From here on no two dead letters have the same time of death. Those that died in one commit are moved apart by as many microseconds as it
-- takes, in the order of their keys.
WITH ranked AS (
  SELECT key, ended_at, row_number() OVER (ORDER BY ended_at, key) AS place FROM deliveries WHERE state = 4
), apart AS (
  SELECT key, place + max(ended_at - place) OVER (ORDER BY place ROWS UNBOUNDED PRECEDING) AS died_at FROM ranked
)
UPDATE deliveries d SET ended_at = apart.died_at FROM apart WHERE d.key = apart.key AND d.ended_at <> apart.died_at;

ALTER TABLE deliveries ADD COLUMN letter_group bigint;
ALTER TABLE deliveries ADD COLUMN edits integer NOT NULL DEFAULT 0;
CREATE INDEX deliveries_dead_group ON deliveries (letter_group, ended_at) WHERE state = 4;

CREATE TABLE letter_groups (
  fingerprint bigint PRIMARY KEY,
  service     text   NOT NULL,
  kind        text   NOT NULL,
  code        text,
  template    text   NOT NULL,
  sample      text,
  dead        bigint NOT NULL CHECK (dead >= 0),
  total       bigint NOT NULL,
  first_seen  bigint NOT NULL,
  last_seen   bigint NOT NULL
);

-- The error texts of the dead, in capitals, for the search.
CREATE TABLE letter_texts (
  delivery bigint PRIMARY KEY,
  folded   text   NOT NULL
);
INSERT INTO letter_texts SELECT d.key, upper(a.error) FROM deliveries d JOIN attempts a ON a.delivery = d.key AND a.number = d.fault_attempt
WHERE d.state = 4 AND a.error <> '';

CREATE TABLE letter_marks (
  delivery    bigint  PRIMARY KEY,
  assignee    text,
  note        text,
  manual      boolean NOT NULL DEFAULT false,
  taken_by    text,
  taken_until bigint,
  resolved_at bigint
);
CREATE INDEX letter_marks_assignee ON letter_marks (assignee)              WHERE assignee IS NOT NULL;
CREATE INDEX letter_marks_resolved ON letter_marks (resolved_at, delivery) WHERE resolved_at IS NOT NULL;

CREATE TABLE letter_bodies (
  delivery     bigint  PRIMARY KEY,
  generation   integer NOT NULL,
  content_type text,
  body         bytea   NOT NULL
);

CREATE TABLE letter_acts (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  delivery bigint NOT NULL,
  at       bigint NOT NULL,
  actor    text   NOT NULL,
  verb     text   NOT NULL,
  detail   text
);
CREATE INDEX letter_acts_delivery ON letter_acts (delivery, id);

-- Pieces of three letters make any part of a text findable. Where the extension may not be made, a search reads the texts one by one.
DO $$
DECLARE place text;
BEGIN
  CREATE EXTENSION IF NOT EXISTS pg_trgm;
  SELECT n.nspname INTO place FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm';
  EXECUTE format('CREATE INDEX letter_texts_pieces ON letter_texts USING gin (folded %I.gin_trgm_ops)', place);
EXCEPTION WHEN OTHERS THEN
  RAISE NOTICE 'The search of dead letters works without pg_trgm: %', SQLERRM;
END $$;
