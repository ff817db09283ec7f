import type { Check, Report } from "../../kernel/doctor.js";
import type { Access } from "../../kernel/userfaultfd.js";
import { defineCommand } from "../command.js";
import { exitFailed } from "../failure.js";
import { printJson, printLines } from "../print.js";

const signs = { ok: "✔", limited: "!", missing: "✘" } as const;

const verdicts: Readonly<Record<Access, string>> = {
  systemCall: "This machine can map files, with full service (userfaultfd by the system call).",
  device: "This machine can map files, with full service (userfaultfd by /dev/userfaultfd).",
  userModeOnly:
    "This machine can map files, for touches by programs only: a system call on a page that is not here yet gives EFAULT.",
};

export const doctor = defineCommand({
  summary: "what this machine can do, what is missing, and how to get it",
  arguments: [],
  options: {
    json: { type: "boolean", description: "one object {ready, access, checks}" },
  },
  notes: [
    "Looks and changes nothing. `!` works at the cost that is told; `✘` has to be mended first.",
    "The exit code is 1 when this machine cannot map files at all.",
  ],
  examples: ["dmmap doctor", "dmmap doctor --json"],
  async run(_, options) {
    const { examine } = await import("../../kernel/doctor.js");
    const report = await examine();
    if (options.json) printJson(report);
    else printLines([...report.checks.flatMap(linesOf), "", verdictOf(report)]);
    return report.ready ? 0 : exitFailed;
  },
});

function linesOf({ name, state, found, cost, remedy }: Check): string[] {
  return [
    `${signs[state]} ${name}: ${found}`,
    ...(cost === undefined ? [] : [`    costs: ${cost}`]),
    ...(remedy === undefined ? [] : [`    try: ${remedy}`]),
  ];
}

function verdictOf({ ready, access }: Report): string {
  if (!ready || access === undefined) return "This machine cannot map files yet: mend what is marked ✘.";
  return verdicts[access];
}
