//! What should be: the fold of the command log.
//!
//! A command is judged the moment the log has placed it, so every instance judges alike. What it
//! brings about ([`Effect`]) happens later, at its effective tick.

use serde::{Deserialize, Serialize};

use crate::{
    config,
    grid::{
        command::{Command, Entry, Rejection, Start, StartMode},
        injection::InjectionOrder,
        run::{Run, RunSettings},
        time::Timeline,
    },
};

/// The state of affairs after the newest entry of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Control {
    /// Place of the newest entry, 0 before the first.
    pub position: u64,
    /// Whether a run is on.
    pub running: bool,
    /// The present or last run.
    pub run: Option<Run>,
    /// Simulated seconds per second.
    pub speed: u32,
    /// Factor on measurement noise.
    pub noise: f64,
    /// Random disturbances per simulated hour.
    pub disturbances: f64,
    /// Whether the log has held a start or a stop.
    pub commanded: bool,
}

/// What a command brings about at its effective tick.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", content = "of", rename_all = "camelCase")]
pub enum Effect {
    /// A run begins.
    Begin(Run),
    /// A start found the simulation running: only its notification goes out.
    StartedAgain,
    /// The run ends, if there is one, and the notification goes out.
    End,
    /// The run goes on at this speed.
    Speed(u32),
    /// An injection begins.
    Inject(InjectionOrder),
    /// An injection ends.
    EndInjection(String),
}

impl Control {
    /// The state of affairs before the first command.
    #[must_use]
    pub fn new(defaults: &config::Simulation) -> Self {
        Self {
            position: 0,
            running: false,
            run: None,
            speed: defaults.speed,
            noise: defaults.noise,
            disturbances: defaults.disturbances,
            commanded: false,
        }
    }

    /// Takes the next entry into account.
    ///
    /// # Errors
    /// [`Rejection`] if the command comes to nothing in its place; nothing has changed then, apart
    /// from the position.
    pub fn apply(
        &mut self,
        entry: &Entry,
        timeline: Timeline,
    ) -> Result<Option<Effect>, Rejection> {
        self.position = entry.position;
        match &entry.command {
            Command::Start(start) => self.start(start, entry, timeline),
            Command::Stop => {
                self.commanded = true;
                self.running = false;
                Ok(Some(Effect::End))
            }
            Command::SetSpeed { speed } if self.running => {
                self.speed = *speed;
                Ok(Some(Effect::Speed(*speed)))
            }
            Command::Inject(order) if self.running => Ok(Some(Effect::Inject(order.clone()))),
            Command::EndInjection { id } if self.running => {
                Ok(Some(Effect::EndInjection(id.clone())))
            }
            Command::SetSpeed { .. } | Command::Inject(_) | Command::EndInjection { .. } => {
                Err(Rejection::Stopped)
            }
        }
    }

