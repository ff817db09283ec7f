import { parentPort, workerData } from "node:worker_threads";
import { errno, madvise, memfdCreate, memoryView, write } from "../../src/kernel/libc.js";
import { pageBytes } from "../../src/kernel/page-size.js";
import { Cell, Operation, operandAt } from "./toucher-cells.js";

/**
 * The thread that touches memory and sleeps in its faults, like a program's. Operations come and go through shared cells,
 * since nothing else of a thread that waits in a fault can be asked.
 */
const shared: SharedArrayBuffer = workerData;
const cells = new Int32Array(shared);
const operands = new Float64Array(shared, operandAt);
const sink = memfdCreate("sink", 1); // MFD_CLOEXEC; /dev/null would not look at the bytes

parentPort?.postMessage("ready");
for (let turn = 1; ; turn++) {
  Atomics.wait(cells, Cell.asked, turn - 1);
  cells[Cell.result] = run(cells[Cell.operation], operands[0], cells[Cell.value]);
  Atomics.store(cells, Cell.done, turn);
  Atomics.notify(cells, Cell.done);
}

function run(operation: number, address: number, value: number): number {
  if (operation === Operation.write) return write(sink, address, 1) === 1 ? 1 : -errno();
  if (operation === Operation.unmap) return madvise(address, pageBytes, 4) === 0 ? 0 : -errno();
  const memory = new Uint8Array(memoryView(address, 1));
  if (operation === Operation.store) memory[0] = value;
  return memory[0];
}
