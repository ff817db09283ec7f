#!/usr/bin/env node
import { parseCommand } from "./command.js";
import { describeFailure, exitUsage } from "./failure.js";
import { parseMount8 } from "./mount8.js";
import { mount } from "./verbs/mount.js";

/** mount(8)'s exit codes: wrong usage, and a mount that failed. */
const exitWrongUsage = 1;
const exitMountFailed = 32;

/** What `mount -t dmmap`, fstab and systemd call, as /sbin/mount.dmmap. */
try {
  const { url, mountPoint, options, isFake } = parseMount8(process.argv.slice(2));
  const parsed = parseCommand(mount, [...options, "--", url, mountPoint]);
  const code = isFake ? 0 : await mount.run(parsed.given, parsed.options);
  if (code) process.exitCode = code === exitUsage ? exitWrongUsage : exitMountFailed;
} catch (error) {
  const { lines, exitCode } = describeFailure("mount", error);
  for (const line of lines) console.error(line);
  process.exit(exitCode === exitUsage ? exitWrongUsage : exitMountFailed);
}
