# Tables change while they are followed: what clients get converges to what the tables show, and
# nothing is sent again that did not change.
use strict;
use warnings;

use Brigade;
use Test::More;

my $server = new_server('ddl');
sub run { return $server->safe_psql('postgres', join ';', @_); }

run('CREATE EXTENSION pg_brigade', 'CREATE SCHEMA aside',
    "CREATE TYPE mood AS ENUM ('sad', 'glad')",
    'CREATE TABLE items (id text PRIMARY KEY, n integer, owner text)',
    "INSERT INTO items SELECT i::text, i, 'anna' FROM generate_series(1, 5000) i",
    'CREATE TABLE moods (id text PRIMARY KEY, m mood)',
    "INSERT INTO moods VALUES ('1', 'sad'), ('2', 'glad')",
    'CREATE TABLE many_a (id text PRIMARY KEY, v text)',
    "INSERT INTO many_a VALUES ('a1', 'x')",
    'CREATE TABLE parts (id text, region text, v text, PRIMARY KEY (id, region))
       PARTITION BY LIST (region)',
    "CREATE TABLE parts_north PARTITION OF parts FOR VALUES IN ('north')",
    "INSERT INTO parts VALUES ('p1', 'north', 'x')",
    'CREATE TABLE memberships (id text PRIMARY KEY, user_id text, team text)',
    "INSERT INTO memberships VALUES ('m1', 'anna', 'red')",
    'CREATE TABLE docs (id text PRIMARY KEY, team text)',
    "INSERT INTO docs VALUES ('d1', 'red'), ('d2', 'blue')");
deploy($server, <<'YAML');
config: {edition: 3}
streams:
  items: {auto_subscribe: true, query: SELECT * FROM items WHERE owner = auth.user_id()}
  moods: {auto_subscribe: true, query: SELECT * FROM moods}
  many: {auto_subscribe: true, query: SELECT * FROM "many_%" AS many}
  parts: {auto_subscribe: true, query: SELECT * FROM parts}
  north: {auto_subscribe: true, query: SELECT * FROM parts_north AS north}
  docs:
    auto_subscribe: true
    query: SELECT * FROM docs WHERE team IN
      (SELECT team FROM memberships WHERE user_id = auth.user_id())
YAML

sub items { my ($name) = @_; return are_stored($server, $name, 'items', 'SELECT * FROM items'); }
sub sends {
    my ($from, $count, $name) = @_;
    wait_until_copied($server);
    return is(op_id($server) - $from, $count, $name);
}
my $before;

items('before any DDL');
are_stored($server, 'a partitioned table, by its root', 'parts', 'SELECT * FROM parts');

# ---- columns
$before = op_id($server);
run('ALTER TABLE items ADD COLUMN note text');
sends($before, 0, 'a new column without values sends nothing');
run("UPDATE items SET note = 'x'");
items('a new column');

$before = op_id($server);
run("ALTER TABLE items ADD COLUMN kind text DEFAULT 'plain'");
items('a new column with a constant default');
sends($before, 5000, '… sends each row once');
run("ALTER TABLE items ADD COLUMN number double precision DEFAULT random()");
items('a new column with a volatile default');
run("ALTER TABLE items ADD COLUMN double integer GENERATED ALWAYS AS (n * 2) STORED");
items('a generated column');
run('ALTER TABLE items DROP COLUMN number');
items('a dropped column');
run('ALTER TABLE items RENAME COLUMN note TO remark');
items('a renamed column');
run('ALTER TABLE items DROP COLUMN double', 'ALTER TABLE items ALTER n TYPE text');
items('another type, with a rewrite');
run('ALTER TABLE items ALTER kind TYPE text USING upper(kind)');
items('a rewrite under the same type');

# ---- rewrites that change nothing
$before = op_id($server);
run('VACUUM FULL items');
run('CLUSTER items USING items_pkey');
sends($before, 0, 'VACUUM FULL and CLUSTER send nothing');

# ---- enums
run("ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'");
run("UPDATE moods SET m = m");
are_stored($server, 'a renamed enum label', 'moods', 'SELECT * FROM moods');
$before = op_id($server);
run("ALTER TYPE mood ADD VALUE 'mad'");
sends($before, 0, 'a new enum label sends nothing');

# ---- replica identity, and keys
run('ALTER TABLE items REPLICA IDENTITY FULL');
run("UPDATE items SET owner = 'bert' WHERE id = '7'");
items('replica identity FULL');
run('ALTER TABLE items REPLICA IDENTITY DEFAULT');
run("UPDATE items SET owner = 'anna' WHERE id = '7'", "DELETE FROM items WHERE id = '8'");
items('and DEFAULT again');
run('ALTER TABLE items DROP CONSTRAINT items_pkey', 'ALTER TABLE items ADD PRIMARY KEY (id, kind)');
run("UPDATE items SET kind = 'q' WHERE id = '9'", "DELETE FROM items WHERE id = '10'");
items('another primary key');

# ---- tables
run('ALTER TABLE items RENAME TO things');
are_stored($server, 'a renamed table is gone', 'items', 'SELECT 1 WHERE false');
run("INSERT INTO things (id, kind, owner) VALUES ('new', 'k', 'anna')",
    'ALTER TABLE things RENAME TO items');
items('and back, with what was written meanwhile');
run('ALTER TABLE items SET SCHEMA aside');
are_stored($server, 'a table in another schema is gone', 'items', 'SELECT 1 WHERE false');
run('ALTER TABLE aside.items SET SCHEMA public');
items('and back');
run('CREATE TABLE many_b (id text PRIMARY KEY, v text)', "INSERT INTO many_b VALUES ('b1', 'y')");
run('CREATE TABLE other (id text PRIMARY KEY, v text)', "INSERT INTO other VALUES ('o', 'z')",
    'ALTER TABLE other RENAME TO many_c');
