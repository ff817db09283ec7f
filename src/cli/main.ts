#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { type Command, parseCommand, UsageError } from "./command.js";
import { describeFailure } from "./failure.js";
import { renderHelp, renderOverview } from "./help.js";
import { watchOutput } from "./print.js";
import { bench } from "./verbs/bench.js";
import { doctor } from "./verbs/doctor.js";
import { get } from "./verbs/get.js";
import { ls } from "./verbs/ls.js";
import { mount } from "./verbs/mount.js";
import { mv } from "./verbs/mv.js";
import { put } from "./verbs/put.js";
import { rm } from "./verbs/rm.js";
import { serve } from "./verbs/serve.js";
import { stat } from "./verbs/stat.js";
import { status } from "./verbs/status.js";
import { tokens } from "./verbs/tokens.js";
import { top } from "./verbs/top.js";
import { truncate } from "./verbs/truncate.js";
import { umount } from "./verbs/umount.js";

const commands: Readonly<Record<string, Command>> = {
  serve,
  ls,
  stat,
  put,
  get,
  rm,
  mv,
  truncate,
  status,
  top,
  tokens,
  mount,
  umount,
  doctor,
  bench,
};

async function main(args: readonly string[]): Promise<number> {
  const [first, ...rest] = args;
  if (first === "--version") return say(versionOfPackage());
  if (first === "--help" || first === "-h" || (first === "help" && rest.length === 0)) {
    return say(renderOverview(commands));
  }
  if (first === "help") return await runVerb(rest[0], ["--help"]);
  return await runVerb(first, rest);
}

async function runVerb(verb: string | undefined, args: readonly string[]): Promise<number> {
  if (verb === undefined) throw new UsageError("a verb is missing");
  if (!Object.hasOwn(commands, verb)) {
    throw new UsageError(`there is no verb ${JSON.stringify(verb)}; there are ${Object.keys(commands).join(", ")}`);
  }
  const command = commands[verb];
  const { given, options, wantsHelp } = parseCommand(command, args);
  if (wantsHelp) return say(renderHelp(verb, command));
  return (await command.run(given, options)) ?? 0;
}

function say(text: string): number {
  console.log(text);
  return 0;
}

/** The place of package.json as seen from the built file. */
const packagePath = "../../../package.json";

function versionOfPackage(): string {
  const text = readFileSync(new URL(packagePath, import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

watchOutput();
const args = process.argv.slice(2);
try {
  process.exitCode = await main(args);
} catch (error) {
  const { lines, exitCode } = describeFailure(Object.hasOwn(commands, args[0] ?? "") ? args[0] : "", error);
  for (const line of lines) console.error(line);
  process.exit(exitCode); // What the failure left open may wait for a home that never answers.
}
