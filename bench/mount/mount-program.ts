import { compileEarly } from "../../src/cli/compile-early.js";
import { asDirectIo } from "../../src/fuse/direct-io.js";
import { mount } from "../../src/fuse/mount.js";

/** Mounts a volume until told to stop, or until the benchmark is gone. */
compileEarly(); // As `dmmap mount` does.
const [url, mountPoint, directIo] = process.argv.slice(2);
const mounted = await mount(url, mountPoint, { directIo: asDirectIo(directIo) ?? "auto" });
process.send?.(mountPoint);

let closing: Promise<void> | undefined;
function stop(): void {
  closing ??= mounted.detach().then(() => {
    if (process.connected) process.disconnect();
  });
  closing.catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
}
process.once("SIGTERM", stop);
process.once("disconnect", stop);
