import { DmmapError } from "../../core/error.js";
import { parseByteSize } from "../byte-size.js";
import { defineCommand, UsageError } from "../command.js";
import { parseFile } from "../location.js";
import { parsePolicy, policyOption } from "../policy.js";
import { withVolume } from "../volume.js";

export const truncate = defineCommand({
  summary: "cut a file to a size, or extend it with a hole",
  arguments: [
    { name: "URL", description: "dmmap://HOST:PORT/path/file" },
    { name: "SIZE", description: "bytes, or with K, M, G or T: 64M" },
  ],
  options: {
    create: { type: "boolean", short: "c", description: "make the file if it is not there" },
    policy: { ...policyOption, description: "with --create: how nodes share the new file (default optimal)" },
  },
  notes: ["Returns when every node that has the file open lives by the new size. Their maps stay valid."],
  examples: [
    "dmmap truncate dmmap://127.0.0.1:7400/ledger.bin 64M",
    "dmmap truncate --create dmmap://127.0.0.1:7400/new.bin 1G",
  ],
  async run([url, sizeText], options) {
    const { volume: volumeUrl, name } = parseFile(url);
    const size = parseByteSize(sizeText);
    const policy = parsePolicy(options.policy);
    if (policy !== undefined && !options.create)
      throw new UsageError("--policy is chosen at creation: it needs --create");
    await withVolume(volumeUrl, async (volume) => {
      const creation = { create: options.create, ...(policy === undefined ? {} : { policy }) };
      const file = await volume.open(name, creation).catch((error: unknown) => {
        throw withRemedy(error);
      });
      if (policy !== undefined && file.policy !== policy)
        throw new UsageError(`${name} is there with the policy ${file.policy}`);
      await file.truncate(size);
      await file.sync();
    });
  },
});

function withRemedy(error: unknown): unknown {
  if (!(error instanceof DmmapError) || error.code !== "DMMAP_NOT_FOUND") return error;
  const remedy = "--create makes it; dmmap ls URL lists what is there";
  return new DmmapError(error.code, error.message, { errno: error.errno, remedy });
}
