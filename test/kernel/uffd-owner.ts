import { Userfaultfd } from "../../src/kernel/userfaultfd.js";

/** A process that owns a userfaultfd until it is killed: prints the descriptor's number and waits. */
const uffd = new Userfaultfd();
process.stdout.write(`descriptor ${uffd.fd}\n`);
process.stdin.resume();
