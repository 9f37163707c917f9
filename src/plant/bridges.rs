//! Branches without which a network falls apart.

use std::collections::HashMap;

use crate::powerflow::Case;

/// No bus, or no branch.
const UNSEEN: usize = usize::MAX;

/// For each branch, whether the network falls apart without it (Tarjan 1974, with an explicit stack).
pub(super) fn bridges(case: &Case) -> Vec<bool> {
    let index: HashMap<u32, usize> = case
        .buses
        .iter()
        .enumerate()
        .map(|(at, bus)| (bus.number, at))
        .collect();
    let mut neighbours = vec![Vec::new(); case.buses.len()];
    for (at, branch) in case.branches.iter().enumerate() {
        if let (true, Some(&from), Some(&to)) = (
            branch.in_service,
            index.get(&branch.from),
            index.get(&branch.to),
        ) {
            neighbours[from].push((to, at));
            neighbours[to].push((from, at));
        }
    }
    let mut bridges = vec![false; case.branches.len()];
    let mut order = vec![UNSEEN; neighbours.len()];
    let mut low = vec![UNSEEN; neighbours.len()];
    let mut clock = 0;
    for root in 0..neighbours.len() {
        if order[root] != UNSEEN {
            continue;
        }
        // Bus, the branch it was reached by, and how many of its neighbours have been visited.
        let mut stack = vec![(root, UNSEEN, 0)];
        (order[root], low[root]) = (clock, clock);
        clock += 1;
        while let Some((bus, reached_by, visited)) = stack.pop() {
            if let Some(&(next, branch)) = neighbours[bus].get(visited) {
                stack.push((bus, reached_by, visited + 1));
                if branch == reached_by {
                    continue;
                }
                if order[next] == UNSEEN {
                    (order[next], low[next]) = (clock, clock);
                    clock += 1;
                    stack.push((next, branch, 0));
                } else {
                    low[bus] = low[bus].min(order[next]);
                }
            } else if let Some(&(parent, _, _)) = stack.last() {
                low[parent] = low[parent].min(low[bus]);
                if low[bus] > order[parent] {
                    bridges[reached_by] = true;
                }
            }
        }
    }
    bridges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plant::PlantSpec;

    #[test]
    fn no_branch_of_the_ring_is_a_bridge_and_a_spur_is() {
        let spec = PlantSpec::default();
        assert!(bridges(&spec.case).iter().all(|bridge| !bridge));
        let mut case = spec.case.clone();
        case.branches[5].in_service = false;
        assert_eq!(
            bridges(&case),
            [false, false, false, true, true, false],
            "buses 4 and 5 hang on their transformers"
        );
    }
}
