import * as v from "valibot";
import { DmmapError } from "../core/error.js";
import { thing, treeSchemas } from "./tree-schemas.js";

const name = v.string();
const bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const number = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const policy = v.picklist(["simple", "optimal"]);
const empty = {};

const schemas = {
  open: v.object({
    name,
    create: v.optional(v.boolean()),
    exclusive: v.optional(v.boolean()),
    size: v.optional(bytes),
    policy: v.optional(policy),
    thing: v.optional(thing),
  }),
  close: v.object({ file: number }),
  stat: v.object({ name }),
  list: v.object({
    after: v.optional(v.string()),
    limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
    prefix: v.optional(v.string()),
  }),
  rename: v.object({ from: name, to: name }),
  remove: v.object({ name }),
  truncate: v.object({ file: number, size: bytes }),
  cancelLock: v.object({ request: number }),
  claimed: v.object({ file: number, epoch: v.pipe(number, v.maxValue(2 ** 50)), duty: number }),
  recovered: v.object(empty),
  status: v.object(empty),
  tokens: v.object({ name }),
  ...treeSchemas,
};

type Schemas = typeof schemas;
export type ControlRequest = { [Op in keyof Schemas]: { op: Op } & v.InferOutput<Schemas[Op]> }[keyof Schemas];

const rangeFields = new Set<unknown>(["size", "start", "length"]);

/** Reads a control request. What is no JSON object at all is a protocol error; anything else is only this request's. */
export function parseControlRequest(text: string): ControlRequest {
  const body = parseJson(text, "a control request");
  const op = body.op as keyof Schemas;
  if (!Object.hasOwn(schemas, op)) {
    throw new DmmapError("DMMAP_UNSUPPORTED", `this home knows no request ${JSON.stringify(body.op)}`);
  }
  return { op, ...parseWith(schemas[op], body, `request ${op}`) } as ControlRequest;
}

export const helloSchema = v.object({
  protocol: v.string(),
  version: v.number(),
  name: v.pipe(v.string(), v.maxLength(1024)),
  session: v.optional(v.string()),
});

export function parseJson(text: string, what: string): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new DmmapError("DMMAP_PROTOCOL", `${what} that is no JSON object`);
}

/** Throws DMMAP_BAD_RANGE for a size or an offset that cannot be, DMMAP_UNSUPPORTED for any other misfit. */
export function parseWith<Schema extends v.GenericSchema>(
  schema: Schema,
  body: unknown,
  what: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, body);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const field = v.getDotPath(issue);
  const code = rangeFields.has(field) ? "DMMAP_BAD_RANGE" : "DMMAP_UNSUPPORTED";
  throw new DmmapError(code, `${what}: ${field ?? "it"}: ${issue.message}`);
}
