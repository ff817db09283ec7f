import { type HomeOptions, startHome } from "../../src/home/index.js";

/** A home as a process of its own, for tests in which it dies, is stopped, or runs out of something. */
const { store, ...options } = JSON.parse(process.argv[2]) as Omit<HomeOptions, "store"> & { store?: string };
const home = await startHome({ ...options, ...(store === undefined ? {} : { store: new URL(store) }) });
const say = (event: string, value: unknown) => process.stdout.write(`${JSON.stringify({ event, value })}\n`);
home.on("fenced", (value) => say("fenced", value));
home.on("warning", (value) => say("warning", value));
process.on("SIGTERM", () => void home.close());
say("serving", home.url);
