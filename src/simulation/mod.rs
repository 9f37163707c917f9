//! Makes telemetry: the replicated state machine and the loop that drives it.
//!
//! [`control`] folds the ordered log into what should be, [`machine`] computes tick after tick from
//! it without clock or I/O, [`engine`] gives it the clock, the log and the outlet. Everything else
//! sees a [`Simulation`]: a door for commands and a view of the newest state.

mod active;
pub mod alerts;
pub mod control;
pub mod course;
mod effects;
pub mod engine;
pub mod history;
pub mod ledger;
pub mod machine;
mod native;
mod outlet;
mod pacing;
pub mod prepared;
mod rewind;
mod sensor;
pub mod snapshot;
pub mod step_clock;
mod told;
pub mod transfer;
pub mod watch;
mod wording;

use std::{sync::Arc, time::Duration};

use crate::{
    cluster::{Log, SubmitError},
    config,
    grid::{
        command::{Command, Start, StartMode, Verdict},
        entity::{Catalogue, EntityIndex},
        event::Event,
        injection::InjectionView,
        run::{MAX_SPEED, SimulationView},
        topology::{NetworkState, Topology},
    },
    plant::PlantSpec,
};

use self::{alerts::Alerts, history::History, machine::Machine};

/// What the plant looks like after the newest tick.
#[derive(Debug, Clone)]
pub struct View {
    /// The run, counting commands from when they were accepted.
    pub simulation: SimulationView,
    /// The recent samples; kept after a stop, empty from the next start on.
    pub history: History,
    /// The network as it is.
    pub topology: Arc<Topology>,
    /// What flows in it; kept after a stop, none from the next start until buses are sampled.
    pub network: Option<Arc<NetworkState>>,
    /// The injections of the present or last run, counting commands from when they were accepted.
    pub injections: Arc<Vec<InjectionView>>,
    /// The faults and anomalies that are active; none once a stop has been accepted.
    pub alerts: Arc<Alerts>,
    /// How long a step of the plant takes.
    pub step_time: Duration,
}

impl View {
    /// What `machine` looks like, whose plant takes `step_time` for a step.
    fn of(machine: &Machine, step_time: Duration) -> Self {
        let simulation = machine.view();
        // Those of a run end with the command that ends it, which may be accepted but still to come.
        let present = simulation.is_running && machine.active_run() == simulation.run_id.as_deref();
        Self {
            alerts: if present {
                machine.alerts().clone()
            } else {
                Arc::default()
            },
            simulation,
            history: machine.history().clone(),
            topology: machine.topology().clone(),
            network: machine.network().cloned(),
            injections: machine.injections().clone(),
            step_time,
        }
    }
}

/// The simulation as everything else sees it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Simulation {
    log: Log,
    view: tokio::sync::watch::Receiver<View>,
    spec: Arc<PlantSpec>,
    defaults: config::Simulation,
}

impl Simulation {
    /// All entities of the plant.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        self.spec.catalogue()
    }

    /// What a run gets where a start leaves it open.
    #[must_use]
    pub fn defaults(&self) -> &config::Simulation {
        &self.defaults
    }

    /// The run, counting commands from when they were accepted.
    #[must_use]
    pub fn run(&self) -> SimulationView {
        self.view.borrow().simulation.clone()
    }

    /// The newest sample of an entity.
    #[must_use]
    pub fn latest(&self, entity: EntityIndex) -> Option<Arc<Event>> {
        let view = self.view.borrow();
        view.history.latest().get(entity).cloned().flatten()
    }

    /// The samples of an entity that are kept, oldest first.
    #[must_use]
    pub fn history(&self, entity: EntityIndex) -> Vec<Arc<Event>> {
        self.view.borrow().history.of(entity)
    }

    /// The network, and what flows in it if a run has come that far.
    #[must_use]
    pub fn network(&self) -> (Arc<Topology>, Option<Arc<NetworkState>>) {
        let view = self.view.borrow();
        (view.topology.clone(), view.network.clone())
    }

    /// The injections of the present or last run, counting commands from when they were accepted.
    #[must_use]
    pub fn injections(&self) -> Arc<Vec<InjectionView>> {
        self.view.borrow().injections.clone()
    }

    /// The faults and anomalies that are active.
    #[must_use]
    pub fn alerts(&self) -> Arc<Alerts> {
        self.view.borrow().alerts.clone()
    }

    /// The plant behind it.
    #[must_use]
    pub fn plant(&self) -> &PlantSpec {
        &self.spec
    }

    /// The highest speed that this machine can keep up with: stepping the plant may take half of
    /// the time that passes.
    #[must_use]
    pub fn highest_speed(&self) -> u32 {
        highest_speed(self.view.borrow().step_time)
    }

    /// Places a command in the log and waits for what it comes to.
    ///
    /// # Errors
    /// [`SubmitError`] if it could not be placed; it then has no effect.
    pub async fn submit(&self, command: Command) -> Result<Verdict, SubmitError> {
        self.log.submit(command).await
    }

    /// Waits until commands can be placed.
    pub async fn ready(&self) {
        self.log.ready().await;
    }

    /// A start with the settings of this server; an unset seed is drawn here, once.
    #[must_use]
    pub fn default_start(&self, mode: StartMode) -> Start {
        let config::Simulation {
            seed,
            speed,
            noise,
            disturbances,
            ..
        } = self.defaults;
        Start {
            mode,
            seed: seed.unwrap_or_else(draw_seed),
            speed,
            simulated_start: None,
            noise,
            disturbances,
        }
    }
}

/// Seeds are drawn from 32 bits: easy to read out and to type in again.
fn draw_seed() -> u64 {
    u64::from(rand::random::<u32>())
}

fn highest_speed(step_time: Duration) -> u32 {
    const STEPS_PER_SECOND: f64 = 10.0;
    let speed = 0.5 / (step_time.as_secs_f64() * STEPS_PER_SECOND);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped"
    )]
    let speed = speed.clamp(1.0, f64::from(MAX_SPEED)) as u32;
    speed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_speed_leaves_half_of_the_time() {
        assert_eq!(highest_speed(Duration::from_micros(50)), 100);
        assert_eq!(highest_speed(Duration::from_millis(5)), 10);
        assert_eq!(highest_speed(Duration::from_secs(1)), 1);
        assert_eq!(highest_speed(Duration::ZERO), 100);
    }
}
