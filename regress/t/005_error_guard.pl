# Errors cross between C++ and the server in both directions, whole, and leave nothing behind.
use strict;
use warnings;

use Brigade;
use Test::More;

my $server = new_server('error_guard');
$server->safe_psql('postgres', join '', map { <<"SQL" } (
    CREATE FUNCTION $_->[0]($_->[1]) RETURNS $_->[2] LANGUAGE c STRICT
    AS 'brigade_test', '$_->[0]';
SQL
    ['objects_alive', '', 'bigint'], ['server_raises', '', 'boolean'],
    ['cpp_throws', 'text', 'boolean'], ['throws_through_server', 'text', 'boolean'],
    ['catches', '', 'text'], ['context_restored', '', 'boolean'],
    ['waits_for_cancel', '', 'boolean']));

# Calls in one session, each in a transaction of its own; then asks whether the session is sound.
sub error_of {
    my ($call) = @_;
    my ($status, $output, $error) = $server->psql('postgres',
        "\\set VERBOSITY verbose\n\\set ON_ERROR_STOP off\n$call;\n"
        . "SELECT 'alive ' || objects_alive(), 1/1;");
    is($output, 'alive 0|1', "$call: the session goes on, and no object is left");
    return $error;
}

sub check_error {
    my ($call, @patterns) = @_;
    my $error = error_of("SELECT $call");
    like($error, $_, "$call: $_") foreach @patterns;
    return;
}

check_error('server_raises()', qr/22012: raised by the server/, qr/DETAIL:  A detail\./,
    qr/HINT:  A hint\./);
foreach my $function ('cpp_throws', 'throws_through_server') {
    check_error("$function('error')", qr/22023: thrown by us/, qr/DETAIL:  Our detail\./,
        qr/HINT:  Our hint\./);
    check_error("$function('bad sqlstate')", qr/XX000: thrown by us/);
    check_error("$function('standard')", qr/XX000: thrown by a library/);
    check_error("$function('memory')", qr/53200: out of memory/);
    check_error("$function('integer')", qr/XX000: unknown C\+\+ exception/);
}
check_error("throws_through_server(repeat('x', 100000))", qr/XX000: unknown C\+\+ exception/);

is($server->safe_psql('postgres', 'SELECT catches()'),
    '22012|raised by the server|A detail.|A hint.', 'C++ catches all of a server error');
is($server->safe_psql('postgres', 'SELECT context_restored()'), 't',
    'a memory scope left by an exception restores the context');

my $error = error_of("SET statement_timeout = '50ms'; SELECT waits_for_cancel()");
like($error, qr/57014: canceling statement due to statement timeout/, 'a cancel passes the guard');

# Once more, very often, in one session: neither objects nor memory may stay.
my $grown = $server->safe_psql('postgres', <<'SQL');
    CREATE FUNCTION raise_often(times integer) RETURNS bigint LANGUAGE plpgsql AS $$
    BEGIN
      FOR i IN 1 .. times LOOP
        BEGIN PERFORM server_raises(); EXCEPTION WHEN division_by_zero THEN NULL; END;
        BEGIN PERFORM throws_through_server('error');
        EXCEPTION WHEN invalid_parameter_value THEN NULL; END;
        BEGIN PERFORM throws_through_server('integer');
        EXCEPTION WHEN internal_error THEN NULL; END;
        PERFORM catches(), context_restored();
      END LOOP;
      RETURN (SELECT sum(total_bytes) FROM pg_backend_memory_contexts);
    END $$;
    SELECT raise_often(100) AS warm \gset
    SELECT raise_often(20000) - :warm, objects_alive();
SQL
my ($bytes, $alive) = split /\|/, $grown;
is($alive, 0, 'no object is left after 60,000 errors');
cmp_ok($bytes, '<', 100_000, "memory does not grow with the number of errors ($bytes bytes)");

done_testing();
