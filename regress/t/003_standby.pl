# A physical standby holds source and storage at the same point, and answers requests.
use strict;
use warnings;

use Brigade;
use PostgreSQL::Test::Cluster;
use Test::More;

my $primary = new_server('primary');
deploy_todo($primary);
wait_until_stored($primary);
$primary->backup('base');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

$primary->safe_psql('postgres', q(UPDATE lists SET owner_id = 'bert' WHERE name = 'House'));
wait_until_stored($primary);
$primary->wait_for_catchup($standby);
is_stored_as_in_source($standby, 'standby');

my $request = <<'SQL';
    SELECT brigade.resolve('{"user_id": "bert", "client_id": null, "token": {"sub": "bert"},
      "connection_parameters": {}, "include_defaults": true, "subscriptions": []}')
SQL
is($standby->safe_psql('postgres', $request), $primary->safe_psql('postgres', $request),
    'both give a request the same answer');
is(worker_pid($standby), '', 'no worker decodes on a standby');
done_testing();
