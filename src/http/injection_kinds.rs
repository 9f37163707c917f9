//! What can be injected: the kinds of disturbances and sensor faults with their ranges and defaults.

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::grid::{
    entity::EntityKind,
    injection::{DurationRule, INJECTIONS, InjectionKind, MAX_DURATION_S, SizeRule},
};

use super::{App, error::JsonBody};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// All kinds of injections.
#[derive(Debug, Serialize, ToSchema)]
struct InjectionKinds {
    /// The physical disturbances, then the sensor faults.
    kinds: Vec<KindView>,
}

/// One kind of injection.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct KindView {
    /// Its name.
    kind: InjectionKind,
    /// The kinds of entities that it acts on; it may ask more of an entity, which the answer to a request
    /// then says.
    entity_kinds: Vec<EntityKind>,
    /// The fields of samples that it may concern, each at the entities that have it; null where it concerns
    /// no single field.
    #[schema(required, value_type = Option<Vec<String>>, example = json!(["activePower", "frequency"]))]
    fields: Option<Vec<&'static str>>,
    /// What its size means; null where it has none.
    #[schema(required)]
    size: Option<SizeView>,
    /// How long it may last in simulated seconds; null where it lasts one sample in any case.
    #[schema(required)]
    duration_s: Option<DurationView>,
}

/// What a size means.
#[derive(Debug, Serialize, ToSchema)]
struct SizeView {
    /// What it is.
    #[schema(value_type = String, example = "voltage that remains")]
    meaning: &'static str,
    /// In which unit; 1 for a factor or a fraction.
    #[schema(value_type = String, example = "p.u.")]
    unit: &'static str,
    /// Smallest. At a bus whose voltage a generator holds a dip leaves at least 0.3 p.u.
    #[schema(example = 0.05)]
    min: f64,
    /// Largest.
    #[schema(example = 0.98)]
    max: f64,
    /// Where none is given; null for 10 standard deviations of the field's noise.
    #[schema(required, example = 0.8)]
    default: Option<f64>,
}

/// How long a kind may last, in simulated seconds.
#[derive(Debug, Serialize, ToSchema)]
struct DurationView {
    /// Shortest.
    #[schema(example = 0.1)]
    min: f64,
    /// Longest.
    #[schema(example = 86400.0)]
    max: f64,
    /// Where none is given; null for as long as it is not ended.
    #[schema(required, example = 2.0)]
    default: Option<f64>,
}

impl From<InjectionKind> for KindView {
    fn from(kind: InjectionKind) -> Self {
        let rule = kind.rule();
        let size = match rule.size {
            SizeRule::None => None,
            SizeRule::Within(range) => Some(SizeView {
                meaning: range.meaning,
                unit: range.unit,
                min: range.min,
                max: range.max,
                default: range.default,
            }),
        };
        let default = match rule.duration {
            DurationRule::Endless => Some(None),
            DurationRule::Seconds(seconds) => Some(Some(seconds)),
            DurationRule::OneSample => None,
        };
        Self {
            kind,
            entity_kinds: rule.site.entity_kinds(),
            fields: rule.fields(),
            size,
            duration_s: default.map(|default| DurationView {
                min: rule.shortest_s,
                max: MAX_DURATION_S,
                default,
            }),
        }
    }
}

/// The kinds of disturbances and sensor faults.
#[utoipa::path(get, path = "/injections", operation_id = "listInjectionKinds", tag = "data",
    responses((status = 200, description = "The kinds.", body = InjectionKinds,
        example = json!({"kinds": [{"kind": "VOLTAGE_DIP", "entityKinds": ["bus"], "fields": null,
            "size": {"meaning": "voltage that remains", "unit": "p.u.", "min": 0.05, "max": 0.98, "default": 0.8},
            "durationS": {"min": 0.1, "max": 86400.0, "default": 2.0}}]}))))]
async fn list() -> JsonBody<InjectionKinds> {
    JsonBody(InjectionKinds {
        kinds: INJECTIONS.iter().copied().map(KindView::from).collect(),
    })
}
