# Compaction shortens histories, changes nothing of what they say, and never loses a count to the
# writer beside it.
use strict;
use warnings;

use Brigade;
use Test::More;

my $server = new_server('compaction', 'max_worker_processes = 16');
deploy_todo($server);

sub query {
    my ($sql) = @_;
    return $server->safe_psql('postgres', $sql);
}

# The kinds of a bucket's operations, in order.
sub history {
    my ($bucket) = @_;
    return query(<<"SQL");
        SELECT string_agg(op::text, '' ORDER BY op_id) FROM brigade.operation o
        JOIN brigade.buckets b ON b.id = o.bucket WHERE b.bucket LIKE '%$bucket%'
SQL
}

query("DELETE FROM settings; INSERT INTO settings VALUES ('a', '1'), ('b', '1')");
query("UPDATE settings SET value = '2' WHERE id = 'b'");
wait_until_stored($server);
query('SELECT brigade.compact()');
is(history('settings'), 'CPMP', 'a CLEAR, the oldest row, and places of replaced operations');
is_stored_as_in_source($server, 'compacted');

query("UPDATE settings SET value = '3' WHERE id = 'b'; INSERT INTO settings VALUES ('c', '1')");
query("DELETE FROM settings WHERE id = 'c'");
wait_until_stored($server);
query('SELECT brigade.compact(bucket) FROM brigade.buckets');
is(history('settings'), 'CPMMPMR', 'a row at the start keeps what follows from being cleared');
is(query(<<'SQL'), '7|2|3.50', 'the view counts');
    SELECT operations, rows, ratio FROM brigade.buckets WHERE bucket LIKE '%settings%'
SQL

my ($status, $out, $error) = $server->psql('postgres', "SELECT brigade.compact('nowhere')");
like($error, qr/there is no bucket "nowhere".*brigade\.buckets/s, 'an unknown bucket is named');

# The worker stores what was just written while compaction changes the same counters.
for my $round (1 .. 20) {
    query(<<"SQL");
        INSERT INTO settings SELECT 'row ' || n, '0' FROM generate_series(1, 50) n
        ON CONFLICT (id) DO UPDATE SET value = '$round'
SQL
    query('SELECT brigade.compact()');
}
wait_until_stored($server);
is_stored_as_in_source($server, 'compacted while written');

# Where compaction is cut off does not matter: the next one ends the same.
query("UPDATE settings SET value = 'x' || i FROM generate_series(1, 5) i");
wait_until_stored($server);
$server->stop('immediate');
$server->start;
query('SELECT brigade.start()');
query('SELECT brigade.compact()');
wait_until_stored($server);
is_stored_as_in_source($server, 'after a crash');

query('CREATE ROLE watcher LOGIN; GRANT pg_monitor TO watcher');
is(query('SET ROLE watcher; SELECT count(*) > 0 FROM brigade.buckets'), 't',
    'members of pg_monitor see the buckets');
($status, $out, $error) = $server->psql('postgres', 'SET ROLE watcher; SELECT brigade.compact()');
like($error, qr/permission denied/, 'but may not compact');
done_testing();
