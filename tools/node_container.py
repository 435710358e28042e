#!/usr/bin/env python3
"""node_container.py SPEC.json: becomes one container's program. Called by tools/node in new network and mount namespaces.

It makes the container's root file system what the pod says it is (volumes mounted, the rest read-only), gives up root and executes the
program, so that the process that tools/node started is the program.
"""
import ctypes
import json
import os
import subprocess
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG, SIGKILL = 38, 1, 9


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def make_place(path, folder):
    if folder:
        os.makedirs(path, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        open(path, "a").close()


def mount_all(root, spec):
    """The places first: they cannot be made once the root is read-only."""
    binds = spec["mounts"] + [{"source": f"/dev/{name}", "path": f"/dev/{name}", "readOnly": False} for name in ("null", "urandom")]
    for bind in binds:
        make_place(root + bind["path"], os.path.isdir(bind["source"]))
    make_place(root + "/proc", True)
    mount("--bind", root, root)
    if spec["readOnlyRoot"]:
        mount("-o", "remount,bind,ro", root)
    mount("-t", "proc", "proc", root + "/proc")
    for bind in sorted(binds, key=lambda b: b["path"]):
        mount("--bind", bind["source"], root + bind["path"])
        if bind["readOnly"]:
            mount("-o", "remount,bind,ro", root + bind["path"])


def main():
    with open(sys.argv[1]) as file:
        spec = json.load(file)
    root = spec["root"]
    mount_all(root, spec)
    os.chroot(root)
    os.chdir(spec["workingDir"])
    os.setgroups([])
    os.setgid(spec["group"])
    os.setuid(spec["user"])
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)  # after setuid, which clears it: the node's end is the container's
    os.execve(spec["command"][0], spec["command"], spec["environment"])


main()
