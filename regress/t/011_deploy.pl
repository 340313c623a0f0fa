# Deploying a changed config beside the live stream: what did not change is not sent again, what is
# new equals the tables at every checkpoint, and the way back is instant.
use strict;
use warnings;

use Brigade;
use Test::More;

# The check for deadlocks would wake a worker that has missed something.
my $server = new_server('deploy', "deadlock_timeout = 1h\nshared_buffers = 64MB");
sub run { return $server->safe_psql('postgres', join ';', @_); }
run('CREATE EXTENSION pg_brigade',
    'CREATE TABLE small (id text PRIMARY KEY, owner text)',
    "INSERT INTO small VALUES ('s1', 'anna')",
    'CREATE TABLE large (id integer PRIMARY KEY, owner text, v integer)',
    "INSERT INTO large SELECT i, 'anna', 0 FROM generate_series(1, 24000) i",
    'CREATE TABLE facts (id integer PRIMARY KEY, owner text, v integer)',
    'ALTER TABLE facts REPLICA IDENTITY FULL',
    "INSERT INTO facts SELECT i, 'anna', 0 FROM generate_series(1, 12000) i",
    'CREATE TABLE members (id integer PRIMARY KEY, user_id text, team integer)',
    'ALTER TABLE members REPLICA IDENTITY FULL',
    "INSERT INTO members SELECT i, 'u' || i % 100, i FROM generate_series(1, 8000) i");

sub stream {
    my ($name, $query) = @_;
    return "  $name: {auto_subscribe: true, query: \"$query\"}\n";
}
sub own { return stream($_[0], "SELECT * FROM $_[0] WHERE owner = auth.user_id()"); }
my $head = "config: {edition: 3}\nstreams:\n" . own('small');
my $large = own('large') . own('facts') . stream('teams', 'SELECT * FROM small WHERE owner IN '
    . '(SELECT team FROM members WHERE user_id = auth.user_id())');

sub small_operations {
    return run("SELECT count(*) FROM brigade.operation WHERE object_type = 'small'");
}
sub state_of { return run("SELECT state FROM brigade.sync_config ORDER BY id DESC LIMIT 1"); }

# A client may ask before the worker has a slot, so that the stream never tells of it.
run('BEGIN', "SELECT brigade.create_write_checkpoint('early', 'c')",
    "SELECT brigade.deploy(\$\$$head\$\$)", 'COMMIT');
deploy($server, $head);
is(run("SELECT request_id FROM brigade.acknowledged_write_checkpoint WHERE user_id = 'early'"),
    '1', 'a write checkpoint asked for before the first deploy is acknowledged');
my $operations = small_operations();

# ---- writes to the very tables while they are copied
my $writer = $server->background_psql('postgres');
$writer->query_until(qr/started/, <<'SQL');
\echo started
DO $$
DECLARE
  a integer; b integer; c integer;
BEGIN
  FOR i IN 1 .. 800 LOOP
    a := random() * 24000; b := random() * 24000; c := random() * 24000;
    UPDATE large SET v = v + 1, owner = CASE WHEN i % 2 = 0 THEN 'bert' ELSE owner END
      WHERE id = a;
    UPDATE large SET id = id + 100000 WHERE id = b;
    DELETE FROM large WHERE id = c;
    INSERT INTO large VALUES (200000 + i, 'carl', i);
    UPDATE facts SET v = v + 1, owner = CASE WHEN i % 3 = 0 THEN 'bert' ELSE owner END
      WHERE id = a / 2;
    DELETE FROM facts WHERE id = b / 2;
    UPDATE members SET user_id = user_id WHERE id = a / 3;
    UPDATE members SET team = team + 1 WHERE id = b / 3;
    COMMIT;
  END LOOP;
END $$;
SQL
deploy($server, $head . $large);
$writer->quit;
are_stored($server, 'a table copied while it is written to', 'large', 'SELECT * FROM large');
are_stored($server, 'with its old rows in the WAL', 'facts', 'SELECT * FROM facts');
is(run(<<'SQL'), '', 'a lookup filled while its table is written to');
    (SELECT DISTINCT user_id, team FROM members EXCEPT
     SELECT key::jsonb ->> 0, (value::jsonb ->> 0)::integer FROM brigade.lookup)
    UNION ALL
    (SELECT key::jsonb ->> 0, (value::jsonb ->> 0)::integer FROM brigade.lookup EXCEPT
     SELECT DISTINCT user_id, team FROM members)
