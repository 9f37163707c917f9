"""Gathers what compare.sh measures: `record CASE FILE JSON`, then `report FILE`."""

import json
import statistics
import sys
from pathlib import Path


def record(case, results, peer):
    folder = Path("target/criterion/warm") / case / "new"
    sample = json.loads((folder / "sample.json").read_text())
    times = [time / solves / 1e3 for time, solves in zip(sample["times"], sample["iters"])]
    own = {"median": statistics.median(times), "best": min(times)}
    with open(results, "a") as file:
        file.write(json.dumps({"case": case, "gridcast": own, **json.loads(peer)}) + "\n")


def report(results):
    rows = [json.loads(line) for line in Path(results).read_text().splitlines()]
    print("us per warm solve; median (best) of all rounds; ratio = lightsim2grid / gridcast, by median (best)")
    for case in dict.fromkeys(row["case"] for row in rows):
        def of(who):
            of_case = [row[who] for row in rows if row["case"] == case]
            return statistics.median(r["median"] for r in of_case), min(r["best"] for r in of_case)

        own = of("gridcast")
        line = f"{case:16} gridcast {own[0]:9.2f} ({own[1]:.2f})"
        for who in ("newton", "chord"):
            peer = of(who)
            line += f"   {who} {peer[0]:9.2f} ({peer[1]:.2f}) ratio {peer[0] / own[0]:.1f} ({peer[1] / own[1]:.1f})"
        print(line)


{"record": record, "report": report}[sys.argv[1]](*sys.argv[2:])
