import { DmmapError } from "../core/error.js";
import type { Dashboard } from "../dashboard/dashboard.js";
import type { Home } from "../home/index.js";
import { UsageError } from "./command.js";

const defaultPort = 7401;
const defaultPlace = `127.0.0.1:${defaultPort}`;

export const pageOptions = {
  http: {
    type: "string",
    value: "HOST:PORT",
    description: `where its page is; default ${defaultPlace}, if that is free; none: nowhere`,
  },
} as const;

/** A home's page, or why there is none. */
export type Page = Pick<Dashboard, "url"> | { readonly url: null; readonly why: string };

/** Where it was asked for, it has to be: otherwise a port that is in use, by another home perhaps, is no reason not to serve. */
export async function startPage(home: Home, place: string | undefined): Promise<Page> {
  if (place === "none") return { url: null, why: "" };
  const [{ Dashboard }, { resolveListenAddress }] = await Promise.all([
    import("../dashboard/dashboard.js"),
    import("../home/listen-address.js"),
  ]);
  try {
    const address = await resolveListenAddress(place ?? defaultPlace, "--http", defaultPort);
    return await Dashboard.start(home, { ...address, name: place?.replace(/(^|:)\d+$/, "") || undefined });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message, { cause: error });
    const isInUse = error instanceof DmmapError && error.code === "DMMAP_PORT_IN_USE";
    if (place !== undefined || !isInUse) throw error;
    return { url: null, why: `${defaultPlace} is in use; --http HOST:PORT puts it elsewhere` };
  }
}
