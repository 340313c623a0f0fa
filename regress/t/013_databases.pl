# Several databases in a cluster, each with its worker; and what becomes of it all when one goes, or
# is dumped and restored.
use strict;
use warnings;

use Brigade;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = new_server('databases', "shared_preload_libraries = 'pg_brigade'");

sub run { my ($database, $sql) = @_; return $server->safe_psql($database, $sql); }

sub becomes_true {
    my ($sql, $name) = @_;
    ok($server->poll_query_until('postgres', $sql), $name);
    return;
}

# Everything that the buckets of a database hold, once all that was committed is there.
sub rows_held {
    my ($database) = @_;
    run($database, "SELECT brigade.create_write_checkpoint('barrier', 'tap')");
    $server->poll_query_until($database, <<'SQL') or die 'it is never stored';
        SELECT NOT EXISTS (SELECT FROM brigade.write_checkpoint w
          WHERE NOT EXISTS (SELECT FROM brigade.acknowledged_write_checkpoint a
            WHERE a.user_id = w.user_id AND a.request_id >= w.request_id))
SQL
    return run($database, <<'SQL');
        SELECT string_agg(data, ' ' ORDER BY object_id) FROM (
          SELECT DISTINCT ON (object_id) * FROM brigade.operation
          ORDER BY object_id, op_id DESC) newest
        WHERE op = 'P'
SQL
}

sub workers {
    return run('postgres', <<'SQL');
        SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_stat_activity
        WHERE backend_type = 'pg_brigade worker'
SQL
}

run('postgres', "CREATE DATABASE $_") foreach ('one', 'two', 'without');
foreach my $database ('one', 'two') {
    run($database, <<'SQL');
        CREATE TABLE notes (id text PRIMARY KEY, v text);
        INSERT INTO notes VALUES ('before', current_database());
        CREATE EXTENSION pg_brigade;
        SELECT brigade.deploy('{config: {edition: 3}, streams: {notes:
          {auto_subscribe: true, query: SELECT * FROM notes}}}');
SQL
}
foreach my $database ('one', 'two') {
    is(rows_held($database), qq({"id":"before","v":"$database"}), "database $database has its own");
}
is(workers(), 'one two', 'a worker each');
is(run('postgres', 'SELECT count(*) FROM pg_replication_slots'), 2, 'and a slot each');

$server->restart;
becomes_true(q(SELECT count(*) = 2 FROM pg_stat_activity WHERE backend_type = 'pg_brigade worker'),
    'preloaded, the library starts them with the server');
run('one', "INSERT INTO notes VALUES ('later', 'x')");
is(rows_held('one'), '{"id":"before","v":"one"} {"id":"later","v":"x"}', 'and they go on');

# ---- dump and restore
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$server->command_ok(['pg_dump', '--file', $dump, '--dbname', $server->connstr('one')], 'pg_dump');
run('postgres', 'CREATE DATABASE restored');
$server->command_ok(['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump,
    $server->connstr('restored')], 'a restore');
run('restored', "INSERT INTO notes VALUES ('new', 'y')");
run('restored', 'SELECT brigade.start()');
ok($server->poll_query_until('restored',
    q(SELECT count(*) = 1 FROM brigade.sync_config WHERE state = 'active')),
    'the config is in force again');
is(rows_held('restored'),
    '{"id":"before","v":"one"} {"id":"later","v":"x"} {"id":"new","v":"y"}', 'and its data built');

# ---- going
run('one', 'DROP EXTENSION pg_brigade');
becomes_true(q(SELECT count(*) = 0 FROM pg_replication_slots WHERE database = 'one'),
    'DROP EXTENSION: the slot goes');
becomes_true(q(SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'one'),
    'with the workers');
is(run('postgres', 'DROP DATABASE one; SELECT 1'), 1, 'then the database can be dropped');
run('two', "INSERT INTO notes VALUES ('last', 'z')");
is(rows_held('two'), '{"id":"before","v":"two"} {"id":"last","v":"z"}', 'others are not disturbed');

my ($status, $output, $error) = $server->psql('postgres', 'DROP DATABASE two WITH (FORCE)');
isnt($status, 0, 'a database whose changes are followed is not dropped by mistake');
run('two', 'DROP EXTENSION pg_brigade; CREATE EXTENSION pg_brigade');
is(run('two', 'SELECT count(*) FROM brigade.sync_config'), 0, 'created again, it begins anew');
done_testing();
