# pg_upgrade: buckets and op ids stay, and what changed while nobody followed is made good. From the
# same version, unless UPGRADE_FROM names where another with the extension lies.
use strict;
use warnings;

use Brigade;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $old = PostgreSQL::Test::Cluster->new('old', install_path => $ENV{UPGRADE_FROM});
$old->init(allows_streaming => 'logical');
$old->start;
$old->safe_psql('postgres', <<'SQL');
    CREATE EXTENSION pg_brigade;
    CREATE TABLE items (id text PRIMARY KEY, owner text, v text);
    CREATE TABLE facts (id text PRIMARY KEY, owner text, v text);
    ALTER TABLE facts REPLICA IDENTITY FULL;
    INSERT INTO items SELECT i::text, 'anna', i FROM generate_series(1, 1000) i;
    INSERT INTO items
    SELECT 'long', 'anna', string_agg(md5(i::text), '') FROM generate_series(1, 500) i;
    INSERT INTO facts SELECT i::text, 'anna', i FROM generate_series(1, 1000) i;
SQL
deploy($old, <<'YAML');
config: {edition: 3}
streams:
  items: {auto_subscribe: true, query: SELECT * FROM items WHERE owner = auth.user_id()}
  facts: {auto_subscribe: true, query: SELECT * FROM facts WHERE owner = auth.user_id()}
YAML
wait_until_copied($old);
my $operations = 'SELECT count(*), sum(checksum) FROM brigade.operation';
my $buckets = $old->safe_psql('postgres', $operations);
my $op_id = op_id($old);

# Since Postgres 17 pg_upgrade brings the slot along, if all that was committed is confirmed.
wait_until_stored($old);
my $lsn = $old->safe_psql('postgres', 'SELECT pg_current_wal_insert_lsn()');
ok($old->poll_query_until('postgres',
    "SELECT confirmed_flush_lsn >= '$lsn' FROM pg_replication_slots"), 'an idle slot goes forward');
my $changed = 0;
if ($old->pg_version < 17) {
    $old->safe_psql('postgres', 'SELECT pg_terminate_backend(brigade.worker_pid(), 60000)');
    $old->safe_psql('postgres', "UPDATE items SET v = 'unseen' WHERE id = '1'");
    $changed = 1;
}
$old->stop;

my $new = PostgreSQL::Test::Cluster->new('new');
$new->init(allows_streaming => 'logical');
if (run_log(['postgres', '-D', $new->data_dir, '-C', 'output_plugin_libraries'])) {
    $new->append_conf('postgresql.conf', 'output_plugin_libraries = pg_brigade');
}
my $tap = PostgreSQL::Test::Utils::tempdir();
chdir $tap or die "no $tap";
$new->command_ok(['pg_upgrade', '--no-sync', '--jobs=1',
    '--old-bindir', $old->config_data('--bindir'), '--new-bindir', $new->config_data('--bindir'),
    '--old-datadir', $old->data_dir, '--new-datadir', $new->data_dir,
    '--old-port', $old->port, '--new-port', $new->port, '--socketdir', $tap], 'pg_upgrade');

$new->start;
is($new->safe_psql('postgres', $operations), $buckets, 'buckets are as they were');
$new->safe_psql('postgres', "UPDATE items SET owner = 'bert' WHERE id IN ('2', 'long')");
$new->safe_psql('postgres', 'SELECT brigade.start()');
are_stored($new, "afterwards: $_", $_, "SELECT * FROM $_") foreach 'items', 'facts';
my ($before) = split /\|/, $buckets;
is($new->safe_psql('postgres', 'SELECT count(*) FROM brigade.operation') - $before, 4 + $changed,
    'only differences were sent: rows that changed, two that moved');
cmp_ok(op_id($new), '>', $op_id, 'op ids go on');
$new->safe_psql('postgres', "UPDATE facts SET v = 'followed' WHERE id = '1'");
are_stored($new, 'and changes are followed', 'facts', 'SELECT * FROM facts');
done_testing();
