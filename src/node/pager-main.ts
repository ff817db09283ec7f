import { runPagerThread } from "../mapping/pager-commands.js";
import type { NodeSetup } from "./node-commands.js";
import { NodePager } from "./node-pager.js";

await runPagerThread((data, emit) => new NodePager(data as NodeSetup, emit).program());
