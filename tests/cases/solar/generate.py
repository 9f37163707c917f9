"""Writes the cases of this folder with pvlib as the reference.

    python3 -m venv venv && venv/bin/pip install pvlib==0.16.1
    venv/bin/python generate.py SEED COUNT > own.json
"""

import json
import random
import sys

import pandas as pd
from pvlib import atmosphere, clearsky, inverter, irradiance, pvsystem, solarposition, temperature


def answer(case):
    time = pd.DatetimeIndex([pd.Timestamp(case["unix_s"], unit="s", tz="UTC")])
    pressure, air = case["pressure_pa"], case["temp_air_c"]
    tilt, facing = case["tilt_deg"], case["surface_azimuth_deg"]
    sun = solarposition.spa_python(
        time, case["latitude_deg"], case["longitude_deg"], case["altitude_m"], pressure, air, case["delta_t_s"]
    )
    zenith, azimuth = sun.apparent_zenith, sun.azimuth
    extra = irradiance.get_extra_radiation(time)
    airmass = atmosphere.get_absolute_airmass(atmosphere.get_relative_airmass(zenith), pressure)
    sky = clearsky.ineichen(
        zenith, airmass, case["linke_turbidity"], case["altitude_m"], extra.iloc[0]
    ).fillna(0)
    plane = irradiance.get_total_irradiance(
        tilt, facing, zenith, azimuth, sky.dni, sky.ghi, sky.dhi,
        dni_extra=extra, albedo=case["albedo"], model="haydavies",
    ).fillna(0)
    cell = temperature.faiman(plane.poa_global, air, case["wind_speed_ms"])
    dc = pvsystem.pvwatts_dc(plane.poa_global, cell, case["pdc0_w"], case["gamma_pdc_per_c"])
    dc *= 1 - case["losses_frac"]
    values = {
        "zenith_deg": sun.zenith,
        "apparent_zenith_deg": zenith,
        "azimuth_deg": azimuth,
        "dni_extra_wm2": extra,
        "airmass_abs": airmass,
        "ghi_haurwitz_wm2": clearsky.haurwitz(zenith).ghi,
        "ghi_wm2": sky.ghi,
        "dni_wm2": sky.dni,
        "dhi_wm2": sky.dhi,
        "aoi_deg": irradiance.aoi(tilt, facing, zenith, azimuth),
        "poa_global_wm2": plane.poa_global,
        "temp_cell_c": cell,
        "pdc_w": dc,
        "pac_w": inverter.pvwatts(dc, case["pac0_w"] / 0.96),
    }
    rounded = {key: round(float(value.iloc[0]), 9) for key, value in values.items()}
    return {"id": case["id"]} | {key: None if value != value else value for key, value in rounded.items()}


def draw(rng, number):
    altitude = rng.choice([0, rng.uniform(0, 500), rng.uniform(500, 5000)])
    capacity = rng.choice([100000.0, 250000.0])
    case = {
        "id": f"random#{number}",
        "unix_s": rng.randrange(0, 4102444800),
        "latitude_deg": round(rng.choice([rng.uniform(-65, 65), rng.uniform(-90, 90)]), 4),
        "longitude_deg": round(rng.uniform(-180, 180), 4),
        "altitude_m": round(altitude, 1),
        "pressure_pa": round(float(atmosphere.alt2pres(altitude)) * rng.uniform(0.98, 1.02), 3),
        "temp_air_c": round(rng.uniform(-35, 45), 2),
        "wind_speed_ms": round(rng.uniform(0, 15), 2),
        "linke_turbidity": round(rng.uniform(1.2, 7), 2),
        "delta_t_s": round(rng.uniform(40, 100), 1),
        "tilt_deg": round(rng.choice([0, 35, 90, rng.uniform(0, 180)]), 2),
        "surface_azimuth_deg": round(rng.choice([180, rng.uniform(0, 360)]), 2),
        "albedo": round(rng.uniform(0, 0.8), 2),
        "pdc0_w": 1.15 * capacity,
        "gamma_pdc_per_c": round(rng.uniform(-0.005, -0.002), 5),
        "losses_frac": round(rng.uniform(0, 0.2), 3),
        "pac0_w": capacity,
    }
    kind = number % 3
    # A third of the cases by day, a third near the horizon, a third at any time.
    while kind < 2 and not (0 < answer(case)["zenith_deg"] < 85 if kind == 0 else 85 < answer(case)["zenith_deg"] < 92):
        case["unix_s"] = rng.randrange(0, 4102444800)
        case["latitude_deg"] = round(rng.uniform(-90, 90), 4)
    return case


if __name__ == "__main__":
    rng = random.Random(int(sys.argv[1]))
    cases = [draw(rng, number) for number in range(int(sys.argv[2]))]
    result = {"topic": "solar", "input": {"cases": cases}, "expect": {"cases": [answer(case) for case in cases]}}
    json.dump(result, sys.stdout, separators=(",", ":"))
    print()
