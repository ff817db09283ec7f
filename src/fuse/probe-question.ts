/** What a prober has the kernel do: mostly it finds out which size it knows. */
export const ProbeQuestion = {
  /** What it knows already. */
  look: 0,
  /** The kernel asks for it first. */
  ask: 1,
  /** The same, under the lock that writes to the file take. */
  askLocked: 2,
  /** None: whether it could be asked. */
  try: 3,
  /** None: what stays open for the next one is to be closed. */
  letGo: 4,
  /** None: a name in this folder is to be looked up. */
  lookUp: 5,
} as const;
/** Added to one: the file may stay open for the next question, since programs keep the mount busy with it as well. */
export const keepsFile = 16;
export type ProbeQuestion = (typeof ProbeQuestion)[keyof typeof ProbeQuestion];
