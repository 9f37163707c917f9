"""Writes the cases of this folder with windpowerlib as the reference.

    python3 -m venv venv && venv/bin/pip install windpowerlib==0.2.2
    venv/bin/python generate.py SEED COUNT > own.json
"""

import json
import random
import sys

import numpy as np
from windpowerlib import density, power_output, temperature, wind_speed


def answer(case):
    v, v_height, hub = case["wind_speed_ms"], case["wind_speed_height_m"], case["hub_height_m"]
    v_log = wind_speed.logarithmic_profile(v, v_height, hub, case["roughness_m"])
    hub_k = temperature.linear_gradient(case["temp_k"], case["temp_height_m"], hub)
    pressure = (case["pressure_pa"], case["pressure_height_m"], hub, hub_k)
    barometric = density.barometric(*pressure)
    curve = (np.array([v_log]), np.array(case["curve_v_ms"]), np.array(case["curve_p_w"]))
    values = {
        "v_hub_log_ms": v_log,
        "v_hub_hellman_ms": wind_speed.hellman(v, v_height, hub, hellman_exponent=case["hellman_exponent"]),
        "temp_hub_k": hub_k,
        "rho_barometric": barometric,
        "rho_ideal_gas": density.ideal_gas(*pressure),
        "p_w": power_output.power_curve(*curve)[0],
        "p_density_corrected_w": power_output.power_curve(*curve, np.array([barometric]), True)[0],
    }
    return {"id": case["id"]} | {key: round(float(value), 9) for key, value in values.items()}


def draw_curve(rng):
    v = sorted({round(rng.uniform(1, 30), 2) for _ in range(rng.randrange(3, 20))})
    return v, sorted(round(rng.uniform(0, 3e6), 1) for _ in v)


def draw(rng, number, curves):
    v, p = rng.choice(curves) if rng.random() < 0.7 else draw_curve(rng)
    return {
        "id": f"random#{number}",
        "wind_speed_ms": round(rng.choice([rng.uniform(0, 30), rng.uniform(3, 12)]), 3),
        "wind_speed_height_m": round(rng.choice([10.0, rng.uniform(2, 120)]), 1),
        "hub_height_m": round(rng.choice([40.0, 50.0, rng.uniform(15, 180)]), 1),
        "roughness_m": rng.choice([0.0002, 0.03, 0.1, 0.4, round(rng.uniform(0.0001, 1.5), 4)]),
        "hellman_exponent": rng.choice([0.142857, round(rng.uniform(0.05, 0.4), 4)]),
        "temp_k": round(rng.uniform(235, 320), 2),
        "temp_height_m": rng.choice([2.0, 10.0]),
        "pressure_pa": round(rng.uniform(60000, 106000), 1),
        "pressure_height_m": rng.choice([0.0, 2.0, 100.0]),
        "curve_v_ms": v,
        "curve_p_w": p,
    }


if __name__ == "__main__":
    with open("given.json") as file:
        examples = json.load(file)["input"]["cases"][:2]
    curves = [(case["curve_v_ms"], case["curve_p_w"]) for case in examples]
    rng = random.Random(int(sys.argv[1]))
    cases = [draw(rng, number, curves) for number in range(int(sys.argv[2]))]
    result = {"topic": "wind", "input": {"cases": cases}, "expect": {"cases": [answer(case) for case in cases]}}
    json.dump(result, sys.stdout, separators=(",", ":"))
    print()
