const setUserId = 0o4000;
const setGroupId = 0o2000;
const groupExecute = 0o010;

/**
 * A file's mode without what has it run as its owner or group. As notify_change in Linux has it: set-group-id without execution
 * by the group is a mark of something else.
 */
export function withoutSetId(mode: number): number {
  const group = (mode & groupExecute) === 0 ? 0 : setGroupId;
  return mode & ~(setUserId | group);
}
