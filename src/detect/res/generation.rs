//! Generation against weather: the residual, and what it means when it is off.

use super::{
    channels::UnitChannel,
    memory::{HISTORY, UnitMemory, UnitState},
    weather::Allowed,
};
use crate::{
    detect::{
        alert::{AlertSource, AnomalyChange, NewAlert, SampleAt},
        channel::Channel,
        model::{Noise, Nominal, Row, res},
        shape::Shape,
        statistics::hypot,
        track::{Finding, Gate, Input, Signal},
    },
    grid::alert::AnomalyType,
};

/// A unit that gives less than this share of its capacity stands.
pub(super) const STANDS: f64 = 0.01;
/// The weather must allow at least this share for a stop to be a trip.
const COULD: f64 = 0.04;
/// What a unit with inertia does beside its model, as a share of the capacity.
const DYNAMICS: f64 = 1e-3;
/// How fast wind over a rotor changes, m/s2.
const SURGE_MS2: f64 = 0.15;
/// Where samples are farther apart than so many time constants, the model cannot see how a unit followed
/// between them.
const LAGS_APART: f64 = 3.0;
/// Generation is never known better than to this share of the capacity.
const LEAST_NOISE: f64 = 5e-4;
/// Weather that has moved more than generation by this factor is what is at fault.
const AT_FAULT: f64 = 1.5;
/// Share of the bend of the curve over that which shows in a sample.
const BENT: f64 = 0.45;
/// Share of what a turbine has yet to follow that its model does not know.
const INERT: f64 = 0.01;
/// Share of the noise of the weather that shows in generation a sample later.
const LASTING: f64 = 0.5;
/// An inexact model says nothing below this share of the capacity.
const LEAST: f64 = 0.05;
/// What an inexact model does not know grows with the load: so many uncertainties of a change of load.
const CHANGE_DOUBT: f64 = 6.0;
/// An inverter may limit a plant whose model allows its capacity less so many uncertainties.
const CLIPPED_UNCERTAINTIES: f64 = 3.0;
/// An inverter that limits its plant gives a share of the capacity from this to 1.
const CLIPPED_FROM: f64 = 0.98;
/// Less is generated than allowed where that was so for the samples since the onset, at least for so many.
const LESS_LEAST: u32 = 2;
/// The same, at most for so many: the history is not much longer.
const LESS_MOST: u32 = 6;

/// Generation of one sample beside what the weather allows.
pub(super) struct Generation<'a> {
    noise: &'a Noise,
    model: &'a Nominal,
    row: &'a Row,
    dt_s: f64,
    allowed: Allowed,
    /// What the unit should give with its inertia, kW.
    expected_kw: f64,
    /// How far it was from what it has to follow, kW.
    inert_kw: f64,
    /// Whether nothing is known of the weather before.
    begins: bool,
    /// Standard deviation that noise of the weather gives generation, kW.
    slope_kw: f64,
    /// What the unit should give as a share of the capacity.
    possible: f64,
    /// What it gives as a share of the capacity.
    share: f64,
}

impl<'a> Generation<'a> {
    /// Follows the weather of a sample; none where it was not measured.
    pub(super) fn new(
        noise: &'a Noise,
        model: &'a Nominal,
        row: &'a Row,
        dt_s: f64,
        memory: &mut UnitMemory,
    ) -> Option<Self> {
        let allowed = Allowed::new(noise, model, row)?;
        let settled = allowed.settled_kw;
        // What a turbine gives at first shows weather that was not measured.
        let begins = memory.inertia.is_new();
        let [expected_kw, inert_kw] = match model {
            Nominal::Wind(wind) if wind.lag_s > 0.0 => {
                let (speed, air) = (row.get(res::WIND_SPEED), row.get(res::TEMPERATURE));
                memory.inertia.follow(wind, speed, air, settled, dt_s)
            }
            _ => [settled, 0.0],
        };
        // What a turbine gives still shows the weather of the sample before.
        let before = std::mem::replace(&mut memory.slope_kw, allowed.slope_kw);
        let slope_kw = if allowed.lag_s > 0.0 {
            allowed.slope_kw.max(LASTING * before)
        } else {
            allowed.slope_kw
        };
        Some(Self {
            noise,
            model,
            row,
            dt_s,
            expected_kw,
            inert_kw,
            begins,
            slope_kw,
            possible: expected_kw / allowed.capacity_kw,
            share: row.get(res::GENERATION) / allowed.capacity_kw,
            allowed,
        })
    }

    /// What the weather allows.
    pub(super) fn allowed(&self) -> &Allowed {
        &self.allowed
    }

    /// What the unit should give as a share of the capacity.
    pub(super) fn possible(&self) -> f64 {
        self.possible
    }

    /// Judges generation.
    pub(super) fn judge(&self, state: &mut UnitState, at: SampleAt) -> Option<AnomalyChange> {
        let channel = UnitChannel::Generation;
        state.memory.keep(self.share, self.possible);
        let stuck = [res::GENERATION, res::IRRADIANCE, res::WIND_SPEED]
            .into_iter()
            .any(|field| state.is_stuck(field));
        let gate = if stuck { Gate::Explained } else { Gate::Open };
        let input = if self.allowed.uncertainty > 0.0 {
            self.inexact_input(&state.memory)
        } else {
            self.exact_input(&mut state.memory)
        };
        let pausing = [res::GENERATION, self.allowed.resource]
            .into_iter()
            .any(|field| state.repeats[field].is_pausing());
        let signal = if pausing {
            None
        } else {
            let spec = channel.spec(self.allowed.uncertainty);
            state.tracks[channel].step(&spec, &input, gate)
        };
        let change = match signal {
            Some(Signal::Raised(finding)) => {
                let new = self.alert(&state.memory, finding);
                Some(state.alerts.raise(at, new))
            }
            Some(Signal::Cleared) => state.alerts.clear(at, AlertSource::Channel(channel)),
            None => None,
        };
        if !stuck && !state.tracks[channel].is_disturbed() {
            state.memory.ratio.learn(self.share, self.possible);
        }
        change
    }

