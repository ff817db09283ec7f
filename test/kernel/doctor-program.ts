import { examine } from "../../src/kernel/doctor.js";
import { gatherFacts } from "../../src/kernel/doctor-facts.js";

/** Prints what the doctor finds once this process is nobody. Modules are loaded before, since a checkout may be private. */
await gatherFacts();
process.setgroups?.([]);
process.setgid?.(65_534);
process.setuid?.(65_534);
process.stdout.write(JSON.stringify({ facts: await gatherFacts(), report: await examine() }));
