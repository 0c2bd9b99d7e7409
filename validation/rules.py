"""The rules of three policies for guests on one host, as its operator would run them. Sizes are in
pages; a guest's is what its processes can have, without what its kernel keeps."""

from dataclasses import dataclass


@dataclass
class Guest:
    """What a rule sees of a guest: its size, faults since its start, and resident pages."""

    size: int
    faults: int = 0
    used: int = 0


def static(host, guests, least):
    """Nobody gives anything."""
    return [guest.size for guest in guests]


def proportional(host, guests, least):
    """Each keeps the least, and the rest is divided by all faults so far."""
    faults = sum(guest.faults for guest in guests)
    rest = host - least * len(guests)
    shares = [rest * guest.faults // faults for guest in guests]
    over = [rest * guest.faults % faults for guest in guests]
    for at in sorted(range(len(guests)), key=lambda at: -over[at])[: rest - sum(shares)]:
        shares[at] += 1
    return [least + share for share in shares]


def mom(host, guests, least):
    """doc/balloon.rules of oVirt's MOM, of November 2013, with its constants."""
    free = (host - sum(min(guest.used, guest.size) for guest in guests)) / host
    sizes = []
    for guest in guests:
        now, used = guest.size, min(guest.used, guest.size)
        if free < 0.20:
            kept = free / 0.20 * 0.20 * now if free > 0.05 else (free - 0.05) * now
            size = max(0.95 * now, least, used + kept)
            size = size if size <= now else now
        else:
            size = min(max(1.05 * now, least, used + 0.20 * now), host)
        sizes.append(int(size) if abs(size - now) > 0.0025 * now else now)
    # Who grows takes what is free, the first first.
    left = host - sum(min(size, guest.size) for size, guest in zip(sizes, guests))
    for at, guest in enumerate(guests):
        given = min(max(sizes[at] - guest.size, 0), left)
        sizes[at] = min(sizes[at], guest.size + given)
        left -= given
    return sizes


RULES = {"static": static, "proportional": proportional, "mom-balloon": mom}
