-- Recourse, PostgreSQL, schema 6: several nodes on one database. Why: docs/decisions/0006-several-nodes.md

-- A row for each node that lives: struck off at its end, or by another node that has not seen its count of pulses move for 6 s.
CREATE TABLE nodes (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name         text   NOT NULL,
  version      text,
  address      text,
  started_at   bigint NOT NULL,
  heartbeat_at bigint NOT NULL,
  beats        bigint NOT NULL
) WITH (fillfactor = 50);

-- What one node does for all. A duty is free when its node is not registered.
CREATE TABLE duties (
  name text   PRIMARY KEY,
  node bigint NOT NULL
);

-- How often an operator reset the breaker of a service: nodes that see it change reset theirs.
CREATE TABLE service_resets (
  service text   PRIMARY KEY,
  number  bigint NOT NULL
);

-- The one claim at a time by which a service is probed. It holds while a delivery of it is in hand, and no longer than its time.
CREATE TABLE probes (
  service text     PRIMARY KEY,
  leases  bigint[] NOT NULL,
  keys    bigint[] NOT NULL,
  until   bigint   NOT NULL
);

-- Whose delivery it is while it is leased. NULL: of a release before this schema, so of nobody.
ALTER TABLE deliveries ADD COLUMN holder bigint;
DROP INDEX deliveries_leased;
CREATE INDEX deliveries_leased ON deliveries (holder, key) WHERE state = 2;

-- Deaths are put into one order by this row's lock: no two at one time, and each counted in its group. A writer whose version is old reads
-- the groups that were written since; after a removal it reads all of them.
CREATE TABLE letter_clock (
  id      integer PRIMARY KEY CHECK (id = 1),
  last    bigint NOT NULL,
  version bigint NOT NULL,
  removed bigint NOT NULL
);
INSERT INTO letter_clock SELECT 1, greatest(
  coalesce((SELECT max(ended_at) FROM deliveries WHERE state = 4), 0), coalesce((SELECT max(made_at) FROM replays), 0)), 0, 0;
ALTER TABLE letter_groups ADD COLUMN version bigint NOT NULL DEFAULT 0;
CREATE INDEX letter_groups_version ON letter_groups (version);
