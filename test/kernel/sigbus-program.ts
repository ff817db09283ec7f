import { ftruncate, memoryView, write } from "../../src/kernel/libc.js";
import { MemoryFile } from "../../src/kernel/memory-file.js";
import { pageBytes } from "../../src/kernel/page-size.js";
import { Region } from "../../src/kernel/region.js";
import { Userfaultfd } from "../../src/kernel/userfaultfd.js";

/**
 * A process that a touch is to kill: `sigbus-program.js HOW SHARING`. It prints "about to touch", touches page 4, and
 * prints "alive" when it lives on.
 */
const [how, sharing] = process.argv.slice(2);
const file = new MemoryFile("dmmap-test", 16);
const view = new Region(file, 0, 16, sharing === "private" ? "private" : "shared");
const uffd = new Userfaultfd();
uffd.register(view);

const preparations: Record<string, () => unknown> = {
  beyondEnd: () => ftruncate(file.fd, 4 * pageBytes),
  poison: () => uffd.poison(view, 4, 5),
  poisonThenPunch: () => {
    uffd.poison(view, 4, 5);
    file.punch(0, 16);
  },
  poisonThenFill: () => {
    uffd.poison(view, 4, 5);
    file.write(4, file.aliasAddress(0), pageBytes);
  },
};
preparations[how]();
print("about to touch");
new Uint8Array(memoryView(view.addressOf(4), 1))[0]++;
print("alive");

/** At once, whatever happens next: process.stdout may buffer. */
function print(line: string): void {
  const bytes = new TextEncoder().encode(`${line}\n`);
  new Uint8Array(memoryView(file.aliasAddress(0), bytes.length)).set(bytes);
  write(1, file.aliasAddress(0), bytes.length);
}
