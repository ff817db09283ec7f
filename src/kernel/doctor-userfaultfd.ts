import { constants } from "node:os";
import type { Check } from "./doctor.js";
import type { Access } from "./userfaultfd.js";

const { EPERM, ENOSYS, ENOENT } = constants.errno;
const names = new Map<number, string>(Object.entries(constants.errno).map(([name, number]) => [number, name]));

const fullServiceRemedy = [
  "any one of: sudo sysctl -w vm.unprivileged_userfaultfd=1 (to keep it: a line in /etc/sysctl.d/60-dmmap.conf)",
  "access to /dev/userfaultfd (Linux 6.1) for a group of yours: " +
    `echo 'KERNEL=="userfaultfd", GROUP="dmmap", MODE="0660"' | sudo tee /etc/udev/rules.d/60-dmmap.rules, ` +
    "then sudo udevadm control --reload and sudo udevadm trigger --name-match=userfaultfd",
  "CAP_SYS_PTRACE: AmbientCapabilities=CAP_SYS_PTRACE in the systemd unit, --cap-add SYS_PTRACE for a container",
].join("; or ");

/** The ways to open a userfaultfd, by what they gave: 0, or an errno. */
export function checkUserfaultfd(access: Record<Access, number>, unprivilegedSysctl: string | undefined): Check {
  const name = "userfaultfd";
  const found =
    `system call ${inWords(access.systemCall)}, /dev/userfaultfd ${inWords(access.device)}, ` +
    `user-mode-only ${inWords(access.userModeOnly)}, ` +
    `vm.unprivileged_userfaultfd = ${unprivilegedSysctl ?? "not in this kernel"}`;
  if (access.systemCall === 0 || access.device === 0) return { name, state: "ok", found };
  if (access.userModeOnly === 0) {
    return {
      name,
      state: "limited",
      found,
      cost:
        "user-mode-only: a system call on a page of a map that is not mapped yet fails with EFAULT " +
        "(fs.writeSync(fd, view), a socket write from a view); touch the pages first, or copy them",
      remedy: fullServiceRemedy,
    };
  }
  const cost = "programs that use the library cannot map files; mounts, homes and commands need no userfaultfd";
  return { name, state: "missing", found, cost, remedy: remedyForNone(access) };
}

function remedyForNone({ systemCall, device, userModeOnly }: Record<Access, number>): string {
  if (systemCall === ENOSYS && device === ENOENT) return "boot a kernel built with CONFIG_USERFAULTFD";
  if (userModeOnly === EPERM) {
    // The kernel lets anybody have a user-mode-only one: a filter stands before it.
    return (
      "a seccomp profile forbids the call, as container engines' default profiles do. Either pass the device in: " +
      "--device /dev/userfaultfd (and its permissions for the container's user), or allow userfaultfd in the profile: " +
      "--security-opt seccomp=PROFILE.json"
    );
  }
  return fullServiceRemedy;
}

const needed = [
  [1 << 0, "write-protect faults"],
  [1 << 5, "missing faults on shared memory"],
  [1 << 8, "thread ids"],
  [1 << 10, "minor faults on shared memory"],
  [1 << 12, "write-protection of shared memory"],
  // UFFDIO_CONTINUE_MODE_WP has no bit; WP_UNPOPULATED came with it.
  [1 << 13, "protected continue"],
] as const;
const poison = 1 << 14;

/** Feature bits as in include/uapi/linux/userfaultfd.h, UFFD_FEATURE_*. */
export function checkUserfaultfdFeatures(features: number): Check {
  const name = "fault features";
  const lacking = needed.filter(([bit]) => (features & bit) === 0).map(([, words]) => words);
  if (lacking.length > 0) {
    const remedy = "boot Linux 6.4 or newer (on arm64: 6.10), built with CONFIG_PTE_MARKER_UFFD_WP";
    return { name, state: "missing", found: `no ${lacking.join(", no ")}`, remedy };
  }
  const found = needed.map(([, words]) => words).join(", ");
  if ((features & poison) !== 0) return { name, state: "ok", found: `${found}, poison` };
  return {
    name,
    state: "limited",
    found: `${found}, no poison`,
    cost: 'no SIGBUS for a page that cannot be given: onBeyondEnd: "sigbus" and faultDeadline are refused',
    remedy: "boot Linux 6.6 or newer",
  };
}

function inWords(errno: number): string {
  return errno === 0 ? "works" : (names.get(errno) ?? `errno ${errno}`);
}
