# What leaves buckets at once is never in the worker's memory at once.
use strict;
use warnings;

use Brigade;
use List::Util qw(max);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $rows = 60_000;
my $server = new_server('large_truncate');
sub run { return $server->safe_psql('postgres', join('; ', @_)); }
# Long ids, since ids are all that is read of rows: 30 MB.
my $fill = "INSERT INTO wide SELECT lpad(i::text, 500, 'x') FROM generate_series(1, $rows) i";
run('CREATE EXTENSION pg_brigade', 'CREATE TABLE wide (id text PRIMARY KEY)', $fill);
deploy($server, <<'YAML');
config: {edition: 3}
streams:
  wide: {auto_subscribe: true, query: SELECT * FROM wide}
YAML

sub worker_memory {
    my ($pid) = @_;
    my ($kilobytes) = slurp_file("/proc/$pid/status") =~ /^RssAnon:\s+(\d+) kB/m;
    return $kilobytes / 1024;
}

# Carries out what takes all rows, and compares the worker's memory at its most with that of one
# that has done nothing yet.
sub memory_is_flat {
    my ($name, $statements) = @_;
    $server->restart;
    run('SELECT brigade.start()');
    wait_until_stored($server);
    my ($pid, $operations) = (worker_pid($server), op_id($server));
    my $before = my $most = worker_memory($pid);
    run($statements);
    while (op_id($server) < $operations + $rows) {
        for (1 .. 50) {
            $most = max($most, worker_memory($pid));
            usleep(1000);
        }
    }
    is(worker_pid($server), $pid, "$name: by the same worker");
    cmp_ok($most - $before, '<', 20, "$name: in little memory");
    are_stored($server, $name, 'wide', 'SELECT * FROM wide');
    return;
}
memory_is_flat('TRUNCATE', 'TRUNCATE wide');
run($fill);
wait_until_stored($server);
memory_is_flat('a table that is gone', 'DROP TABLE wide; CREATE TABLE wide (id text PRIMARY KEY)');
done_testing();
