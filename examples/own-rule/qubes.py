"""Qubes OS' own algo.py behind `policy.kind = "exec"`:

    command = ["python3", "qubes.py", "/usr/lib/python3/dist-packages"]

where the argument is the folder that holds qubes/qmemman/algo.py, the host's or an edited copy.
algo.py decides sizes; the guards around it, in systemstate.py, are those of the policy `qmemman`.
"""
import json
import sys
from types import SimpleNamespace

sys.path.insert(0, sys.argv[1])
from qubes.qmemman import algo  # noqa: E402

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
    targets = [
        max(vm["min"], min(vm["max"], wanted.get(str(at + 1), vm["target"] * page) // page))
        for at, vm in enumerate(vms)
    ]
    print(json.dumps({"targets": targets}), flush=True)
