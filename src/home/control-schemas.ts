import * as v from "valibot";
import { DmmapError } from "../core/error.js";
import { protocolName, protocolVersion } from "../core/wire/frame.js";
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

const quotedMax = 100;
const rangeFields = new Set<unknown>(["size", "start", "length"]);

const helloSchema = v.object({
  protocol: v.string(),
  version: v.number(),
  name: v.pipe(v.string(), v.maxLength(1024)),
  session: v.optional(v.string()),
});

export type HelloBody = v.InferOutput<typeof helloSchema>;

/** Reads a control request. What is no JSON object at all is a protocol error; anything else is only this request's. */
export function parseControlRequest(text: string): ControlRequest {
  return parsed(text, readControlRequest);
}

/** @throws DMMAP_PROTOCOL, DMMAP_VERSION */
export function parseHello(text: string): HelloBody {
  return parsed(text, readHello);
}

/** What has no end to its depth, or whatever else the engine refuses to go through, is its sender's fault, and not the home's end. */
function parsed<Body>(text: string, read: (text: string) => Body): Body {
  try {
    return read(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new DmmapError("DMMAP_PROTOCOL", "a text beyond what can be read", { cause: error });
  }
}

function readControlRequest(text: string): ControlRequest {
  const body = parseJson(text, "a control request");
  const { op } = body;
  if (typeof op !== "string" || !Object.hasOwn(schemas, op)) {
    throw new DmmapError("DMMAP_UNSUPPORTED", `this home knows no request ${quoted(op)}`);
  }
  return { op, ...parseWith(schemas[op as keyof Schemas], body, `request ${op}`) } as ControlRequest;
}

function readHello(text: string): HelloBody {
  const body = parseJson(text, "a hello");
  if (body.protocol !== protocolName) {
    throw new DmmapError("DMMAP_PROTOCOL", `protocol ${quoted(body.protocol)} is not dmmap`);
  }
  if (body.version !== protocolVersion) {
    const message = `this home speaks version ${protocolVersion}, the node ${quoted(body.version)}: update the older`;
    throw new DmmapError("DMMAP_VERSION", message);
  }
  try {
    return parseWith(helloSchema, body, "a hello");
  } catch (error) {
    if (!(error instanceof DmmapError)) throw error;
    throw new DmmapError("DMMAP_PROTOCOL", error.message);
  }
}

/** For messages. What a peer has said may be nested deeper than JSON.stringify, or even String, can follow. */
function quoted(said: unknown): string {
  if (typeof said === "string") return JSON.stringify(said.slice(0, quotedMax));
  return typeof said === "number" ? String(said) : `of type ${typeof said}`;
}

function parseJson(text: string, what: string): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new DmmapError("DMMAP_PROTOCOL", `${what} that is no JSON object`);
}

/** Throws DMMAP_BAD_RANGE for a size or an offset that cannot be, DMMAP_UNSUPPORTED for any other misfit. */
function parseWith<Schema extends v.GenericSchema>(schema: Schema, body: unknown, what: string): v.InferOutput<Schema> {
  const result = v.safeParse(schema, body);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const field = v.getDotPath(issue);
  const code = rangeFields.has(field) ? "DMMAP_BAD_RANGE" : "DMMAP_UNSUPPORTED";
  throw new DmmapError(code, `${what}: ${field ?? "it"}: ${issue.message}`);
}
