# A storage transaction in progress is in progress for everybody: readers that come upon its rows
# must not take it for an aborted one, which would lose them for good.
use strict;
use warnings;

use Brigade;
use Test::More;

my $server = new_server('snapshots');
deploy_todo($server);
wait_until_stored($server);

# The checkpoint is what a storage transaction writes last, so this lock stops it before its commit.
my $lock = $server->background_psql('postgres');
$lock->query_safe('BEGIN; LOCK brigade.checkpoint IN EXCLUSIVE MODE');
$server->safe_psql('postgres', q(INSERT INTO settings VALUES ('new', 'x')));
$server->poll_query_until('postgres', <<'SQL') or die 'the worker does not wait for the lock';
    SELECT EXISTS (SELECT FROM pg_locks WHERE pid = brigade.worker_pid() AND NOT granted)
SQL

# Whatever commits now, makes the snapshots after it begin beyond the storage transaction.
$server->safe_psql('postgres', 'SELECT pg_current_xact_id()');
my $stored = q(SELECT count(*) FROM brigade.operation WHERE object_id = 'new');
is($server->safe_psql('postgres', $stored), 0, 'nothing is seen before the commit');
$server->safe_psql('postgres', 'SELECT count(*) FROM brigade.bucket');
$lock->query_safe('COMMIT');
$lock->quit;

wait_until_stored($server);
is($server->safe_psql('postgres', $stored), 1, 'the operation is there after it');
is_stored_as_in_source($server, 'after it');
done_testing();
