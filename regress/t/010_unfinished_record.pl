# WAL is flushed by pages, so a record may be there in part, and its rest never come: the worker
# neither waits for it in the middle nor survives a postmaster that was killed, whose successor
# could not start.
use strict;
use warnings;

use Brigade;
use Test::More;
use Time::HiRes qw(usleep);

my $server = new_server('unfinished', 'wal_writer_delay = 10ms', 'bgwriter_delay = 10s');
deploy_todo($server);
wait_until_stored($server);

# A message of a transaction that stays open: only its whole pages are flushed, unless somebody
# commits just then; so until it is so.
sub write_unfinished_record {
    my $session = $server->background_psql('postgres');
    $session->query_safe('BEGIN');
    for (1 .. 100) {
        $session->query_safe(
            q(SELECT pg_logical_emit_message(false, 'test', repeat('x', 100000))));
        usleep(50_000);
        return $session if $server->safe_psql('postgres', <<'SQL') eq 't';
            SELECT pg_current_wal_insert_lsn() - pg_current_wal_flush_lsn() BETWEEN 1 AND 8191
SQL
    }
    die 'it is always flushed as a whole';
}

my $session = write_unfinished_record();
$server->safe_psql('postgres', q(INSERT INTO settings VALUES ('after', 'x')));
wait_until_stored($server);
is_stored_as_in_source($server, 'after the record was finished');
$session->quit;

$session = write_unfinished_record();
my $worker = worker_pid($server);
$server->kill9;
my $tries = 1000;
usleep(10_000) while kill(0, $worker) && $tries-- > 0;
ok(!kill(0, $worker), 'the worker ends with the postmaster');
$server->start;
$server->safe_psql('postgres', 'SELECT brigade.start()');
wait_until_stored($server);
is_stored_as_in_source($server, 'after the crash');
done_testing();
