import { existsSync } from "node:fs";
import { Handles } from "../../src/fuse/handles.js";

const add = Reflect.get<Handles, "add">(Handles.prototype, "add");

/** Loaded into a mount's process: has it find a bug of its own as soon as there is a file of this name. */
Handles.prototype.add = function (handle) {
  if (existsSync(process.env.DMMAP_TEST_BREAK ?? "")) throw new Error("a bug, for this test");
  return add.call(this, handle);
};
