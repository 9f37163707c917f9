//! The generating stations of a case at its own power flow.

use std::collections::HashMap;

use crate::powerflow::{BusType, Case, Generator, PowerFlow};

use super::dispatch::Station;

/// Share of the rating that is active power at most: the power factor that machines are built for.
const RATED_POWER_FACTOR: f64 = 0.9;
/// A limit or rating from here on, in MVA, is a word for none.
const NO_LIMIT_MVA: f64 = 1e5;

/// The generators in service that are connected to a slack bus, taken together bus by bus, and the slack
/// buses. In a case the power at a slack bus is a result: its schedule is what `flow`, solved, has.
pub(super) fn stations(case: &Case, flow: &PowerFlow) -> Vec<Station> {
    let count = case.buses.len();
    let mut slack = vec![false; count];
    for bus in flow.slack_buses() {
        slack[bus] = true;
    }
    let (mut net_mw, mut net_mvar) = (vec![0.0; count], vec![0.0; count]);
    flow.injections(&mut net_mw, &mut net_mvar);
    let mut at_bus: HashMap<u32, Vec<&Generator>> = HashMap::new();
    for generator in case.generators.iter().filter(|g| g.in_service) {
        at_bus.entry(generator.bus).or_default().push(generator);
    }
    let mut stations = Vec::new();
    for (at, bus) in case.buses.iter().enumerate() {
        let here = at_bus.get(&bus.number).map_or(&[][..], Vec::as_slice);
        if !flow.energised(at) || (here.is_empty() && !slack[at]) {
            continue;
        }
        let scheduled_mw = if slack[at] {
            net_mw[at] + bus.pd_mw
        } else {
            here.iter().map(|g| g.pg_mw).sum()
        };
        let feeding_mw = |generator: &Generator| {
            if slack[at] {
                scheduled_mw / here.len() as f64
            } else {
                generator.pg_mw
            }
        };
        let ratings = here
            .iter()
            .map(|g| rating_mva(g, feeding_mw(g), case.base_mva));
        let rated_mva: f64 = ratings.sum();
        stations.push(Station {
            bus: at,
            scheduled_mw,
            scheduled_mvar: here.iter().map(|g| g.qg_mvar).sum(),
            rated_mva: rated_mva.max(scheduled_mw.abs()),
            governed: slack[at]
                || (scheduled_mw >= 0.0
                    && here.iter().any(|g| g.pmax_mw > 0.0 || g.pmax_mw.is_nan())),
            slack: slack[at],
            holds: bus.bus_type == BusType::Pv && !slack[at],
            set_point_pu: flow.vm_pu()[at],
        });
    }
    stations
}

/// What a generator that feeds in `p_mw` is built for in MVA. Many cases give no rating of its own but the
/// base of the network; then its largest limit tells, or what it feeds in.
fn rating_mva(generator: &Generator, p_mw: f64, base_mva: f64) -> f64 {
    let given = generator.mbase_mva;
    #[expect(clippy::float_cmp, reason = "the very number stands there twice")]
    let own = given > 0.0 && given < NO_LIMIT_MVA && given != base_mva;
    if own {
        return given;
    }
    let limits = [
        generator.pmax_mw,
        generator.pmin_mw,
        generator.qmax_mvar,
        generator.qmin_mvar,
    ];
    let known = limits.map(f64::abs).into_iter();
    let largest = known
        .filter(|limit| *limit < NO_LIMIT_MVA)
        .fold(p_mw.abs(), f64::max);
    largest / RATED_POWER_FACTOR
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the numbers are to be the very same")]
mod tests {
    use super::*;

    const GENERATOR: Generator = Generator {
        bus: 1,
        pg_mw: 90.0,
        qg_mvar: 0.0,
        qmax_mvar: 60.0,
        qmin_mvar: f64::NEG_INFINITY,
        vg_pu: 1.0,
        mbase_mva: 100.0,
        in_service: true,
        pmax_mw: 180.0,
        pmin_mw: 0.0,
    };

    #[test]
    fn a_rating_is_the_machines_own_or_what_its_limits_tell() {
        let rated = |generator: &Generator| rating_mva(generator, generator.pg_mw, 100.0);
        let of_its_own = Generator {
            mbase_mva: 250.0,
            ..GENERATOR
        };
        assert_eq!(rated(&of_its_own), 250.0);
        for mbase_mva in [100.0, 0.0, -1.0, 1e6, f64::INFINITY, f64::NAN] {
            let without = Generator {
                mbase_mva,
                ..GENERATOR
            };
            assert_eq!(rated(&without), 200.0, "{mbase_mva}");
        }
        let boundless = Generator {
            pmax_mw: f64::INFINITY,
            qmax_mvar: 99_999_999.0,
            ..GENERATOR
        };
        assert_eq!(rated(&boundless), 100.0, "what it feeds in");
    }
}
