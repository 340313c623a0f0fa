# Crashes amid traffic lose no operation and make none twice.
use strict;
use warnings;

use Brigade;
use Test::More;

my $server = new_server('crash');
deploy_todo($server);
wait_until_stored($server);

my %accidents = (
    'kill -9 of the worker' => sub { kill_worker($server) },
    'a crash of Postgres' => sub { $server->stop('immediate'); $server->start },
    'a restart of Postgres' => sub { $server->restart },
);
my $inserted = 0;

# Transactions of one row each, stored while the accident happens.
sub insert_rows {
    my ($count) = @_;
    my $rows = '';
    $rows .= "INSERT INTO settings VALUES ('row $_', 'x');\n"
      for $inserted + 1 .. $inserted + $count;
    $server->safe_psql('postgres', $rows);
    $inserted += $count;
    return;
}

for my $name (sort keys %accidents) {
    for my $round (1 .. 3) {
        insert_rows(300);
        $accidents{$name}->();
        $server->safe_psql('postgres', 'SELECT brigade.start()');
        insert_rows(20);
    }
    wait_until_stored($server);
    is_stored_as_in_source($server, $name);
    is($server->safe_psql('postgres', <<'SQL'), "$inserted|$inserted", "$name: no operation twice");
        SELECT count(*), count(DISTINCT object_id) FROM brigade.operation
        WHERE object_type = 'settings' AND object_id LIKE 'row %'
SQL
}
done_testing();
