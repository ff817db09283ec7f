import { startHome } from "../../src/home/index.js";

/** A home as a process of its own, for tests in which it dies or stops. */
const [folder, listen, leaseMillis] = process.argv.slice(2);
const home = await startHome({ folder, listen, leaseMillis: Number(leaseMillis) });
process.stdout.write(`home at ${home.url}\n`);
