import { execFile } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const sources = fileURLToPath(new URL("../../bench/reference/", import.meta.url));
const programs = fileURLToPath(new URL("./reference/", import.meta.url));
const runMillisMax = 120_000;

/** Compiles a program of bench/reference when its source is newer. @returns its path. */
export async function compile(name: string): Promise<string> {
  const program = join(programs, name);
  const inputs = [join(sources, `${name}.c`), join(sources, "reference.h")];
  const builtMillis = existsSync(program) ? statSync(program).mtimeMs : 0;
  if (inputs.some((input) => statSync(input).mtimeMs > builtMillis)) {
    mkdirSync(dirname(program), { recursive: true });
    await run("gcc", ["-O2", "-Wall", "-Wextra", "-pthread", "-o", program, inputs[0]]).catch((cause: unknown) => {
      throw new Error("the references need gcc and the kernel's headers (Debian: apt-get install gcc libc6-dev)", {
        cause,
      });
    });
  }
  return program;
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
