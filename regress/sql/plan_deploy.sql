-- What a deploy would do, before it is done; and that an equal config does nothing.
CREATE EXTENSION pg_brigade;
CREATE FUNCTION changes(yaml text) RETURNS TABLE (change text, kind text, name text, streams text,
    source text, rows bigint)
  LANGUAGE sql AS $$
  SELECT d ->> 'change', d ->> 'kind', d ->> 'name', d ->> 'streams', d ->> 'table',
    (d ->> 'rows')::bigint
  FROM json_array_elements(brigade.plan_deploy(yaml) -> 'definitions') d
  $$;
CREATE FUNCTION summary(yaml text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT brigade.plan_deploy(yaml)::jsonb - 'definitions'
  $$;
\set ECHO none
\i regress/lib/put_in_force.sql
\set ECHO all

CREATE TABLE lists (id text PRIMARY KEY, owner text);
CREATE TABLE items (id text PRIMARY KEY, list text);
CREATE TABLE shares (id text PRIMARY KEY, list text, user_id text);
CREATE TABLE logs (id integer NOT NULL, day integer) PARTITION BY LIST (day);
CREATE TABLE logs_1 PARTITION OF logs (PRIMARY KEY (id)) FOR VALUES IN (1);
CREATE TABLE logs_2 PARTITION OF logs (PRIMARY KEY (id)) FOR VALUES IN (2);
INSERT INTO lists SELECT i, 'anna' FROM generate_series(1, 30) i;
INSERT INTO items SELECT i, 1 FROM generate_series(1, 500) i;
INSERT INTO logs SELECT i, 1 + i % 2 FROM generate_series(1, 70) i;
ANALYZE lists, items, logs;

\set first 'config: {edition: 3}\nstreams:\n'
\set first :first '  mine: {query: SELECT * FROM lists WHERE owner = auth.user_id()}\n'
\set shared '  shared: {query: \'SELECT * FROM items WHERE list IN '
\set shared :shared '(SELECT list FROM shares WHERE user_id = auth.user_id())\'}\n'
\set logged '  logs: {query: SELECT * FROM logs}\n'

-- Nothing in force: all is new. A table that was never analyzed has no estimate.
SELECT * FROM changes(:'first' || :'shared' || :'logged');
SELECT summary(:'first' || :'shared' || :'logged');
SELECT summary(:'first' || '  s: {query: SELECT * FROM shares}');

-- Kept, added and removed; equal definitions are shared by streams, and tables read once.
CALL put_in_force(:'first' || :'logged');
SELECT * FROM changes(:'first' || :'shared');
SELECT * FROM changes(:'first'
  || E'  again: {query: SELECT * FROM lists WHERE owner = subscription.parameter(\'o\')}\n'
  || E'  two: {queries: [SELECT * FROM items, SELECT id FROM items]}');
SELECT summary(:'first'
  || E'  two: {queries: [SELECT * FROM items, SELECT id FROM items]}') -> 'rows_to_copy' AS rows;

-- What only looks different changes nothing, and nothing is deployed.
SELECT summary(:'first' || :'logged' || '# a comment');
SELECT brigade.deploy(:'first' || :'logged' || '# a comment');
SELECT brigade.deploy(:'first' || :'logged');
SELECT count(*) AS configs FROM brigade.sync_config;

-- The way back needs no copy for a while.
CALL put_in_force(:'first');
SELECT * FROM changes(:'first' || :'logged');
SELECT summary(:'first' || :'logged');

-- An error is one of a deploy.
SELECT brigade.plan_deploy(:'first' || '  s: {query: SELECT * FROM nothing}');

-- The worker ends with the extension, and takes its slot along.
\set ECHO none
\i regress/lib/drop_extension.sql
\set ECHO all
SELECT slot_name FROM pg_replication_slots;
DROP FUNCTION changes, summary;
DROP PROCEDURE put_in_force;
DROP TABLE lists, items, shares, logs;
