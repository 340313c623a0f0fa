-- Why a user gets what they get, and a row goes where it goes.
CREATE EXTENSION pg_brigade;
\set ECHO none
\i regress/lib/put_in_force.sql
\set ECHO all

CREATE TABLE lists (id text PRIMARY KEY, owner text, archived integer NOT NULL DEFAULT 0);
CREATE TABLE todos (id integer PRIMARY KEY, list text, tags jsonb);
CREATE TABLE shares (id integer PRIMARY KEY, list text, user_id text);
CREATE TABLE logs (day integer, id integer, PRIMARY KEY (day, id)) PARTITION BY LIST (day);
CREATE TABLE logs_1 PARTITION OF logs FOR VALUES IN (1);
CREATE TABLE unread (id integer PRIMARY KEY);
INSERT INTO lists VALUES ('l1', 'anna', 0), ('l2', 'bert', 0), ('l3', 'anna', 1), ('l4', NULL, 0);
INSERT INTO todos VALUES (1, 'l1', '["red", "blue"]'), (2, 'l2', '[]'), (3, 'l9', '["red"]');
INSERT INTO shares VALUES (1, 'l1', 'bert'), (2, 'l2', 'bert'), (3, 'l2', 'carl');
INSERT INTO logs VALUES (1, 1), (1, 2);

SELECT * FROM brigade.explain('{"user_id": "anna"}');
CALL put_in_force($$
config: {edition: 3}
streams:
  own:
    auto_subscribe: true
    query: SELECT * FROM lists WHERE owner = auth.user_id() AND archived = 0
  shared:
    auto_subscribe: true
    priority: 1
    query: >
      SELECT * FROM todos WHERE list IN (SELECT list FROM shares WHERE user_id = auth.user_id())
  tagged:
    query: SELECT * FROM todos WHERE subscription.parameter('tag') IN tags
  admin:
    auto_subscribe: true
    query: SELECT id, day FROM logs WHERE auth.parameter('role') = 'admin'
  several:
    query: SELECT id FROM lists WHERE id IN subscription.parameter('ids')
$$);

-- What a user gets, by which rows, and why nothing else.
SELECT * FROM brigade.explain('{"user_id": "anna"}');
SELECT * FROM brigade.explain('{"user_id": "bert", "token": {"role": "admin"}}');
SELECT * FROM brigade.explain('{"user_id": "carl", "include_defaults": false, "subscriptions": [
  {"stream": "tagged", "parameters": {"tag": "red"}, "override_priority": 0}, {"stream": "tagged"},
  {"stream": "several", "parameters": {"ids": ["l1", "l2"]}},
  {"stream": "several", "parameters": {"ids": "l1"}}, {"stream": "nothing"}]}');
SELECT * FROM brigade.explain('{}');

-- Where a row is.
SELECT * FROM brigade.explain_row('lists', 'l1');
SELECT * FROM brigade.explain_row('lists', 'l3');
SELECT * FROM brigade.explain_row('lists', 'l4');
SELECT * FROM brigade.explain_row('todos', '1');
SELECT * FROM brigade.explain_row('todos', '2'::jsonb);
SELECT * FROM brigade.explain_row('shares', '{"user_id": "bert"}');
SELECT * FROM brigade.explain_row('logs', '{"day": 1, "id": 2}');
SELECT * FROM brigade.explain_row('unread', '1');
INSERT INTO unread VALUES (1);
SELECT * FROM brigade.explain_row('unread', '1');
SELECT * FROM brigade.explain_row('logs', '1');
SELECT * FROM brigade.explain_row('lists', '{}');
SELECT * FROM brigade.explain_row('lists', '{"name": "x"}');

-- What is wrong with a question is said with its place.
\set SHOW_CONTEXT never
SELECT * FROM brigade.explain_row('unread', '[1]'::jsonb);
SELECT * FROM brigade.explain_row('unread', 'one');
SELECT * FROM brigade.explain_row('unread', '{"id": one}');
SELECT * FROM brigade.explain_row('unread', '{"id": "one"}');
SELECT * FROM brigade.explain('[]');
SELECT * FROM brigade.explain('{"user_id": 1}');
SELECT * FROM brigade.explain('{"user_id": "anna", "token": "admin"}');
SELECT * FROM brigade.explain('{"user_id": "anna", "connection_parameters": []}');
SELECT * FROM brigade.explain('{"user_id": "anna", "include_defaults": "no"}');
SELECT * FROM brigade.explain('{"user_id": "anna", "subscriptions": {"stream": "tagged"}}');
SELECT * FROM brigade.explain('{"user_id": "anna", "subscriptions": ["tagged"]}');
SELECT * FROM brigade.explain('{"user_id": "anna", "subscriptions": [{"stream": "tagged"}, {}]}');
SELECT * FROM brigade.explain('{"user_id": "anna", "subscriptions": [
  {"stream": "tagged", "parameters": "red"}]}');
SELECT * FROM brigade.explain('{"user_id": "anna", "subscriptions": [
  {"stream": "tagged", "override_priority": 4}]}');
SELECT * FROM brigade.explain('{"user_id": "anna", "limits": 5}');
SELECT * FROM brigade.explain('{"user_id": "anna", "limits": {"buckets": -1}}');
SELECT brigade.resolve('{"user_id": "anna", "client_id": 5}');
\set VERBOSITY sqlstate
SELECT * FROM brigade.explain('{"user_id": "anna", "limits": {"buckets": 1.5}}');
SELECT * FROM brigade.explain_row('unread', 'one');
\set VERBOSITY default
\set SHOW_CONTEXT errors

-- A change that the worker has not stored, since it is not committed.
BEGIN;
UPDATE lists SET owner = 'carl' WHERE id = 'l1';
SELECT * FROM brigade.explain_row('lists', 'l1');
ROLLBACK;

-- Both show user data: not for everyone.
CREATE ROLE regress_brigade_reader;
GRANT USAGE ON SCHEMA brigade TO regress_brigade_reader;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA brigade TO regress_brigade_reader;
SET ROLE regress_brigade_reader;
SELECT * FROM brigade.explain('{"user_id": "anna"}');
SELECT * FROM brigade.explain_row('lists', 'l1');
RESET ROLE;

-- The worker ends with the extension, and takes its slot along.
\set ECHO none
\i regress/lib/drop_extension.sql
\set ECHO all
SELECT slot_name FROM pg_replication_slots;
DROP PROCEDURE put_in_force;
DROP TABLE lists, todos, shares, logs, unread;
DROP ROLE regress_brigade_reader;
