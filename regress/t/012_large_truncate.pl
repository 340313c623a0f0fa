# What leaves buckets at once is never in the worker's memory at once.
use strict;
use warnings;

use Brigade;
use PostgreSQL::Test::Utils;
use Test::More;

my $rows = 60_000;
# The most memory that the kernel noted has what is touched of the shared buffers in it.
my $server = new_server('large_truncate', 'shared_buffers = 8MB');
sub run { return $server->safe_psql('postgres', join('; ', @_)); }
# Long ids, since ids are all that is read of rows: 30 MB.
my $fill = "INSERT INTO wide SELECT lpad(i::text, 500, 'x') FROM generate_series(1, $rows) i";
run('CREATE EXTENSION pg_brigade', 'CREATE TABLE wide (id text PRIMARY KEY)', $fill);
deploy($server, <<'YAML');
config: {edition: 3}
streams:
  wide: {auto_subscribe: true, query: SELECT * FROM wide}
YAML

# The most it has ever had, in MB.
sub worker_memory {
    my ($pid) = @_;
    my ($kilobytes) = slurp_file("/proc/$pid/status") =~ /^VmHWM:\s+(\d+) kB/m;
    return $kilobytes / 1024;
}

# Carries out what takes all rows, and compares the worker's memory at its most with that of one
# that has done nothing yet.
sub memory_is_flat {
    my ($name, $statement) = @_;
    $server->restart;
    run('SELECT brigade.start()');
    wait_until_stored($server);
    my $pid = worker_pid($server);
    my $before = worker_memory($pid);
    run($statement);
    are_stored($server, $name, 'wide', "SELECT '' AS row WHERE false");
    my $more = worker_memory($pid) - $before;
    note "$name: $more MB more";
    cmp_ok($more, '<', 30, "$name: in little memory");
    is(worker_pid($server), $pid, "$name: by the same worker");
    return;
}
memory_is_flat('TRUNCATE', 'TRUNCATE wide');
run($fill);
wait_until_stored($server);
memory_is_flat('a table that is gone', 'DROP TABLE wide');

# What depends on very many lookup keys is not listed: everything is resolved again.
run('CREATE TABLE shares (list text, account text, PRIMARY KEY (list, account))',
    'CREATE TABLE lists (id text PRIMARY KEY)');
deploy($server, <<'YAML');
config: {edition: 3}
streams:
  shared:
    auto_subscribe: true
    query: SELECT * FROM lists WHERE id IN
      (SELECT list FROM shares WHERE account = auth.user_id())
YAML
sub tells {
    my ($name, $statement, $resolve_all, $keys) = @_;
    wait_until_stored($server);
    my $commit = run('SELECT commit_id FROM brigade.checkpoint');
    run($statement);
    wait_until_stored($server);
    is(run('SELECT bool_or(config_changed), sum(cardinality(dependencies))'
         . " FROM brigade.commit_log WHERE commit_id > $commit"), "$resolve_all|$keys", $name);
    return;
}
my $share = "INSERT INTO shares SELECT 'l', i FROM generate_series";
tells('some keys that are new', "$share(1, 10) i", 'f', 10);
tells('very many', "$share(11, 150000) i", 't', 0);
tells('very many that are gone', 'TRUNCATE shares', 't', 0);
tells('few again', "$share(1, 10) i", 'f', 10);
tells('few that are gone', 'TRUNCATE shares', 'f', 10);
done_testing();
