-- Recourse, PostgreSQL, schema 7: keys and sessions, and who did what. Why: docs/decisions/0007-doors.md
-- No older reader: a program that does not know keys would let everybody in.

CREATE TABLE api_keys (
  number     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id         text   NOT NULL UNIQUE,
  name       text   NOT NULL,
  role       text   NOT NULL,
  hash       bytea  NOT NULL,          -- SHA-256 of the secret; the secret is nowhere
  created_at bigint NOT NULL,
  created_by text   NOT NULL,
  expires_at bigint,
  parent     text                      -- the id of the key that a session began with
);
CREATE UNIQUE INDEX api_keys_name ON api_keys (name) WHERE parent IS NULL;

CREATE TABLE acts (
  number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at      bigint NOT NULL,
  actor   text   NOT NULL,
  verb    text   NOT NULL,
  target  text   NOT NULL,
  reason  text,
  outcome text   NOT NULL
);
CREATE INDEX acts_actor ON acts (actor, number);
CREATE INDEX acts_verb  ON acts (verb, number);
CREATE INDEX acts_at    ON acts (at);

-- The keys of the user that payloads are sealed with: never the key, only what tells it from another one of its id.
CREATE TABLE payload_keys (
  id          text  PRIMARY KEY,
  check_value bytea NOT NULL
);
