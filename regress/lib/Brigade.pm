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
  new_server deploy_todo wait_until_stored kill_worker worker_pid is_stored_as_in_source
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

sub deploy_todo {
    my ($server) = @_;
    my $config = slurp_file("$example/sync-config.yaml");
    $server->safe_psql('postgres', slurp_file("$example/schema.sql"));
    $server->safe_psql('postgres', slurp_file("$example/data.sql"));
    $server->safe_psql('postgres', 'CREATE EXTENSION pg_brigade');
    $server->safe_psql('postgres', "SELECT brigade.deploy(\$yaml\$$config\$yaml\$)");
    $server->poll_query_until('postgres',
        q(SELECT EXISTS (SELECT FROM brigade.sync_config WHERE state = 'active')))
      or die 'the config never becomes active';
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
          json_to_recordset(brigade.resolve(jsonb_build_object(
            'user_id', user_id, 'client_id', NULL, 'token', jsonb_build_object('sub', user_id),
            'connection_parameters', '{}'::jsonb, 'include_defaults', true,
            'subscriptions', '[]'::jsonb)) -> 'buckets')
            AS expected (id bigint, count bigint, checksum bigint),
          LATERAL (SELECT count(*), coalesce(sum(checksum), 0)::bigint AS checksum
                   FROM brigade.operation WHERE bucket = expected.id) AS actual
        WHERE actual.count <> expected.count
           OR (actual.checksum - expected.checksum) % 4294967296 <> 0
SQL
    is($wrong_sums, '', "$name: counts and checksums are right");
    return;
}

1;
