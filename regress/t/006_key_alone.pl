# What a key alone tells of a row's old state is not remembered, whatever the replica identity.
use strict;
use warnings;

use Brigade;
use Test::More;

my $server = new_server('key_alone');
sub run { return $server->safe_psql('postgres', join('; ', @_)); }

run(<<'SQL');
    CREATE EXTENSION pg_brigade;
    CREATE TABLE countries (id text PRIMARY KEY, name text, long text);
    ALTER TABLE countries ALTER long SET STORAGE EXTERNAL;
    CREATE TABLE parts (id integer, kind text, note text, PRIMARY KEY (kind, id));
    CREATE TABLE shares (list_id text, user_id text, PRIMARY KEY (list_id, user_id));
    CREATE TABLE lists (id text PRIMARY KEY, name text);
    CREATE TABLE moved (id integer PRIMARY KEY, owner text, note text);
    ALTER TABLE moved REPLICA IDENTITY FULL;
    INSERT INTO countries SELECT name, '{"a": 1}', repeat(name, 5000)
      FROM unnest('{a,b,c}'::text[]) name;
    INSERT INTO parts VALUES (1, 'seen', 'x'), (2, 'hidden', 'x');
    INSERT INTO shares VALUES ('l1', 'anna'), ('l2', 'bert');
    INSERT INTO lists VALUES ('l1', 'one'), ('l2', 'two');
    INSERT INTO moved SELECT i, 'anna', '' FROM generate_series(1, 8000) i
SQL
deploy($server, <<'YAML');
config: {edition: 3}
streams:
  countries: {auto_subscribe: true, query: SELECT * FROM countries}
  one: {auto_subscribe: true, query: SELECT * FROM countries AS one WHERE id = auth.user_id()}
  named: {auto_subscribe: true, query: SELECT * FROM countries AS named WHERE name = auth.user_id()}
  parsed: {auto_subscribe: true, query: "SELECT id, name ->> '$.a' AS a FROM countries AS parsed"}
  parts: {auto_subscribe: true, query: SELECT * FROM parts WHERE kind <> 'hidden'}
  shared:
    auto_subscribe: true
    query: SELECT * FROM lists WHERE id IN
      (SELECT list_id FROM shares WHERE user_id = auth.user_id())
  moved: {auto_subscribe: true, query: SELECT * FROM moved WHERE owner = auth.user_id()}
YAML

sub check {
    my ($name) = @_;
    are_stored($server, "$name: $_", $_, 'SELECT * FROM countries') foreach qw(countries one named);
    are_stored($server, "$name: parsed", 'parsed',
        q(SELECT id, (name::jsonb ->> 'a')::integer AS a FROM countries WHERE name LIKE '{%'));
    are_stored($server, "$name: parts", 'parts', q(SELECT * FROM parts WHERE kind <> 'hidden'));
    is(run('SELECT string_agg(value, $$,$$ ORDER BY value) FROM brigade.lookup'),
        run(q(SELECT string_agg('["' || list_id || '"]', ',' ORDER BY list_id) FROM shares)),
        "$name: lookups");
    is(run(q(SELECT count(*) FROM brigade.row_membership WHERE object_type <> 'named')), '0',
        "$name: only what the key does not tell is remembered");
    is(run('SELECT count(*) FROM brigade.row_membership'), run('SELECT count(*) FROM countries'),
        "$name: that is");
    return;
}
sub operation_count { return run('SELECT count(*) FROM brigade.operation'); }

check('copied');
run(q(INSERT INTO countries VALUES ('d', '{"a": 2}', 'short')),
    q(INSERT INTO parts VALUES (3, 'seen', 'new')), q(INSERT INTO shares VALUES ('l1', 'bert')));
check('inserted');
run(q(UPDATE countries SET name = '{"a": 3}'), q(UPDATE parts SET note = 'changed'));
check('updated, with an out-of-line value left alone');
run(q(UPDATE countries SET id = 'a2' WHERE id = 'a'), q(UPDATE parts SET kind = 'old' WHERE id = 1),
    q(UPDATE shares SET user_id = 'carl' WHERE list_id = 'l2'));
