-- A store of schema 1, written by the first release: deliveries in every state, lanes, attempts, idempotency keys. Never edited again.
PRAGMA application_id = 1382249075;
BEGIN;
CREATE TABLE schema_version (
  version       INTEGER PRIMARY KEY,
  oldest_reader INTEGER NOT NULL,
  applied_at    INTEGER NOT NULL
);
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
CREATE TABLE idempotency (
  queue      INTEGER NOT NULL,
  key        TEXT    NOT NULL,
  hash       BLOB    NOT NULL,      -- SHA-256 of content type and body
  message    BLOB    NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (queue, key)
) WITHOUT ROWID;
INSERT INTO schema_version VALUES (1, 1, 1772352000000000);
INSERT INTO owner VALUES (1, 1, '00000000-0000-4000-8000-000000000001', 4711, 'machine-1', 1772352000000000, 0, x'00000000000000000000000000000000');
INSERT INTO queues VALUES (1, 'orders');
INSERT INTO queues VALUES (2, 'both');
INSERT INTO queues VALUES (3, 'lanes');
INSERT INTO queues VALUES (4, 'slow');
INSERT INTO services VALUES (1, 'billing');
INSERT INTO services VALUES (2, 'shipping');
INSERT INTO services VALUES (3, 'mail');
INSERT INTO services VALUES (4, 'ledger');
INSERT INTO services VALUES (5, 'archive');
INSERT INTO nodes VALUES (1, 'node-1');
INSERT INTO routes VALUES (1, 1, 1, 7, 2, 0, 1, 2, 1, 1);
INSERT INTO routes VALUES (2, 2, 2, 1, 0, 0, 1, 0, 0, 0);
INSERT INTO routes VALUES (3, 2, 3, 1, 1, 0, 0, 0, 0, 0);
INSERT INTO routes VALUES (4, 3, 4, 6, 4, 1, 0, 1, 0, 0);
INSERT INTO routes VALUES (5, 4, 5, 1, 0, 1, 0, 0, 0, 0);
INSERT INTO messages VALUES (1, x'019ca86953e870209f8f1c33478477f9', 1, 1, 1772352001000000, NULL, 'application/json', '{"x-tenant":"north"}', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', x'7b226e223a312c227374617465223a2264656c697665726564227d');
INSERT INTO messages VALUES (2, x'019ca8695bb87012be07bd002500b8f1', 1, 1, 1772352003000000, NULL, 'application/json', '{"x-tenant":"north"}', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', x'7b226e223a322c227374617465223a2264656164227d');
INSERT INTO messages VALUES (3, x'019ca8696388703baa1cdc744c5440ec', 1, 1, 1772352005000000, NULL, 'application/json', '{"x-tenant":"north"}', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', x'7b226e223a332c227374617465223a2264656164227d');
INSERT INTO messages VALUES (4, x'019ca8696b58702883f1faab425e443d', 1, 1, 1772352007000000, NULL, 'application/json', '{"x-tenant":"north"}', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', x'7b226e223a342c227374617465223a22646973636172646564227d');
INSERT INTO messages VALUES (5, x'019ca8697328701ba1d7f743dd975276', 1, 1, 1772352009000000, NULL, 'application/json', '{"x-tenant":"north"}', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', x'7b226e223a352c227374617465223a2277616974696e67222c2267656e65726174696f6e223a317d');
INSERT INTO messages VALUES (6, x'019ca8697af8701b87d4b73a56ef05a7', 1, 1, 1772352011000000, NULL, 'application/json', '{"x-tenant":"north"}', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', x'7b226e223a362c227374617465223a2264656c61796564227d');
INSERT INTO messages VALUES (7, x'019ca869e85870259c7f0a34ada7538c', 1, 1, 1772352039000000, NULL, 'application/json', '{"x-tenant":"north"}', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', x'7b226e223a372c227374617465223a2265787069726564227d');
INSERT INTO messages VALUES (8, x'019ca869ec4070318cbc9ec1440bd5b6', 2, 2, 1772352040000000, NULL, 'application/json', '{"x-tenant":"north"}', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', x'7b226e223a382c227374617465223a2264656c6976657265642f77616974696e67227d');
INSERT INTO messages VALUES (9, x'019ca869f4107004bd49b9614b0bad0a', 3, 1, 1772352042000000, 'customer-1', 'application/json', '{"x-tenant":"north"}', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', x'7b226e223a392c226c616e65223a22637573746f6d65722d31227d');
INSERT INTO messages VALUES (10, x'019ca869f7f870169972680bb3b153ec', 3, 1, 1772352043000000, 'customer-1', 'application/json', '{"x-tenant":"north"}', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', x'7b226e223a31302c226c616e65223a22637573746f6d65722d31227d');
INSERT INTO messages VALUES (11, x'019ca869fbe07017851c62d0d15ade25', 3, 1, 1772352044000000, 'customer-1', 'application/json', '{"x-tenant":"north"}', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', x'7b226e223a31312c226c616e65223a22637573746f6d65722d31227d');
INSERT INTO messages VALUES (12, x'019ca86a03b0701ea675c61a84df2d8b', 3, 1, 1772352046000000, 'customer-2', 'application/json', '{"x-tenant":"north"}', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', x'7b226e223a31322c226c616e65223a22637573746f6d65722d32227d');
INSERT INTO messages VALUES (13, x'019ca86a07987017b5e2be656f1ae584', 3, 1, 1772352047000000, 'customer-2', 'application/json', '{"x-tenant":"north"}', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', x'7b226e223a31332c226c616e65223a22637573746f6d65722d32227d');
INSERT INTO messages VALUES (14, x'019ca86a0f687039b34ee619c1faf3b6', 3, 1, 1772352049000000, 'customer-3', 'application/json', '{"x-tenant":"north"}', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', x'7b226e223a31342c226c616e65223a22637573746f6d65722d33227d');
INSERT INTO messages VALUES (15, x'019ca86a1350702cad4e1cd0ef0e9451', 4, 1, 1772352050000000, NULL, 'application/json', '{"x-tenant":"north"}', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', x'7b226e223a31352c227374617465223a226c6561736564227d');
INSERT INTO deliveries VALUES (256, 1, 3, 1772352001000000, NULL, 0, 1, 0, 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, 1, 1772352002000000, NULL, 0, 0, 0, NULL, 1772352002000000, 1772352002000000, 12, 1772352002000000, '200');
INSERT INTO deliveries VALUES (512, 1, 4, 1772352003000000, NULL, 0, 1, 0, 1, 0, 0, 0, NULL, 0, 0, 0, 0, 0, 1, 1772352004000000, 'validation_error', 1, 2, 1, NULL, 1772352004000000, NULL, NULL, NULL, NULL);
INSERT INTO deliveries VALUES (768, 1, 4, 1772352005000000, NULL, 0, 1, 0, 0, 0, 0, 0, NULL, 0, 1, 0, 0, 0, 1, 1772352006000000, 'timeout', 1, 1, 1, NULL, 1772352006000000, NULL, NULL, NULL, NULL);
INSERT INTO deliveries VALUES (1024, 1, 5, 1772352007000000, NULL, 0, 1, 0, 1, 0, 0, 0, NULL, 0, 0, 0, 0, 0, 1, 1772352008000000, 'validation_error', 1, 2, 1, 'discard: by ann: a test order', 1772352008000000, 1772352008000000, NULL, NULL, NULL);
INSERT INTO deliveries VALUES (1280, 1, 0, 1772352038000000, NULL, 0, 1, 1, 0, 0, 0, 1, 1772352038000000, 1, 0, 0, 0, 0, 1, 1772352010000000, 'validation_error', 1, 2, 1, 'replay: by ann: mended', NULL, NULL, NULL, NULL, NULL);
INSERT INTO deliveries VALUES (1536, 1, 0, 1772355638000000, NULL, 0, 27, 0, 0, 0, 5000, 0, NULL, 0, 1, 0, 0, 0, 1, 1772352038000000, 'service_unavailable', 1, 1, 27, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO deliveries VALUES (1792, 1, 6, 1772352039000000, NULL, 0, 0, 0, 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL, 0, 0, 0, 'expired: its time was over', 1772352040000000, NULL, NULL, NULL, NULL);
INSERT INTO deliveries VALUES (2048, 2, 3, 1772352040000000, NULL, 0, 1, 0, 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, 1, 1772352041000000, NULL, 0, 0, 0, NULL, 1772352041000000, NULL, 12, 1772352041000000, '204');
INSERT INTO deliveries VALUES (2049, 3, 0, 1772352040000000, NULL, 0, 0, 0, 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO deliveries VALUES (2304, 4, 4, 1772352042000000, 1, 0, 1, 0, 1, 0, 0, 0, NULL, 0, 0, 0, 0, 0, 1, 1772352045000000, 'conflict', 1, 2, 1, NULL, 1772352045000000, NULL, NULL, NULL, NULL);
INSERT INTO deliveries VALUES (2560, 4, 0, 1772352043000000, 1, 0, 0, 0, 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO deliveries VALUES (2816, 4, 0, 1772352044000000, 1, 0, 0, 0, 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO deliveries VALUES (3072, 4, 2, 1772352046000000, 2, 1099511627811, 1, 0, 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, 1, 1772352048000000, NULL, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO deliveries VALUES (3328, 4, 0, 1772352047000000, 2, 0, 0, 0, 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO deliveries VALUES (3584, 4, 0, 1772352049000000, 3, 0, 0, 0, 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO deliveries VALUES (3840, 5, 2, 1772352050000000, NULL, 1099511627812, 1, 0, 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, 1, 1772352051000000, NULL, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO lanes VALUES (1, 4, 'customer-1', 2304, 4, 1772352042000000, 0);
INSERT INTO lanes VALUES (2, 4, 'customer-2', 3072, 2, 1772352046000000, 0);
INSERT INTO lanes VALUES (3, 4, 'customer-3', 3584, 0, 1772352049000000, 0);
INSERT INTO attempts VALUES (512, 1, 0, 1772352004000000, 12, 'failed', 'validation_error', 1, '503', 'ValidationError happened', 1, 'dead: message fault, 3 of 3');
INSERT INTO attempts VALUES (768, 1, 0, 1772352006000000, 12, 'failed', 'timeout', 0, '503', 'Timeout happened', 1, 'dead: message fault, 3 of 3');
INSERT INTO attempts VALUES (1024, 1, 0, 1772352008000000, 12, 'failed', 'validation_error', 1, '503', 'ValidationError happened', 1, 'dead: message fault, 3 of 3');
INSERT INTO attempts VALUES (1280, 1, 0, 1772352010000000, 12, 'failed', 'validation_error', 1, '503', 'ValidationError happened', 1, 'dead: message fault, 3 of 3');
INSERT INTO attempts VALUES (1536, 1, 0, 1772352012000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 2, 0, 1772352013000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 3, 0, 1772352014000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 4, 0, 1772352015000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 5, 0, 1772352016000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 8, 0, 1772352019000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 9, 0, 1772352020000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 10, 0, 1772352021000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 11, 0, 1772352022000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 12, 0, 1772352023000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 13, 0, 1772352024000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 14, 0, 1772352025000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 15, 0, 1772352026000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 16, 0, 1772352027000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 17, 0, 1772352028000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 18, 0, 1772352029000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 19, 0, 1772352030000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 20, 0, 1772352031000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 21, 0, 1772352032000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 22, 0, 1772352033000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 23, 0, 1772352034000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 24, 0, 1772352035000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 25, 0, 1772352036000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 26, 0, 1772352037000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (1536, 27, 0, 1772352038000000, 12, 'failed', 'service_unavailable', 0, '503', 'ServiceUnavailable happened', 1, 'retry: service fault, retry');
INSERT INTO attempts VALUES (2304, 1, 0, 1772352045000000, 12, 'failed', 'conflict', 1, '503', 'Conflict happened', 1, 'dead: message fault, 3 of 3');
INSERT INTO idempotency VALUES (1, 'order-1', x'cf4577a1cd71da9cf92e5328c020dde4c2c700d7f87b6802facf9a4f5b7feb4d', x'019ca86953e870209f8f1c33478477f9', 2087712001000000);
INSERT INTO idempotency VALUES (3, 'lane-14', x'd849fb85f853b74f4fe6dbc0dbfe41069a5df385153b13c109d453f72398874c', x'019ca86a0f687039b34ee619c1faf3b6', 2087712049000000);
CREATE UNIQUE INDEX messages_id ON messages (id);
CREATE INDEX deliveries_ready   ON deliveries (route, due_at) WHERE state = 0 AND lane IS NULL AND suspect = 0;
CREATE INDEX deliveries_suspect ON deliveries (route, due_at) WHERE state = 0 AND lane IS NULL AND suspect = 1;
CREATE INDEX deliveries_lane    ON deliveries (lane, key)     WHERE lane IS NOT NULL;
CREATE INDEX deliveries_in_lane ON deliveries (route, due_at) WHERE state = 0 AND lane IS NOT NULL;
CREATE INDEX deliveries_tried   ON deliveries (route, key)    WHERE state = 0 AND attempts > 0;
CREATE INDEX deliveries_dead       ON deliveries (ended_at)        WHERE state = 4;
CREATE INDEX deliveries_dead_route ON deliveries (route, ended_at) WHERE state = 4;
CREATE INDEX deliveries_dead_kind  ON deliveries (kind, ended_at)  WHERE state = 4;
CREATE INDEX deliveries_leased     ON deliveries (key)             WHERE state = 2;
CREATE INDEX deliveries_prunable   ON deliveries (prunable_at)     WHERE prunable_at IS NOT NULL;
CREATE INDEX lanes_ready ON lanes (service, suspect, due_at, head) WHERE state = 0;
CREATE INDEX idempotency_expiry ON idempotency (expires_at);
COMMIT;
