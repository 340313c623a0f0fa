# Every statement that changes rows, in every form of transaction, is stored whole and in order.
use strict;
use warnings;

use Brigade;
use PostgreSQL::Test::Utils;
use Test::More;

# Small limits: what is large in production is large here with some thousands of rows.
my $server = new_server('transactions', 'max_prepared_transactions = 5',
    'logical_decoding_work_mem = 64kB',
    'temp_file_limit = 0', 'work_mem = 256MB');
$server->safe_psql('postgres', <<'SQL');
    CREATE EXTENSION pg_brigade;
    CREATE TABLE parents (id integer PRIMARY KEY, owner text);
    CREATE TABLE children (id integer PRIMARY KEY,
      parent integer REFERENCES parents ON DELETE CASCADE, body text);
    CREATE TABLE tagged (id integer PRIMARY KEY, tags text[], shared boolean DEFAULT true);
SQL
deploy($server, <<'YAML');
config: {edition: 3}
streams:
  parents:
    auto_subscribe: true
    query: SELECT * FROM parents WHERE owner = auth.user_id()
  children:
    auto_subscribe: true
    query: |
      SELECT * FROM children
      WHERE parent IN (SELECT id FROM parents WHERE owner = auth.user_id())
  tagged:
    query: SELECT * FROM tagged WHERE shared AND subscription.parameter('tag') IN tags
YAML

sub run {
    my ($statements) = @_;
    return $server->safe_psql('postgres', $statements);
}

sub check {
    my ($name) = @_;
    are_stored($server, "$name: parents", 'parents', 'SELECT * FROM parents');
    are_stored($server, "$name: children", 'children', 'SELECT * FROM children');
    # A row is in a bucket for each of its tags, where it is sent with the same columns.
    are_stored($server, "$name: arrays", 'tagged', <<'SQL');
        SELECT jsonb_build_object('id', id, 'tags', to_json(tags)::text, 'shared', shared::integer)
          AS row FROM tagged, LATERAL (SELECT DISTINCT unnest(tags)) AS tag WHERE shared
SQL
    return;
}

run(<<'SQL');
    INSERT INTO parents SELECT i, 'u' || i % 3 FROM generate_series(1, 9) i;
    INSERT INTO children SELECT i, 1 + i % 9, 'body' FROM generate_series(1, 90) i;
    INSERT INTO tagged VALUES (1, '{a}'), (2, '{a,b}'), (3, '{}'), (4, NULL), (5, '{c,c}');
SQL
check('INSERT');

run("COPY parents FROM PROGRAM 'printf \"100,u1\\n101,u2\\n\"' (FORMAT csv)");
check('COPY');

run(<<'SQL');
    INSERT INTO parents VALUES (1, 'u9'), (200, 'u1')
      ON CONFLICT (id) DO UPDATE SET owner = excluded.owner;
    INSERT INTO parents VALUES (1, 'nobody') ON CONFLICT DO NOTHING;
SQL
check('ON CONFLICT');

run($server->pg_version >= 15 ? <<'SQL' : 'DELETE FROM parents WHERE id = 3');
    MERGE INTO parents p USING (VALUES (2, 'u7'), (3, NULL), (300, 'u2')) AS v (id, owner)
      ON p.id = v.id
      WHEN MATCHED AND v.owner IS NULL THEN DELETE
      WHEN MATCHED THEN UPDATE SET owner = v.owner
      WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.owner);
SQL
check('MERGE, and a delete that cascades');

run(<<'SQL');
    UPDATE tagged SET tags = '{b,d}' WHERE id = 2;
    UPDATE tagged SET shared = false WHERE id = 1;
    UPDATE tagged SET tags = '{x,y}' WHERE id IN (3, 4);
SQL
check('rows enter and leave several buckets');
run('UPDATE tagged SET shared = NOT shared, tags = tags || ARRAY[id::text]');
check('and again');

