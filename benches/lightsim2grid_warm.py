"""Times lightsim2grid's warm solves of a case: the loads of powerflow.rs, each solve from the voltages before.

Prints median and best time of a solve in microseconds for each way of solving, as measured inside the
library, without Python. `newton` factorises in every iteration, `chord` once per solve
(nan where that does not converge).
"""

import json
import statistics
import sys
from pathlib import Path

import numpy as np
from lightsim2grid.algorithm import NRSing_KLU, RefactorPolicyType
from scipy.sparse import csc_matrix

TICKS = 16
WARM_UP = 5
MASK = (1 << 64) - 1
CASES = Path(__file__).parent.parent / "tests" / "cases"


def chance(state=1):
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) & MASK
        yield (state >> 11) / (1 << 53)


def load(name):
    case = json.loads((CASES / name / "case.json").read_text())
    base, bus = case["baseMVA"], case["bus"]
    index = {row[0]: i for i, row in enumerate(bus)}
    y = {}

    def add(i, j, value):
        y[i, j] = y.get((i, j), 0) + value

    for i, row in enumerate(bus):
        add(i, i, complex(row[4], row[5]) / base)
    for row in case["branch"]:
        if row[10] <= 0:
            continue
        f, t = index[row[0]], index[row[1]]
        series = 1 / complex(row[2], row[3])
        tap = (row[8] or 1.0) * np.exp(1j * np.deg2rad(row[9]))
        own = series + 0.5j * row[4]
        add(f, f, own / abs(tap) ** 2)
        add(t, t, own)
        add(f, t, -series / np.conj(tap))
        add(t, f, -series / tap)
    keys = np.array(list(y))
    y_bus = csc_matrix((np.array(list(y.values())), (keys[:, 0], keys[:, 1])), shape=(len(bus),) * 2)
    generation = np.zeros(len(bus), complex)
    vm = np.array([row[7] for row in bus], float)
    held = set()
    for row in case["gen"]:
        if row[7] > 0:
            i = index[row[0]]
            generation[i] += complex(row[1], row[2])
            vm[i] = row[5]
            held.add(i)
    v = vm * np.exp(1j * np.deg2rad([row[8] for row in bus]))
    slack = np.array([i for i, row in enumerate(bus) if row[1] == 3], np.int32)
    pv = np.array([i for i, row in enumerate(bus) if row[1] == 2 and i in held], np.int32)
    pq = np.array(sorted(set(range(len(bus))) - set(slack) - set(pv)), np.int32)
    demand = np.array([complex(row[2], row[3]) for row in bus])
    numbers = chance()
    powers = []
    for _ in range(TICKS):
        scale = np.array([1 + 0.01 * (2 * next(numbers) - 1) for _ in bus])
        powers.append((generation - scale * demand) / base)
    weights = np.zeros(len(bus))
    weights[slack] = 1.0
    return y_bus, v, powers, slack, weights, pv, pq


def main(name, solves):
    y_bus, start, powers, slack, weights, pv, pq = load(name)
    result = {}
    for policy, label in ((RefactorPolicyType.AlwaysRefactor, "newton"), (RefactorPolicyType.Chord, "chord")):
        solver = NRSing_KLU()
        v = start.copy()
        times = []
        for tick in range(solves + WARM_UP):
            if tick == WARM_UP:
                solver.set_refactor_policy(policy)
            if not solver.compute_pf(y_bus, v, powers[tick % TICKS], slack, weights, pv, pq, 40, 1e-8):
                times = [float("nan")]
                break
            v = solver.get_V().copy()
            if tick >= WARM_UP:
                times.append(solver.get_timers()[3] * 1e6)
        result[label] = {"median": statistics.median(times), "best": min(times)}
    print(json.dumps(result))


main(sys.argv[1], int(sys.argv[2]))
