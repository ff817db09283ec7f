import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const sources = fileURLToPath(new URL("../../bench/reference/", import.meta.url));
const runMillisMax = 120_000;

const compiled = new Map<string, Promise<string>>();
let folder: string | undefined;

/** Compiles a program of bench/reference, once, for this process: an installed package is nobody's to write. @returns its path. */
export async function compile(name: string): Promise<string> {
  const program = compiled.get(name) ?? compileAnew(name);
  compiled.set(name, program);
  return await program;
}

async function compileAnew(name: string): Promise<string> {
  const program = join(programsFolder(), name);
  const args = ["-O2", "-Wall", "-Wextra", "-pthread", "-o", program, join(sources, `${name}.c`)];
  await run("gcc", args).catch((cause: unknown) => {
    const message = "the references need gcc and the kernel's headers (Debian: apt-get install gcc libc6-dev)";
    throw new Error(message, { cause });
  });
  return program;
}

function programsFolder(): string {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), "dmmap-bench-reference-"));
    process.on("exit", () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  return folder;
}

/** Runs such a program. @returns the figure that it prints. */
export async function figureOf(program: string, args: readonly (string | number)[]): Promise<number> {
  const { stdout } = await run(program, args.map(String), { timeout: runMillisMax });
  const figure = Number(stdout.trim());
  if (stdout.trim() === "" || !Number.isFinite(figure)) throw new Error(`${program} printed no figure: ${stdout}`);
  return figure;
}

/** A program of bench/reference as a sampler: each call runs it once and gives the figure that it prints. */
export async function cReference(name: string, args: readonly (string | number)[]): Promise<() => Promise<number>> {
  const program = await compile(name);
  return () => figureOf(program, args);
}
