"""What the lab's BMCs have in common: the lab switches their machines, by orders over standard input and output.

An order is one line, its answer another:

    status                        on, off
    boot                          network, disk, cd: where the machine boots from at its next start
    boot network, disk or cd      done
    insert PATH, eject            done: what is in the virtual drive
    on, off, shutdown, reset      done

or "failed" and the reason.
"""
import os
import sys
import threading

_orders = os.fdopen(os.dup(1), "w")
# whatever the emulators print goes to the log
os.dup2(2, 1)
_lock = threading.Lock()


class SwitchFailed(Exception):
    pass


def order(text):
    with _lock:
        print(text, file=_orders, flush=True)
        answer = sys.stdin.readline().strip()
    if answer == "" or answer.startswith("failed"):
        raise SwitchFailed(answer or "the lab has ended")
    return answer