are_stored($server, 'tables a wildcard matches later', 'many',
    'SELECT * FROM many_a UNION ALL SELECT * FROM many_b UNION ALL SELECT * FROM many_c');
run('DROP TABLE many_b');
are_stored($server, 'a dropped table', 'many',
    'SELECT * FROM many_a UNION ALL SELECT * FROM many_c');
run('DROP TABLE many_c', 'CREATE TABLE many_c (id text PRIMARY KEY, v text)',
    "INSERT INTO many_c VALUES ('o', 'again')");
are_stored($server, 'a table dropped and made again', 'many',
    'SELECT * FROM many_a UNION ALL SELECT * FROM many_c');
run('BEGIN', 'DROP TABLE items', 'CREATE TABLE items (id text PRIMARY KEY, owner text)',
    "INSERT INTO items SELECT i::text, CASE WHEN i % 2 = 0 THEN 'anna' ELSE 'bert' END
       FROM generate_series(1, 400) i", "UPDATE items SET owner = 'carl' WHERE id < '2'", 'COMMIT');
items('in one transaction, with keys it had before and other owners');
$before = op_id($server);
run('BEGIN', 'CREATE TABLE next_items (LIKE items INCLUDING ALL)',
    'INSERT INTO next_items SELECT * FROM items',
    "UPDATE next_items SET owner = 'dora' WHERE id = '300'", 'DROP TABLE items',
    'ALTER TABLE next_items RENAME TO items', 'COMMIT');
wait_until_stored($server);
sends($before, 2, 'a table that takes the place of another sends what differs');
items('a table that took the place of another');

# ---- partitions
run("CREATE TABLE parts_south (v text, id text NOT NULL, region text NOT NULL)",
    "INSERT INTO parts_south VALUES ('y', 'p2', 'south')",
    "ALTER TABLE parts ATTACH PARTITION parts_south FOR VALUES IN ('south')");
are_stored($server, 'an attached partition', 'parts', 'SELECT * FROM parts');
run("UPDATE parts SET region = 'south' WHERE id = 'p1'",
    "INSERT INTO parts VALUES ('p3', 'north')");
are_stored($server, 'a row that moved between partitions', 'parts', 'SELECT * FROM parts');
run('TRUNCATE parts_north');
are_stored($server, 'one partition truncated', 'parts', 'SELECT * FROM parts');
$before = op_id($server);
run('BEGIN', 'ALTER TABLE parts DETACH PARTITION parts_south',
    'CREATE TABLE next_part (LIKE parts_south INCLUDING ALL)',
    'INSERT INTO next_part SELECT * FROM parts_south', 'DROP TABLE parts_south',
    'ALTER TABLE next_part RENAME TO parts_south',
    "ALTER TABLE parts ATTACH PARTITION parts_south FOR VALUES IN ('south')", 'COMMIT');
wait_until_stored($server);
sends($before, 0, 'a partition with the rows of the one before sends nothing');
run('ALTER TABLE parts DETACH PARTITION parts_south');
are_stored($server, 'a detached partition', 'parts', 'SELECT * FROM parts');

# What is kept of a table besides its operations goes when nothing reads the table any more.
sub kept_values { return run('SELECT count(*) FROM brigade.out_of_line_value'); }
run('ALTER TABLE parts_north ALTER v SET STORAGE EXTERNAL',
    "INSERT INTO parts_north VALUES ('p4', 'north', repeat('x', 5000))");
wait_until_stored($server);
# The worker is kept at its look at the catalog: so it sees DDL before it has decoded the INSERT.
my $locker = $server->background_psql('postgres');
$locker->query_safe('BEGIN; LOCK TABLE brigade.followed_table');
run('ALTER TABLE moods ADD COLUMN later text');
$server->poll_query_until('postgres', 'SELECT count(*) = 1 FROM pg_locks WHERE NOT granted') or die;
run("INSERT INTO parts_north VALUES ('p5', 'north')",
    'ALTER TABLE parts DETACH PARTITION parts_north');
$locker->query_safe('COMMIT');
$locker->quit;
are_stored($server, 'a partition detached, with a stream of its own', 'parts',
    'SELECT * FROM parts');
run("UPDATE parts_north SET region = 'far north'");
are_stored($server, '… keeps its out-of-line values', 'north', 'SELECT * FROM parts_north');
is(kept_values(), 1, '… as long as somebody reads them');
run('DROP TABLE parts_north');
are_stored($server, '… until it is dropped', 'north', "SELECT '' AS row WHERE false");
is(kept_values(), 0, '… and nothing of it is left');

# ---- lookups
sub team_of_anna {
    return $server->safe_psql('postgres', <<'SQL');
        SELECT string_agg(value ->> 1, ',') FROM json_array_elements(brigade.resolve(
          '{"user_id": "anna", "client_id": null, "token": {"sub": "anna"},
            "connection_parameters": {}, "include_defaults": true, "subscriptions": []}')
          -> 'buckets') WHERE value ->> 1 ~ 'docs'
SQL
}
like(team_of_anna(), qr/red/, 'a lookup before DDL');
run("ALTER TABLE memberships ALTER team TYPE text USING 'blue'");
wait_until_copied($server);
like(team_of_anna(), qr/blue/, 'a lookup follows a rewritten table');
unlike(team_of_anna(), qr/red/, '… and forgets what it said before');
run('ALTER TABLE memberships RENAME TO aside_memberships');
wait_until_copied($server);
unlike(team_of_anna() // '', qr/blue/, 'a lookup of a table that is gone has no entries');

is(run('SELECT count(*) FROM brigade.errors'), '0', 'no row failed');
done_testing();
