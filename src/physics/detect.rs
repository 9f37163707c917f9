//! Topic `detect`: a recorded stream through the detectors, sample by sample.

mod nominal;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    detect::{
        AnomalyChange, Detectors, EntityModel, Noise, Row, StreamKind,
        fault::{self, FaultLimits, Monitor},
    },
    grid::alert::{AnomalyPhase, AnomalyType, FaultPhase, FaultType, Severity},
};

/// Why a stream cannot be processed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not the form of a stream.
    #[error("not a stream: {0}; expected an object with kind, interval_ms, ids, fields and rows")]
    Form(#[from] serde_json::Error),
    /// Nothing is known of an entity.
    #[error("no ratings are known for {id} in a stream of kind {kind}; known are {known}")]
    UnknownEntity {
        /// The entity.
        id: String,
        /// The stream's kind.
        kind: &'static str,
        /// The ids that are known.
        known: String,
    },
    /// A row is not what `fields` says.
    #[error("rows[{at}]: {problem}; a row is [tick, index into ids, one value per field]")]
    Row {
        /// Index of the row.
        at: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// The interval makes no sense.
    #[error("interval_ms is {0}; it must be a positive number")]
    Interval(f64),
}

#[derive(Debug, Deserialize)]
struct Stream {
    kind: StreamKind,
    interval_ms: f64,
    ids: Vec<String>,
    fields: Vec<String>,
    rows: Vec<Vec<Value>>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// Limits exceeded, by onset.
    pub faults: Vec<FoundFault>,
    /// Alerts in the order in which they were raised.
    pub anomalies: Vec<FoundAnomaly>,
}

/// One excursion beyond a limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoundFault {
    /// The entity.
    pub id: String,
    /// What kind of limit was exceeded.
    #[serde(rename = "type")]
    pub fault_type: FaultType,
    /// The highest severity reached.
    pub severity: Severity,
    /// The first sample beyond the limit.
    pub onset_tick: u64,
    /// The first sample back inside, null if the stream ends before.
    pub clear_tick: Option<u64>,
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoundAnomaly {
    /// The sample at which it was raised.
    pub tick: u64,
    /// The entity.
    pub id: String,
    /// The field, null where a whole sample is missing.
    pub field: Option<String>,
    /// What it looks like.
    pub kind: AnomalyType,
    /// How sure the detector is, 0..1.
    pub confidence: f64,
}

/// Processes a stream, by itself or as the `input` of an example.
///
/// # Errors
///
/// If the input is not a stream of known entities.
pub fn detect(input: &Value) -> Result<Findings, Error> {
    let stream = Stream::deserialize(input.get("input").unwrap_or(input))?;
    if stream.interval_ms.is_nan() || stream.interval_ms <= 0.0 {
        return Err(Error::Interval(stream.interval_ms));
    }
    let models = nominal::models(stream.kind, &stream.ids)?;
    let mut watch = Watch::new(&stream, &models);
    let columns: Vec<Option<usize>> = stream
        .fields
        .iter()
        .map(|field| stream.kind.stream().place_of(field))
        .collect();
    let mut present: Option<u64> = None;
    let mut rows = vec![None; stream.ids.len()];
    for (at, cells) in stream.rows.iter().enumerate() {
        let (tick, entity, row) =
            read_row(cells, &columns, rows.len()).map_err(|problem| Error::Row { at, problem })?;
        match present {
            Some(before) if tick < before => {
                let problem = "the tick is before that of the row above";
                return Err(Error::Row { at, problem });
            }
            Some(before) if tick > before => {
                watch.observe(before, &rows);
                rows.fill(None);
            }
            _ => {}
        }
        present = Some(tick);
        rows[entity] = Some(row);
    }
    if let Some(last) = present {
        watch.observe(last, &rows);
    }
    Ok(watch.found)
}

fn read_row(
    cells: &[Value],
    columns: &[Option<usize>],
    entities: usize,
) -> Result<(u64, usize, Row), &'static str> {
    let [tick, entity, values @ ..] = cells else {
        return Err("too short");
    };
    let tick = tick.as_u64().ok_or("the tick is not a whole number")?;
    let entity = entity
        .as_u64()
        .and_then(|entity| usize::try_from(entity).ok())
        .filter(|&entity| entity < entities)
        .ok_or("no such entity")?;
    if values.len() != columns.len() {
        return Err("not as many values as fields");
    }
    let mut row = Row::EMPTY;
    for (cell, column) in values.iter().zip(columns) {
        let value = match cell {
            Value::Null => f64::NAN,
            cell => cell.as_f64().ok_or("a value is neither number nor null")?,
        };
        if let Some(place) = column.and_then(|column| row.values.get_mut(column)) {
            *place = value;
        }
    }
    Ok((tick, entity, row))
}

