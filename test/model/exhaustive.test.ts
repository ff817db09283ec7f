import { smallWorlds } from "../../sim/small-worlds.js";
import { searchAll } from "./search-all.js";

searchAll("R1, R2, R9, R10", smallWorlds);
