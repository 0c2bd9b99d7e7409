"""A rule of one's own for `policy.kind = "exec"`: the VM that faults most gets what others spare.

Each line of standard input is the state of the host as JSON, each line of standard output the
answer: a target for each VM, in frames. docs/guide-operator.md has the protocol.
"""
import json
import sys

for line in sys.stdin:
    view = json.loads(line)
    vms = view["vms"]
    faults = [vm["interval"]["demand_faults"] - vm["interval"]["cold_faults"] for vm in vms]
    targets = [vm["target"] for vm in vms]
    neediest = max(range(len(vms)), key=faults.__getitem__)
    for at, vm in enumerate(vms):
        room = vms[neediest]["max"] - targets[neediest]
        if faults[at] < faults[neediest] and room > 0:
            spared = min(max(targets[at] // 16, 1), targets[at] - vm["min"], room)
            targets[at] -= spared
            targets[neediest] += spared
    print(json.dumps({"targets": targets}), flush=True)
