import type { Argument, Command, Options } from "./command.js";
import { columns } from "./table.js";

export const exitCodes = "Exit codes: 0 done, 1 failed, 2 wrong usage.";

export function renderHelp(name: string, command: Command): string {
  const options: Options = {
    ...command.options,
    help: { type: "boolean", short: "h", description: "this page" },
  };
  const parts = [
    `dmmap ${name}: ${command.summary}`,
    section(`Usage:`, [usageOf(name, command)]),
    command.arguments.length > 0 ? section("Arguments:", columns(command.arguments.map(rowOfArgument))) : undefined,
    section(
      "Options:",
      columns(
        Object.entries(options).map(([option, { short, value, description }]) => [
          `${short === undefined ? "   " : `-${short},`} --${option}${value === undefined ? "" : ` ${value}`}`,
          description,
        ]),
      ),
    ),
    command.notes === undefined ? undefined : section("Notes:", command.notes),
    section("Examples:", command.examples),
    exitCodes,
  ];
  return parts.filter((part) => part !== undefined).join("\n\n");
}

export function renderOverview(commands: Readonly<Record<string, Command>>): string {
  return [
    "dmmap: one file, mapped into memory by many machines as if by one.",
    section("Usage:", ["dmmap VERB ...", "dmmap VERB --help", "dmmap --version"]),
    section("Verbs:", columns(Object.entries(commands).map(([name, { summary }]) => [name, summary]))),
    section("URLs:", [
      "dmmap://HOST:PORT            a volume: what one home serves (no port means 7400)",
      "dmmap://HOST:PORT/path/file  a file in it; the name as it is, nothing is percent-decoded",
    ]),
    exitCodes,
  ].join("\n\n");
}

function usageOf(name: string, command: Command): string {
  const words = command.arguments.map(({ name: argument, optional, repeats }) => {
    const word = repeats ? `${argument}...` : argument;
    return optional ? `[${word}]` : word;
  });
  return ["dmmap", name, "[OPTIONS]", ...words].join(" ");
}

function rowOfArgument({ name, description }: Argument): string[] {
  return [name, description];
}

function section(title: string, lines: readonly string[]): string {
  return [title, ...lines.map((line) => `  ${line}`)].join("\n");
}
