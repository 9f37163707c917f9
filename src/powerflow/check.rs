//! Looks for what a power flow cannot live with.

use std::{
    collections::{HashMap, HashSet},
    ops::RangeInclusive,
};

use super::{
    case::{Branch, BusType, Case},
    network::admittances,
    problem::{CaseErrors, Fault, LARGEST, POSITIVE, Place, Problems, Table},
};

/// Base powers that leave per-unit values of [`LARGEST`] numbers finite.
const BASE_MVA: RangeInclusive<f64> = 1e-6..=LARGEST;

impl Case {
    /// Looks for everything that a power flow cannot live with.
    ///
    /// # Errors
    /// All problems found.
    pub fn check(&self) -> Result<(), CaseErrors> {
        let mut found = Problems::default();
        if !(self.base_mva.is_finite() && self.base_mva > 0.0) {
            found.number(Place::Field("baseMVA"), self.base_mva, POSITIVE);
        } else if !BASE_MVA.contains(&self.base_mva) {
            let expected = "between 1e-6 and 1e12";
            found.number(Place::Field("baseMVA"), self.base_mva, expected);
        }
        self.check_buses(&mut found);
        let numbers: HashSet<u32> = self.buses.iter().map(|bus| bus.number).collect();
        self.check_generators(&numbers, &mut found);
        self.check_branches(&numbers, &mut found);
        found.into_result(())
    }

    fn check_buses(&self, found: &mut Problems) {
        let mut rows = HashMap::new();
        for (i, bus) in self.buses.iter().enumerate() {
            let at = |column| Place::Row {
                table: Table::Bus,
                row: i + 1,
                column,
            };
            if bus.number == 0 {
                found.number(at(1), 0.0, "a whole number above 0");
            } else if let Some(row) = rows.insert(bus.number, i + 1) {
                found.push(at(1), Fault::DuplicateBus(bus.number, row));
            }
            let values = [
                (3, bus.pd_mw),
                (4, bus.qd_mvar),
                (5, bus.gs_mw),
                (6, bus.bs_mvar),
                (9, bus.va_degree),
                (10, bus.base_kv),
            ];
            found.finite(at, &values);
            if bus.bus_type != BusType::Isolated {
                found.voltage(at(8), bus.vm_pu);
            }
        }
        if !self.buses.iter().any(|bus| bus.bus_type == BusType::Slack) {
            found.push(Place::Case, Fault::NoSlack);
        }
    }

    fn check_generators(&self, buses: &HashSet<u32>, found: &mut Problems) {
        for (i, generator) in self.generators.iter().enumerate() {
            let at = |column| Place::Row {
                table: Table::Gen,
                row: i + 1,
                column,
            };
            if !buses.contains(&generator.bus) {
                found.push(at(1), Fault::UnknownBus(generator.bus));
            }
            found.finite(at, &[(2, generator.pg_mw), (3, generator.qg_mvar)]);
            if generator.in_service {
                found.voltage(at(6), generator.vg_pu);
            } else {
                found.finite(at, &[(6, generator.vg_pu)]);
            }
        }
    }

    fn check_branches(&self, buses: &HashSet<u32>, found: &mut Problems) {
        for (i, branch) in self.branches.iter().enumerate() {
            let at = |column| Place::Row {
                table: Table::Branch,
                row: i + 1,
                column,
            };
            for (column, bus) in [(1, branch.from), (2, branch.to)] {
                if !buses.contains(&bus) {
                    found.push(at(column), Fault::UnknownBus(bus));
                }
            }
            if branch.from == branch.to {
                found.push(at(0), Fault::Loop(branch.from));
            }
            let values = [
                (3, branch.r_pu),
                (4, branch.x_pu),
                (5, branch.b_pu),
                (9, branch.ratio),
                (10, branch.shift_degree),
            ];
            found.finite(at, &values);
            if branch.rate_a_mva.is_nan() {
                found.number(at(6), branch.rate_a_mva, "a number");
            }
            if branch.in_service && branch.r_pu == 0.0 && branch.x_pu == 0.0 {
                found.push(at(0), Fault::NoImpedance(branch.from, branch.to));
            } else if let Some(admittance_pu) = beyond(branch) {
                found.push(at(0), Fault::Admittance(admittance_pu));
            }
        }
    }
}

/// The larger part of an admittance of the branch, in p.u., that is above [`LARGEST`] or not a number.
fn beyond(branch: &Branch) -> Option<f64> {
    let numbers = [
        branch.r_pu,
        branch.x_pu,
        branch.b_pu,
        branch.ratio,
        branch.shift_degree,
    ];
    if numbers.iter().any(|number| !number.is_finite()) {
        return None;
    }
    let size = |[re, im]: [f64; 2]| re.abs().max(im.abs());
    // The square of a tiny impedance is 0, so that its admittance would be taken for 0.
    let impedance_pu = size([branch.r_pu, branch.x_pu]);
    let series_pu = (impedance_pu > 0.0).then(|| 1.0 / impedance_pu);
    admittances(branch)
        .map(size)
        .into_iter()
        .chain(series_pu)
        .find(|admittance_pu| !matches!(admittance_pu, 0.0..=LARGEST))
}
