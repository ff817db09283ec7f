import { writeSync } from "node:fs";
import { inspect } from "node:util";

/**
 * Ends the whole process from any of its threads: `process.exit` in a worker thread ends only the worker, and a program
 * must never run on with maps that nobody keeps coherent. The message goes straight to fd 2, since a stream would need
 * the main thread, which may be waiting in a fault.
 */
export function stopProcess(error: unknown): never {
  const detail = inspect(error);
  try {
    writeSync(2, `dmmap: the pager failed; its process stops, since its maps would be wrong from now on.\n${detail}\n`);
  } catch {
    // Standard error is closed: nobody can be told.
  }
  process.kill(process.pid, "SIGABRT");
  // A program may have a listener for SIGABRT, which would keep the process alive.
  const never = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(never, 0, 0, 1000);
  process.kill(process.pid, "SIGKILL");
  for (;;) Atomics.wait(never, 0, 0);
}
