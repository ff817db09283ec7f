import { DmmapError } from "../core/error.js";
import { fileBytesMax } from "../core/units.js";
import type { Failure, Opened, Welcome } from "../core/wire/control.js";
import { protocolVersion } from "../core/wire/frame.js";
import type { Thing } from "../core/wire/tree-requests.js";
import { Errno } from "../kernel/errno.js";

/** A lease of a day; timers are made of it. */
const leaseMillisMax = 86_400_000;
/** Linux has no more. */
const errnoMax = 4095;
/** Many times that of anything that a home has to say. */
const depthMax = 32;
const states: ReadonlySet<unknown> = new Set(["new", "resumed", "recovering"]);
const policies: ReadonlySet<unknown> = new Set(["simple", "optimal"]);

/**
 * What a home says at the greeting, if that is what a home says: the node lives by it.
 *
 * @throws DMMAP_VERSION, DMMAP_PROTOCOL
 */
export function checkWelcome(said: Partial<Welcome>): Welcome {
  if (said.version !== protocolVersion) {
    if (!isCount(said.version, fileBytesMax)) throw new DmmapError("DMMAP_PROTOCOL", "the home says no version");
    const message = `the home speaks version ${said.version}, this node ${protocolVersion}: update the older`;
    throw new DmmapError("DMMAP_VERSION", message);
  }
  const { version, node, session, boot, leaseMillis, state } = said as Welcome;
  const isSound = typeof session === "string" && typeof boot === "string" && states.has(state);
  const isNumbered = isCount(node, 0xffff_ffff) && isCount(leaseMillis, leaseMillisMax) && leaseMillis > 0;
  if (isSound && isNumbered) return { version, node, session, boot, leaseMillis, state };
  throw new DmmapError("DMMAP_PROTOCOL", "the home's welcome makes no sense");
}

/** The answer to `open`, if it is one. */
export function soundOpened(said: Partial<Opened>): Opened | undefined {
  const { file, size, policy, name = "", thing } = said;
  const isNamed = typeof name === "string" && (thing === undefined || isThing(thing));
  const isSound = isCount(file, 0xffff_ffff) && isCount(size, fileBytesMax) && policies.has(policy) && isNamed;
  return isSound ? (said as Opened) : undefined;
}

function isThing({ inode, born }: Partial<Thing>): boolean {
  const isBorn = born === undefined || (Array.isArray(born) && born.length === 2 && born.every(Number.isSafeInteger));
  return isCount(inode, Number.MAX_SAFE_INTEGER) && isBorn;
}

/**
 * Why a request failed, or the connection ends, if that is a reason: an error's message must be a text by then, since who makes
 * one of anything nested goes as deep as the home likes.
 *
 * @throws DMMAP_PROTOCOL
 */
export function checkFailure({ code, message, errno }: Partial<Failure>): Failure {
  const isSound = typeof code === "string" && typeof message === "string";
  const isNumber = errno === undefined || (isCount(errno, errnoMax) && errno > 0);
  if (isSound && isNumber) return { code, message, errno };
  throw new DmmapError("DMMAP_PROTOCOL", "the home gives no reason for a failure");
}

/** Whether an answer can be handed to another thread as it is: copying it goes as deep as it is nested. */
export function isShallow(said: unknown, depth = depthMax): boolean {
  if (typeof said !== "object" || said === null) return true;
  return depth > 0 && Object.values(said).every((value) => isShallow(value, depth - 1));
}

/** Why the home could not read pages, or has no room in its line, whatever it says. */
export function soundFailure(payload: Uint8Array): DmmapError {
  try {
    const { code, message } = JSON.parse(new TextDecoder().decode(payload)) as { code?: unknown; message?: unknown };
    if (typeof message === "string") return code === "DMMAP_BUSY" ? new DmmapError(code, message) : unreadable(message);
  } catch {
    // It gives no reason.
  }
  return unreadable("it does not say why");
}

export function unreadable(reason: string): DmmapError {
  return new DmmapError("DMMAP_IO", `the home cannot read that: ${reason}`);
}

/** Why a request is not sent: nothing else in one has no bound. */
export function tooLong(): DmmapError {
  const message = "a name, or a path, that is longer than any that a home can have";
  return new DmmapError("DMMAP_BAD_NAME", message, { errno: Errno.ENAMETOOLONG });
}

function isCount(value: unknown, max: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max;
}