    /// The utilization factor less generation over capacity.
    pub(super) fn utilization(&self) -> Input {
        Input::new(
            self.row.get(res::UTILIZATION) - self.share,
            self.noise.generation.max(LEAST_NOISE) + self.noise.generation_share * self.share,
        )
    }

    /// Standard deviation of generation less what the weather allows, kW.
    fn std_kw(&self) -> f64 {
        let measured = self.noise.generation.max(LEAST_NOISE) * self.allowed.capacity_kw;
        let proportional = self.noise.generation_share * self.expected_kw;
        hypot(measured + proportional, self.slope_kw)
    }

    /// The ratio of generation to a model that is not exact, less 1.
    fn inexact_input(&self, memory: &UnitMemory) -> Input {
        let Allowed {
            capacity_kw,
            uncertainty,
            ..
        } = self.allowed;
        let expected_kw = self.expected_kw.max(LEAST * capacity_kw);
        let residual = if self.possible.max(self.share) < LEAST || self.is_clipped() {
            f64::NAN
        } else {
            self.row.get(res::GENERATION) / expected_kw - 1.0
        };
        // What the model does not know grows with the load, so a change of load shows it.
        Input {
            coarse: CHANGE_DOUBT * uncertainty * memory.change(),
            ..Input::new(residual, self.std_kw() / expected_kw)
        }
    }

    /// Generation less what an exact model says, kW.
    fn exact_input(&self, memory: &mut UnitMemory) -> Input {
        let Allowed {
            capacity_kw, lag_s, ..
        } = self.allowed;
        let aim_kw = (memory.ratio.factor() * self.expected_kw).min(capacity_kw);
        let storm = match self.model {
            Nominal::Wind(wind) => {
                let speed = self.row.get(res::WIND_SPEED);
                let storm = &mut memory.storm;
                storm.follow(wind, speed, self.share, self.possible, self.dt_s)
            }
            _ => false,
        };
        let residual = if storm || (self.begins && lag_s > 0.0) {
            f64::NAN
        } else {
            self.row.get(res::GENERATION) - aim_kw
        };
        let unknown = if lag_s > 0.0 {
            DYNAMICS * capacity_kw
        } else {
            0.0
        };
        Input {
            coarse: self.surge_kw() + unknown + INERT * self.inert_kw + BENT * self.allowed.bend_kw,
            ..Input::new(residual, self.std_kw())
        }
    }

    /// How far a unit with inertia may be from its model because the weather changed shortly before a sample,
    /// kW. Where samples are close together the model sees that itself.
    fn surge_kw(&self) -> f64 {
        let lag_s = self.allowed.lag_s;
        if self.dt_s > LAGS_APART * lag_s && self.noise.wind_speed > 0.0 {
            self.slope_kw / self.noise.wind_speed * SURGE_MS2 * lag_s
        } else {
            0.0
        }
    }

    /// Whether the inverter of an inexactly known plant limits its power: then generation says little.
    fn is_clipped(&self) -> bool {
        self.possible > 1.0 - CLIPPED_UNCERTAINTIES * self.allowed.uncertainty
            && (CLIPPED_FROM..=1.0).contains(&self.share)
    }

    /// What a residual means, and which field is at fault: the one that jumped.
    fn alert(&self, memory: &UnitMemory, finding: Finding) -> NewAlert<UnitChannel> {
        let Finding { shape, age, .. } = finding;
        let channel = UnitChannel::Generation;
        let (generation, possible) = (&memory.generation, &memory.possible);
        let now = HISTORY - 1;
        let found = NewAlert::found(channel, channel.field(), finding);
        if generation[now] < STANDS && possible[now] > COULD {
            let kind = AnomalyType::Trip;
            return NewAlert { kind, ..found };
        }
        let onset = now.saturating_sub(age as usize);
        if onset > 0 {
            let moves = |series: &[f64]| -> f64 {
                let pairs = series[onset - 1..].windows(2);
                pairs.map(|pair| (pair[1] - pair[0]).abs()).sum()
            };
            if moves(possible) > AT_FAULT * moves(generation) {
                return NewAlert::found(channel, self.allowed.resource, finding);
            }
        }
        let less = (0..HISTORY)
            .rev()
            .take(age.clamp(LESS_LEAST, LESS_MOST) as usize)
            .all(|at| generation[at] < possible[at]);
        if less && matches!(shape, Shape::Shift | Shape::Drift | Shape::Burst) {
            let kind = AnomalyType::Derate;
            return NewAlert { kind, ..found };
        }
        found
    }
}

/// Generation and weather are one relation: one alert explains the others.
pub(super) fn explains_all(state: &UnitState) -> bool {
    let repeats = |field: usize| state.has(AlertSource::Repeat(field));
    state.has(AlertSource::Channel(UnitChannel::Generation))
        || repeats(res::GENERATION)
        || repeats(res::IRRADIANCE)
        || repeats(res::WIND_SPEED)
        || state.tracks[UnitChannel::Generation].is_alarming()
}
