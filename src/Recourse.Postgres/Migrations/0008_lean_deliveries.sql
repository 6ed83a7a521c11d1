-- Recourse, PostgreSQL, schema 8: what every statement that writes a delivery pays for. Why: docs/decisions/0006-several-nodes.md
-- No older reader: a program that does not know the table of letters would let deliveries die unseen.

-- The check was parsed anew and evaluated with every such statement.
ALTER TABLE deliveries DROP CONSTRAINT deliveries_state_check;

-- What is dead, as its lists are read. Five of the indexes were of dead letters alone, and opened for each message.
CREATE TABLE letters (
  delivery     bigint  PRIMARY KEY,
  died_at      bigint  NOT NULL,
  route        integer NOT NULL,
  kind         text,
  letter_group bigint
);
INSERT INTO letters SELECT key, coalesce(ended_at, 0), route, kind, letter_group FROM deliveries WHERE state = 4;
CREATE INDEX letters_died  ON letters (died_at, delivery);
CREATE INDEX letters_route ON letters (route, died_at);
CREATE INDEX letters_kind  ON letters (kind, died_at);
CREATE INDEX letters_group ON letters (letter_group, died_at);
DROP INDEX deliveries_dead, deliveries_dead_route, deliveries_dead_kind, deliveries_dead_group, deliveries_dead_key;