SQL
is(small_operations(), $operations, 'an unchanged stream got not one operation');

# ---- more rows written at once than the copy takes note of
run('CREATE TABLE many (id integer PRIMARY KEY, owner text, v integer)',
    "INSERT INTO many SELECT i, 'anna', 0 FROM generate_series(1, 110000) i");
run("SELECT brigade.deploy(\$\$" . $head . $large . own('many') . "\$\$)");
$server->poll_query_until('postgres', 'SELECT max(rows) > 0 FROM brigade.progress') or die;
run("UPDATE many SET v = 1, owner = 'u' || id % 2");
wait_until_copied($server);
are_stored($server, 'a table written to as a whole while it is copied', 'many',
    'SELECT * FROM many');
ok($server->poll_query_until('postgres', 'SELECT spill_txns > 0 FROM pg_stat_replication_slots'),
    'a transaction of 20 MB is not queued in memory');
deploy($server, $head . $large);

# ---- values stored out of line, of rows that change before they are copied
run('CREATE TABLE docs (id integer PRIMARY KEY, owner text, v integer, body text)',
    'ALTER TABLE docs ALTER body SET STORAGE EXTERNAL',
    "INSERT INTO docs SELECT i, 'anna', 0, i || repeat('x', 4000) FROM generate_series(1, 3000) i");
my $editor = $server->background_psql('postgres');
$editor->query_until(qr/started/, <<'SQL');
\echo started
DO $$
BEGIN
  FOR i IN 1 .. 1500 LOOP
    UPDATE docs SET v = v + 1 WHERE id = 1 + (random() * 2999)::integer;
    COMMIT;
  END LOOP;
END $$;
SQL
deploy($server, $head . $large . own('docs'));
$editor->quit;
are_stored($server, 'values left alone are known although the row was not', 'docs',
    'SELECT * FROM docs');
is(run('SELECT count(*) FROM brigade.errors'), '0', 'without an error');

# ---- a limit to the speed; a deploy that takes the place of another
run('DELETE FROM many WHERE id > 8000');
sub rows_copied { return run('SELECT coalesce(max(rows), 0) FROM brigade.progress'); }
run('CREATE TABLE few (id integer PRIMARY KEY)', 'INSERT INTO few VALUES (1)');
my $slowly = stream('slowly', 'SELECT id, v FROM many') . stream('few', 'SELECT * FROM few');
restart_with($server, 'pg_brigade.copy_rate = 50', 'pg_brigade.progress_log_interval = 1ms');
run("SELECT brigade.deploy(\$\$$head$large$slowly\$\$)");
$server->poll_query_until('postgres', 'SELECT max(rows) > 0 FROM brigade.progress') or die;
my $copied = rows_copied();
cmp_ok($copied, '<', 5000, 'a chunk is copied, and then a pause');
is(run('SELECT bytes > 0 AND bytes < bytes_total FROM brigade.progress WHERE rows > 0'), 't',
    'brigade.progress says how far it is');
like(PostgreSQL::Test::Utils::slurp_file($server->logfile),
    qr/copying public\.many: \d+ rows, [^,]+ of [^,]+ \([\d.]+ %\), \d+ a second, about \S+ left/,
    'and the log');
is(run('SELECT table_name FROM brigade.progress'), 'public.many',
    'a small table does not wait for a large one');
run("INSERT INTO small VALUES ('s0', 'anna')");
wait_until_stored($server);
my $more = stream('more', "SELECT * FROM small WHERE owner = 'nobody'");
run("SELECT brigade.deploy(\$\$$head$large$slowly$more\$\$)");
$server->poll_query_until('postgres', <<'SQL') or die;
    SELECT definitions IS NOT NULL FROM brigade.sync_config ORDER BY id DESC LIMIT 1
SQL
cmp_ok(rows_copied(), '>=', $copied, 'what was copied is kept for the newer deploy');
reload_with($server, 'pg_brigade.copy_rate = 0', 'pg_brigade.progress_log_interval = 10s');
wait_until_copied($server);
is(run(<<'SQL'), '8000', 'and no row is copied twice');
    SELECT sum(operation_count) FROM brigade.bucket b
    JOIN brigade.definition d ON d.id = b.definition
    WHERE d.bucket_name LIKE '%slowly%' AND d.state = 'live'
