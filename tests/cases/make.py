"""Makes the cases that are derived from others, and solves them and case9241pegase with PYPOWER.

    python3 -m venv venv && venv/bin/pip install PYPOWER==5.1.21 && venv/bin/python make.py

PYPOWER shares no code with the solver under test. It is run to 1e-10 p.u. here (1e-9 on
case9241pegase, whose rounding does not allow for less). Islands are cut off before it sees the case.
"""

import json
import random
from pathlib import Path

import numpy as np
from pypower.api import ppoption, runpf
from pypower.idx_bus import VA, VM

HERE = Path(__file__).parent


def read(name):
    case = json.loads((HERE / name / "case.json").read_text())
    return {key: case[key] for key in ("baseMVA", "bus", "gen", "branch")}


def islands(case):
    """The groups of bus numbers without a slack bus, in the order of the case."""
    numbers = [row[0] for row in case["bus"]]
    isolated = {row[0] for row in case["bus"] if row[1] == 4}
    near = {number: set() for number in numbers}
    for row in case["branch"]:
        if row[10] > 0 and not {row[0], row[1]} & isolated:
            near[row[0]].add(row[1])
            near[row[1]].add(row[0])
    slack = {row[0] for row in case["bus"] if row[1] == 3}
    seen, found = set(), []
    for first in numbers:
        if first in seen:
            continue
        group, stack = {first}, [first]
        while stack:
            new = near[stack.pop()] - group
            group |= new
            stack += new
        seen |= group
        if not group & slack:
            found.append([number for number in numbers if number in group])
    return found


def solve(case, tolerance=1e-10):
    cut = islands(case)
    dead = {number for group in cut for number in group}
    keep = [row[10] > 0 and row[0] not in dead and row[1] not in dead for row in case["branch"]]
    bus = np.array([row for row in case["bus"] if row[0] not in dead], float)
    gen = np.array([row + [0] * (21 - len(row)) for row in case["gen"] if row[0] not in dead], float)
    branch = np.array([row + [-360, 360] for row, on in zip(case["branch"], keep) if on], float)
    ppc = {"version": "2", "baseMVA": float(case["baseMVA"]), "bus": bus, "gen": gen, "branch": branch}
    options = ppoption(VERBOSE=0, OUT_ALL=0, PF_TOL=tolerance, PF_MAX_IT=30)
    result, converged = runpf(ppc, options)
    if not converged:
        return {"converged": False}
    base = case["baseMVA"]
    v = {int(row[0]): row[VM] * np.exp(1j * np.deg2rad(row[VA])) for row in result["bus"]}
    solution = {"converged": True, "bus": [row[0] for row in case["bus"]]}
    live = [number not in dead for number in solution["bus"]]
    s = {number: 0j for number in v}
    flows = []
    for row, on in zip(case["branch"], keep):
        if not on:
            flows.append((0.0, 0.0, 0.0, 0.0))
            continue
        series = 1 / complex(row[2], row[3])
        tap = (row[8] or 1.0) * np.exp(1j * np.deg2rad(row[9]))
        own = series + 0.5j * row[4]
        ends = [v[int(row[0])], v[int(row[1])]]
        into_from = ends[0] * np.conj(own / abs(tap) ** 2 * ends[0] - series / np.conj(tap) * ends[1])
        into_to = ends[1] * np.conj(own * ends[1] - series / tap * ends[0])
        s[int(row[0])] += into_from
        s[int(row[1])] += into_to
        flows.append(tuple(base * part for power in (into_from, into_to) for part in (power.real, power.imag)))
    for row in case["bus"]:
        if row[0] in s:
            s[row[0]] += abs(v[row[0]]) ** 2 * complex(row[4], -row[5]) / base

    def at_buses(value):
        return [float(value(number)) if on else None for number, on in zip(solution["bus"], live)]

    solution["vm_pu"] = at_buses(lambda number: abs(v[number]))
    solution["va_degree"] = at_buses(lambda number: np.rad2deg(np.angle(v[number])))
    solution["p_mw"] = at_buses(lambda number: base * s[number].real)
    solution["q_mvar"] = at_buses(lambda number: base * s[number].imag)
    for i, name in enumerate(("p_from_mw", "q_from_mvar", "p_to_mw", "q_to_mvar")):
        solution[name] = [float(flow[i]) for flow in flows]
    solution["loss_mw"] = float(sum(flow[0] + flow[2] for flow in flows))
    solution["slack_bus"] = [row[0] for row in case["bus"] if row[1] == 3]
    solution["islands"] = cut
    return solution


