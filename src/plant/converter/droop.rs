//! How a grid converter answers voltage and frequency.

/// Reactive power a converter offers at a grid voltage, per unit of its rating, into the grid positive:
/// the Q(V) characteristic of IEEE 1547-2018, table 8, category B.
#[must_use]
pub fn reactive_power_pu(voltage_pu: f64) -> f64 {
    const MOST: f64 = 0.44;
    const SLOPE: f64 = MOST / 0.06;
    if voltage_pu < 0.98 {
        (SLOPE * (0.98 - voltage_pu)).min(MOST)
    } else if voltage_pu > 1.02 {
        (SLOPE * (1.02 - voltage_pu)).max(-MOST)
    } else {
        0.0
    }
}

/// Share of the available power a source may give at a frequency: all up to `start_hz`, then less,
/// by the droop of a machine that would give up all of it over `droop` x `nominal_hz` (IEEE 1547-2018,
/// section 6.5.2.7).
#[must_use]
pub fn active_power_share(frequency_hz: f64, nominal_hz: f64, start_hz: f64, droop: f64) -> f64 {
    (1.0 - (frequency_hz - start_hz) / (droop * nominal_hz)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-12
    }

    #[test]
    fn reactive_power_follows_the_characteristic() {
        for (voltage_pu, expected) in [
            (0.05, 0.44),
            (0.92, 0.44),
            (0.95, 0.22),
            (0.98, 0.0),
            (1.0, 0.0),
            (1.02, 0.0),
            (1.05, -0.22),
            (1.08, -0.44),
            (1.3, -0.44),
        ] {
            assert!(
                close(reactive_power_pu(voltage_pu), expected),
                "{voltage_pu}"
            );
        }
    }

    #[test]
    fn active_power_gives_way_above_50_2_hz() {
        for (frequency_hz, expected) in [
            (49.0, 1.0),
            (50.2, 1.0),
            (50.7, 0.8),
            (51.45, 0.5),
            (52.7, 0.0),
            (55.0, 0.0),
        ] {
            let share = active_power_share(frequency_hz, 50.0, 50.2, 0.05);
            assert!(close(share, expected), "{frequency_hz}");
        }
    }
}
