/**
 * Seeds that have found a bug, of the product or of the simulator itself. Whenever the simulator changes, a seed becomes another
 * run: what the bugs were is told by the stories and unit tests that came of them. These cost nothing, and are many crashes
 * of homes.
 */
export const regressionSeeds: readonly number[] = [
  7217, 1000631, 1004301, 1008757, 1014062, 1017558, 1020807, 3004216, 3004941, 3006960, 3015482, 3023674, 3026231,
  4035736, 6011820,
];
