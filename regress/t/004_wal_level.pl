# Without logical WAL the extension can be created; a deploy says what to set, and changes nothing.
use strict;
use warnings;

use Brigade;
use Test::More;

my $server = new_server('wal_level', 'wal_level = replica');
$server->safe_psql('postgres', 'CREATE EXTENSION pg_brigade; CREATE TABLE t (id text PRIMARY KEY)');
my $deploy = <<'SQL';
    SELECT brigade.deploy($$
    config: {edition: 3}
    streams: {all: {auto_subscribe: true, query: SELECT * FROM t}}
    $$)
SQL

my ($status, undef, $error) = $server->psql('postgres', $deploy);
isnt($status, 0, 'it is refused');
like($error, qr/wal_level/, 'and told why');
like($error, qr/HINT:.*wal_level.*logical/s, 'and what to do');

$server->append_conf('postgresql.conf', 'wal_level = logical');
$server->restart;
$server->safe_psql('postgres', $deploy);
pass('with logical WAL the same deploy succeeds');
done_testing();
