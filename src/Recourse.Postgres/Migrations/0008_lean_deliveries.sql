-- Recourse, PostgreSQL, schema 8: no check of the state, which the server reads anew and evaluates with every statement that writes a row.
-- oldest reader: 7

ALTER TABLE deliveries DROP CONSTRAINT deliveries_state_check;