/// Detectors and monitors at work on one stream.
struct Watch<'a> {
    kind: StreamKind,
    interval_s: f64,
    models: &'a [EntityModel],
    limits: FaultLimits,
    monitors: Vec<Vec<(Monitor, usize)>>,
    detectors: Detectors,
    state: crate::detect::DetectorsState,
    last_tick: Option<u64>,
    found: Findings,
}

impl<'a> Watch<'a> {
    fn new(stream: &Stream, models: &'a [EntityModel]) -> Self {
        let mut detectors = Detectors::new(models, Noise::default());
        detectors.set_network(&nominal::network(), nominal::BASE_MVA);
        Self {
            kind: stream.kind,
            interval_s: stream.interval_ms / 1000.0,
            models,
            limits: FaultLimits::default(),
            monitors: models
                .iter()
                .map(|model| {
                    let types = fault::types_of(&model.nominal).iter();
                    types.map(|&fault| (Monitor::new(fault), 0)).collect()
                })
                .collect(),
            state: detectors.state(),
            detectors,
            last_tick: None,
            found: Findings {
                faults: Vec::new(),
                anomalies: Vec::new(),
            },
        }
    }

    fn observe(&mut self, tick: u64, rows: &[Option<Row>]) {
        for ((model, row), monitors) in self.models.iter().zip(rows).zip(&mut self.monitors) {
            let Some(row) = row else { continue };
            for (monitor, place) in monitors {
                let value = fault::value_of(monitor.fault_type(), model, row);
                let limits = self.limits.of(monitor.fault_type());
                let Some(change) = monitor.observe(limits, tick, value) else {
                    continue;
                };
                match change.phase {
                    FaultPhase::Raised => {
                        *place = self.found.faults.len();
                        self.found.faults.push(FoundFault {
                            id: model.id.to_string(),
                            fault_type: monitor.fault_type(),
                            severity: change.severity,
                            onset_tick: tick,
                            clear_tick: None,
                        });
                    }
                    FaultPhase::Escalated => self.found.faults[*place].severity = change.severity,
                    FaultPhase::Cleared => self.found.faults[*place].clear_tick = Some(tick),
                }
            }
        }
        // A tick that has no row at all was not sampled; the next one covers it.
        let ticks = self.last_tick.map_or(1, |last| (tick - last).max(1));
        self.last_tick = Some(tick);
        let dt_s = self.interval_s * ticks as f64;
        let changes = self
            .detectors
            .observe(&mut self.state, self.kind, tick, dt_s, rows);
        let raised = changes
            .into_iter()
            .filter(|change| change.phase == AnomalyPhase::Raised);
        for change in raised {
            let found = self.found_anomaly(tick, &change);
            self.found.anomalies.push(found);
        }
    }

    fn found_anomaly(&self, tick: u64, change: &AnomalyChange) -> FoundAnomaly {
        FoundAnomaly {
            tick,
            id: self.models[change.entity].id.to_string(),
            field: change.field_name().map(str::to_owned),
            kind: change.kind,
            confidence: change.confidence,
        }
    }
}
