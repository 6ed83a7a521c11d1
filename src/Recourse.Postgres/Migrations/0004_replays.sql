-- Recourse, PostgreSQL, schema 4: replay jobs, controls, priority, expiry; the shape of the SQLite store. Why: docs/decisions/0005-replay-and-flow.md

ALTER TABLE deliveries ADD COLUMN rank smallint NOT NULL DEFAULT 4, ADD COLUMN expires_at bigint, ADD COLUMN replay bigint;
DROP INDEX deliveries_ready;
CREATE INDEX deliveries_ready    ON deliveries (route, rank, due_at, key) WHERE state = 0 AND lane IS NULL AND NOT suspect;
CREATE INDEX deliveries_suspect  ON deliveries (route, due_at, key)       WHERE state = 0 AND lane IS NULL AND suspect;
CREATE INDEX deliveries_expiring ON deliveries (expires_at, key)          WHERE state = 0 AND expires_at IS NOT NULL;
CREATE INDEX deliveries_dead_key ON deliveries (key)                      WHERE state = 4;

ALTER TABLE lanes ADD COLUMN route integer NOT NULL DEFAULT 0, ADD COLUMN rank smallint NOT NULL DEFAULT 4;
UPDATE lanes l SET route = d.route FROM deliveries d WHERE d.key = l.head;
DROP INDEX lanes_ready;
CREATE INDEX lanes_ready   ON lanes (route, rank, due_at, head) WHERE state = 0 AND NOT suspect;
CREATE INDEX lanes_suspect ON lanes (route, due_at, head)       WHERE state = 0 AND suspect;

CREATE TABLE controls (
  kind   text   NOT NULL,
  name   text   NOT NULL,
  actor  text   NOT NULL,
  reason text,
  since  bigint NOT NULL,
  PRIMARY KEY (kind, name)
);

CREATE TABLE replays (
  number        bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id            uuid    NOT NULL UNIQUE,
  request       text    NOT NULL,
  state         smallint NOT NULL,
  state_reason  text,
  made_at       bigint  NOT NULL,
  ended_at      bigint,
  matched       bigint  NOT NULL,
  replayed      bigint  NOT NULL DEFAULT 0,
  skipped       bigint  NOT NULL DEFAULT 0,
  delivered     bigint  NOT NULL DEFAULT 0,
  dead_again    bigint  NOT NULL DEFAULT 0,
  canary_judged boolean NOT NULL DEFAULT false,
  cursor        text
);

CREATE TABLE replay_items (
  replay     bigint   NOT NULL,
  delivery   bigint   NOT NULL,
  message    uuid     NOT NULL,
  generation integer  NOT NULL,
  at         bigint   NOT NULL,
  outcome    smallint NOT NULL,
  reason     text,
  ended_at   bigint,
  PRIMARY KEY (replay, delivery)
);