# Parameters and lookup keys may be longer than an entry of a B-tree, 2,704 bytes.
run(<<'SQL');
    WITH long AS (SELECT string_agg(md5(i::text), '') AS text FROM generate_series(1, 300) i)
    INSERT INTO tagged SELECT 900, ARRAY[text, text || '2'] FROM long;
    UPDATE parents SET owner = (SELECT tags[1] FROM tagged WHERE id = 900) WHERE id = 5;
SQL
check('long parameters');
run('UPDATE tagged SET tags = tags[2:2] WHERE id = 900; UPDATE parents SET owner = owner || 1');
check('… that change');

run(<<'SQL');
    BEGIN;
    INSERT INTO parents VALUES (400, 'u1');
    SAVEPOINT a; INSERT INTO parents VALUES (401, 'u1');
    SAVEPOINT b; UPDATE parents SET owner = 'never' WHERE id = 400; ROLLBACK TO b;
    RELEASE a;
    SAVEPOINT c; DELETE FROM parents; ROLLBACK TO c;
    UPDATE parents SET owner = 'u2' WHERE id = 401;
    COMMIT;
SQL
check('subtransactions');

my $before = op_id($server);
run("BEGIN; INSERT INTO parents VALUES (500, 'u1'); PREPARE TRANSACTION 'kept'");
run("BEGIN; INSERT INTO parents VALUES (501, 'u1'); PREPARE TRANSACTION 'dropped'");
wait_until_stored($server);
is(op_id($server), $before, 'a prepared transaction is not stored');
run("ROLLBACK PREPARED 'dropped'");
$server->restart;
run('SELECT brigade.start()');
run("COMMIT PREPARED 'kept'");
check('prepared transactions, over a restart');

# More than is held in memory by the server's decoding, and by us.
run(<<'SQL');
    INSERT INTO children
    SELECT i, 1, repeat(md5(i::text), 8) FROM generate_series(1000, 40000) i
SQL
check('a transaction of 10 MB');
run(<<'SQL');
    BEGIN;
    UPDATE children SET body = repeat('x', 300) WHERE id > 1000;
    SAVEPOINT a; DELETE FROM children WHERE id > 2000; ROLLBACK TO a;
    DELETE FROM children WHERE id > 30000;
    COMMIT;
SQL
check('another, partly rolled back');
is(run('SELECT count(*) FROM pg_ls_tmpdir()'), '0', 'temporary files are gone');

run('TRUNCATE parents CASCADE');
check('TRUNCATE CASCADE');
run("INSERT INTO parents VALUES (1, 'u1'); INSERT INTO children VALUES (1, 1, 'new')");
run("BEGIN; TRUNCATE tagged, children; INSERT INTO children VALUES (2, 1, 'after'); COMMIT");
check('TRUNCATE of several tables, and an insert in the same transaction');
run("BEGIN; TRUNCATE tagged, children; ROLLBACK");
check('TRUNCATE rolled back');

unlike(slurp_file($server->logfile), qr/copied [1-9]\d* rows/, 'no table was copied for that');

# The values of an operation are as of its place in the order of commits.
run("INSERT INTO parents VALUES (600, 'order')");
run("UPDATE parents SET owner = 'order' WHERE id = 1");
run(<<'SQL');
    BEGIN;
    UPDATE parents SET owner = 'x' WHERE id = 600;
    UPDATE parents SET owner = 'order' WHERE id = 600;
    COMMIT
SQL
run("DELETE FROM parents WHERE id = 1");
wait_until_stored($server);
is(run(<<'SQL'), 'P600 P1 R600 P600 R1', 'one operation for a bucket and change, in order');
    SELECT string_agg(op::text || object_id, ' ' ORDER BY op_id) FROM brigade.operation
    WHERE bucket = (SELECT DISTINCT bucket FROM brigade.operation
                    WHERE data::jsonb ->> 'owner' = 'order')
SQL
is(run('SELECT count(*) FROM brigade.errors'), '0', 'no row failed');
done_testing();
