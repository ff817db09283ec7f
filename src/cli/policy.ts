import type { Policy } from "../core/units.js";
import { UsageError } from "./command.js";

export const policyOption = {
  type: "string",
  value: "simple|optimal",
  description: "how nodes share the file, fixed when it is created (default optimal)",
} as const;

export function parsePolicy(text: string | undefined): Policy | undefined {
  if (text === undefined || text === "simple" || text === "optimal") return text;
  throw new UsageError(`--policy is simple or optimal, not ${JSON.stringify(text)}`);
}
