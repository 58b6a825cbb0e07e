# SPDX-License-Identifier: GPL-3.0-or-later
"""A3: the power of a whole machine is cut: a real kernel with real file systems. What a client
outside was told by then must be there after the next boot."""

import time

from torture import crowd, guest
from torture.programme import Tally

PROPERTY = "an acknowledged answer survives the machine"
METHOD = "kill -9 of a virtual machine under load; boot, theta verify, client-side audit"
SHARE = 0.3
N_SESSION, N_ITEM = 12, 30
ROUNDS_A_DISK = 10
CUT_AFTER_S = (0.3, 3.0)


def programs(context):
    folder = context.builds.get("plain") or context.builds["tools"]
    return str(folder / "engine" / "thetad"), str(folder / "clients" / "cli" / "theta")


class Machine:
    """A guest with a disk, its examinees, and what became of them."""

    def __init__(self, context, folder, file_system, kernels, prefix):
        self.context = context
        self.guest = guest.Guest(folder, programs(context), kernels, file_system,
                                 context.environment())
        self.audit = crowd.Audit(self.guest)
        self.prefix = prefix
        self.n_answer = 0
        self.members = []

    def begin(self):
        self.guest.boot()
        crowd.load(self.guest, N_ITEM)

    def cut(self):
        """Load, a cut at a random moment, the next boot; what is wrong then."""
        if all(examinee.finished() for examinee in self.members):
            self.prefix += "n-"
            self.members = crowd.examinees(N_SESSION, self.prefix)
        clients = crowd.Crowd(self.guest, self.members)
        clients.wait(N_SESSION, guest.BOOT_S)
        time.sleep(self.context.random.uniform(*CUT_AFTER_S))
        self.guest.cut()
        found = clients.leave()
        self.n_answer += clients.n_answer
        return found + self.guest.boot() + self.audit.check(self.members)


def run(context):
    kernels = (context.builds["tools"].parent / "vm", "/")
    tally = Tally(skipped=guest.missing(kernels))
    if tally.skipped:
        return tally
    systems = [name for name in guest.FILE_SYSTEMS if guest.maker_of(name)]
    n_answer = n_pending = 0
    for i in context.rounds(1, n_least=len(systems)):
        with context.folder() as folder:
            machine = Machine(context, folder, systems[i % len(systems)], kernels, f"{i}-")
            try:
                machine.begin()
                for n in range(1 if context.short else ROUNDS_A_DISK):
                    if n > 0 and context.left() == 0:
                        break
                    tally.faults += 1
                    tally.add(machine.cut())
            finally:
                machine.guest.cut()
            n_answer += machine.n_answer
            n_pending += machine.audit.n_pending
    tally.note = (f"{n_answer:,} acknowledged, {n_pending} requests cut off; "
                  f"{', '.join(systems[:i + 1])}")
    return tally
