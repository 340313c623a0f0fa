# Rows of tables of every replica identity are followed through all that DML can do to them, with
# values in line and out of line.
use strict;
use warnings;

use Brigade;
use Test::More;

my $server = new_server('replica_identity');
my @tables = ('by_key', 'by_index', 'by_full', 'by_full_without_key', 'by_two');
$server->safe_psql('postgres', 'CREATE EXTENSION pg_brigade');
foreach my $table (@tables) {
    my $key = $table =~ /by_key|by_full$/ ? 'PRIMARY KEY' : 'NOT NULL';
    $server->safe_psql('postgres', <<"SQL");
        CREATE TABLE $table (id text $key, part integer NOT NULL DEFAULT 1, owner text,
          long text, shared integer DEFAULT 1);
        -- EXTERNAL: not compressed, so that a moderate value goes out of line.
        ALTER TABLE $table ALTER long SET STORAGE EXTERNAL;
SQL
}
$server->safe_psql('postgres', <<'SQL');
    CREATE UNIQUE INDEX by_index_id ON by_index (id);
    ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_id;
    ALTER TABLE by_full REPLICA IDENTITY FULL;
    ALTER TABLE by_full_without_key REPLICA IDENTITY FULL;
    ALTER TABLE by_two ADD PRIMARY KEY (id, part);
SQL

sub each_table {
    my ($statements) = @_;
    $server->safe_psql('postgres', $statements =~ s/TABLE/$_/gr) foreach @tables;
    return;
}

# A row with a short value, one with an out-of-line value, both from before the deploy.
each_table(q(INSERT INTO TABLE VALUES ('old', 1, 'anna', 'short'),
    ('old long', 1, 'anna', repeat('o', 5000))));
my $rows = join "\n", map { <<"YAML" } @tables;
  $_:
    auto_subscribe: true
    query: SELECT * FROM $_ WHERE owner = auth.user_id() AND shared = 1
YAML
my $long_rows = join "\n", map { <<"YAML" } @tables;
  ${_}_long:
    auto_subscribe: true
    query: SELECT * FROM $_ AS long_$_ WHERE length(long) > 100
YAML
deploy($server, "config: {edition: 3}\nstreams:\n$rows\n$long_rows");

sub check {
    my ($name) = @_;
    foreach my $table (@tables) {
        are_stored($server, "$table: $name", $table,
            "SELECT * FROM $table WHERE shared = 1 AND owner IS NOT NULL");
        are_stored($server, "$table: $name, in a filter", "long_$table",
            "SELECT * FROM $table WHERE length(long) > 100");
    }
    return;
}

check('rows from before the deploy');

each_table(q(INSERT INTO TABLE VALUES ('new', 1, 'bert', repeat('n', 5000))));
each_table(q(UPDATE TABLE SET owner = 'bert' WHERE id = 'old long'));
check('an out-of-line value left alone, in the bucket of another user');

each_table(q(UPDATE TABLE SET shared = 0 WHERE id = 'new'));
check('it leaves its bucket');
each_table(q(UPDATE TABLE SET shared = 1 WHERE id = 'new'));
check('and comes back');

each_table(q(UPDATE TABLE SET long = repeat('c', 6000) WHERE id = 'new'));
each_table(q(UPDATE TABLE SET owner = 'carl' WHERE id = 'new'));
check('a changed out-of-line value');

each_table(q(UPDATE TABLE SET long = 'in line again' WHERE id = 'new'));
each_table(q(UPDATE TABLE SET owner = 'anna' WHERE id = 'new'));
each_table(q(UPDATE TABLE SET long = NULL WHERE id = 'new'));
each_table(q(UPDATE TABLE SET owner = 'bert' WHERE id = 'new'));
check('in line, then null');

# From here on two plans read each table: the config before can be gone back to, and stays exact.
deploy($server, "config: {edition: 3}\nstreams:\n$rows");
each_table(q(UPDATE TABLE SET id = 'renamed' WHERE id = 'old long'));
check('another key');
each_table(q(UPDATE TABLE SET owner = 'anna' WHERE id = 'renamed'));
check('its out-of-line value under the new key');
each_table(q(UPDATE TABLE SET part = 2 WHERE id = 'renamed'));
each_table(q(UPDATE TABLE SET owner = 'bert' WHERE id = 'renamed'));
check('a part of the key');

# In one transaction, and with one statement's changes building on another's.
each_table(<<'SQL');
    BEGIN;
    INSERT INTO TABLE VALUES ('brief', 1, 'anna', repeat('b', 5000));
    UPDATE TABLE SET owner = 'bert' WHERE id = 'brief';
    UPDATE TABLE SET id = 'brief 2' WHERE id = 'brief';
    UPDATE TABLE SET shared = 0 WHERE id = 'brief 2';
    UPDATE TABLE SET shared = 1 WHERE id = 'brief 2';
    DELETE FROM TABLE WHERE id = 'old';
    INSERT INTO TABLE VALUES ('old', 1, 'bert', 'again');
    COMMIT
SQL
check('many changes of a row in one transaction');

each_table(q(DELETE FROM TABLE WHERE id = 'brief 2'));
each_table(q(INSERT INTO TABLE VALUES ('brief 2', 1, 'anna', 'short now')));
each_table(q(UPDATE TABLE SET owner = 'bert' WHERE id = 'brief 2'));
check('a deleted row with the same key again');

each_table(q(BEGIN; SAVEPOINT a; UPDATE TABLE SET owner = 'nobody'; ROLLBACK TO a;
    UPDATE TABLE SET owner = 'carl' WHERE id = 'renamed'; COMMIT));
check('a subtransaction rolled back');

each_table(q(TRUNCATE TABLE));
each_table(q(INSERT INTO TABLE VALUES ('after', 1, 'anna', repeat('a', 5000))));
each_table(q(UPDATE TABLE SET owner = 'bert'));
check('after TRUNCATE');

is($server->safe_psql('postgres', 'SELECT count(*) FROM brigade.errors'), '0', 'no row failed');
is($server->safe_psql('postgres', <<'SQL'), '3', 'out-of-line values are kept where needed only');
    SELECT count(*) FROM brigade.out_of_line_value
SQL

# A value that storage has lost: the row's new owner cannot be told, but the old one's row goes.
$server->safe_psql('postgres', 'DELETE FROM brigade.out_of_line_value');
$server->safe_psql('postgres', "UPDATE by_key SET owner = 'carl'");
are_stored($server, 'a row that cannot be completed is nowhere', 'by_key',
    'SELECT * FROM by_key WHERE false');
like($server->safe_psql('postgres', 'SELECT table_name, reason FROM brigade.errors'),
    qr/^public\.by_key\|the value of long is out of line .* left out/, 'and is told');
$server->safe_psql('postgres', 'SELECT brigade.reconcile()');
are_stored($server, 'reconcile brings it back', 'by_key', 'SELECT * FROM by_key');
$server->safe_psql('postgres', 'DELETE FROM brigade.row_error');

# Without any identity inserts are followed, and what cannot be followed is told.
$server->safe_psql('postgres', 'ALTER TABLE by_key REPLICA IDENTITY NOTHING');
$server->safe_psql('postgres', "INSERT INTO by_key VALUES ('late', 1, 'anna', 'x')");
$server->safe_psql('postgres', "UPDATE by_key SET owner = 'bert' WHERE id = 'after'");
wait_until_stored($server);
like($server->safe_psql('postgres', 'SELECT table_name, reason FROM brigade.errors'),
    qr/^public\.by_key\|.*REPLICA IDENTITY/, 'REPLICA IDENTITY NOTHING: an update is told as lost');

done_testing();
