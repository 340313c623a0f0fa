# The worker starts when asked, follows what is committed, and stops with the server.
use strict;
use warnings;

use Brigade;
use Test::More;

my $server = new_server('worker');
deploy_todo($server);
$server->safe_psql('postgres', 'SELECT brigade.start()');
is($server->safe_psql('postgres', 'SELECT brigade.start()'), 'f', 'a second start finds it');
wait_until_stored($server);
is_stored_as_in_source($server, 'rows from before the deploy');

$server->safe_psql('postgres', <<'SQL');
    INSERT INTO settings SELECT n::text, 'value ' || n FROM generate_series(1, 1000) n;
    UPDATE settings SET value = value || '!' WHERE id LIKE '%3';
    DELETE FROM settings WHERE id LIKE '%7';
    UPDATE todos SET description = description || '!';
    DELETE FROM lists WHERE name = 'House';
SQL
wait_until_stored($server);
is_stored_as_in_source($server, 'changes');

$server->restart;
is(worker_pid($server), '', 'a restarted server has no worker until asked');
$server->safe_psql('postgres', q(INSERT INTO settings VALUES ('while', 'nobody looked')));
$server->safe_psql('postgres', 'SELECT brigade.start()');
wait_until_stored($server);
is_stored_as_in_source($server, 'changes while no worker ran');

$server->stop('fast');
unlike(PostgreSQL::Test::Utils::slurp_file($server->logfile), qr/PANIC|terminated by signal/,
    'nothing crashed');
done_testing();
