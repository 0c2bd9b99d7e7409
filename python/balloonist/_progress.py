"""The progress bar of comparisons and sweeps, in terminals and notebooks."""

import sys
import time

_AFTER = 1.0
_BETWEEN = 0.1
_WIDTH = 30


class Bar:
    """Shows the steps done on standard error, if the work takes longer than a second."""

    def __init__(self, total):
        self._began = self._shown = time.monotonic()
        self._is_open = False
        self._is_wanted = total > 1 and (sys.stderr.isatty() or _in_notebook())

    def __call__(self, done, total):
        now = time.monotonic()
        is_over = done >= total
        took = now - self._began
        if not self._is_wanted or (not self._is_open and (took < _AFTER or is_over)):
            return
        if now - self._shown < _BETWEEN and not is_over:
            return
        self._shown = now
        self._is_open = True
        filled = _WIDTH * done // total
        bar = "█" * filled + "░" * (_WIDTH - filled)
        left = f"about {took / done * (total - done):.0f} s left" if done else ""
        text = f"{took:.1f} s" if is_over else left
        sys.stderr.write(f"\r{bar} {done}/{total} {text:<24}" + ("\n" if is_over else ""))
        sys.stderr.flush()


def _in_notebook():
    return "ipykernel" in sys.modules
