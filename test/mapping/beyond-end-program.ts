import { writeSync } from "node:fs";
import { at, Stage } from "./stage.js";

/** Ends by SIGBUS, on purpose: see the test of R18. */
const stage = await Stage.open({ size: at(2) });
const zeros = new Uint8Array(stage.mapping.map({ length: at(4) }).buffer);
const strict = new Uint8Array(stage.mapping.map({ length: at(4), onBeyondEnd: "sigbus" }).buffer);
writeSync(1, `zeros: ${zeros[at(3)]}\n`);
writeSync(1, `inside: ${strict[0]}\n`);
stage.mapping.truncate(at(4));
writeSync(1, `grown: ${strict[at(3)] === 4 ? 1 : 0}\n`);
stage.mapping.truncate(at(2));
writeSync(1, "shrunk, touching\n");
writeSync(1, `not reached: ${strict[at(3)]}\n`);
