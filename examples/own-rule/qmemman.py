"""Qubes OS' own algo.py behind `policy.kind = "exec"`:

    command = ["python3", "qmemman.py", "/usr/lib/python3/dist-packages/qubes/qmemman/algo.py"]

where the argument is the host's algo.py or an edited copy. algo.py decides sizes; the guards around
it, in systemstate.py, are in the policy `qmemman` alone.
"""
import importlib.util
import json
import sys
from types import SimpleNamespace

spec = importlib.util.spec_from_file_location("algo", sys.argv[1])
algo = importlib.util.module_from_spec(spec)
spec.loader.exec_module(algo)

RESERVE = 50 << 20

for line in sys.stdin:
    view = json.loads(line)
    page, vms = view["page_size"], view["vms"]
    domains = {
        # Qubes' domain 0 is the host's own.
        str(at + 1): SimpleNamespace(
            domid=str(at + 1),
            mem_used=vm["resident"] * page,
            mem_actual=max(vm["allocation"], vm["target"]) * page,
            mem_max=vm["max"] * page,
            last_target=vm["target"] * page,
            no_progress=False,
        )
        for at, vm in enumerate(vms)
    }
    free = (view["host"] - sum(vm["allocation"] for vm in vms)) * page
    wanted = dict(algo.balance(free - RESERVE, domains))
    # Xen gives what is free; a plan may not promise more. Growth is cut in file order.
    targets = []
    for at, vm in enumerate(vms):
        target = wanted.get(str(at + 1), vm["target"] * page) // page
        targets.append(max(vm["min"], min(vm["max"], target)))
    left = view["host"] - sum(min(t, vm["allocation"]) for t, vm in zip(targets, vms))
    for at, vm in enumerate(vms):
        kept = min(targets[at], vm["allocation"])
        targets[at] = kept + min(left, targets[at] - kept)
        left -= targets[at] - kept
    print(json.dumps({"targets": targets}), flush=True)
