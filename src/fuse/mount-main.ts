import { runPagerThread } from "../mapping/pager-commands.js";
import { MountProgram, type MountSetup } from "./mount-program.js";

await runPagerThread((data, emit) => new MountProgram(data as MountSetup, emit).program());
