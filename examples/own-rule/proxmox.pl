# Proxmox VE's own auto-ballooning behind `policy.kind = "exec"`:
#     command = ["perl", "-I", "/usr/share/perl5", "proxmox.pl"]
# where -I names the folder that holds PVE/AutoBalloon.pm, the host's or an edited copy.
use strict;
use warnings;
use JSON::PP;
use List::Util qw(min);
use PVE::AutoBalloon;

$| = 1;    # each answer leaves at once
while (my $line = <STDIN>) {
    my $view = decode_json($line);
    my $page = $view->{page_size};
    my @vms = @{$view->{vms}};
    my ($status, $used) = ({}, 0);
    for my $at (0 .. $#vms) {
        my $vm = $vms[$at];
        $used += $vm->{resident} * $page;
        $status->{100 + $at} = {
            balloon => $vm->{allocation} * $page,
            balloon_min => $vm->{min} * $page,
            maxmem => $vm->{max} * $page,
            freemem => ($vm->{allocation} - $vm->{resident}) * $page,
            mem => $vm->{resident} * $page,
            shares => $vm->{shares},
        };
    }
    # As pvestatd: the host is to use four fifths, and a VM changes by 100 MiB at most.
    my $goal = int($view->{host} * $page * 0.8 - $used);
    my $wanted = PVE::AutoBalloon::compute_alg1($status, $goal, 100 * 1024 * 1024);
    my @targets = map {
        my $bytes = $wanted->{100 + $_};
        $bytes ? int($bytes / $page) : $vms[$_]{allocation};
    } 0 .. $#vms;
    # A live host swaps where targets exceed it; a plan may not. Growth is cut in file order.
    my $free = $view->{host};
    $free -= min($targets[$_], $vms[$_]{allocation}) for 0 .. $#vms;
    for my $at (0 .. $#vms) {
        my $kept = min($targets[$at], $vms[$at]{allocation});
        my $more = min($targets[$at] - $kept, $free);
        $free -= $more;
        $targets[$at] = $kept + $more;
    }
    print encode_json({ targets => \@targets }), "\n";
}
