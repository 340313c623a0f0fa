# Large tables are copied side by side, each read by a process of its own; whatever becomes of that
# process or of the table meanwhile, buckets end up with what the tables show.
use strict;
use warnings;

use Brigade;
use PostgreSQL::Test::Utils;
use Test::More;

my @tables = qw(one two three);
my $server = new_server('copy_readers', 'min_parallel_table_scan_size = 0',
    'max_worker_processes = 16');
sub run { return $server->safe_psql('postgres', join ';', @_); }
sub wait_for {
    my ($condition) = @_;
    return $server->poll_query_until('postgres', "SELECT $condition") || die $condition;
}
sub fill {
    my ($table) = @_;
    return "INSERT INTO $table SELECT i, 'u' || i % 3, 0, repeat('x', 100)"
      . ' FROM generate_series(1, 20000) i';
}
# A new config, whose copies are object types of their own.
my $version = 0;
sub begin_deploy {
    $version++;
    my $streams = join '', map {
        "  $_: {auto_subscribe: true, query: SELECT * FROM $_ AS ${_}_$version"
          . " WHERE owner = auth.user_id()}\n"
    } @tables;
    return run("SELECT brigade.deploy(\$\$config: {edition: 3}\nstreams:\n$streams\$\$)");
}
sub are_copied {
    my ($name) = @_;
    wait_for("state = 'active' FROM brigade.sync_config ORDER BY id DESC LIMIT 1");
    are_stored($server, "$name: $_", "${_}_$version", "SELECT * FROM $_") foreach @tables;
    return;
}
sub reader_pids {
    return split /\n/, run(
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_brigade copy reader'");
}
my $begun = '(SELECT count(*) FROM brigade.progress WHERE rows > 0)';

run('CREATE EXTENSION pg_brigade',
    map { ("CREATE TABLE $_ (id integer PRIMARY KEY, owner text, v integer, body text)", fill($_)) }
      @tables);

# ---- as many tables at a time as there may be readers
restart_with($server, 'pg_brigade.copy_rate = 2000');
begin_deploy();
wait_for("$begun = 2");
is(scalar(reader_pids()), 2, 'two processes read');
is(run("SELECT $begun"), '2', 'two tables, the third waits');
run('UPDATE one SET v = 1 WHERE id % 7 = 0', 'DELETE FROM two WHERE id % 5 = 0',
    "UPDATE three SET owner = 'u9' WHERE id % 3 = 0");
reload_with($server, 'pg_brigade.copy_rate = 0');
are_copied('beside changes');
wait_for('NOT EXISTS (SELECT FROM pg_stat_activity'
    . " WHERE backend_type = 'pg_brigade copy reader')");
pass('readers end with the work');

restart_with($server, 'pg_brigade.copy_rate = 2000', 'pg_brigade.copy_readers = 1');
begin_deploy();
wait_for("$begun = 1");
is(scalar(reader_pids()), 1, 'one process reads');
reload_with($server, 'pg_brigade.copy_rate = 0');
are_copied('a single reader');

restart_with($server, 'pg_brigade.copy_readers = 0');
begin_deploy();
are_copied('no readers');

# ---- what was read ahead of a change to the table
restart_with($server, 'pg_brigade.copy_rate = 2000', 'pg_brigade.copy_readers = 2');
begin_deploy();
wait_for("$begun = 2");
run('ALTER TABLE one ALTER v TYPE bigint', 'TRUNCATE two', fill('two'),
    'UPDATE two SET v = 2 WHERE id % 2 = 0', 'ALTER TABLE three ADD extra text DEFAULT $$x$$');
reload_with($server, 'pg_brigade.copy_rate = 0');
are_copied('changed tables');

restart_with($server, 'pg_brigade.copy_rate = 2000');
begin_deploy();
wait_for("$begun = 2");
run('DROP TABLE one', 'CREATE TABLE one (id integer PRIMARY KEY, owner text)',
    "INSERT INTO one VALUES (1, 'u1')", 'ALTER TABLE two REPLICA IDENTITY FULL',
    "UPDATE two SET owner = 'u4' WHERE id % 2 = 0");
reload_with($server, 'pg_brigade.copy_rate = 0');
are_copied('replaced tables');

# ---- a table that leaves one definition while it is copied into two
restart_with($server, 'pg_brigade.copy_rate = 2000');
run('CREATE TABLE whole (id integer, owner text, v integer, body text, PRIMARY KEY (id))'
    . ' PARTITION BY RANGE (id)',
    'CREATE TABLE part_one PARTITION OF whole FOR VALUES FROM (0) TO (100000)', fill('part_one'));
run(<<'SQL');
    SELECT brigade.deploy($$
    config: {edition: 3}
    streams:
      whole: {auto_subscribe: true, query: SELECT * FROM whole WHERE owner = auth.user_id()}
      parts: {auto_subscribe: true, query: SELECT * FROM "part_%" AS parts WHERE v < 5}
    $$)
SQL
wait_for("$begun = 1");
run('ALTER TABLE whole DETACH PARTITION part_one');
reload_with($server, 'pg_brigade.copy_rate = 0');
wait_for("state = 'active' FROM brigade.sync_config ORDER BY id DESC LIMIT 1");
are_stored($server, 'left', 'whole', 'SELECT * FROM whole');
are_stored($server, 'and copied', 'parts', 'SELECT * FROM part_one');

# ---- a reader that ends
restart_with($server, 'pg_brigade.copy_rate = 2000');
begin_deploy();
wait_for("$begun = 2");
my ($ended, $stopped) = reader_pids();
kill 'STOP', $stopped;
kill 'TERM', $ended;
reload_with($server, 'pg_brigade.copy_rate = 0');
$server->wait_for_log(qr/a copy reader ended early/);
pass('the worker notices, and reads itself');
kill 'TERM', $stopped;
kill 'CONT', $stopped;
are_copied('readers that end');

# ---- no process to be had
restart_with($server, 'max_worker_processes = 3');
begin_deploy();
are_copied('no free worker slot');
ok($server->log_contains(qr/no free slot for a copy reader/), 'the log says so');

done_testing();
