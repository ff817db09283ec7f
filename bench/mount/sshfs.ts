import { execFile, spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import type { Volume } from "./volume.js";

const run = promisify(execFile);
const sftpServer = "/usr/lib/openssh/sftp-server";
const unmountTries = 20;

/** What it takes, as why it is left out; false when it is here. */
export async function lacksSshfs(): Promise<string | false> {
  try {
    await run("sshfs", ["--version"]);
    accessSync(sftpServer, constants.X_OK);
    return false;
  } catch {
    return "sshfs is left out: install the packages sshfs and openssh-sftp-server";
  }
}

/**
 * Two mounts by sshfs over loopback TCP, as dmmap's are. Its packets go straight to OpenSSH's sftp-server: without ssh
 * between, and so without encryption, which dmmap has none of either.
 */
export async function openSshfs(): Promise<Volume> {
  const root = mkdtempSync(join(tmpdir(), "dmmap-bench-sshfs-"));
  const [folder, ...mounts] = ["files", "1", "2"].map((name) => join(root, name)) as [string, string, string];
  const server = await startServer();
  const { port } = server.address() as AddressInfo;
  await mkdir(folder);
  for (const mount of mounts) {
    await mkdir(mount);
    await run("sshfs", [`127.0.0.1:${folder}`, mount, "-o", `directport=${port}`]);
  }
  return {
    name: "sshfs",
    mounts,
    folder,
    isServed: true,
    sharesLocks: false, // Each host's kernel keeps its own.
    close: async () => {
      for (const mount of mounts) await unmount(mount);
      server.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Serves each connection by a process of its own, which ends with the connection. */
async function startServer(): Promise<Server> {
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
    spawn(sftpServer, ["-e"], { stdio: [socket, socket, "ignore"] });
    socket.destroy(); // The process has its own descriptor.
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return server;
}

/** What it still writes keeps it busy for a moment. */
async function unmount(mount: string): Promise<void> {
  for (let left = unmountTries; left > 0; left--) {
    try {
      await run("umount", [mount]);
      return;
    } catch {
      await setTimeout(100);
    }
  }
  await run("umount", ["--lazy", mount]);
}
