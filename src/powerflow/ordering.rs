//! A fill-reducing order: minimum degree on the elimination graph (Tinney & Walker 1967, scheme 2),
//! then a postorder of the elimination tree, so that what is needed together lies together.

use std::collections::BTreeSet;

/// The graph of a symmetric pattern after elimination in its order: for each column, the rows below
/// the diagonal that are not zero, ascending.
pub(super) type Columns = Vec<Vec<usize>>;

/// An order in which eliminating the nodes of this graph creates few new edges: `order[k]` is the
/// node that goes k-th. Equal degrees go by the lower number, so the order is a function of the graph.
pub(super) fn minimum_degree(neighbours: &[Vec<usize>]) -> Vec<usize> {
    let mut graph: Vec<Vec<usize>> = neighbours.to_vec();
    let mut queue: BTreeSet<(usize, usize)> = graph
        .iter()
        .enumerate()
        .map(|(node, near)| (near.len(), node))
        .collect();
    let mut order = Vec::with_capacity(graph.len());
    let mut merged = Vec::new();
    while let Some((_, node)) = queue.pop_first() {
        order.push(node);
        let clique = std::mem::take(&mut graph[node]);
        for &near in &clique {
            queue.remove(&(graph[near].len(), near));
            merge(&graph[near], &clique, &mut merged);
            merged.retain(|&other| other != near && other != node);
            std::mem::swap(&mut graph[near], &mut merged);
            queue.insert((graph[near].len(), near));
        }
    }
    let columns = eliminate(neighbours, &order);
    postorder(&columns)
        .into_iter()
        .map(|step| order[step])
        .collect()
}

/// Eliminates the nodes of a graph in this order; the result is numbered by the order.
pub(super) fn eliminate(neighbours: &[Vec<usize>], order: &[usize]) -> Columns {
    let mut step = vec![0; order.len()];
    for (k, &node) in order.iter().enumerate() {
        step[node] = k;
    }
    let mut columns: Columns = vec![Vec::new(); order.len()];
    let mut merged = Vec::new();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); order.len()];
    for (k, &node) in order.iter().enumerate() {
        let mut below: Vec<usize> = neighbours[node].iter().map(|&near| step[near]).collect();
        below.retain(|&row| row > k);
        below.sort_unstable();
        for child in std::mem::take(&mut children[k]) {
            merge(&below, &columns[child], &mut merged);
            merged.retain(|&row| row > k);
            std::mem::swap(&mut below, &mut merged);
        }
        if let Some(&parent) = below.first() {
            children[parent].push(k);
        }
        columns[k] = below;
    }
    columns
}

/// Both ascending lists as one, without doubles.
fn merge(a: &[usize], b: &[usize], merged: &mut Vec<usize>) {
    merged.clear();
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(&&x), Some(&&y)) = (a.peek(), b.peek()) {
        merged.push(x.min(y));
        if x <= y {
            a.next();
        }
        if y <= x {
            b.next();
        }
    }
    merged.extend(a);
    merged.extend(b);
}

/// The nodes of the elimination forest, each after its children; a parent is the first row below the
/// diagonal.
fn postorder(columns: &Columns) -> Vec<usize> {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); columns.len()];
    let mut stack = Vec::new();
    for (k, rows) in columns.iter().enumerate().rev() {
        match rows.first() {
            Some(&parent) => children[parent].push(k),
            None => stack.push(k),
        }
    }
    let mut order = Vec::with_capacity(columns.len());
    while let Some(node) = stack.pop() {
        order.push(node);
        stack.append(&mut children[node]);
    }
    // Parents came first and the last child next: backwards, every node comes after its children.
    order.reverse();
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(usize, usize)], nodes: usize) -> Vec<Vec<usize>> {
        let mut near = vec![Vec::new(); nodes];
        for &(a, b) in edges {
            near[a].push(b);
            near[b].push(a);
        }
        for list in &mut near {
            list.sort_unstable();
        }
        near
    }

    #[test]
    fn a_star_fills_nothing_when_its_centre_goes_late() {
        let star = graph(&[(0, 1), (0, 2), (0, 3), (0, 4)], 5);
        let order = minimum_degree(&star);
        let entries = |order: &[usize]| eliminate(&star, order).iter().map(Vec::len).sum::<usize>();
        assert_eq!(entries(&order), 4);
        assert_eq!(entries(&[0, 1, 2, 3, 4]), 10);
    }

    #[test]
    fn the_order_holds_every_node_once_and_children_before_parents() {
        let ring: Vec<_> = (0..20).map(|i| (i, (i + 1) % 20)).collect();
        let ring = graph(&ring, 21);
        let order = minimum_degree(&ring);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..21).collect::<Vec<_>>());
        let columns = eliminate(&ring, &order);
        assert_eq!(columns.iter().map(Vec::len).sum::<usize>(), 20 + 17);
        assert!(
            columns
                .iter()
                .enumerate()
                .all(|(k, rows)| rows.iter().all(|&row| row > k))
        );
    }
}