check('another key, with an out-of-line value left alone');
run(q(UPDATE parts SET kind = 'hidden' WHERE id = 1),
    q(UPDATE parts SET kind = 'seen' WHERE id = 2));
check('in and out of a filter');

my $before = operation_count();
run(q(UPDATE parts SET note = 'nobody sees it' WHERE id = 1), 'DELETE FROM parts WHERE id = 1');
wait_until_stored($server);
is(operation_count(), $before, 'what happens to a row that is nowhere makes no operation');

run(q(UPDATE countries SET name = 'no JSON' WHERE id = 'd'));
check('refused by one query');
is(run(q(SELECT count(*) FROM brigade.errors WHERE row_key = '["d"]')), '1', 'and told');
run(q(UPDATE countries SET name = '{"a": 4}' WHERE id = 'd'));
check('accepted again');
run(q(UPDATE countries SET name = 'no JSON' WHERE id = 'd'),
    q(DELETE FROM countries WHERE id = 'd'), q(DELETE FROM shares WHERE user_id = 'bert'),
    q(DELETE FROM parts WHERE id = 2));
check('deleted, one of them while refused');

# Under another identity the columns of the key are others.
run('CREATE UNIQUE INDEX parts_id ON parts (id)', 'ALTER TABLE parts ALTER id SET NOT NULL',
    'ALTER TABLE parts REPLICA IDENTITY USING INDEX parts_id');
wait_until_copied($server);
is(run(q(SELECT count(*) FROM brigade.row_membership WHERE object_type = 'parts')),
    run(q(SELECT count(*) FROM parts WHERE kind <> 'hidden')),
    'a key without the filter: remembered');
run(q(UPDATE parts SET kind = 'hidden' WHERE id = 3), q(INSERT INTO parts VALUES (4, 'seen', '')));
are_stored($server, 'and followed', 'parts', q(SELECT * FROM parts WHERE kind <> 'hidden'));
run('ALTER TABLE parts REPLICA IDENTITY DEFAULT');
wait_until_copied($server);
is(run(q(SELECT count(*) FROM brigade.row_membership WHERE object_type = 'parts')), '0',
    'a key with the filter: forgotten');

run('TRUNCATE countries, parts');
check('truncated');

# While a table is copied again, its rows are where they were before, whatever old rows say.
sub change_while_copied {
    my ($name, $copy, $changes) = @_;
    # What is held is gathered, the copy begins, and then nearly stops.
    restart_with($server, 'pg_brigade.copy_rate = 2000');
    run($copy);
    $server->poll_query_until('postgres', 'SELECT max(rows) > 0 FROM brigade.progress') or die;
    reload_with($server, 'pg_brigade.copy_rate = 10');
    run($changes);
    wait_until_stored($server);
    isnt(run('SELECT count(*) FROM brigade.progress'), '0', "$name: it is still being copied");
    reload_with($server, 'pg_brigade.copy_rate = 0');
    are_stored($server, $name, 'moved', 'SELECT * FROM moved');
    return;
}
change_while_copied('rows that change before they are copied',
    'ALTER TABLE moved ALTER owner TYPE text USING upper(owner)',
    q(UPDATE moved SET note = 'before it is copied' WHERE id = 8000));
change_while_copied('rows that come in place of others', <<'SQL', <<'SQL');
    BEGIN;
    CREATE TABLE others (LIKE moved INCLUDING ALL);
    INSERT INTO others SELECT * FROM moved WHERE id < 7999;
    DROP TABLE moved;
    ALTER TABLE others RENAME TO moved;
    COMMIT
SQL
    INSERT INTO moved VALUES (8000, 'bert', '');
    UPDATE moved SET id = 7999, owner = 'bert' WHERE id = 7998
SQL

done_testing();
