-- Configs are compared with the catalog, before anything is deployed.
CREATE EXTENSION pg_brigade;
CREATE FUNCTION findings(query text) RETURNS TABLE (severity text, place text, message text,
    remedy text)
  LANGUAGE sql AS $$
  SELECT d ->> 'severity', (d ->> 'line') || ':' || (d ->> 'column'), d ->> 'message',
    d ->> 'remedy'
  FROM json_array_elements(brigade.validate(
    E'config: {edition: 3}\nstreams:\n  s:\n    query: |\n      ' || query) -> 'diagnostics') d
  $$;

CREATE TABLE lists (id text PRIMARY KEY, owner_id text, "Name" text, gone text);
ALTER TABLE lists DROP COLUMN gone;
SELECT brigade.validate('streams: {s: {query: SELECT * FROM lists}}') ->> 'valid' AS valid;
SELECT brigade.validate('streams: {s: {query: SELECT * FROM liszt}}') ->> 'valid' AS valid;

-- Names
SELECT * FROM findings('SELECT * FROM list');
SELECT * FROM findings('SELECT id, name, gone FROM lists WHERE ownerid = auth.user_id()');
SELECT * FROM findings('SELECT id, "Name" FROM lists');
CREATE SCHEMA app;
CREATE TABLE app.orders (id text PRIMARY KEY);
SELECT * FROM findings('SELECT * FROM orders');
SELECT * FROM findings('SELECT * FROM app.orders');
SELECT * FROM findings('SELECT * FROM "orders_%"');
SELECT * FROM findings('SELECT * FROM brigade.bucket');

-- Values that are never equal
CREATE TABLE kinds (id uuid PRIMARY KEY, n bigint, b boolean, t varchar, raw bytea, d date);
SELECT * FROM findings('SELECT * FROM kinds WHERE id = auth.user_id() AND n = 1 AND b = TRUE '
  'AND t = ''x'' AND d = ''2026-01-01''');
SELECT * FROM findings('SELECT * FROM kinds WHERE n = auth.user_id()');
SELECT * FROM findings('SELECT * FROM kinds WHERE b = ''true'' AND t = 1 AND raw = ''x''');
DROP TABLE kinds;

-- The id
CREATE TABLE cars (plate text PRIMARY KEY);
SELECT * FROM findings('SELECT * FROM cars');
SELECT * FROM findings('SELECT *, plate AS id FROM cars');

-- Replica identity
CREATE TABLE bare (id text NOT NULL);
SELECT * FROM findings('SELECT * FROM bare');
ALTER TABLE bare REPLICA IDENTITY FULL;
SELECT * FROM findings('SELECT * FROM bare');
CREATE UNIQUE INDEX bare_id ON bare (id);
ALTER TABLE bare REPLICA IDENTITY USING INDEX bare_id;
SELECT * FROM findings('SELECT * FROM bare');
DROP INDEX bare_id;
SELECT * FROM findings('SELECT * FROM bare');
ALTER TABLE lists REPLICA IDENTITY NOTHING;
SELECT * FROM findings('SELECT * FROM lists');
ALTER TABLE lists REPLICA IDENTITY DEFAULT;
CREATE TABLE deferred (id text PRIMARY KEY DEFERRABLE);
SELECT * FROM findings('SELECT * FROM deferred');

-- Partitions
CREATE TABLE parts (id text, region text) PARTITION BY LIST (region);
CREATE TABLE parts_north PARTITION OF parts (PRIMARY KEY (id)) FOR VALUES IN ('north');
SELECT * FROM findings('SELECT * FROM parts');
CREATE TABLE parts_south PARTITION OF parts FOR VALUES IN ('south');
SELECT * FROM findings('SELECT * FROM parts');

-- Tables without rows in the WAL
CREATE VIEW seen AS SELECT * FROM lists;
CREATE MATERIALIZED VIEW kept AS SELECT * FROM lists;
CREATE UNLOGGED TABLE quick (id text PRIMARY KEY);
CREATE TEMPORARY TABLE brief (id text PRIMARY KEY);
CREATE FOREIGN DATA WRAPPER regress_nowhere;
CREATE SERVER regress_nowhere FOREIGN DATA WRAPPER regress_nowhere;
CREATE FOREIGN TABLE far (id text) SERVER regress_nowhere;
SELECT * FROM findings('SELECT * FROM seen');
SELECT * FROM findings('SELECT * FROM kept');
SELECT * FROM findings('SELECT * FROM quick');
SELECT * FROM findings('SELECT * FROM brief');
SELECT * FROM findings('SELECT * FROM far');

-- An error keeps a deploy from changing anything.
SELECT brigade.deploy(E'streams:\n  s:\n    query: SELECT id, nam FROM list');
SELECT brigade.deploy(E'streams:\n  s:\n    queries: [SELECT * FROM bare, SELECT * FROM quick]');
SELECT count(*) AS configs FROM brigade.sync_config;

DROP FUNCTION findings;
DROP FOREIGN DATA WRAPPER regress_nowhere CASCADE;
DROP TABLE parts, bare, cars, app.orders, quick, brief, deferred, lists CASCADE;
DROP SCHEMA app;
DROP EXTENSION pg_brigade;
DROP SCHEMA brigade;
