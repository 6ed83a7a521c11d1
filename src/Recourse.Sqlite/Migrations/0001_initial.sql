-- Recourse, SQLite, schema 1. Times are microseconds since 1970 UTC. Why it looks like this: docs/decisions/0004-store-schema.md

-- What readers must know. A file is opened when its oldest_reader is not above the version that the program knows.
CREATE TABLE schema_version (
  version       INTEGER PRIMARY KEY,
  oldest_reader INTEGER NOT NULL,
  applied_at    INTEGER NOT NULL
);

-- One row: who owns the file, and the high-water marks that must survive pruning.
CREATE TABLE owner (
  id         INTEGER PRIMARY KEY CHECK (id = 1),
  boot       INTEGER NOT NULL,      -- leases of a later boot are larger than all of an earlier one
  boot_id    TEXT    NOT NULL,
  process    INTEGER NOT NULL,
  host       TEXT    NOT NULL,
  since      INTEGER NOT NULL,
  sequence   INTEGER NOT NULL,      -- at least the last sequence number that was given out before the last prune
  last_id    BLOB    NOT NULL       -- the same for the last message id
);

CREATE TABLE queues   (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE services (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE nodes    (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

-- A queue's deliveries for one service, with their books: accepted = waiting + leased + delivered + dead + discarded + expired.
CREATE TABLE routes (
  id        INTEGER PRIMARY KEY,
  queue     INTEGER NOT NULL,
  service   INTEGER NOT NULL,
  accepted  INTEGER NOT NULL DEFAULT 0,
  waiting   INTEGER NOT NULL DEFAULT 0,
  leased    INTEGER NOT NULL DEFAULT 0,
  delivered INTEGER NOT NULL DEFAULT 0,
  dead      INTEGER NOT NULL DEFAULT 0,
  discarded INTEGER NOT NULL DEFAULT 0,
  expired   INTEGER NOT NULL DEFAULT 0,
  UNIQUE (queue, service),
  CHECK (accepted = waiting + leased + delivered + dead + discarded + expired)
);

-- What came in, never changed after. The body is last, so that reading the rest does not touch its pages.
CREATE TABLE messages (
  sequence     INTEGER PRIMARY KEY,
  id           BLOB    NOT NULL,    -- a UUID of version 7: rising, so that its index only grows at the end
  queue        INTEGER NOT NULL,
  services     INTEGER NOT NULL,    -- how many deliveries it has
  created_at   INTEGER NOT NULL,
  order_key    TEXT,
  content_type TEXT,
  headers      TEXT,                -- JSON object
  trace_parent TEXT,
  body         BLOB    NOT NULL
);
CREATE UNIQUE INDEX messages_id ON messages (id);

-- One message for one service: the row that changes. key = message sequence * 256 + place of the service in the message's list.
CREATE TABLE deliveries (
  key             INTEGER PRIMARY KEY,
  route           INTEGER NOT NULL,
  state           INTEGER NOT NULL CHECK (state IN (0, 2, 3, 4, 5, 6)),  -- waiting, leased, delivered, dead, discarded, expired
  due_at          INTEGER NOT NULL,
  lane            INTEGER,                         -- null when in no lane, or no longer
  lease           INTEGER NOT NULL DEFAULT 0,      -- the fence: larger with each claim, 0 when not leased
  attempts        INTEGER NOT NULL DEFAULT 0,      -- counted at the claim
  attempts_before INTEGER NOT NULL DEFAULT 0,      -- of earlier generations
  message_faults  INTEGER NOT NULL DEFAULT 0,      -- of this generation, as are unknown_faults
  unknown_faults  INTEGER NOT NULL DEFAULT 0,
  last_delay_ms   INTEGER NOT NULL DEFAULT 0,
  generation      INTEGER NOT NULL DEFAULT 0,
  generation_at   INTEGER,                         -- null: when the message was stored
  key_generation  INTEGER NOT NULL DEFAULT 0,      -- the generation in the Idempotency-Key, 0 for none
  maybe_applied   INTEGER NOT NULL DEFAULT 0,      -- an attempt may have had an effect
  suspect         INTEGER NOT NULL DEFAULT 0,      -- in hand when a process ended
  alone           INTEGER NOT NULL DEFAULT 0,      -- claimed as a suspect
  crashes_alone   INTEGER NOT NULL DEFAULT 0,
  node            INTEGER,                         -- who claimed it last, and when
  claimed_at      INTEGER,
  kind            TEXT,                            -- the last fault, by name
  persistence     INTEGER NOT NULL DEFAULT 0,
  blame           INTEGER NOT NULL DEFAULT 0,
  fault_attempt   INTEGER NOT NULL DEFAULT 0,      -- the attempt that has the last fault's text
  decision        TEXT,                            -- of an operator; else the last attempt's holds
  ended_at        INTEGER,                         -- delivered, dead, discarded or expired
  prunable_at     INTEGER,                         -- set on the delivery that ended its message last
  duration_ms     INTEGER,                         -- the attempt that delivered it stands here, not in attempts
  started_at      INTEGER,
  status          TEXT
);

-- Claims: of each route what is due first, no row of another state in the way.
CREATE INDEX deliveries_ready   ON deliveries (route, due_at) WHERE state = 0 AND lane IS NULL AND suspect = 0;
CREATE INDEX deliveries_suspect ON deliveries (route, due_at) WHERE state = 0 AND lane IS NULL AND suspect = 1;
CREATE INDEX deliveries_lane    ON deliveries (lane, key)     WHERE lane IS NOT NULL;
-- Counts: those in lanes by time, those that were tried before by age.
CREATE INDEX deliveries_in_lane ON deliveries (route, due_at) WHERE state = 0 AND lane IS NOT NULL;
CREATE INDEX deliveries_tried   ON deliveries (route, key)    WHERE state = 0 AND attempts > 0;
-- Dead letters, newest first, by the things that people ask for.
CREATE INDEX deliveries_dead       ON deliveries (ended_at)        WHERE state = 4;
CREATE INDEX deliveries_dead_route ON deliveries (route, ended_at) WHERE state = 4;
CREATE INDEX deliveries_dead_kind  ON deliveries (kind, ended_at)  WHERE state = 4;
CREATE INDEX deliveries_leased     ON deliveries (key)             WHERE state = 2;
CREATE INDEX deliveries_prunable   ON deliveries (prunable_at)     WHERE prunable_at IS NOT NULL;

-- The deliveries of a service that share an order key. The lane is claimed, for its head: nobody can overtake.
CREATE TABLE lanes (
  id        INTEGER PRIMARY KEY,
  service   INTEGER NOT NULL,
  order_key TEXT    NOT NULL,
  head      INTEGER NOT NULL,       -- the delivery whose turn it is
  state     INTEGER NOT NULL,       -- of the head: 0 waiting, 2 leased, 4 dead and in the way
  due_at    INTEGER NOT NULL,
  suspect   INTEGER NOT NULL DEFAULT 0,
  UNIQUE (service, order_key)
);
CREATE INDEX lanes_ready ON lanes (service, suspect, due_at, head) WHERE state = 0;

-- Attempts that failed or that a crash ended: the first 5 and the last 20 of a delivery.
CREATE TABLE attempts (
  delivery    INTEGER NOT NULL,
  number      INTEGER NOT NULL,
  generation  INTEGER NOT NULL,
  started_at  INTEGER NOT NULL,
  duration_ms INTEGER,
  outcome     TEXT    NOT NULL,
  kind        TEXT,
  applied     INTEGER NOT NULL,
  status      TEXT,
  error       TEXT,
  node        INTEGER,
  decision    TEXT,
  PRIMARY KEY (delivery, number)
) WITHOUT ROWID;

-- Idempotency keys of senders, for their window. They outlive a pruned message.
CREATE TABLE idempotency (
  queue      INTEGER NOT NULL,
  key        TEXT    NOT NULL,
  hash       BLOB    NOT NULL,      -- SHA-256 of content type and body
  message    BLOB    NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (queue, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_expiry ON idempotency (expires_at);
