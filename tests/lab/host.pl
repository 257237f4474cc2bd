#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The host's snapshot service in the guest, on loopback, for as many disks as it is told (3): says yes to everything,
# to dosnapshot as soon as /run/host/answer is there. Each request leaves a line in /run/host/asked. (The guest has no
# other interpreter.)
use strict;
use warnings;
use IO::Socket::INET;

my $folder = '/run/host';
my $disks = shift // 3;
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 8080, Listen => 8, ReuseAddr => 1)
    or die "cannot listen: $!";
$SIG{CHLD} = 'IGNORE';

sub answer_to {
    my ($path) = @_;
    if ($path =~ /presnapshot/) {
        my ($second, $minute, $hour, $day, $month, $year) = gmtime;
        my ($real_month, $real_year) = ($month + 1, $year + 1900);
        return qq({"responseTime":{"year":$real_year,"month":$real_month,"day":$day,"hour":$hour,"minute":$minute,)
            . qq("second":$second},"bhsVersion":"1","nodeId":"lab","result":"Success","isOsDiskADEEncrypted":false,)
            . qq("areDataDisksADEEncrypted":false});
    }
    for (1 .. 600) {
        last if -e "$folder/answer";
        select(undef, undef, undef, 0.1);
    }
    my @disks = map { qq({"isSuccessful":"true","snapshotUri":"http://store/disks/$_?snapshot=t","errorMessage":"",)
            . qq("statusCode":200,"ddSnapshotIdentifier":null}) } 0 .. $disks - 1;
    return '{"snapshotInfo":[' . join(',', @disks) . ']}';
}

sub serve {
    my ($client) = @_;
    while (defined(my $line = <$client>)) {
        my ($method, $path) = split ' ', $line;
        my $length = 0;
        while (defined(my $header = <$client>)) {
            last if $header =~ /^\r?\n$/;
            $length = $1 if $header =~ /^content-length:\s*(\d+)/i;
        }
        read($client, my $body, $length) if $length;
        open(my $asked, '>>', "$folder/asked") or die "cannot note: $!";
        print $asked "$path\n";
        close $asked;
        my $answer = answer_to($path);
        print $client "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ", length $answer,
            "\r\n\r\n", $answer;
        $client->flush;
    }
}

while (1) {
    my $client = $listener->accept or next;  # a child's end interrupts it
    next if fork;
    $client->autoflush(0);
    serve($client);
    exit;
}
