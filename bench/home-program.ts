import { startHome } from "../src/home/index.js";

/** Serves a folder until told to stop. */
const home = await startHome({ folder: process.argv[2], listen: "127.0.0.1:0" });
process.send?.(home.url);
process.once("SIGTERM", () => void home.close().then(() => process.connected && process.disconnect()));
