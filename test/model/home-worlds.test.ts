import { homeWorlds } from "../../sim/home-worlds.js";
import { searchAll } from "./search-all.js";

searchAll("R15, R20", homeWorlds);
