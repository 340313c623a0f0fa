# What used to mean starting over: a slot that is gone or unusable, a promoted standby. Buckets are
# compared with the tables, and only what differs is sent.
use strict;
use warnings;

use Brigade;
use PostgreSQL::Test::Cluster;
use Test::More;

my $server = new_server('recovery', 'max_wal_size = 32MB', 'min_wal_size = 32MB');
$server->safe_psql('postgres', <<'SQL');
    CREATE EXTENSION pg_brigade;
    CREATE TABLE items (id text PRIMARY KEY, owner text, v integer);
    CREATE TABLE facts (id text PRIMARY KEY, owner text, v integer);
    ALTER TABLE facts REPLICA IDENTITY FULL;
    INSERT INTO items SELECT i::text, 'anna', i FROM generate_series(1, 1000) i;
    INSERT INTO facts SELECT i::text, 'anna', i FROM generate_series(1, 1000) i;
SQL
deploy($server, <<'YAML');
config: {edition: 3}
streams:
  items: {auto_subscribe: true, query: SELECT * FROM items WHERE owner = auth.user_id()}
  facts: {auto_subscribe: true, query: SELECT * FROM facts WHERE owner = auth.user_id()}
YAML
wait_until_copied($server);

my $slot = $server->safe_psql('postgres', 'SELECT slot_name FROM pg_replication_slots');

sub check {
    my ($on, $name) = @_;
    are_stored($on, "$name: $_", $_, "SELECT * FROM $_") foreach 'items', 'facts';
    return;
}

sub operations { return $_[0]->safe_psql('postgres', 'SELECT count(*) FROM brigade.operation'); }

# Changes that the slot does not see: 1 insert, 1 update, 1 move (2 operations), 1 delete a table.
my $changes = join '', map { <<"SQL" } 'items', 'facts';
    INSERT INTO $_ VALUES ('new' || clock_timestamp(), 'anna', 0);
    UPDATE $_ SET v = v + 1 WHERE id = '1';
    UPDATE $_ SET owner = CASE owner WHEN 'anna' THEN 'bert' ELSE 'anna' END WHERE id = '2';
    DELETE FROM $_ WHERE id = (SELECT id FROM $_ WHERE id > '3' ORDER BY id LIMIT 1);
SQL
check($server, 'before');

# ---- a slot that somebody dropped
my $before = operations($server);
my $op_id = op_id($server);
$server->restart;
$server->safe_psql('postgres', "SELECT pg_drop_replication_slot('$slot')");
$server->safe_psql('postgres', $changes);
$server->safe_psql('postgres', 'SELECT brigade.start()');
check($server, 'after the slot was dropped');
is(operations($server) - $before, 10, 'only differences were sent');
cmp_ok(op_id($server) - $op_id, '>', 1 << 32, 'no op id can be one that was lost');

# ---- a slot that fell too far behind
$before = operations($server);
$server->append_conf('postgresql.conf', 'max_slot_wal_keep_size = 1MB');
$server->restart;
$server->safe_psql('postgres', $changes);
$server->safe_psql('postgres', 'CREATE TABLE filler (t text)');
foreach (1 .. 4) {
    $server->safe_psql('postgres',
        "INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 17000)");
    $server->safe_psql('postgres', 'SELECT pg_switch_wal(); CHECKPOINT');
}
is($server->safe_psql('postgres', 'SELECT wal_status FROM pg_replication_slots'), 'lost',
    'the slot is lost');
$server->safe_psql('postgres', 'SELECT brigade.start()');
check($server, 'after the slot was invalidated');
is(operations($server) - $before, 10, 'only differences were sent');

# ---- asked for
$before = operations($server);
is($server->safe_psql('postgres', 'SELECT brigade.reconcile()'), '2', 'two tables to compare');
check($server, 'after a reconcile');
is(operations($server) - $before, 0, 'nothing differed, nothing was sent');
$server->safe_psql('postgres', "DELETE FROM brigade.bucket_op WHERE object_id = '7'");
$server->safe_psql('postgres', "SELECT brigade.reconcile('items')");
are_stored($server, 'an operation lost from storage is made good', 'items', 'SELECT * FROM items');
my ($status, undef, $error) = $server->psql('postgres', "SELECT brigade.reconcile('filler')");
like($error, qr/no sync config in force reads table public.filler/,
    'a table nobody reads is refused');

# ---- a promoted standby
$server->append_conf('postgresql.conf', 'max_slot_wal_keep_size = -1');
$server->reload;
$server->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($server, 'copy', has_streaming => 1);
$standby->start;
$server->append_conf('postgresql.conf', "synchronous_standby_names = '*'");
$server->reload;
$server->safe_psql('postgres', $changes);
$server->wait_for_catchup($standby);
$server->stop('immediate');
$standby->append_conf('postgresql.conf', "synchronous_standby_names = ''");
$standby->promote;
$standby->safe_psql('postgres', $changes);
$standby->safe_psql('postgres', 'SELECT brigade.start()');
check($standby, 'after promotion');

done_testing();
