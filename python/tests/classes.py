"""Policies and replacement algorithms that several tests hand in."""


class Still:
    """The rule `static`: it orders nothing."""

    def plan(self, view):
        return {}


class Lru:
    def __init__(self, frames):
        self.pages = []

    def access(self, page, hit):
        if hit:
            self.pages.remove(page)
        self.pages.append(page)

    def evict(self, page):
        return self.pages.pop(0)


class Fifo:
    def __init__(self, frames):
        self.queue = []

    def access(self, page, hit):
        if not hit:
            self.queue.append(page)

    def evict(self, page):
        return self.queue.pop(0)
