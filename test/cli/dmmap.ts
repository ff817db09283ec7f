import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Program } from "../support/program.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { within } from "../support/until.js";

const script = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
const limitMillis = 30_000;

export interface Outcome {
  readonly code: number | null;
  readonly bytes: Buffer;
  readonly stdout: string;
  readonly stderr: string;
}

/** One command, run to its end, with no terminal. */
export async function dmmap(args: readonly string[], given: { input?: Buffer; cwd?: string } = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [script, ...args], { cwd: given.cwd });
  const output: Buffer[] = [];
  let stderr = "";
  child.stdout.on("data", (bytes: Buffer) => output.push(bytes));
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdin.end(given.input);
  try {
    const [code] = (await within(`dmmap ${args.join(" ")}`, once(child, "close"), limitMillis)) as [number | null];
    const bytes = Buffer.concat(output);
    return { code, bytes, stdout: bytes.toString("utf8"), stderr };
  } finally {
    child.kill("SIGKILL");
  }
}

/** The same, as JSON; fails unless the exit code is 0. */
export async function dmmapJson<Value>(args: readonly string[]): Promise<Value> {
  const { code, stdout, stderr } = await dmmap([...args, "--json"]);
  if (code !== 0) throw new Error(`dmmap ${args.join(" ")} --json: ${code}\n${stderr}`);
  return JSON.parse(stdout) as Value;
}

/** A home in a process of its own, over a folder that goes with it. */
export interface ServedFolder extends Disposable {
  readonly url: string;
  readonly port: number;
  readonly folder: TemporaryFolder;
  readonly program: Program;
}

export async function serveFolder(options: readonly string[] = []): Promise<ServedFolder> {
  const folder = temporaryFolder();
  const program = new Program(script, ["serve", folder.path, "--listen", "127.0.0.1:0", "--json", ...options]);
  try {
    const [line] = await program.line(/^\{.*\}$/);
    const { url } = JSON.parse(line) as { url: string };
    return {
      url,
      port: Number(new URL(url).port),
      folder,
      program,
      [Symbol.dispose]: () => {
        program.kill();
        folder[Symbol.dispose]();
      },
    };
  } catch (error) {
    program.kill();
    folder[Symbol.dispose]();
    throw error;
  }
}

export { script as dmmapScript };
