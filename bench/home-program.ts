import { compileEarly } from "../src/cli/compile-early.js";
import { startHome } from "../src/home/index.js";

/** Serves a folder until told to stop, or until the benchmark is gone. */
compileEarly(); // As `dmmap serve` does.
const home = await startHome({ folder: process.argv[2], listen: "127.0.0.1:0" });
process.send?.(home.url);

let closing: Promise<void> | undefined;
function stop(): void {
  closing ??= home.close().then(() => {
    if (process.connected) process.disconnect();
  });
  closing.catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
process.once("SIGTERM", stop);
process.once("disconnect", stop);