    fn start(
        &mut self,
        start: &Start,
        entry: &Entry,
        timeline: Timeline,
    ) -> Result<Option<Effect>, Rejection> {
        match (start.mode, self.running) {
            (StartMode::WithSettings, true) => return Err(Rejection::Running),
            (StartMode::Autostart, _) if self.commanded => return Ok(None),
            (_, true) => return Ok(Some(Effect::StartedAgain)),
            (_, false) => {}
        }
        let Start {
            seed,
            speed,
            simulated_start,
            noise,
            disturbances,
            ..
        } = *start;
        let simulated_start =
            simulated_start.unwrap_or_else(|| timeline.timestamp(entry.effective));
        let run = Run {
            id: format!("{}-{}", entry.effective.0, entry.position),
            start: entry.effective,
            settings: RunSettings {
                seed,
                speed,
                simulated_start,
                noise,
                disturbances,
            },
        };
        self.commanded = true;
        self.running = true;
        self.speed = speed;
        self.noise = noise;
        self.disturbances = disturbances;
        self.run = Some(run.clone());
        Ok(Some(Effect::Begin(run)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{config::Config, grid::time::Tick};

    fn control() -> Control {
        Control::new(&Config::from_values(|_| None).unwrap().simulation)
    }

    fn start(mode: StartMode) -> Command {
        Command::Start(Start {
            mode,
            seed: 1,
            speed: 2,
            simulated_start: None,
            noise: 0.0,
            disturbances: 0.0,
        })
    }

    fn apply(control: &mut Control, command: Command) -> Result<Option<Effect>, Rejection> {
        let position = control.position + 1;
        let entry = Entry {
            position,
            effective: Tick(1000 + position),
            command,
        };
        control.apply(&entry, Timeline::default())
    }

    #[test]
    fn a_start_begins_at_its_effective_tick() {
        let mut control = control();
        let effect = apply(&mut control, start(StartMode::Plain))
            .unwrap()
            .unwrap();
        let Effect::Begin(run) = effect else {
            panic!("{effect:?}")
        };
        assert_eq!((run.id.as_str(), run.start), ("1001-1", Tick(1001)));
        assert_eq!(run.settings.simulated_start.unix_ms(), 100_100);
        assert!(control.running && control.speed == 2);
    }

    #[test]
    fn a_second_start_notifies_again_or_is_refused() {
        let mut control = control();
        apply(&mut control, start(StartMode::Plain)).unwrap();
        let before = control.clone();
        assert_eq!(
            apply(&mut control, start(StartMode::Plain)),
            Ok(Some(Effect::StartedAgain))
        );
        assert_eq!(
            apply(&mut control, start(StartMode::WithSettings)),
            Err(Rejection::Running)
        );
        assert_eq!(
            control,
            Control {
                position: 3,
                ..before
            }
        );
    }

    #[test]
    fn autostart_never_overrules_a_person() {
        let mut stopped = control();
        apply(&mut stopped, Command::Stop).unwrap();
        assert_eq!(apply(&mut stopped, start(StartMode::Autostart)), Ok(None));
        assert!(!stopped.running);
        let mut fresh = control();
        let effect = apply(&mut fresh, start(StartMode::Autostart));
        assert!(matches!(effect, Ok(Some(Effect::Begin(_)))));
    }

    #[test]
    fn speed_needs_a_run() {
        let mut control = control();
        let faster = Command::SetSpeed { speed: 9 };
        assert_eq!(apply(&mut control, faster.clone()), Err(Rejection::Stopped));
        apply(&mut control, start(StartMode::Plain)).unwrap();
        assert_eq!(apply(&mut control, faster), Ok(Some(Effect::Speed(9))));
    }

    fn any_command() -> impl Strategy<Value = Command> {
        prop_oneof![
            Just(start(StartMode::Plain)),
            Just(start(StartMode::WithSettings)),
            Just(start(StartMode::Autostart)),
            Just(Command::Stop),
            (1..=100_u32).prop_map(|speed| Command::SetSpeed { speed }),
        ]
    }

    proptest! {
        /// Whatever comes, begins and ends alternate, and a rejected command changes nothing.
        #[test]
        fn begins_and_ends_alternate(commands in prop::collection::vec(any_command(), 0..40)) {
            let mut control = control();
            let mut open = false;
            for command in commands {
                let before = control.clone();
                match apply(&mut control, command) {
                    Ok(Some(Effect::Begin(_))) => { prop_assert!(!open); open = true; }
                    Ok(Some(Effect::End)) => open = false,
                    Ok(Some(Effect::StartedAgain | Effect::Speed(_))) => prop_assert!(open),
                    Ok(Some(Effect::Inject(_) | Effect::EndInjection(_))) => unreachable!(),
                    Ok(None) => {}
                    Err(_) => prop_assert_eq!(&control, &Control { position: control.position, ..before }),
                }
                prop_assert_eq!(control.running, open);
            }
        }
    }
}
