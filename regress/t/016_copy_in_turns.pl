# What buckets hold of a table that is copied again is gathered in turns beside the stream, and what
# the copy does not find is removed in turns.
use strict;
use warnings;

use Brigade;
use Test::More;

my $rows = 60_000;
my $server = new_server('copy_in_turns', 'pg_brigade.compaction_delay = 0',
    'pg_brigade.compaction_change_ratio = 0.01');
sub run { return $server->safe_psql('postgres', join '; ', @_); }
run('CREATE EXTENSION pg_brigade',
    'CREATE SEQUENCE codes START 10000000',
    "CREATE TABLE items (id integer PRIMARY KEY, owner text, v integer,
       code integer NOT NULL DEFAULT nextval('codes'))",
    "INSERT INTO items SELECT i, 'u' || i % 4, 0 FROM generate_series(1, $rows) i",
    'CREATE TABLE facts (id integer PRIMARY KEY, owner text, v integer)',
    'ALTER TABLE facts REPLICA IDENTITY FULL',
    "INSERT INTO facts SELECT i, 'u' || i % 3, 0 FROM generate_series(1, 20000) i",
    'CREATE TABLE members (id integer PRIMARY KEY, account text, team integer)',
    "INSERT INTO members SELECT i, 'u' || i % 50, i FROM generate_series(1, 20000) i",
    'CREATE TABLE small (id integer PRIMARY KEY, owner text)',
    "INSERT INTO small VALUES (1, 'anna')");
deploy($server, <<'YAML');
config: {edition: 3}
streams:
  items: {auto_subscribe: true, query: SELECT * FROM items WHERE owner = auth.user_id()}
  facts: {auto_subscribe: true, query: SELECT * FROM facts WHERE owner = auth.user_id()}
  teams: {auto_subscribe: true, query: SELECT * FROM small WHERE owner IN
    (SELECT team FROM members WHERE account = auth.user_id())}
  small: {auto_subscribe: true, query: SELECT * FROM small WHERE owner = auth.user_id()}
YAML
wait_until_copied($server);

# A part, or a chunk, and then a pause that is over when the rate is another.
sub slowly { return restart_with($server, 'pg_brigade.copy_rate = 10'); }
sub at_rate { return reload_with($server, "pg_brigade.copy_rate = $_[0]"); }
sub at_full_speed { return at_rate(0); }
sub phase { return run('SELECT phase FROM brigade.progress ORDER BY id LIMIT 1'); }
sub wait_for_phase {
    my ($phase) = @_;
    $server->poll_query_until('postgres',
        "SELECT phase = '$phase' FROM brigade.progress ORDER BY id LIMIT 1")
      or die "it never comes to $phase";
    return;
}
sub lookups_are_right {
    my ($name) = @_;
    wait_until_copied($server);
    is(run(<<'SQL'), '', $name);
        (SELECT account, team FROM members EXCEPT ALL
         SELECT key::jsonb ->> 0, (value::jsonb ->> 0)::integer FROM brigade.lookup)
        UNION ALL
        (SELECT key::jsonb ->> 0, (value::jsonb ->> 0)::integer FROM brigade.lookup EXCEPT ALL
         SELECT account, team FROM members)
SQL
    return;
}
sub all_is_right {
    my ($name) = @_;
    are_stored($server, "$name: $_", $_, "SELECT * FROM $_") foreach qw(items facts);
    are_stored($server, "$name: small", 'small', 'SELECT * FROM small');
    lookups_are_right("$name: lookups");
    is(run('SELECT count(*) FROM brigade.held_row'), '0', "$name: nothing is left behind");
    is(run(<<'SQL'), '0', "$name: what is remembered is so");
        SELECT count(*) FROM (
          SELECT owner, count(*) FROM items GROUP BY owner EXCEPT ALL
          SELECT b.parameters::jsonb ->> 0, count(*) FROM brigade.row_membership m
          JOIN brigade.bucket b ON m.buckets = ARRAY[b.id] WHERE m.object_type = 'items'
          GROUP BY 1) wrong
SQL
    return;
}

# A transaction of everything that can happen to rows, to those whose id is `$number` modulo 997.
sub change {
    my ($number) = @_;
    foreach my $table (qw(items facts)) {
        run('BEGIN', "UPDATE $table SET v = v + 1 WHERE id % 997 = $number",
            "UPDATE $table SET owner = 'u' || (id + 1) % 5 WHERE id % 1994 = $number",
            "DELETE FROM $table WHERE id % 3988 = $number",
            "UPDATE $table SET id = -id WHERE id % 2991 = $number AND id > 0",
            "INSERT INTO $table VALUES (1000000 + $number, 'u1', $number)", 'COMMIT');
    }
    run("UPDATE members SET team = team + 1 WHERE id % 997 = $number",
        "DELETE FROM members WHERE id % 2991 = $number",
        "INSERT INTO members VALUES (1000000 + $number, 'u1', $number)",
        "UPDATE members SET id = -id WHERE id % 1994 = $number AND id > 0");
    return;
}
my $changes = 0;
sub change_some { change(++$changes) foreach 1 .. 5; return; }

# ---- nothing has changed
my $before = op_id($server);
slowly();
is(run('SELECT brigade.reconcile()'), '4', 'four tables to compare');
wait_for_phase('gathering');
is(run("SELECT started FROM brigade.progress ORDER BY id LIMIT 1"), 'f',
    'what is held is gathered before the copy starts');
cmp_ok(run('SELECT count(*) FROM brigade.held_row'), '<', 20000, 'a part at a time');
at_full_speed();
wait_until_copied($server);
is(op_id($server), $before, 'and no operation is appended');
all_is_right('unchanged tables compared');

