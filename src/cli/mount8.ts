import { UsageError } from "./command.js";

/** What mount(8) asked for, as `dmmap mount` takes it. */
export interface Mount8Call {
  readonly url: string;
  readonly mountPoint: string;
  /** Of `dmmap mount`, in front of its arguments. */
  readonly options: readonly string[];
  /** Only to see whether it could be done: `mount -f`. */
  readonly isFake: boolean;
}

/** Options of mount(8) that are so anyway, that are for mount(8) itself, or that say nothing about a volume. */
const ignored = new Set([
  ...["defaults", "rw", "auto", "noauto", "nofail", "_netdev", "user", "users", "nouser", "owner", "group"],
  ...["nosuid", "nodev", "exec", "async", "relatime", "noatime", "nodiratime", "silent", "loud"],
]);
/** With a value, of `dmmap mount` as well. */
const passedOn = new Set(["timeout", "cache", "name", "spin", "cpu-latency", "direct-io", "log"]);

/**
 * The command line of a helper of mount(8): `mount.dmmap URL FOLDER [-sfnv] [-o OPTIONS] [-t TYPE]`.
 *
 * @throws UsageError
 */
export function parseMount8(args: readonly string[]): Mount8Call {
  const places: string[] = [];
  const given: string[] = [];
  const flags = new Set<string>();
  for (let index = 0; index < args.length; index++) {
    const arg = args[index];
    if (arg === "-o") given.push(...(args[++index] ?? "").split(","));
    else if (arg === "-t" || arg === "-N") index++;
    else if (/^-[sfnvrw]+$/.test(arg)) for (const flag of arg.slice(1)) flags.add(flag);
    else if (arg.startsWith("-")) throw new UsageError(`unknown option ${arg}`);
    else places.push(arg);
  }
  const [url, mountPoint, ...more] = places;
  if (mountPoint === undefined || more.length > 0) throw new UsageError("expected dmmap://HOST:PORT and a folder");
  if (flags.has("r")) given.push("ro");
  const options = given.filter((option) => option !== "").flatMap((option) => translate(option, flags.has("s")));
  return { url, mountPoint, options, isFake: flags.has("f") };
}

function translate(option: string, isSloppy: boolean): string[] {
  const [name] = option.split("=", 1);
  const value = option.slice(name.length + 1);
  if (ignored.has(name) || name.startsWith("x-") || name === "comment") return [];
  if (name === "ro") return ["--read-only"];
  if (name === "allow_other") return ["--allow-other"];
  if (passedOn.has(name) && value !== "") return [`--${name}=${value}`];
  if (isSloppy) return [];
  throw new UsageError(`no mount of dmmap has the option "${option}"; there are ro, allow_other, ${list(passedOn)}`);
}

function list(names: Iterable<string>): string {
  return [...names].map((name) => `${name}=`).join(", ");
}
