"""Compiles rules with libseccomp, for the test libseccomp.rs.

Each line of standard input is one filter:
    FORM DEFAULT ARCH,ARCH... RULE;RULE...
with RULE = ACTION NAME CONDITION..., CONDITION = INDEX:OP:VALUE:VALUE_TWO. Each line of standard output is its
program in hexadecimal, eight bytes an instruction, if FORM is `bpf`; if it is `pfc`, the library's tree as text,
in hexadecimal too; or `refused` and why.
"""

import os
import sys
import tempfile

import seccomp

# __NR_SCMP_ERROR
UNKNOWN = -1

OPS = {"NE": seccomp.NE, "LT": seccomp.LT, "LE": seccomp.LE, "EQ": seccomp.EQ, "GE": seccomp.GE,
       "GT": seccomp.GT, "MASKED_EQ": seccomp.MASKED_EQ}


def action(text):
    name, _, number = text.partition("=")
    number = int(number or 0)
    return {"ALLOW": seccomp.ALLOW, "LOG": seccomp.LOG, "KILL": seccomp.KILL, "TRAP": seccomp.TRAP,
            "KILL_PROCESS": seccomp.KILL_PROCESS, "NOTIFY": seccomp.NOTIFY,
            "ERRNO": seccomp.ERRNO(number), "TRACE": seccomp.TRACE(number)}[name]


def program(line):
    form, default, arches, rules = line.rstrip("\n").split(" ", 3)
    made = seccomp.SyscallFilter(action(default))
    for arch in arches.split(","):
        if not made.exist_arch(seccomp.Arch(arch)):
            made.add_arch(seccomp.Arch(arch))
    for rule in filter(None, rules.split(";")):
        answer, name, *conditions = rule.split(" ")
        # Runtimes ignore what the library doesn't know yet.
        if seccomp.resolve_syscall(seccomp.Arch(), name) == UNKNOWN:
            continue
        args = []
        for condition in conditions:
            index, op, value, value_two = condition.split(":")
            args.append(seccomp.Arg(int(index), OPS[op], int(value), int(value_two)))
        try:
            made.add_rule(action(answer), name, *args)
        except (RuntimeError, OSError) as error:
            return f"refused {error}"
    with tempfile.TemporaryFile() as file:
        (made.export_bpf if form == "bpf" else made.export_pfc)(file)
        file.seek(0)
        return file.read().hex()


for line in sys.stdin:
    print(program(line), flush=True)
