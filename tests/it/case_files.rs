//! Case files of MATPOWER's are served at their own power flow. All of them: `tests/prove`.

use crate::support::case_file::{self, Solved};

/// Of all sizes; with several slack buses, shunts that take 100 GW, dead islands, loads that feed in.
const TEN: [&str; 10] = [
    "case5",
    "case16ci",
    "case30Q",
    "case70da",
    "case118",
    "case145",
    "case300",
    "case1354pegase",
    "case_ACTIVSg2000",
    "case13659pegase",
];
/// How long each is watched.
const SECONDS: u64 = 3;

#[tokio::test]
async fn ten_case_files_stream_at_their_own_power_flow() {
    for name in TEN {
        let path = case_file::folder().join(format!("{name}.m"));
        let case = Solved::of(&path).unwrap_or_else(|| panic!("{name} has no power flow"));
        let seen = case.watch(SECONDS).await;
        println!(
            "{name} ({} buses): ready in {:.2} s",
            case.buses, seen.ready_s
        );
        seen.check(&case, 1);
    }
}