SQL
deploy($server, $head . $large);

# ---- equal, and back
like(run("SELECT brigade.deploy(\$\$$head$large\$\$)"), qr/"changed":false/, 'an equal deploy');
my $op_id = op_id($server);
deploy($server, $head);
is(state_of(), 'active', 'a stream is taken out');
run("UPDATE large SET v = -1 WHERE id < 50");
deploy($server, $head . $large);
wait_until_copied($server);
is(run("SELECT count(*) FROM brigade.table_copy"), '0', 'the way back needs no copy');
are_stored($server, 'and what was written meanwhile is there', 'large', 'SELECT * FROM large');
cmp_ok(op_id($server) - $op_id, '<', 1000, 'without any row sent again');

# ---- superseded, cancelled
my $locker = $server->background_psql('postgres');
$locker->query_safe('BEGIN; LOCK TABLE large IN ACCESS EXCLUSIVE MODE');
my $other = $head . stream('other', 'SELECT id, v FROM large');
run("SELECT brigade.deploy(\$\$$other\$\$)");
$server->poll_query_until('postgres', 'SELECT count(*) = 1 FROM brigade.progress') or die;
is(run('SELECT state FROM brigade.status'), 'deploying', 'a deploy that waits for a lock');
run("INSERT INTO small VALUES ('s2', 'anna')");
wait_until_stored($server);
cmp_ok(small_operations(), '>', $operations, 'others do not wait for it');
run("SELECT brigade.deploy(\$\$${other}  more: {query: SELECT * FROM small}\n\$\$)");
$server->poll_query_until('postgres', <<'SQL') or die;
    SELECT string_agg(state, ',' ORDER BY id DESC) LIKE 'processing,stopped%'
    FROM brigade.sync_config
SQL
pass('a newer deploy takes its place');
is(run('SELECT brigade.cancel_deploy()'), 't', 'it is cancelled');
is(run('SELECT brigade.cancel_deploy()'), 'f', 'once');
$server->poll_query_until('postgres', 'SELECT count(*) = 0 FROM brigade.progress') or die;
$locker->query_safe('COMMIT');
$locker->quit;
is(run('SELECT state FROM brigade.status'), 'running', 'the config in force stays');
are_stored($server, 'and goes on', 'large', 'SELECT * FROM large');

# ---- a crash in the middle
run('UPDATE large SET v = 7') ;
wait_until_stored($server);
restart_with($server, 'pg_brigade.copy_rate = 50');
run("SELECT brigade.deploy(\$\$$other\$\$)");
$server->poll_query_until('postgres', 'SELECT max(rows) > 0 FROM brigade.progress') or die;
kill_worker($server);
reload_with($server, 'pg_brigade.copy_rate = 0');
run('SELECT brigade.start()');
$server->poll_query_until('postgres', "SELECT state = 'running' FROM brigade.status") or die;
are_stored($server, 'a copy goes on after a crash', 'large', <<'SQL');
    SELECT to_jsonb(large) AS row FROM large
    UNION ALL SELECT jsonb_build_object('id', id, 'v', v) FROM large
SQL

# ---- a deploy that wakes the worker while it waits for a lock
my $holder = $server->background_psql('postgres');
$holder->query_safe('BEGIN; LOCK TABLE brigade.checkpoint IN ACCESS EXCLUSIVE MODE');
run("INSERT INTO small VALUES ('s3', 'anna')");
$server->poll_query_until('postgres', <<'SQL') or die;
    SELECT EXISTS (SELECT FROM pg_locks WHERE pid = brigade.worker_pid() AND NOT granted)
SQL
run("SELECT brigade.deploy(\$\$$head$large\$\$)");
$holder->query_safe('COMMIT');
$holder->quit;
$server->poll_query_until('postgres', "SELECT state = 'running' FROM brigade.status") or die;
is(state_of(), 'active', 'is carried out');

# ---- the end of the retention
run('UPDATE brigade.sync_config SET retained_until = now() WHERE retained_until IS NOT NULL');
$server->poll_query_until('postgres', <<'SQL') or die;
    SELECT count(*) = 0 FROM brigade.sync_config WHERE retained_until IS NOT NULL
SQL
is(run('SELECT count(*) FROM brigade.errors'), '0', 'no row failed');
done_testing();
