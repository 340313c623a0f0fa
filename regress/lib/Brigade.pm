# What the TAP tests share: a server with the to-do example deployed, and ways to look at what is
# stored.
package Brigade;

use strict;
use warnings;

use Exporter 'import';
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(
  new_server deploy deploy_todo wait_until_stored kill_worker worker_pid is_stored_as_in_source
  wait_until_copied are_stored op_id restart_with reload_with
);

my $example = dirname(__FILE__) . '/../../examples/todo';
my $barrier = 0;

# new_server(name, setting…): a running server without databases of ours.
sub new_server {
    my ($name, @settings) = @_;
    my $server = PostgreSQL::Test::Cluster->new($name);
    $server->init(allows_streaming => 'logical');
    $server->append_conf('postgresql.conf', join("\n",
        'fsync = off', 'restart_after_crash = on', @settings));
    $server->start;
    return $server;
}

# restart_with(server, setting…): from here on the settings hold for certain.
sub restart_with {
    my ($server, @settings) = @_;
    $server->append_conf('postgresql.conf', join("\n", @settings));
    $server->restart;
    return $server->safe_psql('postgres', 'SELECT brigade.start()');
}

# reload_with(server, setting…): running processes notice the settings some time after this.
sub reload_with {
    my ($server, @settings) = @_;
    $server->append_conf('postgresql.conf', join("\n", @settings));
    return $server->reload;
}

# Deploys, and waits until the config is active.
sub deploy {
    my ($server, $config) = @_;
    my $answer = $server->safe_psql('postgres', "SELECT brigade.deploy(\$yaml\$$config\$yaml\$)");
    my ($id) = $answer =~ /"config":(\d+)/;
    $server->poll_query_until('postgres',
        "SELECT state = 'active' FROM brigade.sync_config WHERE id = $id")
      or die 'the config never becomes active';
    return;
}

sub deploy_todo {
    my ($server) = @_;
    $server->safe_psql('postgres', slurp_file("$example/schema.sql"));
    $server->safe_psql('postgres', slurp_file("$example/data.sql"));
    $server->safe_psql('postgres', 'CREATE EXTENSION pg_brigade');
    return deploy($server, slurp_file("$example/sync-config.yaml"));
}

# are_stored(server, name, object type, query, bucket name like): tests that the buckets, replayed,
# hold for an object type exactly the rows (as JSON, or their column `row`) of a query, each in the
# number of buckets the query returns it.
sub are_stored {
    my ($server, $name, $type, $query) = @_;
    wait_until_copied($server);
    my $differences = $server->safe_psql('postgres', <<"SQL");
        WITH newest AS (
          SELECT DISTINCT ON (bucket, object_type, object_id, subkey) * FROM brigade.operation
          ORDER BY bucket, object_type, object_id, subkey, op_id DESC),
        held AS (SELECT data::jsonb AS row FROM newest WHERE op = 'P' AND object_type = '$type'),
        expected AS (SELECT coalesce(to_jsonb(source) -> 'row', to_jsonb(source)) AS row
                     FROM ($query) source)
        (SELECT 'missing', left(row::text, 200) FROM
          (SELECT row FROM expected EXCEPT ALL SELECT row FROM held) missing)
        UNION ALL
        (SELECT 'too many', left(row::text, 200) FROM
          (SELECT row FROM held EXCEPT ALL SELECT row FROM expected) surplus)
SQL
    is($differences, '', $name);
    return;
}

# Waits until everything committed so far is stored: a write checkpoint's acknowledgement says so.
sub wait_until_stored {
    my ($server) = @_;
    $barrier++;
    $server->safe_psql('postgres',
        "SELECT brigade.request_checkpoint('barrier', 'tap', $barrier)");
    $server->poll_query_until('postgres', <<"SQL") or die 'it is never stored';
        SELECT (brigade.resolve('{"user_id": "barrier", "client_id": "tap", "token": {},
                                  "connection_parameters": {}, "include_defaults": false,
                                  "subscriptions": []}') ->> 'write_checkpoint')::bigint >= $barrier
SQL
    return;
}

# Waits until no table has to be copied again because of DDL committed so far. The worker looks at
# the catalog after each turn; the second barrier is stored in a later turn than the first.
sub wait_until_copied {
    my ($server) = @_;
    wait_until_stored($server);
    wait_until_stored($server);
    $server->poll_query_until('postgres',
        'SELECT NOT EXISTS (SELECT FROM brigade.table_copy)') or die 'the copy never ends';
    return;
}

sub op_id {
    my ($server) = @_;
    return $server->safe_psql('postgres', 'SELECT op_id FROM brigade.checkpoint');
}

sub worker_pid {
    my ($server) = @_;
    return $server->safe_psql('postgres',
        q(SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_brigade worker'));
}

# Kills the worker as the kernel would for want of memory; Postgres then restarts all its processes.
sub kill_worker {
    my ($server) = @_;
    my $pid = worker_pid($server) or die 'no worker to kill';
    kill 'KILL', $pid;
    $server->poll_query_until('postgres',
        "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid") or die 'it survived';
    return;
}

# Tests that every bucket, replayed, holds what SQL says it should; and that the running counts and
# checksums are those of its operations.
sub is_stored_as_in_source {
    my ($server, $name) = @_;
    my $replayed = $server->safe_psql('postgres', <<'SQL');
        WITH newest AS (
          SELECT DISTINCT ON (bucket, object_type, object_id, subkey) * FROM brigade.operation
          ORDER BY bucket, object_type, object_id, subkey, op_id DESC)
        SELECT object_type, data::jsonb ->> 'id',
               coalesce(data::jsonb ->> 'description', data::jsonb ->> 'name',
                        data::jsonb ->> 'value')
        FROM newest WHERE op = 'P' ORDER BY 1, 2
SQL
    my $source = $server->safe_psql('postgres', <<'SQL');
        SELECT 'lists', id::text, name FROM lists
        UNION ALL SELECT 'todos', id::text, description FROM todos
        UNION ALL SELECT 'settings', id, value FROM settings ORDER BY 1, 2
SQL
    is($replayed, $source, "$name: buckets hold the source's rows");

    my $wrong_sums = $server->safe_psql('postgres', <<'SQL');
        SELECT user_id, expected.*, actual.count, actual.checksum
        FROM (VALUES ('anna'), ('bert')) AS users (user_id),
          json_array_elements(brigade.resolve(jsonb_build_object(
            'user_id', user_id, 'client_id', NULL, 'token', jsonb_build_object('sub', user_id),
            'connection_parameters', '{}'::jsonb, 'include_defaults', true,
            'subscriptions', '[]'::jsonb)) -> 'buckets')
            AS bucket,
          LATERAL (SELECT (bucket ->> 0)::bigint AS id, (bucket ->> 2)::bigint AS checksum,
                          (bucket ->> 3)::bigint AS count) AS expected,
          LATERAL (SELECT count(*), coalesce(sum(checksum), 0)::bigint AS checksum
                   FROM brigade.operation WHERE bucket = expected.id) AS actual
        WHERE actual.count <> expected.count
           OR (actual.checksum - expected.checksum) % 4294967296 <> 0
SQL
    is($wrong_sums, '', "$name: counts and checksums are right");
    return;
}

1;