# ---- other tables do not wait, nor does the table itself
slowly();
run("SELECT brigade.reconcile('items')");
wait_for_phase('gathering');
run("INSERT INTO small VALUES (2, 'anna')", "INSERT INTO items VALUES (0, 'u0', 0)");
wait_until_stored($server);
is(run("SELECT count(*) FROM brigade.operation WHERE object_type = 'small' AND object_id = '2'"),
    '1', 'a row of another table is stored');
is(run("SELECT count(*) FROM brigade.operation WHERE object_type = 'items' AND object_id = '0'"),
    '1', 'and one of the table');
is(phase(), 'gathering', '… while it is being gathered');

# ---- changes, compaction and a crash while it is being gathered
change_some();
wait_until_stored($server);
run('SELECT brigade.compact()');
change_some();
run('SELECT brigade.compact()');
is(phase(), 'gathering', 'it is still being gathered');
my $place = run(q(SELECT format('(%s, %s)', bucket, bucket_op) FROM brigade.table_copy));
kill_worker($server);
$server->poll_query_until('postgres', 'SELECT true') or die;
run('SELECT brigade.start()');
wait_until_stored($server);
is(phase(), 'gathering', 'after a crash it goes on');
is(run("SELECT (bucket, bucket_op) >= $place FROM brigade.table_copy"), 't', 'where it was');
change_some();
at_full_speed();
all_is_right('changes, compaction and a crash while it was gathered');

# ---- all of it at once, with everything else going on
my $writer = $server->background_psql('postgres');
$writer->query_until(qr/started/, <<'SQL');
\echo started
DO $$
DECLARE
  a integer; b integer;
BEGIN
  FOR i IN 1 .. 1500 LOOP
    a := random() * 60000; b := random() * 60000;
    UPDATE items SET v = v + 1, owner = 'u' || i % 6 WHERE id = a;
    UPDATE items SET id = id + 2000000 WHERE id = b;
    DELETE FROM items WHERE id = a + 1;
    INSERT INTO items VALUES (4000000 + i, 'u2', i);
    UPDATE facts SET owner = 'u' || i % 4, v = i WHERE id = a / 3;
    DELETE FROM facts WHERE id = b / 3;
    UPDATE members SET team = team + 1 WHERE id = a / 3;
    DELETE FROM members WHERE id = b / 3;
    COMMIT;
  END LOOP;
END $$;
SQL
my $compactor = $server->background_psql('postgres');
$compactor->query_until(qr/started/, <<'SQL');
\echo started
SELECT brigade.compact(defragment => true);
SELECT brigade.compact(defragment => true);
SELECT brigade.compact(defragment => true);
SQL
run('SELECT brigade.reconcile()');
wait_until_copied($server);
run('ALTER TABLE items ALTER v TYPE bigint', 'ALTER TABLE facts ALTER v TYPE bigint');
wait_until_copied($server);
run('ALTER TABLE members ALTER account TYPE text USING upper(account)');
$writer->quit;
$compactor->quit;
all_is_right('copies beside writers and compaction');

# ---- another key: every row that is held goes, in turns
slowly();
run('ALTER TABLE items DROP CONSTRAINT items_pkey',
    'ALTER TABLE items ADD PRIMARY KEY (code)');
wait_for_phase('gathering');
change_some();
run('UPDATE items SET code = -code WHERE code % 100 = 7');
wait_until_stored($server);
is(phase(), 'gathering', 'a key that changed: the table is gathered');
at_rate(30_000);
wait_for_phase('removing');
at_rate(10);
change_some();
wait_until_stored($server);
is(phase(), 'removing', 'what the table does not have any more is removed in turns');
kill_worker($server);
$server->poll_query_until('postgres', 'SELECT true') or die;
run('SELECT brigade.start()');
wait_until_stored($server);
is(phase(), 'removing', 'after a crash as well');
run("DELETE FROM items WHERE id % 1000 = 5", "INSERT INTO items VALUES (5, 'u5', 5)");
at_full_speed();
all_is_right('another key');

# ---- a table that is rewritten, truncated, dropped while it is gathered
slowly();
run("SELECT brigade.reconcile('items')");
wait_for_phase('gathering');
run("ALTER TABLE items ALTER owner TYPE text USING owner || 'x'");
change_some();
at_full_speed();
all_is_right('a table rewritten while it is gathered');
slowly();
run("SELECT brigade.reconcile('items')");
wait_for_phase('gathering');
at_rate(30_000);
wait_for_phase('copying');
at_rate(10);
run("ALTER TABLE items ALTER owner TYPE text USING replace(owner, 'x', 'y')");
change_some();
at_full_speed();
all_is_right('rewritten while it is copied');
slowly();
run("SELECT brigade.reconcile('facts')", "SELECT brigade.reconcile('facts')");
wait_for_phase('gathering');
run('TRUNCATE facts', "INSERT INTO facts VALUES (1, 'u1', 1), (2, 'u2', 2)");
wait_until_stored($server);
at_full_speed();
all_is_right('truncated, with another copy waiting');
slowly();
run("SELECT brigade.reconcile('items')");
wait_for_phase('gathering');
run('BEGIN', 'CREATE TABLE next_items (LIKE items INCLUDING ALL)',
    'INSERT INTO next_items SELECT * FROM items WHERE v < 2', 'DROP TABLE items',
    'ALTER TABLE next_items RENAME TO items', 'COMMIT');
wait_until_stored($server);
at_full_speed();
all_is_right('another table in its place');

is(run('SELECT count(*) FROM brigade.errors'), '0', 'no row failed');
done_testing();
