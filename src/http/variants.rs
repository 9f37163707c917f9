//! Schemas in a form that generators of clients understand.
//!
//! A flattened choice, such as the entity among the keys of a fault, is described as all of (one of
//! several, the other keys). Some generators leave out what is made of it. One of several whole
//! objects says the same, and each of them can be a type.

use serde_json::{Map, Value, json};
use utoipa::openapi::{Components, RefOr, schema::Schema};

/// References within references that are followed.
const DEEPEST: usize = 8;
/// So many variants are of no more help.
const MOST: usize = 32;

/// Describes each component that combines choices as a choice of whole objects.
pub(super) fn spread(components: &mut Components) {
    let Ok(all) = serde_json::to_value(&components.schemas) else {
        return;
    };
    for (name, schema) in &mut components.schemas {
        let described = &all[name.as_str()];
        let whole = described
            .get("allOf")
            .and_then(|_| variants(described, &all, 0));
        let Some(whole) = whole.filter(|whole| (2..=MOST).contains(&whole.len())) else {
            continue;
        };
        let mut choice = json!({"oneOf": whole});
        for key in ["description", "example"] {
            if let Some(said) = described.get(key) {
                choice[key] = said.clone();
            }
        }
        if let Ok(choice) = serde_json::from_value::<RefOr<Schema>>(choice) {
            *schema = choice;
        }
    }
}

/// The objects that `schema` may be, if it is made of objects.
fn variants(schema: &Value, all: &Value, depth: usize) -> Option<Vec<Value>> {
    if depth > DEEPEST {
        return None;
    }
    if let Some(reference) = schema.get("$ref") {
        let name = reference.as_str()?.rsplit('/').next()?;
        return variants(all.get(name)?, all, depth + 1);
    }
    if let Some(choices) = schema.get("oneOf") {
        let each = choices
            .as_array()?
            .iter()
            .map(|one| variants(one, all, depth + 1));
        return Some(each.collect::<Option<Vec<_>>>()?.concat());
    }
    if let Some(parts) = schema.get("allOf") {
        let mut whole = vec![json!({"type": "object"})];
        for part in parts.as_array()? {
            let each = variants(part, all, depth + 1)?;
            whole = whole
                .iter()
                .flat_map(|one| each.iter().map(|other| joined(one, other)))
                .collect();
            if whole.len() > MOST {
                return None;
            }
        }
        return Some(whole);
    }
    schema.get("properties").map(|_| vec![schema.clone()])
}

/// An object with the keys of both.
fn joined(one: &Value, other: &Value) -> Value {
    let mut joined = one.clone();
    let both = |key: &str| [one, other].map(|part| part.get(key).cloned());
    let properties: Map<_, _> = both("properties")
        .into_iter()
        .flatten()
        .filter_map(|some| some.as_object().cloned())
        .flatten()
        .collect();
    let required: Vec<_> = both("required")
        .into_iter()
        .flatten()
        .filter_map(|some| some.as_array().cloned())
        .flatten()
        .collect();
    joined["properties"] = properties.into();
    joined["required"] = required.into();
    if let (None, Some(description)) = (one.get("description"), other.get("description")) {
        joined["description"] = description.clone();
    }
    joined
}

#[cfg(test)]
mod tests {
    use crate::http::documented;

    #[test]
    fn a_flattened_choice_is_a_choice_of_whole_objects() {
        let document = serde_json::to_value(documented("/api/v1").1).unwrap();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for (name, schema) in schemas {
            for part in schema["allOf"].as_array().into_iter().flatten() {
                let named = part["$ref"].as_str().and_then(|to| to.rsplit('/').next());
                let choice = named.is_some_and(|named| schemas[named].get("oneOf").is_some());
                assert!(!choice, "{name}: {part}");
            }
        }
        let fault = schemas["Fault"]["oneOf"].as_array().unwrap();
        assert_eq!(fault.len(), 4);
        for one in fault {
            for key in ["id", "entityKind", "severity"] {
                assert!(one["properties"].get(key).is_some(), "{one}");
            }
        }
    }
}
