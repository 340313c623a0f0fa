# Compaction shortens histories, changes nothing of what they say, and never loses a count to the
# writer beside it.
use strict;
use warnings;

use Brigade;
use Test::More;

my $server = new_server('compaction', 'max_worker_processes = 16',
    'autovacuum_naptime = 1', 'pg_brigade.compaction = off', 'pg_brigade.compaction_delay = 0');
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

query('SELECT brigade.compact(defragment => true)');
is(history('settings'), 'CPP', 'defragmented: one operation for each row');
is_stored_as_in_source($server, 'defragmented');
is(query("SELECT brigade.compact(defragment => true) ->> 'reappended'"), 0, 'once');

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

# By itself, when enough was written: here without the delay, and by several processes.
$server->append_conf('postgresql.conf',
    "pg_brigade.compaction = on\npg_brigade.compaction_workers = 3\n");
$server->reload;
query("INSERT INTO lists (id, owner_id, name) SELECT ('33333333-0000-4000-8000-' || lpad(n::text,"
    . " 12, '0'))::uuid, 'owner ' || n, '0' FROM generate_series(1, 20) n");
query("UPDATE lists SET name = '$_' WHERE owner_id LIKE 'owner %'") for 1 .. 50;
wait_until_stored($server);
my $long = "SELECT count(*) FROM brigade.buckets WHERE bucket LIKE '%owner %' AND operations >= 32";
ok($server->poll_query_until('postgres', "SELECT ($long) = 0"), 'written buckets are compacted');
ok($server->poll_query_until('postgres', 'SELECT buckets_due = 0 FROM brigade.compaction'),
    'and no longer due');
is(query('SELECT moved + deleted >= 20 * 18 AND compactions >= 20 FROM brigade.compaction'), 't',
    'totals tell of it');
is_stored_as_in_source($server, 'compacted in the background');

ok($server->poll_query_until('postgres', <<'SQL'), 'autovacuum hears of the rows that go');
    SELECT n_tup_del > 500 AND autovacuum_count > 0 FROM pg_stat_user_tables
    WHERE relid = 'brigade.bucket_op'::regclass
SQL

# One row that never changes keeps all operations after it, until it is appended again.
query("UPDATE settings SET value = '$_' WHERE id <> 'a'") for 1 .. 3;
ok($server->poll_query_until('postgres', <<'SQL'), 'fragmented buckets are defragmented');
    SELECT operations <= 1.2 * rows AND operations > 1 FROM brigade.buckets
    WHERE bucket LIKE '%settings%'
SQL
is_stored_as_in_source($server, 'defragmented in the background');

# No more rows may be appended again until the day is over; what is written is compacted even so.
$server->append_conf('postgresql.conf', "pg_brigade.defragmentation_share = 0\n");
$server->reload;
sub write_beside_a {
    query("UPDATE settings SET value = value || '.' WHERE id <> 'a'") for 1 .. 3;
    wait_until_stored($server);
}
write_beside_a();
ok($server->poll_query_until('postgres', <<'SQL'), 'a bucket without a share left waits for it');
    SELECT next_check > now() + interval '1 hour' FROM brigade.buckets
    WHERE bucket LIKE '%settings%'
SQL
my $before = query('SELECT clock_timestamp()');
write_beside_a();
ok($server->poll_query_until('postgres', <<"SQL"), 'but not with what is written');
    SELECT checked_at > '$before' FROM brigade.buckets WHERE bucket LIKE '%settings%'
SQL
is_stored_as_in_source($server, 'compacted without a share left');

$server->append_conf('postgresql.conf', "pg_brigade.compaction_delay = '1h'\n");
$server->reload;
query("UPDATE lists SET name = '$_' WHERE owner_id = 'owner 7'") for 1 .. 40;
wait_until_stored($server);
my $waits = $server->poll_query_until('postgres', <<'SQL');
    SELECT next_check > now() + interval '59 minutes' FROM brigade.buckets
    WHERE bucket LIKE '%owner 7"%'
SQL
ok($waits, 'what is young waits, and the view says for how long');

# What ended the process that compacts reaches whoever asked for it.
query(<<'SQL');
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
      $$BEGIN RAISE 'no room' USING ERRCODE = 'disk_full'; END$$;
    CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON brigade.bucket_compaction
      EXECUTE FUNCTION fail()
SQL
($status, $out, $error) =
    $server->psql('postgres', "\\set VERBOSITY verbose\nSELECT brigade.compact()");
like($error, qr/ERROR:  53100: no room/, 'an error keeps its SQLSTATE');
query('DROP TRIGGER fail ON brigade.bucket_compaction');

query('CREATE ROLE watcher LOGIN; GRANT pg_monitor TO watcher');
is(query('SET ROLE watcher; SELECT count(*) > 0 FROM brigade.buckets'), 't',
    'members of pg_monitor see the buckets');
($status, $out, $error) = $server->psql('postgres', 'SET ROLE watcher; SELECT brigade.compact()');
like($error, qr/permission denied/, 'but may not compact');
done_testing();
