-- Lanes whose head is dead: what their followers wait for is counted without reading the others.
CREATE INDEX lanes_dead ON lanes (service, head) WHERE state = 4;

-- What may go is found by queue: each may keep it for its own time, and its own number.
DROP INDEX deliveries_prunable;
CREATE INDEX deliveries_prunable ON deliveries (route, prunable_at) WHERE prunable_at IS NOT NULL;
