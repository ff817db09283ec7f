import { parseArgs } from "node:util";

/** A mistake on the command line: nothing was touched, and the exit code is 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface Option {
  readonly type: "boolean" | "string";
  readonly short?: string;
  /** How the help calls a string's value, such as `HOST:PORT`. */
  readonly value?: string;
  readonly description: string;
}
export type Options = Readonly<Record<string, Option>>;

export interface Argument {
  readonly name: string;
  readonly description: string;
  readonly optional?: boolean;
  /** The last argument only: one or more of it. */
  readonly repeats?: boolean;
}

export type OptionValues<Given extends Options> = {
  readonly [Name in keyof Given]: Given[Name]["type"] extends "boolean" ? boolean : string | undefined;
};

/** One verb of `dmmap`. A file each in `verbs/`. */
export interface Command<Given extends Options = Options> {
  readonly summary: string;
  readonly arguments: readonly Argument[];
  readonly options: Given;
  /** What the help says below the options; lines as they are to appear. */
  readonly notes?: readonly string[];
  readonly examples: readonly string[];
  /** @returns the exit code, when it is not 0. Throws DmmapError (exit code 1) or UsageError (2). */
  run(given: string[], options: OptionValues<Given>): Promise<number | void>;
}

/** Gives a verb's options their types. */
export function defineCommand<const Given extends Options>(command: Command<Given>): Command {
  return command;
}

export interface ParsedCommand {
  readonly given: string[];
  readonly options: OptionValues<Options>;
  readonly wantsHelp: boolean;
}

/**
 * Node's own strict parser. A command line that removes files must not let `rm --froce` or one argument too many pass, as
 * citty (tried first) does: it drops both without a word.
 */
export function parseCommand(command: Command, args: readonly string[]): ParsedCommand {
  const { values, positionals } = parseStrictly(command.options, args);
  const wantsHelp = values.help === true;
  if (!wantsHelp) checkArguments(command.arguments, positionals);
  return { given: positionals, options: valuesOf(command.options, values), wantsHelp };
}

function parseStrictly(options: Options, args: readonly string[]) {
  const withHelp: Options = { ...options, help: { type: "boolean", short: "h", description: "" } };
  try {
    return parseArgs({ args: [...args], options: { ...withHelp }, allowPositionals: true, strict: true });
  } catch (error) {
    const sentence = error instanceof Error ? error.message.split(/\. |\n/)[0] : String(error);
    const there = isUnknownOption(error)
      ? `; there are ${Object.keys(withHelp)
          .map((name) => `--${name}`)
          .join(", ")}`
      : "";
    throw new UsageError(sentence.charAt(0).toLowerCase() + sentence.slice(1) + there, { cause: error });
  }
}

function isUnknownOption(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_PARSE_ARGS_UNKNOWN_OPTION";
}

/** An empty one is a variable of a shell that was not set; taken for a path it would be the working folder. */
function checkArguments(expected: readonly Argument[], positionals: readonly string[]): void {
  const empty = positionals.indexOf("");
  if (empty >= 0) throw new UsageError(`${(expected[empty] ?? expected.at(-1))?.name ?? "an argument"} is empty`);
  const missing = expected.find((argument, index) => !argument.optional && index >= positionals.length);
  if (missing !== undefined) throw new UsageError(`${missing.name} is missing`);
  if (expected.at(-1)?.repeats || positionals.length <= expected.length) return;
  throw new UsageError(`unexpected argument ${JSON.stringify(positionals[expected.length])}`);
}

function valuesOf(options: Options, values: Record<string, unknown>): OptionValues<Options> {
  const entries = Object.entries(options).map(([name, { type }]) => [
    name,
    type === "boolean" ? values[name] === true : values[name],
  ]);
  return Object.fromEntries(entries);
}

/** Options as they would be given: what `parseCommand` reads back as these values. */
export function encodeOptions(values: Readonly<Record<string, boolean | string | undefined>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    if (value === undefined || value === false) return [];
    return value === true ? [`--${name}`] : [`--${name}=${value}`];
  });
}