def write(name, origin, what, case, keys=None, **options):
    solution = solve(case, **options)
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    if keys is None:
        case = {"name": name, **case}
        (folder / "case.json").write_text(json.dumps(case, separators=(",", ":")) + "\n")
        (folder / "README.md").write_text(
            f"# {name}\n\n{what}\n\nDerived from `{origin}` by `../make.py`, which says how; "
            "origin and licence of the data are those given there. The solution is PYPOWER 5.1.21's.\n"
        )
    else:
        solution = {key: solution[key] for key in keys}
    (folder / "solution.json").write_text(json.dumps(solution, separators=(",", ":")) + "\n")
    print(name, solution.get("converged", True), solution.get("islands", ""))


def scatter(case, seed):
    """Gives the buses arbitrary numbers and every table an arbitrary order."""
    chance = random.Random(seed)
    new = dict(zip((row[0] for row in case["bus"]), chance.sample(range(1, 100_000), len(case["bus"]))))
    for row in case["bus"] + case["gen"]:
        row[0] = new[row[0]]
    for row in case["branch"]:
        row[0], row[1] = new[row[0]], new[row[1]]
        if chance.random() < 0.3 and row[8] == 0 and row[9] == 0:
            row[0], row[1] = row[1], row[0]
    for table in ("bus", "gen", "branch"):
        chance.shuffle(case[table])
    return new


def main():
    case = read("case30")
    for i, row in enumerate(case["branch"]):
        if i % 4 == 1:
            row[8], row[9] = 0.94 + 0.01 * (i % 11), [-7.5, 3, 12][i % 3]
        elif i % 4 == 3:
            row[8] = 1.06 - 0.013 * (i % 9)
    write("phase_shifters", "case30", "Phase shifters and off-nominal taps on half of the branches.", case)

    case = read("case118")
    scatter(case, 7)
    write("scattered", "case118", "Arbitrary bus numbers, tables in arbitrary order, some lines turned round.", case)

    case = read("case118")
    chance = random.Random(11)
    for row in chance.sample(case["branch"], 9):
        row[10] = 0
    for row in chance.sample([row for row in case["gen"] if row[0] != 69], 8):
        row[7] = 0
    for row in list(case["gen"]):
        if row[7] and chance.random() < 0.3:
            half = list(row)
            row[1], row[2] = 0.6 * row[1], 0.6 * row[2]
            half[1], half[2] = 0.4 * half[1], 0.4 * half[2]
            case["gen"].append(half)
    scatter(case, 12)
    write("outages", "case118", "Branches and generators out of service, PV buses left without a generator, "
          "several generators at a bus, arbitrary numbers and order.", case)

    case = read("case30")
    for row in case["bus"]:
        if row[0] in (11, 13):
            row[1] = 1
        if row[0] == 26:
            row[1] = 4
    case["gen"] = [row for row in case["gen"] if row[0] != 27]
    case["gen"].append([15, 12, 4, 50, -20, 1.02, 100, 1, 60, 0])
    for row in case["branch"]:
        if (row[0], row[1]) in ((27, 29), (27, 30)):
            row[10] = 0
    write("islands", "case30", "An island of two buses without a slack bus, an isolated bus (type 4) whose branch is "
          "in service, a PV bus without a generator, a generator at a PQ bus.", case)

    case = read("case14")
    for row in case["bus"]:
        if row[0] == 6:
            row[1], row[8] = 3, -11.0
    write("two_slacks", "case14", "Two slack buses in one island; both hold voltage and angle.", case)

    case = read("case9")
    for row in case["bus"]:
        row[2], row[3] = 4 * row[2], 4 * row[3]
    write("overloaded", "case9", "Four times the load: there is no solution.", case)

    case = read("case14")
    for row in case["bus"]:
        row[7], row[8] = 1.0, 0.0
        row[4] = 3.0 + row[0]
    write("flat_start", "case14", "A flat start, and a shunt conductance at every bus.", case)

    write("case9241pegase", None, None, read("case9241pegase"),
          keys=("bus", "vm_pu", "va_degree", "slack_bus", "loss_mw"), tolerance=1e-9)


main()
