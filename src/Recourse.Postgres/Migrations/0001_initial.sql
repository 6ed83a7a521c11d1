-- Recourse, PostgreSQL, schema 1. The shape of the SQLite store; times are microseconds since 1970 UTC by the server's clock.

CREATE TABLE schema_version (
  version       integer PRIMARY KEY,
  oldest_reader integer NOT NULL,
  applied_at    bigint  NOT NULL
);

-- One row: the last message id before the last prune, so that ids rise for good.
CREATE TABLE marks (
  id      integer PRIMARY KEY CHECK (id = 1),
  last_id uuid NOT NULL
);

-- Each claim takes one: a later claim has a larger fence, on whatever node.
CREATE SEQUENCE leases;

CREATE TABLE routes (
  id      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  queue   text NOT NULL,
  service text NOT NULL,
  UNIQUE (queue, service)
);

-- The books as entries that only add up, so that commits of several connections never wait for one counter's row. Summed up now and then.
CREATE TABLE books (
  route     integer NOT NULL,
  waiting   bigint  NOT NULL,
  leased    bigint  NOT NULL,
  delivered bigint  NOT NULL,
  dead      bigint  NOT NULL,
  discarded bigint  NOT NULL,
  expired   bigint  NOT NULL
);

CREATE TABLE messages (
  sequence     bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id           uuid    NOT NULL UNIQUE,
  queue        text    NOT NULL,
  services     integer NOT NULL,
  created_at   bigint  NOT NULL,
  order_key    text,
  content_type text,
  headers      text,
  trace_parent text,
  body         bytea   NOT NULL
);

CREATE TABLE deliveries (
  key             bigint   PRIMARY KEY,          -- message sequence * 256 + place of the service in the message's list
  route           integer  NOT NULL,
  service         text     NOT NULL,
  state           smallint NOT NULL CHECK (state IN (0, 2, 3, 4, 5, 6)),
  due_at          bigint   NOT NULL,
  lane            bigint,
  lease           bigint   NOT NULL DEFAULT 0,
  attempts        integer  NOT NULL DEFAULT 0,
  attempts_before integer  NOT NULL DEFAULT 0,
  message_faults  integer  NOT NULL DEFAULT 0,
  unknown_faults  integer  NOT NULL DEFAULT 0,
  last_delay_ms   bigint   NOT NULL DEFAULT 0,
  generation      integer  NOT NULL DEFAULT 0,
  generation_at   bigint,
  key_generation  integer  NOT NULL DEFAULT 0,
  maybe_applied   boolean  NOT NULL DEFAULT false,
  suspect         boolean  NOT NULL DEFAULT false,
  alone           boolean  NOT NULL DEFAULT false,
  crashes_alone   integer  NOT NULL DEFAULT 0,
  node            text,
  claimed_at      bigint,
  kind            text,
  persistence     integer  NOT NULL DEFAULT 0,
  blame           integer  NOT NULL DEFAULT 0,
  fault_attempt   integer  NOT NULL DEFAULT 0,
  decision        text,
  ended_at        bigint,
  prunable_at     bigint,
  duration_ms     bigint,
  started_at      bigint,
  status          text
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE INDEX deliveries_ready      ON deliveries (service, suspect, due_at, key) WHERE state = 0 AND lane IS NULL;
CREATE INDEX deliveries_lane       ON deliveries (lane, key)       WHERE lane IS NOT NULL;
CREATE INDEX deliveries_waiting    ON deliveries (route, due_at)   WHERE state = 0;
CREATE INDEX deliveries_leased     ON deliveries (key)             WHERE state = 2;
CREATE INDEX deliveries_dead       ON deliveries (ended_at, key)   WHERE state = 4;
CREATE INDEX deliveries_dead_route ON deliveries (route, ended_at) WHERE state = 4;
CREATE INDEX deliveries_dead_kind  ON deliveries (kind, ended_at)  WHERE state = 4;
CREATE INDEX deliveries_prunable   ON deliveries (prunable_at)     WHERE prunable_at IS NOT NULL;

CREATE TABLE lanes (
  id        bigint   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  service   text     NOT NULL,
  order_key text     NOT NULL,
  head      bigint   NOT NULL,
  state     smallint NOT NULL,
  due_at    bigint   NOT NULL,
  suspect   boolean  NOT NULL DEFAULT false,
  UNIQUE (service, order_key)
);
CREATE INDEX lanes_ready ON lanes (service, suspect, due_at, head) WHERE state = 0;

CREATE TABLE attempts (
  delivery    bigint  NOT NULL,
  number      integer NOT NULL,
  generation  integer NOT NULL,
  started_at  bigint  NOT NULL,
  duration_ms bigint,
  outcome     text    NOT NULL,
  kind        text,
  applied     integer NOT NULL,
  status      text,
  error       text,
  node        text,
  decision    text,
  PRIMARY KEY (delivery, number)
);

CREATE TABLE idempotency (
  queue      text   NOT NULL,
  key        text   NOT NULL,
  hash       bytea  NOT NULL,
  message    uuid   NOT NULL,
  expires_at bigint NOT NULL,
  PRIMARY KEY (queue, key)
);
CREATE INDEX idempotency_expiry ON idempotency (expires_at);
